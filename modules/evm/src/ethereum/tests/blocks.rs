//! Empty blocks that are made here, of each fork; wrong ones name their field.

use crate::{
    ethereum::{BlockError, EthereumBlock, Lineage, Verified, Violation, verify},
    genesis::ChainConfig,
    machine::MemoryState,
};
use alloy_consensus::{Block, BlockBody, EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header, proofs};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, U256};
use rollwright_core::StateAccess;

const AUTHOR: Address = Address::repeat_byte(0xaa);
const UNCLE: Address = Address::repeat_byte(0xbb);

fn genesis(config: &ChainConfig) -> (Lineage, MemoryState) {
    let merged = config.terminal_total_difficulty.is_some();
    let header = Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        state_root: EMPTY_ROOT_HASH,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        difficulty: U256::from(if merged { 0 } else { 131_072 }),
        gas_limit: 30_000_000,
        base_fee_per_gas: config.london_block.map(|_| 1_000_000_000),
        withdrawals_root: config.shanghai_time.map(|_| EMPTY_ROOT_HASH),
        ..Default::default()
    };
    let total = header.difficulty;
    (Lineage::from(header, total), MemoryState::new())
}

/// A block without transactions, whose state root is right if `balances` are
/// all that there is.
fn child(
    lineage: &Lineage,
    seconds: u64,
    balances: &[(Address, u128)],
) -> Block<crate::machine::TxEnvelope> {
    let parent = &lineage.tip().header;
    let header = Header {
        parent_hash: lineage.tip().hash,
        number: parent.number + 1,
        timestamp: parent.timestamp + seconds,
        beneficiary: AUTHOR,
        state_root: root(balances),
        base_fee_per_gas: parent
            .base_fee_per_gas
            .map(|_| crate::machine::next_base_fee(parent)),
        ..parent.clone()
    };
    Block::new(header, BlockBody::default())
}

fn root(balances: &[(Address, u128)]) -> B256 {
    alloy_trie::root::state_root_unhashed(balances.iter().map(|(address, balance)| {
        let account = alloy_trie::TrieAccount {
            balance: U256::from(*balance),
            ..Default::default()
        };
        (*address, account)
    }))
}

fn check(
    config: &ChainConfig,
    lineage: &mut Lineage,
    state: &mut MemoryState,
    block: &Block<crate::machine::TxEnvelope>,
) -> Result<Verified, Violation> {
    let block = EthereumBlock::decode(&alloy_rlp::encode(block))?;
    match verify(config, lineage, state, &block) {
        Ok(verified) => {
            lineage.push(&block);
            Ok(verified)
        }
        Err(BlockError::Invalid(violation)) => Err(violation),
        Err(BlockError::State(never)) => match never {},
    }
}

const ETHER: u128 = 1_000_000_000_000_000_000;

#[test]
fn authors_earn_five_three_and_two_ether_and_nothing_after_the_merge() {
    let frontier = ChainConfig::default();
    let byzantium = ChainConfig {
        byzantium_block: Some(0),
        ..frontier.clone()
    };
    let constantinople = ChainConfig {
        constantinople_block: Some(0),
        petersburg_block: Some(0),
        ..byzantium.clone()
    };
    for (config, ether) in [(frontier, 5), (byzantium, 3), (constantinople, 2)] {
        let (mut lineage, mut state) = genesis(&config);
        let block = child(&lineage, 30, &[(AUTHOR, ether * ETHER)]);
        check(&config, &mut lineage, &mut state, &block).expect("a valid block");
        assert_eq!(lineage.total_difficulty(), U256::from(2 * 131_072));
    }
}

#[test]
fn an_ommer_pays_both_authors_once() {
    let config = ChainConfig::default();
    let (mut lineage, mut state) = genesis(&config);
    let first = child(&lineage, 30, &[(AUTHOR, 5 * ETHER)]);
    let mut ommer = first.header.clone();
    ommer.beneficiary = UNCLE;
    check(&config, &mut lineage, &mut state, &first).expect("a valid block");

    let balances = [
        (AUTHOR, 10 * ETHER + 5 * ETHER / 32),
        (UNCLE, 5 * ETHER / 8 * 7),
    ];
    let mut second = child(&lineage, 30, &balances);
    second.body.ommers = vec![ommer.clone()];
    second.header.ommers_hash = proofs::calculate_ommers_root(&second.body.ommers);
    check(&config, &mut lineage, &mut state, &second).expect("a valid block");

    let mut third = child(&lineage, 30, &balances);
    third.body.ommers = vec![ommer];
    let again = check(&config, &mut lineage, &mut state, &third);
    assert!(
        matches!(again, Err(Violation::Ommer { index: 0, .. })),
        "{again:?}"
    );
}

#[test]
fn withdrawals_are_added_up_in_gwei() {
    let config = crate::genesis::ChainConfig {
        cancun_time: None,
        prague_time: None,
        osaka_time: None,
        ..ChainConfig::osaka(1)
    };
    let (mut lineage, mut state) = genesis(&config);
    let withdrawal = |amount| Withdrawal {
        address: UNCLE,
        amount,
        ..Default::default()
    };
    let mut block = child(&lineage, 12, &[(UNCLE, 7_000_000_000)]);
    let list = vec![withdrawal(3), withdrawal(0), withdrawal(4)];
    block.header.withdrawals_root = Some(proofs::calculate_withdrawals_root(&list));
    block.body.withdrawals = Some(list.into());
    check(&config, &mut lineage, &mut state, &block).expect("a valid block");
    let account = state.account(AUTHOR).expect("a memory state never fails");
    assert_eq!(account, None, "no reward after the merge");
}

#[test]
fn each_wrong_field_is_named_and_nothing_is_committed() {
    let config = ChainConfig::default();
    let (mut lineage, mut state) = genesis(&config);
    let right = child(&lineage, 30, &[(AUTHOR, 5 * ETHER)]);
    type Spoil = fn(&mut Header);
    let cases: [(&str, Spoil); 14] = [
        ("parentHash", |h| h.parent_hash = B256::ZERO),
        ("number", |h| h.number = 2),
        ("timestamp", |h| h.timestamp = 0),
        ("gasUsed", |h| h.gas_used = 1),
        ("gasLimit", |h| h.gas_limit += h.gas_limit / 1024),
        ("extraData", |h| h.extra_data = vec![0; 33].into()),
        ("difficulty", |h| h.difficulty += U256::ONE),
        ("baseFeePerGas", |h| h.base_fee_per_gas = Some(7)),
        ("sha3Uncles", |h| h.ommers_hash = B256::ZERO),
        ("transactionsRoot", |h| h.transactions_root = B256::ZERO),
        ("receiptsRoot", |h| h.receipts_root = B256::ZERO),
        ("logsBloom", |h| h.logs_bloom.0[3] = 1),
        ("stateRoot", |h| h.state_root = B256::ZERO),
        ("withdrawalsRoot", |h| {
            h.base_fee_per_gas = Some(7);
            h.withdrawals_root = Some(EMPTY_ROOT_HASH);
        }),
    ];
    for (name, spoil) in cases {
        let mut wrong = right.clone();
        spoil(&mut wrong.header);
        match check(&config, &mut lineage, &mut state, &wrong) {
            Err(Violation::Field { field, .. }) if field == name => {}
            // The field before it is wrong already.
            Err(Violation::Field {
                field: "baseFeePerGas",
                ..
            }) if name == "withdrawalsRoot" => {}
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(state, MemoryState::new(), "{name}");
    }
    check(&config, &mut lineage, &mut state, &right).expect("a valid block");
}

#[test]
fn bytes_behind_a_block_and_other_encodings_are_refused() {
    let (lineage, _) = genesis(&ChainConfig::default());
    let mut bytes = alloy_rlp::encode(child(&lineage, 30, &[]));
    assert!(EthereumBlock::decode(&bytes).is_ok());
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(EthereumBlock::decode(&bytes[..cut]).is_err());
    }
    bytes.push(0);
    assert!(EthereumBlock::decode(&bytes).is_err());
}
