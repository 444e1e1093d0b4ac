//! What was read lately, in front of the database.

use alloy_primitives::{Address, B256, Bytes, U256};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, Hash},
    sync::atomic::{AtomicU64, Ordering},
};

use super::{StoreOptions, flat::FlatAccount};

const SHARDS: usize = 32;

/// A bounded map from keys to their values in the newest committed state.
///
/// Each entry knows the commit since which its value holds, so a reader of an
/// older state finds an entry only if nothing has changed since. What was not
/// used while as much again came in leaves.
pub(super) struct Cache<K, V> {
    shards: Vec<Mutex<Shard<K, V>>>,
    hasher: alloy_primitives::map::DefaultHashBuilder,
    newest: AtomicU64,
    per_shard: usize,
}

struct Shard<K, V> {
    young: HashMap<K, Entry<V>, alloy_primitives::map::DefaultHashBuilder>,
    old: HashMap<K, Entry<V>, alloy_primitives::map::DefaultHashBuilder>,
    young_weight: usize,
}

struct Entry<V> {
    since: u64,
    weight: usize,
    value: V,
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// At most about `capacity` in the unit of the weights that go in.
    pub(super) fn new(capacity: usize) -> Self {
        let shard = || Shard {
            young: HashMap::default(),
            old: HashMap::default(),
            young_weight: 0,
        };
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(),
            hasher: Default::default(),
            newest: AtomicU64::new(0),
            per_shard: capacity / SHARDS / 2,
        }
    }

    fn shard(&self, key: &K) -> &Mutex<Shard<K, V>> {
        let hash = self.hasher.hash_one(key);
        &self.shards[(hash >> 32) as usize % SHARDS]
    }

    /// The value of `key` in the state after commit `at`, if it is known.
    pub(super) fn get(&self, key: &K, at: u64) -> Option<V> {
        let mut shard = self.shard(key).lock();
        if let Some(entry) = shard.young.get(key) {
            return (entry.since <= at).then(|| entry.value.clone());
        }
        let entry = shard.old.remove(key)?;
        let value = (entry.since <= at).then(|| entry.value.clone());
        shard.insert(key.clone(), entry, self.per_shard);
        value
    }

    /// Keeps what was read from the state after commit `at`, unless a newer
    /// commit exists.
    pub(super) fn offer(&self, key: K, value: V, weight: usize, at: u64) {
        let mut shard = self.shard(&key).lock();
        if self.newest.load(Ordering::SeqCst) == at {
            let entry = Entry {
                since: at,
                weight,
                value,
            };
            shard.insert(key, entry, self.per_shard);
        }
    }

    /// Announces commit `at`. From now on nothing older is taken; then each
    /// changed key is [`set`](Self::set).
    pub(super) fn advance(&self, at: u64) {
        self.newest.store(at, Ordering::SeqCst);
    }

    /// The value that commit `at` gave to `key`.
    pub(super) fn set(&self, key: K, value: V, weight: usize, at: u64) {
        let mut shard = self.shard(&key).lock();
        shard.old.remove(&key);
        let entry = Entry {
            since: at,
            weight,
            value,
        };
        shard.insert(key, entry, self.per_shard);
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.young.clear();
            shard.old.clear();
            shard.young_weight = 0;
        }
    }
}

impl<K: Hash + Eq, V> Shard<K, V> {
    fn insert(&mut self, key: K, entry: Entry<V>, capacity: usize) {
        let weight = entry.weight;
        if self.young.insert(key, entry).is_none() {
            self.young_weight += weight;
        }
        if self.young_weight > capacity {
            self.old = std::mem::take(&mut self.young);
            self.young_weight = 0;
        }
    }
}

/// The caches of a store.
#[derive(Debug)]
pub(super) struct Caches {
    pub(super) accounts: Cache<Address, Option<FlatAccount>>,
    pub(super) slots: Cache<(Address, B256), U256>,
    pub(super) codes: Cache<B256, Bytes>,
}

/// Bytes of an account in the cache, with the map around it.
pub(super) const ACCOUNT_BYTES: usize = 256;
/// Bytes of a slot in the cache, with the map around it.
pub(super) const SLOT_BYTES: usize = 176;

impl Caches {
    pub(super) fn clear(&self) {
        self.accounts.clear();
        self.slots.clear();
        self.codes.clear();
    }

    pub(super) fn new(options: &StoreOptions) -> Self {
        Self {
            accounts: Cache::new(options.cache_bytes / 5 * 2),
            slots: Cache::new(options.cache_bytes / 5 * 2),
            codes: Cache::new(options.cache_bytes / 5),
        }
    }
}
