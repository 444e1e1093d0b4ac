//! Header fields.

use super::{plain, support::*};
use crate::{genesis::Genesis, machine::next_base_fee};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, TxKind, b256, bytes};
use rollwright_core::ApplyError;

/// A genesis.json that does not change with the defaults of a release.
const DEV: &str = include_str!("../../genesis/tests/dev.json");

fn parent(base_fee: u64, gas_used: u64, gas_limit: u64) -> Header {
    Header {
        base_fee_per_gas: Some(base_fee),
        gas_used,
        gas_limit,
        ..Header::default()
    }
}

#[test]
fn the_base_fee_follows_eip_1559() {
    // (parent's base fee, gas used, gas limit, expected), from geth's and
    // Ethereum's own test tables.
    for (fee, used, limit, expected) in [
        (1_000_000_000, 10_000_000, 20_000_000, 1_000_000_000),
        (1_000_000_000, 9_000_000, 20_000_000, 987_500_000),
        (1_000_000_000, 11_000_000, 20_000_000, 1_012_500_000),
        (1_000_000_000, 0, 20_000_000, 875_000_000),
        (1_000_000_000, 20_000_000, 20_000_000, 1_125_000_000),
        (7, 0, 20_000_000, 7),
        (8, 0, 20_000_000, 7),
        (0, 20_000_000, 20_000_000, 1),
    ] {
        let header = parent(fee, used, limit);
        assert_eq!(next_base_fee(&header), expected, "{fee} {used} {limit}");
        assert_eq!(plain::base_fee(&header), expected);
    }
}

#[test]
fn a_run_of_empty_blocks_lowers_the_base_fee_by_an_eighth_each() {
    let mut chain = Chain::new();
    let mut fee = 1_000_000_000u64;
    for _ in 0..12 {
        fee -= fee / 8;
        assert_eq!(
            chain.block(vec![]).applied.header.base_fee_per_gas,
            Some(fee)
        );
    }
}

#[test]
fn what_ethereum_computes_elsewhere_is_empty() {
    let mut chain = Chain::new();
    let input = chain.input(vec![]);
    let header = chain.execute(&input).applied.header;
    assert_eq!(header.extra_data, Bytes::new());
    assert_eq!(header.blob_gas_used, Some(0));
    assert_eq!(header.excess_blob_gas, Some(0));
    assert_eq!(header.withdrawals_root, Some(alloy_trie::EMPTY_ROOT_HASH));
    assert_eq!(
        header.requests_hash,
        Some(alloy_eips::eip7685::EMPTY_REQUESTS_HASH)
    );
    assert_eq!(header.mix_hash, input.anchor.prev_randao(1));
    assert_eq!(header.difficulty.to::<u64>(), 0);
    assert_eq!(header.block_access_list_hash, None);
}

#[test]
fn contracts_see_chain_id_randomness_and_block_hashes() {
    let mut chain = Chain::new();
    let genesis = chain.head().hash;
    // SSTORE(0, CHAINID) SSTORE(1, PREVRANDAO) SSTORE(2, BLOCKHASH(NUMBER - 1))
    let code = bytes!("465f5544600155600143034060025500");
    let input = chain.input(vec![sign(0, eip1559(0, TxKind::Create, code))]);
    chain.execute(&input);
    let contract = address(0).create(0);
    let mut slot = |key: u8| {
        use rollwright_core::StateAccess;
        chain
            .state
            .slot(contract, B256::with_last_byte(key))
            .map(B256::from)
    };
    assert_eq!(
        slot(0),
        Ok(B256::left_padding_from(&CHAIN_ID.to_be_bytes()))
    );
    assert_eq!(slot(1), Ok(input.anchor.prev_randao(1)));
    assert_eq!(slot(2), Ok(genesis));
}

#[test]
fn timestamps_rise_strictly_unless_blocks_are_shorter_than_a_second() {
    let chain = Chain::new();
    let mut input = chain.input(vec![]);
    input.timestamp = chain.header.timestamp;
    assert!(matches!(
        chain.try_execute(&input),
        Err(ApplyError::Invalid(_))
    ));

    let mut genesis = dev_genesis();
    genesis.rollup.timing.block_time_ms = 250;
    let chain = Chain::with(genesis);
    let mut input = chain.input(vec![]);
    input.timestamp = chain.header.timestamp;
    assert!(chain.try_execute(&input).is_ok());
    input.timestamp -= 1;
    assert!(matches!(
        chain.try_execute(&input),
        Err(ApplyError::Invalid(_))
    ));
}

#[test]
fn an_input_for_another_parent_is_invalid() {
    let chain = Chain::new();
    let mut input = chain.input(vec![]);
    input.parent.hash = B256::ZERO;
    assert!(matches!(
        chain.try_execute(&input),
        Err(ApplyError::Invalid(_))
    ));
    let mut input = chain.input(vec![]);
    input.parent.number = 7;
    assert!(matches!(
        chain.try_execute(&input),
        Err(ApplyError::Invalid(_))
    ));
}

#[test]
fn gas_limits_outside_of_ethereums_range_are_invalid() {
    let chain = Chain::new();
    for gas_limit in [0, 4_999, 1 << 63, u64::MAX] {
        let mut input = chain.input(vec![]);
        input.gas_limit = gas_limit;
        assert!(matches!(
            chain.try_execute(&input),
            Err(ApplyError::Invalid(_))
        ));
    }
}

#[test]
fn ticks_and_mailbox_entries_are_invalid_here() {
    let chain = Chain::new();
    let mut input = chain.input(vec![]);
    input.inbox = vec![Bytes::new()];
    assert!(matches!(
        chain.try_execute(&input),
        Err(ApplyError::Invalid(_))
    ));
    let mut input = chain.input(vec![]);
    input.ticks = vec![Bytes::new()];
    assert!(matches!(
        chain.try_execute(&input),
        Err(ApplyError::Invalid(_))
    ));
}

#[test]
fn the_first_blocks_of_a_development_chain_keep_their_hashes() {
    let mut chain = Chain::of(&Genesis::from_json(DEV).expect("valid"));
    let genesis = chain.head().hash;
    let first = chain
        .block(vec![transfer(0, 0, address(1), 1)])
        .applied
        .header
        .hash_slow();
    let mut input = chain.input(vec![]);
    input.fee_recipient = Address::ZERO;
    let second = chain.execute(&input).applied.header.hash_slow();
    assert_eq!(
        [genesis, first, second],
        [
            b256!("0x234ec5cf012cc9e8859a9f1d284d9734fe556ba74c7efa1c891df927527c4e78"),
            b256!("0x13242dc9c778733483f4321046f9da3c90af0f7b1446d21c80ae6b913b3b7279"),
            b256!("0x1be79766e01992ba50d8ca1a2f1be41e64350d86d7c9c2d6087f4936868bc21f"),
        ]
    );
}
