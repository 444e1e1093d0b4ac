//! The trie against an independent implementation: alloy-trie's hash builder
//! over the sorted keys, and its proof verifier.

use super::{
    Child, Meter, NodeSource, NodeWrites, Pass, Sweep, TrieError, Update, encode_branch, node_key,
    prove, root_hash, stored_root, sweep, update,
};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, proof::verify_proof};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Stored branches and the flat state of one trie.
#[derive(Clone, Default)]
struct Stored {
    branches: BTreeMap<Vec<u8>, Vec<u8>>,
    flat: BTreeMap<B256, Vec<u8>>,
}

impl NodeSource for Stored {
    fn branch(&self, path: &Nibbles) -> Result<Option<Vec<u8>>, TrieError> {
        Ok(self.branches.get(&node_key(path)).cloned())
    }

    fn leaves(&self, path: &Nibbles, most: usize) -> Result<Vec<(B256, Vec<u8>)>, TrieError> {
        let mut start = B256::ZERO;
        let packed = path.pack();
        start[..packed.len()].copy_from_slice(&packed);
        let below = |key: &B256| Nibbles::unpack_array(&key.0).starts_with(path);
        let found = self.flat.range(start..).take_while(|(key, _)| below(key));
        Ok(found
            .take(most)
            .map(|(key, value)| (*key, value.clone()))
            .collect())
    }

    fn owner(&self) -> Option<B256> {
        None
    }
}

/// A trie that commits each batch, and drops what its budget says.
#[derive(Default)]
struct Model {
    stored: Stored,
    meter: Meter,
    root: Option<Child>,
    age: u64,
}

type Batch = BTreeMap<B256, Option<Vec<u8>>>;

impl Model {
    fn updates(&self, batch: &Batch) -> Vec<Update> {
        batch
            .iter()
            .map(|(key, value)| Update {
                key: *key,
                value: value.clone().map(Vec::into_boxed_slice),
                exists: self.stored.flat.contains_key(key),
            })
            .collect()
    }

    /// Root after `batch`, which is not kept.
    fn try_out(&self, batch: &Batch) -> (Option<Child>, NodeWrites) {
        let mut writes = NodeWrites::new();
        let pass = Pass {
            meter: &self.meter,
            stored: self.age,
            age: self.age + 1,
        };
        let root = self.root.clone();
        let root = update(&self.stored, &pass, root, &self.updates(batch), &mut writes).unwrap();
        (root, writes)
    }

    fn commit(&mut self, batch: &Batch) {
        let (root, writes) = self.try_out(batch);
        self.age += 1;
        self.root = root;
        for (path, branch) in writes {
            match branch {
                Some(branch) => {
                    let mut stored = Vec::new();
                    encode_branch(&branch, &mut stored);
                    self.stored.branches.insert(node_key(&path), stored)
                }
                None => self.stored.branches.remove(&node_key(&path)),
            };
        }
        for (key, value) in batch {
            match value {
                Some(value) => self.stored.flat.insert(*key, value.clone()),
                None => self.stored.flat.remove(key),
            };
        }
    }

    fn evict(&mut self, cold: u64) {
        let rule = Sweep {
            stored: self.age,
            cold,
        };
        self.root = self
            .root
            .take()
            .map(|root| sweep(&root, rule, None, &self.meter));
    }

    /// Starts again from what is stored.
    fn reopen(&mut self) {
        let hash = root_hash(self.root.as_ref());
        let stored = || stored_root(&self.stored, hash).unwrap();
        self.root = (hash != EMPTY_ROOT_HASH).then(stored);
    }

    fn expected_root(&self) -> B256 {
        let mut builder = HashBuilder::default();
        for (key, value) in &self.stored.flat {
            builder.add_leaf(Nibbles::unpack_array(&key.0), value);
        }
        builder.root()
    }

    /// The stored branches are exactly those of a trie made anew.
    fn assert_nothing_is_left_over(&self) {
        let mut fresh = Self::default();
        let all = self.stored.flat.iter();
        fresh.commit(&all.map(|(k, v)| (*k, Some(v.clone()))).collect());
        assert_eq!(self.stored.branches, fresh.stored.branches);
    }
}

/// Keys that share long prefixes, so that extensions are split and merged.
fn key() -> impl Strategy<Value = B256> {
    prop_oneof![
        any::<u8>().prop_map(keccak256_of),
        (any::<[u8; 2]>(), 0usize..31).prop_map(|(bytes, at)| {
            let mut key = B256::ZERO;
            key[at] = bytes[0] & 0x11;
            key[31] = bytes[1] & 0x33;
            key
        }),
    ]
}

fn keccak256_of(byte: u8) -> B256 {
    keccak256([byte])
}

fn value() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        2 => proptest::collection::vec(any::<u8>(), 1..60).prop_map(Some),
        1 => Just(None),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Batch),
    Discard(Batch),
    EvictAll,
    EvictOld,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let batch = || proptest::collection::btree_map(key(), value(), 0..40);
    prop_oneof![
        6 => batch().prop_map(Step::Commit),
        2 => batch().prop_map(Step::Discard),
        1 => Just(Step::EvictAll),
        1 => Just(Step::EvictOld),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn roots_are_those_of_the_hash_builder(steps in proptest::collection::vec(step(), 1..16)) {
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Commit(batch) => model.commit(&batch),
                Step::Discard(batch) => drop(model.try_out(&batch)),
                Step::EvictAll => model.evict(u64::MAX),
                Step::EvictOld => model.evict(model.age.saturating_sub(2)),
                Step::Reopen => model.reopen(),
            }
            prop_assert_eq!(root_hash(model.root.as_ref()), model.expected_root());
        }
        model.assert_nothing_is_left_over();
    }

    #[test]
    fn proofs_verify_for_what_is_there_and_what_is_not(
        batches in proptest::collection::vec(proptest::collection::btree_map(key(), value(), 1..40), 1..4),
        asked in proptest::collection::vec(key(), 1..8),
        evict in any::<bool>(),
    ) {
        let mut model = Model::default();
        for batch in &batches {
            model.commit(batch);
        }
        if evict {
            model.evict(u64::MAX);
        }
        let root = root_hash(model.root.as_ref());
        let known: Vec<B256> = model.stored.flat.keys().copied().collect();
        for key in asked.into_iter().chain(known) {
            let proof = prove(&model.stored, model.age, model.root.as_ref(), &key).unwrap();
            let proof: Vec<Bytes> = proof.into_iter().map(Bytes::from).collect();
            let value = model.stored.flat.get(&key).cloned();
            verify_proof(root, Nibbles::unpack_array(&key.0), value, &proof)
                .map_err(|error| TestCaseError::fail(format!("{key}: {error}")))?;
        }
    }
}

#[test]
fn a_large_batch_on_many_threads_gives_the_same_root() {
    let batch: Batch = (0u32..3_000)
        .map(|n| (keccak256(n.to_be_bytes()), Some(n.to_be_bytes().to_vec())))
        .collect();
    let mut model = Model::default();
    model.commit(&batch);
    assert_eq!(root_hash(model.root.as_ref()), model.expected_root());
    let deletions: Batch = batch.keys().step_by(2).map(|key| (*key, None)).collect();
    model.commit(&deletions);
    assert_eq!(root_hash(model.root.as_ref()), model.expected_root());
    model.assert_nothing_is_left_over();
}

#[test]
fn an_evicted_trie_takes_no_memory() {
    let batch: Batch = (0u32..500)
        .map(|n| (keccak256(n.to_be_bytes()), Some(n.to_be_bytes().to_vec())))
        .collect();
    let mut model = Model::default();
    model.commit(&batch);
    assert!(model.meter.bytes() > 50_000);
    model.evict(u64::MAX);
    assert_eq!(model.meter.bytes(), 0);
}

#[test]
fn a_damaged_branch_is_refused_not_used() {
    let batch: Batch = (0u32..100)
        .map(|n| (keccak256(n.to_be_bytes()), Some(vec![1; 40])))
        .collect();
    let mut model = Model::default();
    model.commit(&batch);
    model.reopen();
    let root = node_key(&Nibbles::new());
    let good = model.stored.branches[&root].clone();
    let key = keccak256(0u32.to_be_bytes());
    // All but the children's numbers of leaves is covered by the hash, and those
    // stand there twice.
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        model.stored.branches.insert(root.clone(), bad);
        let error = prove(&model.stored, model.age, model.root.as_ref(), &key).unwrap_err();
        assert!(
            matches!(error, TrieError::Damaged { .. }),
            "byte {at}: {error}"
        );
    }
    model.stored.branches.remove(&root);
    let error = prove(&model.stored, model.age, model.root.as_ref(), &key).unwrap_err();
    assert!(matches!(
        error,
        TrieError::Damaged { .. } | TrieError::Missing { .. }
    ));
}

#[test]
fn the_lowest_branches_are_not_stored() {
    let batch: Batch = (0u32..4_000)
        .map(|n| (keccak256(n.to_be_bytes()), Some(n.to_be_bytes().to_vec())))
        .collect();
    let mut model = Model::default();
    model.commit(&batch);
    // About one leaf in each place of the fourth level.
    let stored = model.stored.branches.len();
    assert!(stored < 400, "{stored} branches for 4,000 leaves");
    model.reopen();
    let one: Batch = [(keccak256(7u32.to_be_bytes()), Some(vec![7]))].into();
    let (_, writes) = model.try_out(&one);
    assert!(
        writes.len() <= 3,
        "a root and two branches below it at most"
    );
}

#[test]
fn a_twig_whose_leaves_were_damaged_is_refused_not_used() {
    let batch: Batch = (0u32..40)
        .map(|n| (keccak256(n.to_be_bytes()), Some(vec![1; 40])))
        .collect();
    let mut model = Model::default();
    model.commit(&batch);
    model.reopen();
    let (first, second) = {
        let mut keys = model.stored.flat.keys();
        (*keys.next().unwrap(), *keys.nth(7).unwrap())
    };
    for damage in 0..3 {
        let mut bad = model.stored.clone();
        match damage {
            0 => drop(bad.flat.remove(&first)),
            1 => drop(bad.flat.insert(first, vec![2; 40])),
            _ => drop(bad.flat.insert(keccak256([9]), vec![1; 40])),
        }
        let proofs = [first, second, keccak256([9])].map(|key| {
            prove(&bad, model.age, model.root.as_ref(), &key).map_err(|error| error.to_string())
        });
        assert!(
            proofs.iter().any(|proof| proof
                .as_ref()
                .is_err_and(|error| error.contains("the store is damaged"))),
            "damage {damage}: {proofs:?}"
        );
    }
}
