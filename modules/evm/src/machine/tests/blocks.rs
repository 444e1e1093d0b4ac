//! Blocks of the rollup, re-executed by plain Ethereum rules.

use super::{plain, support::*};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, bytes};
use rollwright_core::{BlockInput, StateAccess};

/// Init code of a contract that, when called, stores the call's first word
/// under the second, and logs the first with the caller as topic.
///
/// ```text
/// PUSH0 CALLDATALOAD PUSH1 20 CALLDATALOAD SSTORE
/// PUSH0 CALLDATALOAD PUSH0 MSTORE CALLER PUSH1 20 PUSH0 LOG1 STOP
/// ```
fn init_code() -> Bytes {
    let runtime = bytes!("5f35602035555f355f523360205fa100");
    // PUSH1 len DUP1 PUSH1 9 PUSH0 CODECOPY PUSH0 RETURN
    let mut code = vec![
        0x60,
        runtime.len() as u8,
        0x80,
        0x60,
        0x09,
        0x5f,
        0x39,
        0x5f,
        0xf3,
    ];
    code.extend_from_slice(&runtime);
    code.into()
}

fn call_data(value: u64, key: u64) -> Bytes {
    let mut data = U256::from(value).to_be_bytes::<32>().to_vec();
    data.extend_from_slice(&U256::from(key).to_be_bytes::<32>());
    data.into()
}

/// Executes in the machine and by plain rules; the headers are equal.
fn both(chain: &mut Chain, input: &BlockInput) -> crate::machine::BlockOutcome {
    let before = chain.clone();
    let outcome = chain.execute(input);
    let plain = plain::header(&before, input, &outcome.applied.transactions);
    assert_eq!(outcome.applied.header, plain);
    outcome
}

#[test]
fn blocks_of_every_transaction_type_are_those_of_plain_ethereum() {
    let mut chain = Chain::new();
    let contract = address(0).create(0);
    let input = chain.input(vec![
        sign(0, eip1559(0, TxKind::Create, init_code())),
        sign(1, legacy(0, address(2), 7)),
        sign(
            2,
            eip2930(
                0,
                address(3),
                AccessList(vec![AccessListItem {
                    address: contract,
                    storage_keys: vec![B256::with_last_byte(1)],
                }]),
            ),
        ),
    ]);
    let outcome = both(&mut chain, &input);
    assert_eq!(
        outcome
            .receipts
            .iter()
            .map(|receipt| receipt.status())
            .collect::<Vec<_>>(),
        [true; 3]
    );

    let input = chain.input(vec![
        sign(0, eip1559(1, TxKind::Call(contract), call_data(5, 1))),
        sign(
            3,
            eip7702(0, address(4), vec![authorization(4, 0, contract)]),
        ),
        sign(1, eip1559(1, TxKind::Call(address(4)), call_data(9, 2))),
        sign(2, legacy(1, Address::repeat_byte(0x77), 1)),
    ]);
    let outcome = both(&mut chain, &input);
    assert!(outcome.applied.header.logs_bloom != alloy_primitives::Bloom::ZERO);
    assert_eq!(
        chain.state.slot(contract, B256::with_last_byte(1)),
        Ok(U256::from(5))
    );
    // The delegated account runs the contract's code on its own storage.
    assert_eq!(
        chain.state.slot(address(4), B256::with_last_byte(2)),
        Ok(U256::from(9))
    );

    // Slots set back to zero, a delegation cleared, a call that reverts.
    let input = chain.input(vec![
        sign(0, eip1559(2, TxKind::Call(contract), call_data(0, 1))),
        sign(1, eip1559(2, TxKind::Call(address(4)), call_data(0, 2))),
        sign(
            3,
            eip7702(1, address(4), vec![authorization(4, 1, Address::ZERO)]),
        ),
        sign(2, eip1559(2, TxKind::Create, bytes!("5f5ffd"))),
        sign(2, eip1559(3, TxKind::Create, bytes!("fe"))),
    ]);
    let outcome = both(&mut chain, &input);
    assert_eq!(
        outcome
            .receipts
            .iter()
            .map(|receipt| receipt.status())
            .collect::<Vec<_>>(),
        [true, true, true, false, false]
    );
    // Empty blocks, too.
    let input = chain.input(vec![]);
    both(&mut chain, &input);
}

#[test]
fn a_contract_created_and_destroyed_in_one_transaction_leaves_nothing() {
    let mut chain = Chain::new();
    // Init code: SSTORE(1, 1), SELFDESTRUCT(caller).
    let input = chain.input(vec![sign(
        0,
        eip1559(0, TxKind::Create, bytes!("600160015533ff")),
    )]);
    both(&mut chain, &input);
    assert_eq!(chain.state.account(address(0).create(0)), Ok(None));
}

#[test]
fn forced_transactions_stand_before_ordinary_ones() {
    let mut chain = Chain::new();
    let mut input = chain.input(vec![transfer(0, 1, address(1), 5)]);
    input.forced = forced(vec![transfer(0, 0, address(2), 3)]);
    let outcome = both(&mut chain, &input);
    assert_eq!(outcome.applied.transactions.len(), 2);
    assert_eq!(outcome.applied.transactions[0], input.forced[0].bytes);
}

#[test]
fn the_system_calls_leave_anchor_hash_and_parent_hash_in_state() {
    let mut chain = Chain::new();
    let parent = chain.head();
    let outcome = chain.block(vec![]);
    let header = &outcome.applied.header;
    let beacon_roots = address!("0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
    let slot = header.timestamp % 8191;
    let key = |slot: u64| B256::from(U256::from(slot));
    assert_eq!(
        chain.state.slot(beacon_roots, key(slot)),
        Ok(U256::from(header.timestamp))
    );
    let root = outcome.applied.anchor.hash();
    assert_eq!(header.parent_beacon_block_root, Some(root));
    assert_eq!(
        chain.state.slot(beacon_roots, key(slot + 8191)),
        Ok(root.into())
    );
    let history = address!("0x0000F90827F1C53a10cb7A02335B175320002935");
    assert_eq!(
        chain.state.slot(history, key(parent.number % 8191)),
        Ok(parent.hash.into())
    );
}

#[test]
fn nobody_can_queue_a_withdrawal_or_consolidation_request() {
    let mut chain = Chain::new();
    for (nonce, contract) in [
        address!("0x00000961Ef480Eb55e80D19ad83579A64c007002"),
        address!("0x0000BBdDc7CE488642fb579F8B00f3a590007251"),
    ]
    .into_iter()
    .enumerate()
    {
        let tx = sign(
            0,
            eip1559(nonce as u64, TxKind::Call(contract), Bytes::new()),
        );
        let input = chain.input(vec![tx]);
        let outcome = both(&mut chain, &input);
        assert!(!outcome.receipts[0].status());
    }
}

#[test]
fn anyone_deploys_at_an_address_that_depends_on_code_and_salt_alone() {
    let mut chain = Chain::new();
    let mut data = B256::with_last_byte(9).to_vec();
    data.extend_from_slice(&init_code());
    let tx = eip1559(
        0,
        TxKind::Call(crate::predeploy::DEPLOYER_ADDRESS),
        data.into(),
    );
    let input = chain.input(vec![sign(0, tx)]);
    both(&mut chain, &input);
    let created =
        crate::predeploy::DEPLOYER_ADDRESS.create2_from_code(B256::with_last_byte(9), init_code());
    assert!(matches!(chain.state.account(created), Ok(Some(_))));
}
