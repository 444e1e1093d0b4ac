//! Readers, and the execution of the next block, while blocks are committed
//! and rolled back.

use super::model::{Chain, tiny};
use crate::store::{
    StoreOptions,
    kv::{Batch, KeyValue, KvError, KvRead, MemoryKv},
};
use parking_lot::Mutex;
use rollwright_core::Heads;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc::{Receiver, Sender, channel},
};

/// Tells of the next commit before it takes effect, and waits to be let on.
#[derive(Debug)]
struct Gate {
    inner: MemoryKv,
    next: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl KeyValue for Gate {
    fn snapshot(&self) -> Arc<dyn KvRead> {
        self.inner.snapshot()
    }

    fn commit(&self, batch: &Batch) -> Result<(), KvError> {
        if let Some((begun, go)) = self.next.lock().take() {
            begun.send(()).unwrap();
            // Also where the test has failed meanwhile.
            go.recv().ok();
        }
        self.inner.commit(batch)
    }
}

#[test]
fn a_block_is_executed_on_one_that_is_being_committed() {
    for options in [tiny(), StoreOptions::default()] {
        let gate = Arc::new(Gate {
            inner: MemoryKv::new(),
            next: Mutex::new(None),
        });
        let mut chain = Chain::on(gate.clone(), options);
        let mut at = chain.execute(chain.genesis, 50);
        for seed in 51..63 {
            let store = chain.store.clone();
            let before = store.heads().unwrap();
            let (begun, has_begun) = channel();
            let (go, may_go) = channel();
            *gate.next.lock() = Some((begun, may_go));
            at = std::thread::scope(|scope| {
                let go = go;
                let heads = Heads {
                    latest: at,
                    ..before
                };
                let commit = scope.spawn(move || store.set_heads(&heads, &[]));
                has_begun.recv().unwrap();
                // Its parent is not durable yet, and nobody was told that it is.
                assert_eq!(chain.store.heads().unwrap(), before);
                let next = chain.execute(at, seed);
                chain.assert_state(next);
                go.send(()).unwrap();
                commit.join().unwrap().unwrap();
                assert_eq!(chain.store.heads().unwrap(), heads);
                next
            });
            chain.store.check().unwrap();
        }
        chain.head(at);
        chain.assert_state(at);
        chain.store.check().unwrap();
    }
}

#[test]
fn readers_always_see_one_whole_state() {
    for options in [tiny(), StoreOptions::default()] {
        let mut known = Chain::new(options);
        let mut blocks = known.extend(known.genesis, 24, 2);
        let fork = known.extend(blocks[11], 16, 3);
        let mut chain = Chain::new(options);
        assert_eq!(chain.genesis, known.genesis);
        // The readers' own handle, with all states that they may meet.
        let mut reader = Chain::new(options);
        reader.states = known.states;
        reader.store = chain.store.clone();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut seen = 0;
                    while !done.load(Ordering::Relaxed) || seen == 0 {
                        let latest = reader.store.heads().unwrap().latest;
                        reader.assert_state(latest);
                        seen += 1;
                    }
                });
            }
            assert_eq!(chain.extend(chain.genesis, 24, 2), blocks);
            assert_eq!(chain.extend(blocks[11], 16, 3), fork);
            done.store(true, Ordering::Relaxed);
        });
        blocks.truncate(12);
        for block in blocks.iter().chain(&fork) {
            reader.assert_state(*block);
        }
    }
}
