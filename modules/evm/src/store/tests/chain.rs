//! Forks, rollbacks and restarts, with everything compared to the model.

use super::model::{Chain, tiny};
use crate::store::{History, StoreError, StoreOptions};
use proptest::prelude::*;
use rollwright_core::{BlockId, BlockRef, Heads, RecordChange};

#[derive(Clone, Debug)]
enum Step {
    /// Execute on one of the known blocks, counted from the newest.
    Execute(usize, u64),
    /// Make one of the known blocks the head.
    Head(usize),
    /// Finalize this many blocks above the finalized head.
    Finalize(u64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0usize..6, any::<u64>()).prop_map(|(at, seed)| Step::Execute(at, seed)),
        4 => (0usize..8).prop_map(Step::Head),
        1 => (0u64..3).prop_map(Step::Finalize),
        1 => Just(Step::Reopen),
    ]
}

/// Blocks from genesis to the head.
fn canonical(chain: &Chain) -> Vec<BlockRef> {
    let latest = chain.store.heads().unwrap().latest.number;
    (0..=latest)
        .map(|number| BlockRef {
            number,
            hash: chain.store.canonical_hash(number).unwrap().unwrap(),
        })
        .collect()
}

fn run(options: StoreOptions, steps: Vec<Step>) {
    let mut chain = Chain::new(options);
    let mut known = vec![chain.genesis];
    for step in steps {
        match step {
            Step::Execute(back, seed) => {
                let parent = known[known.len() - 1 - back.min(known.len() - 1)];
                if chain.store.state_at(&parent).is_ok() {
                    known.push(chain.execute(parent, seed));
                }
            }
            Step::Head(back) => {
                let block = known[known.len() - 1 - back.min(known.len() - 1)];
                let heads = chain.store.heads().unwrap();
                let safe = heads.finalized;
                let wanted = Heads {
                    latest: block,
                    safe,
                    ..heads
                };
                match chain.store.set_heads(&wanted, &[]) {
                    Ok(_) => assert_eq!(chain.store.heads().unwrap(), wanted),
                    Err(StoreError::UndoesFinal { .. } | StoreError::UnknownBlock { .. }) => {
                        assert_eq!(chain.store.heads().unwrap(), heads);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Finalize(count) => {
                let heads = chain.store.heads().unwrap();
                let number = (heads.finalized.number + count).min(heads.latest.number);
                let block = canonical(&chain)[number as usize];
                let wanted = Heads {
                    latest: heads.latest,
                    safe: block,
                    finalized: block,
                };
                chain.store.set_heads(&wanted, &[]).unwrap();
            }
            Step::Reopen => chain.reopen(),
        }
        chain.assert_state(chain.store.heads().unwrap().latest);
    }
    let root = chain.store.check().unwrap();
    let latest = chain.store.heads().unwrap().latest;
    assert_eq!(root.root, chain.states[&latest.hash].root());
    for block in canonical(&chain) {
        if block.number >= chain.store.oldest_state().unwrap() {
            chain.assert_state(block);
        }
    }
    for block in known {
        if chain.store.state_at(&block).is_ok() {
            chain.assert_state(block);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_course_of_forks_and_restarts_keeps_every_state(
        steps in proptest::collection::vec(step(), 1..40),
        roomy in any::<bool>(),
        keep in prop_oneof![Just(History::Archive), (0u64..4).prop_map(History::Last)],
    ) {
        let options = if roomy { StoreOptions::default() } else { tiny() };
        run(StoreOptions { history: keep, ..options }, steps);
    }
}

#[test]
fn rolling_back_to_each_unfinal_block_gives_its_state() {
    let mut chain = Chain::new(tiny());
    let blocks = chain.extend(chain.genesis, 12, 1);
    for target in blocks.iter().rev().skip(1) {
        let removed = chain.head(*target);
        assert_eq!(removed.len(), 1);
        chain.assert_state(*target);
        chain.store.check().unwrap();
    }
    // They are known again from memory, and can come back.
    let removed = chain.head(blocks[11]);
    assert!(removed.is_empty());
    chain.assert_state(blocks[11]);
    chain.store.check().unwrap();
}

#[test]
fn a_reorganisation_reports_what_left_newest_first_and_moves_the_indexes() {
    let mut chain = Chain::new(tiny());
    let old = chain.extend(chain.genesis, 5, 1);
    let mut at = old[1];
    for seed in 0..6 {
        at = chain.execute(at, 500 + seed);
    }
    let removed: Vec<BlockRef> = chain.head(at).iter().map(|b| b.record.block).collect();
    assert_eq!(removed, [old[4], old[3], old[2]]);
    assert_eq!(chain.store.canonical_hash(3).unwrap().unwrap(), {
        let block = chain.store.block(BlockId::Number(3)).unwrap().unwrap();
        block.record.block.hash
    });
    // Off the chain, known by hash until it is pruned, gone after a restart.
    let gone = BlockId::Hash(old[4].hash);
    assert!(chain.store.block(gone).unwrap().is_some());
    chain.reopen();
    assert!(chain.store.block(gone).unwrap().is_none());
    chain.assert_state(at);
}

#[test]
fn executing_and_discarding_leaves_no_trace() {
    let mut chain = Chain::new(StoreOptions::default());
    let blocks = chain.extend(chain.genesis, 3, 1);
    for seed in 0..20 {
        chain.execute(blocks[2], 100 + seed);
        chain.execute(blocks[0], 200 + seed);
    }
    let next = chain.extend(blocks[2], 2, 9);
    chain.assert_state(next[1]);
    chain.reopen();
    chain.store.check().unwrap();
    chain.assert_state(next[1]);
}

#[test]
fn a_long_line_beside_the_chain_becomes_canonical_in_one_step() {
    let mut chain = Chain::new(tiny());
    let mut at = chain.genesis;
    let mut line = Vec::new();
    for seed in 0..30 {
        at = chain.execute(at, seed);
        line.push(at);
    }
    chain.head(at);
    for block in line {
        chain.assert_state(block);
    }
    chain.reopen();
    chain.store.check().unwrap();
    chain.assert_state(at);
}

#[test]
fn records_commit_with_the_heads_and_alone() {
    let mut chain = Chain::new(tiny());
    let block = chain.execute(chain.genesis, 1);
    let heads = Heads {
        latest: block,
        ..chain.store.heads().unwrap()
    };
    let put = |key: &'static str, value: &'static str| RecordChange::put(key, value);
    chain
        .store
        .set_heads(&heads, &[put("a/1", "x"), put("a/2", "y"), put("b", "z")])
        .unwrap();
    chain
        .store
        .put_records(&[RecordChange::delete("a/1")])
        .unwrap();
    chain.reopen();
    assert_eq!(chain.store.record(b"a/1").unwrap(), None);
    assert_eq!(chain.store.record(b"b").unwrap().unwrap().as_ref(), b"z");
    chain.store.put_records(&[put("a/3", "w")]).unwrap();
    let page = chain.store.records(b"a/", b"a/2", 10).unwrap();
    assert_eq!(
        page,
        [("a/2".into(), "y".into()), ("a/3".into(), "w".into())]
    );
    assert_eq!(chain.store.records(b"a/", b"", 1).unwrap().len(), 1);
}

#[test]
fn a_view_is_unmoved_by_later_commits() {
    let mut chain = Chain::new(StoreOptions::default());
    let blocks = chain.extend(chain.genesis, 3, 1);
    let view = chain.store.state_at(&blocks[2]).unwrap();
    let before: Vec<_> = (0..super::model::ADDRESSES)
        .map(|n| view.account(super::model::address(n)).unwrap())
        .collect();
    chain.extend(blocks[1], 4, 77);
    let after: Vec<_> = (0..super::model::ADDRESSES)
        .map(|n| view.account(super::model::address(n)).unwrap())
        .collect();
    assert_eq!(before, after);
}
