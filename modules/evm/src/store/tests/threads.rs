//! Readers while blocks are committed and rolled back.

use super::model::{Chain, tiny};
use crate::store::StoreOptions;
use std::sync::atomic::{AtomicBool, Ordering};

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
