use alloy_primitives::{B256, map::B256Map};
use parking_lot::Mutex;

/// Number of independently locked parts; a power of two.
const SHARDS: usize = 16;

/// A bounded map from hashes, shared between threads. Each shard keeps two
/// generations and drops the older one when the younger is full, so entries
/// in use survive, and nothing is ever searched for a victim.
#[derive(Debug)]
pub(super) struct Generations<V> {
    shards: [Mutex<Shard<V>>; SHARDS],
    /// Weight at which a young generation becomes the old one.
    generation: usize,
}

#[derive(Debug)]
struct Shard<V> {
    young: B256Map<(V, usize)>,
    weight: usize,
    old: B256Map<(V, usize)>,
}

impl<V: Clone> Generations<V> {
    /// Holds entries of at most `capacity` weight in all, give or take one
    /// entry for each shard.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            shards: core::array::from_fn(|_| {
                Mutex::new(Shard {
                    young: B256Map::default(),
                    weight: 0,
                    old: B256Map::default(),
                })
            }),
            generation: (capacity / (2 * SHARDS)).max(1),
        }
    }

    fn shard(&self, hash: &B256) -> &Mutex<Shard<V>> {
        &self.shards[usize::from(hash[0]) % SHARDS]
    }

    pub(super) fn get(&self, hash: &B256) -> Option<V> {
        let mut shard = self.shard(hash).lock();
        if let Some((value, _)) = shard.young.get(hash) {
            return Some(value.clone());
        }
        let (value, weight) = shard.old.remove(hash)?;
        shard.insert(*hash, value.clone(), weight, self.generation);
        Some(value)
    }

    pub(super) fn contains(&self, hash: &B256) -> bool {
        let shard = self.shard(hash).lock();
        shard.young.contains_key(hash) || shard.old.contains_key(hash)
    }

    pub(super) fn insert(&self, hash: B256, value: V, weight: usize) {
        let mut shard = self.shard(&hash).lock();
        shard.insert(hash, value, weight, self.generation);
    }

    pub(super) fn len(&self) -> usize {
        let lens = self.shards.iter().map(|shard| {
            let shard = shard.lock();
            shard.young.len() + shard.old.len()
        });
        lens.sum()
    }
}

impl<V> Shard<V> {
    fn insert(&mut self, hash: B256, value: V, weight: usize, capacity: usize) {
        if self.weight + weight > capacity {
            self.old = core::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight += weight;
        if let Some((_, replaced)) = self.young.insert(hash, (value, weight)) {
            self.weight -= replaced;
        }
    }
}
