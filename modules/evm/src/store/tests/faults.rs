//! Crashes: a commit that does not happen, and a process that ends there.

use super::model::{Chain, tiny};
use crate::store::{
    Store, StoreError,
    kv::{Batch, Durability, FjallKv, FjallOptions, KeyValue, KvError, KvRead, MemoryKv},
};
use rollwright_core::Heads;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Refuses the commits from the n-th on, as a full disk does.
#[derive(Debug)]
struct Failing {
    inner: MemoryKv,
    left: AtomicUsize,
}

impl KeyValue for Failing {
    fn snapshot(&self) -> Arc<dyn KvRead> {
        self.inner.snapshot()
    }

    fn commit(&self, batch: &Batch) -> Result<(), KvError> {
        let more = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        match more {
            Ok(_) => self.inner.commit(batch),
            Err(_) => Err(KvError::backend("commit", "no space left on device")),
        }
    }
}

#[test]
fn a_commit_that_fails_changes_nothing_and_can_be_repeated() {
    // Format and genesis take two commits; then one per block.
    for survive in 0..8 {
        let data = MemoryKv::new();
        let failing = Arc::new(Failing {
            inner: data.clone(),
            left: AtomicUsize::new(2 + survive),
        });
        let mut chain = Chain::on(failing.clone(), tiny());
        let mut at = chain.genesis;
        let mut heads = chain.store.heads().unwrap();
        for seed in 0..10 {
            // Every third block replaces the one before it.
            let parent = if seed % 3 == 2 {
                chain
                    .store
                    .block(rollwright_core::BlockId::Hash(at.hash))
                    .unwrap()
                    .unwrap()
                    .record
                    .parent
            } else {
                at
            };
            let next = chain.execute(parent, seed);
            let wanted = Heads {
                latest: next,
                ..heads
            };
            if let Err(error) = chain.store.set_heads(&wanted, &[]) {
                assert!(matches!(error, StoreError::Kv(_)), "{error}");
                break;
            }
            at = next;
            heads = wanted;
        }
        // In the same process: as before the failure.
        assert_eq!(chain.store.heads().unwrap(), heads);
        chain.assert_state(at);
        // In the next one: the same, and it goes on.
        failing.left.store(usize::MAX, Ordering::SeqCst);
        chain.reopen();
        assert_eq!(chain.store.heads().unwrap(), heads);
        chain.store.check().unwrap();
        chain.assert_state(at);
        let next = chain.extend(at, 2, 99);
        chain.assert_state(next[1]);
        chain.store.check().unwrap();
    }
}

#[test]
fn the_embedded_database_keeps_what_was_committed() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        let options = FjallOptions {
            durability: Durability::Process,
            ..FjallOptions::default()
        };
        FjallKv::open(directory.path(), options).unwrap()
    };
    let kv = open();
    let mut chain = Chain::on(Arc::new(kv), tiny());
    let blocks = chain.extend(chain.genesis, 8, 1);
    chain.head(blocks[5]);
    let fork = chain.extend(blocks[5], 4, 2);
    for round in 0..2 {
        // Let go of the directory before it is opened again.
        chain.kv = Arc::new(MemoryKv::new());
        chain.store = Store::open(Arc::clone(&chain.kv), tiny()).unwrap();
        chain.kv = Arc::new(open());
        chain.reopen();
        assert_eq!(chain.store.heads().unwrap().latest, fork[3]);
        chain.store.check().unwrap();
        for block in blocks[..6].iter().chain(&fork) {
            chain.assert_state(*block);
        }
        if round == 0 {
            let next = chain.extend(fork[3], 1, 3);
            chain.head(fork[3]);
            assert_eq!(next.len(), 1);
        }
    }
}

#[test]
fn a_directory_serves_one_holder_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let first = FjallKv::open(directory.path(), FjallOptions::default()).unwrap();
    let error = FjallKv::open(directory.path(), FjallOptions::default()).unwrap_err();
    match &error {
        KvError::InUse { pid, .. } => assert_eq!(*pid, Some(std::process::id())),
        other => panic!("{other}"),
    }
    assert!(
        error.to_string().contains("in use by another process, pid"),
        "{error}"
    );
    drop(first);
    FjallKv::open(directory.path(), FjallOptions::default()).unwrap();
}
