use crate::{
    ethereum::{difficulty::difficulty, rules::Rules},
    genesis::ChainConfig,
};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_primitives::{B256, U256};

fn parent(number: u64, difficulty: u64) -> Header {
    Header {
        number,
        timestamp: 1_000_000,
        difficulty: U256::from(difficulty),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        ..Default::default()
    }
}

fn child(config: &ChainConfig, parent: &Header, elapsed: u64) -> U256 {
    let time = parent.timestamp + elapsed;
    let rules = Rules::at(config, parent.number + 1, time, U256::ZERO);
    difficulty(&rules, parent, time)
}

#[test]
fn block_one_of_mainnet_is_easier_than_its_genesis_by_one_part_in_2048() {
    let frontier = ChainConfig::default();
    let genesis = parent(0, 0x4_0000_0000);
    assert_eq!(
        child(&frontier, &genesis, 1_438_269_988),
        U256::from(0x3_ff80_0000_u64)
    );
    assert_eq!(
        child(&frontier, &genesis, 12),
        U256::from(0x4_0080_0000_u64)
    );
}

#[test]
fn homestead_falls_by_at_most_99_steps_and_byzantium_counts_ommers() {
    let homestead = ChainConfig {
        homestead_block: Some(0),
        ..Default::default()
    };
    let mut before = parent(7, 2_048_000_000);
    let step = 1_000_000_u64;
    let after =
        |steps: i64| U256::from(2_048_000_000_u64.saturating_add_signed(steps * step as i64));
    assert_eq!(child(&homestead, &before, 9), after(1));
    assert_eq!(child(&homestead, &before, 25), after(-1));
    assert_eq!(child(&homestead, &before, 1_000_000), after(-99));
    let byzantium = ChainConfig {
        byzantium_block: Some(0),
        ..homestead
    };
    assert_eq!(child(&byzantium, &before, 8), after(1));
    before.ommers_hash = B256::repeat_byte(1);
    assert_eq!(child(&byzantium, &before, 8), after(2));
}

#[test]
fn the_bomb_begins_in_the_second_period_and_each_delay_moves_it() {
    let frontier = ChainConfig::default();
    let plain = child(&frontier, &parent(99_999, 1 << 30), 20);
    let first = child(&frontier, &parent(199_999, 1 << 30), 20);
    let second = child(&frontier, &parent(299_999, 1 << 30), 20);
    assert_eq!(first - plain, U256::from(1));
    assert_eq!(second - plain, U256::from(2));
    let delayed = ChainConfig {
        homestead_block: Some(0),
        byzantium_block: Some(0),
        ..Default::default()
    };
    let quiet = child(&delayed, &parent(3_199_998, 1 << 30), 20);
    let loud = child(&delayed, &parent(3_199_999, 1 << 30), 20);
    assert_eq!(loud - quiet, U256::from(1));
}

#[test]
fn no_number_overflows() {
    let frontier = ChainConfig::default();
    let mut last = parent(u64::MAX - 1, 1);
    last.difficulty = U256::MAX;
    assert_eq!(child(&frontier, &last, 1), U256::MAX);
}
