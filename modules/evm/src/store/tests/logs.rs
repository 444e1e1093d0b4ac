//! The log index against a scan of all blocks.

use super::model::{Chain, Dice, address, slot, tiny};
use crate::store::{LogHit, LogQuery};
use alloy_primitives::{B256, Bytes, Log, keccak256};
use proptest::prelude::*;
use rollwright_core::{BlockId, BlockRef};

pub(super) fn random_logs(dice: &mut Dice) -> Vec<Vec<Log>> {
    (0..dice.roll(4))
        .map(|_| {
            (0..dice.roll(4))
                .map(|_| {
                    let topics = (0..dice.roll(5)).map(|_| slot(dice.roll(5))).collect();
                    Log::new_unchecked(address(dice.roll(4)), topics, Bytes::new())
                })
                .collect()
        })
        .collect()
}

fn chain_with_logs(seed: u64, count: u64) -> (Chain, Vec<BlockRef>) {
    let mut chain = Chain::new(tiny());
    let mut dice = Dice::new(seed);
    let mut at = chain.genesis;
    let mut blocks = Vec::new();
    for n in 0..count {
        let logs = random_logs(&mut dice);
        at = chain.execute_with(at, seed + n, &logs);
        chain.head(at);
        blocks.push(at);
    }
    (chain, blocks)
}

fn scan(chain: &Chain, query: &LogQuery) -> Vec<LogHit> {
    let latest = chain.store.heads().unwrap().latest.number;
    let mut hits = Vec::new();
    for number in query.from..=query.to.min(latest) {
        let block = chain.store.block(BlockId::Number(number)).unwrap().unwrap();
        hits.extend(query.in_block(&block));
    }
    hits
}

fn query() -> impl Strategy<Value = LogQuery> {
    let topics = proptest::collection::vec(proptest::collection::vec(0u64..6, 0..3), 0..5);
    let addresses = proptest::collection::vec(0u64..5, 0..3);
    (0u64..30, 0u64..40, addresses, topics).prop_map(|(from, to, addresses, topics)| LogQuery {
        from,
        to,
        addresses: addresses.into_iter().map(address).collect(),
        topics: topics
            .into_iter()
            .map(|list| list.into_iter().map(slot).collect())
            .collect(),
        limit: usize::MAX,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_index_finds_what_a_scan_finds(
        seed in any::<u64>(),
        queries in proptest::collection::vec(query(), 1..24),
    ) {
        let (mut chain, blocks) = chain_with_logs(seed, 30);
        for round in 0..2 {
            for query in &queries {
                let page = chain.store.logs(query).unwrap();
                prop_assert_eq!(page.more_from, None);
                prop_assert_eq!(page.hits, scan(&chain, query));
            }
            if round == 0 {
                // Removed blocks leave the index.
                chain.head(blocks[19]);
                let at = chain.execute_with(blocks[19], seed + 99, &random_logs(&mut Dice::new(seed + 1)));
                chain.head(at);
            }
        }
    }
}

#[test]
fn a_limit_says_where_to_go_on() {
    let (chain, _) = chain_with_logs(3, 20);
    let mut query = LogQuery {
        from: 0,
        to: u64::MAX,
        addresses: Vec::new(),
        topics: Vec::new(),
        limit: usize::MAX,
    };
    let all = chain.store.logs(&query).unwrap().hits;
    assert!(all.len() > 10);
    query.limit = 10;
    let page = chain.store.logs(&query).unwrap();
    assert_eq!(page.hits, all[..10]);
    assert_eq!(page.more_from, Some(all[10].block.number));
}

#[test]
fn transactions_are_found_by_hash_until_their_block_leaves() {
    let mut chain = Chain::new(tiny());
    let logs = vec![Vec::new(), Vec::new()];
    let block = chain.execute_with(chain.genesis, 1, &logs);
    chain.head(block);
    let stored = chain.store.block(BlockId::Number(1)).unwrap().unwrap();
    let hash: B256 = keccak256(stored.transaction(1).unwrap());
    let place = chain.store.transaction(&hash).unwrap().unwrap();
    assert_eq!((place.number, place.index), (1, 1));
    let by_input = chain
        .store
        .block_of_input(&stored.record.input_hash)
        .unwrap();
    assert_eq!(by_input.unwrap().record.block, block);
    chain.head(chain.genesis);
    assert_eq!(chain.store.transaction(&hash).unwrap(), None);
}
