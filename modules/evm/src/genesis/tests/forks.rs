use crate::genesis::{ChainConfig, Fork};
use alloy_primitives::U256;
use revm::primitives::hardfork::SpecId;

/// Ethereum mainnet's schedule.
fn mainnet() -> ChainConfig {
    ChainConfig {
        chain_id: 1,
        homestead_block: Some(1_150_000),
        dao_fork_block: Some(1_920_000),
        dao_fork_support: true,
        eip150_block: Some(2_463_000),
        eip155_block: Some(2_675_000),
        eip158_block: Some(2_675_000),
        byzantium_block: Some(4_370_000),
        constantinople_block: Some(7_280_000),
        petersburg_block: Some(7_280_000),
        istanbul_block: Some(9_069_000),
        berlin_block: Some(12_244_000),
        london_block: Some(12_965_000),
        terminal_total_difficulty: Some(U256::from(58_750_000_000_000_000_000_000u128)),
        shanghai_time: Some(1_681_338_455),
        cancun_time: Some(1_710_338_135),
        prague_time: Some(1_746_612_311),
        osaka_time: Some(1_764_798_551),
        ..ChainConfig::default()
    }
}

#[test]
fn every_fork_of_ethereum_is_found_at_its_place() {
    let config = mainnet();
    for (number, timestamp, merged, spec) in [
        (0, 0, false, SpecId::FRONTIER),
        (1_149_999, 0, false, SpecId::FRONTIER),
        (1_150_000, 0, false, SpecId::HOMESTEAD),
        (2_463_000, 0, false, SpecId::TANGERINE),
        (2_675_000, 0, false, SpecId::SPURIOUS_DRAGON),
        (4_370_000, 0, false, SpecId::BYZANTIUM),
        (7_280_000, 0, false, SpecId::PETERSBURG),
        (9_069_000, 0, false, SpecId::ISTANBUL),
        (12_244_000, 0, false, SpecId::BERLIN),
        (12_965_000, 0, false, SpecId::LONDON),
        (15_537_394, 1_663_224_179, true, SpecId::MERGE),
        (17_034_870, 1_681_338_455, true, SpecId::SHANGHAI),
        (19_426_587, 1_710_338_135, true, SpecId::CANCUN),
        (22_431_084, 1_746_612_311, true, SpecId::PRAGUE),
        (23_935_694, 1_764_798_550, true, SpecId::PRAGUE),
        (23_935_694, 1_764_798_551, true, SpecId::OSAKA),
    ] {
        assert_eq!(
            config.spec_at(number, timestamp, merged),
            spec,
            "{number} {timestamp}"
        );
    }
    assert!(!config.merged_at_genesis());
}

#[test]
fn a_new_chain_has_osakas_rules_from_genesis_on() {
    let config = ChainConfig::osaka(7);
    assert_eq!(config.spec(0, 0), SpecId::OSAKA);
    assert_eq!(config.forks().count(), 12);
    assert!(
        config
            .forks()
            .all(|(_, at)| matches!(at, Fork::Block(0) | Fork::Time(0)))
    );
}

#[test]
fn blob_parameters_follow_the_schedule_and_default_to_mainnets() {
    let mut config = ChainConfig::osaka(7);
    config.bpo1_time = Some(100);
    let mut bpo1 = config.blob_schedule_at(0);
    assert_eq!((bpo1.target, bpo1.max), (6, 9));
    bpo1.max = 15;
    config.blob_schedule.insert("bpo1".into(), bpo1);
    assert_eq!(config.blob_schedule_at(99).max, 9);
    assert_eq!(config.blob_schedule_at(100).max, 15);
    config.blob_schedule.clear();
    config.prague_time = Some(10);
    assert_eq!(config.blob_schedule_at(9).max, 6);
    assert_eq!(config.blob_schedule_at(10).max, 9);
}
