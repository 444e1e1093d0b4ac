//! Death at every write, and what the process does that notices it.

use super::model::{Chain, tiny};
use crate::store::{
    History, StoreError, StoreOptions,
    kv::{Batch, KeyValue, KvError, KvRead, MemoryKv},
};
use rollwright_core::{Heads, LayerError};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Dies at the n-th commit: with nothing of it written, or with all of it
/// written and no answer. Nobody can tell which.
#[derive(Debug)]
pub(super) struct Mortal {
    pub(super) inner: MemoryKv,
    left: AtomicUsize,
    writes: AtomicBool,
}

impl Mortal {
    pub(super) fn new(left: usize, writes: bool) -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryKv::new(),
            left: AtomicUsize::new(left),
            writes: AtomicBool::new(writes),
        })
    }
}

impl KeyValue for Mortal {
    fn snapshot(&self) -> Arc<dyn KvRead> {
        self.inner.snapshot()
    }

    fn commit(&self, batch: &Batch) -> Result<(), KvError> {
        match self.left.load(Ordering::SeqCst) {
            0 => return self.inner.commit(batch),
            1 => {}
            left => {
                self.left.store(left - 1, Ordering::SeqCst);
                return self.inner.commit(batch);
            }
        }
        // From here on it works again: a store must not try.
        self.left.store(0, Ordering::SeqCst);
        if self.writes.load(Ordering::SeqCst) {
            self.inner.commit(batch)?;
        }
        Err(KvError::backend("commit", "input/output error"))
    }
}

/// Blocks, a fork, finality, and pruning; ends at the first failure.
fn work(chain: &mut Chain) -> Result<(), StoreError> {
    let mut at = chain.genesis;
    let mut heads = Heads::all(at);
    let mut line = vec![at];
    for seed in 0..14 {
        let parent = if seed % 4 == 3 {
            line[line.len() - 3]
        } else {
            at
        };
        at = chain.execute(parent, seed);
        line.truncate(1 + line.iter().position(|b| *b == parent).unwrap());
        line.push(at);
        heads.latest = at;
        heads.safe = line[line.len().saturating_sub(3)];
        if seed % 4 == 2 {
            heads.finalized = line[line.len().saturating_sub(4)];
        }
        chain.store.set_heads(&heads, &[])?;
    }
    Ok(())
}

#[test]
fn death_at_every_write_leaves_a_whole_state_and_an_earlier_failure_stops_all_writing() {
    let options = StoreOptions {
        history: History::Last(3),
        pruned_keys: 1,
        ..tiny()
    };
    for written in [false, true] {
        // Format and genesis are two commits.
        for death in 3..17 {
            let kv = Mortal::new(death, written);
            let mut chain = Chain::on(kv.clone(), options);
            let Err(error) = work(&mut chain) else {
                panic!("no write failed: {death}");
            };
            assert!(matches!(error, StoreError::Kv(_)), "{error}");
            // The disk works again, and still nothing is written.
            let head = chain.store.heads().unwrap();
            let record = rollwright_core::RecordChange::put("key", "value");
            let error = chain.store.put_records(&[record]).unwrap_err();
            assert!(matches!(error, StoreError::Halted { .. }), "{error}");
            assert_eq!(error.code(), "RW-STORE-118");
            assert!(error.to_string().contains("input/output error"), "{error}");
            assert_eq!(chain.store.heads().unwrap(), head);
            chain.assert_state(head.latest);
            // After a restart: all of it or nothing, and it goes on.
            chain.reopen();
            let after = chain.store.heads().unwrap();
            assert!(written || after == head);
            chain.store.check().unwrap();
            chain.assert_state(after.latest);
            chain.extend(after.latest, 3, 77);
            chain.store.check().unwrap();
        }
    }
}
