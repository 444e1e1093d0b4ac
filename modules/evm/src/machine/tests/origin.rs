//! The `L1Origin` contract (RIP-7859), through the EVM.

use super::support::*;
use crate::{
    machine::{CallRequest, CallResult, Overrides, call},
    predeploy::{L1_ORIGIN_ADDRESS, l1_origin},
};
use alloy_consensus::{Header, TxEip1559};
use alloy_primitives::{B256, Bytes, TxKind, U256};
use alloy_sol_types::{SolCall, SolError, sol};
use rollwright_core::Anchor;

sol! {
    error WrongHeader(bytes32 expected, bytes32 actual);
    error MalformedHeader(uint256 offset);
    error NotOpened(uint256 key);
    error WrongPreimage(bytes32 expected, bytes32 actual);
    function open(uint256 timestamp, bytes anchor, bytes header) external returns (uint256 height);
    function getL1OriginBlockHash() external view returns (bytes32);
    function getL1OriginParentBeaconRoot() external view returns (bytes32);
    function getL1OriginStateRoot() external view returns (bytes32);
    function getL1OriginReceiptRoot() external view returns (bytes32);
    function getL1OriginTransactionRoot() external view returns (bytes32);
    function getL1OriginBlockHeight() external view returns (uint256);
    function getL1OriginBlockHashAt(uint256 height) external view returns (bytes32);
    function getL1OriginParentBeaconRootAt(uint256 height) external view returns (bytes32);
    function getL1OriginStateRootAt(uint256 height) external view returns (bytes32);
    function getL1OriginReceiptRootAt(uint256 height) external view returns (bytes32);
    function getL1OriginTransactionRootAt(uint256 height) external view returns (bytes32);
}

/// An L1 block of Prague, with integers of many lengths.
fn l1(number: u64) -> Header {
    let root = |byte| B256::repeat_byte(byte);
    Header {
        parent_hash: root(1),
        state_root: root(2),
        transactions_root: root(3),
        receipts_root: root(4),
        difficulty: U256::ZERO,
        number,
        gas_limit: 60_000_000,
        gas_used: 127,
        timestamp: 1_763_000_000,
        extra_data: vec![7; 31].into(),
        base_fee_per_gas: Some(0),
        withdrawals_root: Some(root(5)),
        blob_gas_used: Some(131_072),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(root(6)),
        requests_hash: Some(root(7)),
        ..Header::default()
    }
}

fn chain() -> Chain {
    let mut genesis = dev_genesis().genesis();
    genesis.alloc.extend([l1_origin()]);
    Chain::of(&genesis)
}

/// A block on that L1 block, in which somebody opens something.
fn block_on(chain: &mut Chain, l1: &Header, arguments: impl Fn(&Anchor) -> openCall) -> bool {
    let mut input = chain.input(Vec::new());
    input.anchor.origin.hash = l1.hash_slow();
    let call = arguments(&input.anchor);
    let tx = TxEip1559 {
        gas_limit: 2_000_000,
        ..eip1559(
            chain.header.number,
            TxKind::Call(L1_ORIGIN_ADDRESS),
            call.abi_encode().into(),
        )
    };
    input.transactions = vec![sign(0, tx)];
    chain.execute(&input).receipts[0].status()
}

fn opening(anchor: &Anchor, timestamp: u64, header: &Header) -> openCall {
    openCall {
        timestamp: U256::from(timestamp),
        anchor: anchor.encode().into(),
        header: alloy_rlp::encode(header).into(),
    }
}

fn ask<C: SolCall>(chain: &mut Chain, query: &C) -> Result<C::Return, Bytes> {
    let config = chain.genesis.config.clone();
    let request = CallRequest {
        to: Some(L1_ORIGIN_ADDRESS),
        input: query.abi_encode().into(),
        ..CallRequest::default()
    };
    let (header, state) = (chain.header.clone(), &mut chain.state);
    let outcome = call(&config, &header, state, &request, &Overrides::default());
    match outcome.expect("executes").result {
        CallResult::Success { output, .. } => Ok(C::abi_decode_returns(&output).expect("decodes")),
        CallResult::Revert { output } => Err(output),
        halt => panic!("{halt:?}"),
    }
}

#[test]
fn an_opened_origin_has_the_fields_of_the_l1_header() {
    for number in [1, 0x7f, 0x80, 23_935_694, 1 << 40] {
        let (mut chain, l1) = (chain(), l1(number));
        let now = chain.header.timestamp + 1;
        assert!(block_on(&mut chain, &l1, |anchor| opening(
            anchor, now, &l1
        )));
        let height = U256::from(number);
        assert_eq!(ask(&mut chain, &getL1OriginBlockHeightCall {}), Ok(height));
        assert_eq!(
            ask(&mut chain, &getL1OriginBlockHashCall {}),
            Ok(l1.hash_slow())
        );
        assert_eq!(
            ask(&mut chain, &getL1OriginStateRootCall {}),
            Ok(l1.state_root)
        );
        assert_eq!(
            ask(&mut chain, &getL1OriginReceiptRootCall {}),
            Ok(l1.receipts_root)
        );
        let transactions = Ok(l1.transactions_root);
        assert_eq!(
            ask(&mut chain, &getL1OriginTransactionRootCall {}),
            transactions
        );
        let beacon = Ok(B256::repeat_byte(6));
        assert_eq!(ask(&mut chain, &getL1OriginParentBeaconRootCall {}), beacon);
        // In a later block the origin is another one; the height is known still.
        chain.block(Vec::new());
        let error = ask(&mut chain, &getL1OriginBlockHashCall {}).expect_err("not opened");
        assert_eq!(error[..4], NotOpened::SELECTOR);
        assert_eq!(
            ask(&mut chain, &getL1OriginBlockHashAtCall { height }),
            Ok(l1.hash_slow())
        );
        assert_eq!(
            ask(&mut chain, &getL1OriginStateRootAtCall { height }),
            Ok(l1.state_root)
        );
        let receipts = Ok(l1.receipts_root);
        assert_eq!(
            ask(&mut chain, &getL1OriginReceiptRootAtCall { height }),
            receipts
        );
        let transactions = Ok(l1.transactions_root);
        assert_eq!(
            ask(&mut chain, &getL1OriginTransactionRootAtCall { height }),
            transactions
        );
        let beacon = Ok(B256::repeat_byte(6));
        assert_eq!(
            ask(&mut chain, &getL1OriginParentBeaconRootAtCall { height }),
            beacon
        );
        let height = height + U256::ONE;
        assert!(ask(&mut chain, &getL1OriginBlockHashAtCall { height }).is_err());
    }
}

#[test]
fn neither_another_header_nor_another_anchor_opens_anything() {
    let (mut chain, l1, other) = (chain(), l1(7), l1(8));
    let now = chain.header.timestamp + 1;
    assert!(!block_on(&mut chain, &l1, |anchor| opening(
        anchor, now, &other
    )));
    let now = chain.header.timestamp + 1;
    assert!(!block_on(&mut chain, &l1, |anchor| {
        let mut forged = anchor.clone();
        forged.origin.hash = other.hash_slow();
        opening(&forged, now, &other)
    }));
    let height = U256::from(8);
    assert!(ask(&mut chain, &getL1OriginBlockHashAtCall { height }).is_err());
}

/// An anchor whose DA hash is that of bytes which are no such header.
#[test]
fn what_is_no_header_of_cancun_is_refused() {
    let whole = alloy_rlp::encode(l1(7));
    let old = Header {
        parent_beacon_block_root: None,
        requests_hash: None,
        ..l1(7)
    };
    let cases = [
        Vec::new(),
        vec![0xc0],
        vec![0xf8],
        vec![0xf9, 0xff, 0xff, 0xbf],
        whole[..300].to_vec(),
        alloy_rlp::encode(old),
        vec![0xf8, 0x02, 0xb8, 0xff],
    ];
    for bytes in cases {
        let mut chain = chain();
        let mut input = chain.input(Vec::new());
        input.anchor.origin.hash = alloy_primitives::keccak256(&bytes);
        let call = openCall {
            timestamp: U256::from(input.timestamp),
            anchor: input.anchor.encode().into(),
            header: bytes.clone().into(),
        };
        let tx = TxEip1559 {
            gas_limit: 2_000_000,
            ..eip1559(0, TxKind::Call(L1_ORIGIN_ADDRESS), call.abi_encode().into())
        };
        input.transactions = vec![sign(0, tx)];
        let outcome = chain.execute(&input);
        assert!(!outcome.receipts[0].status(), "{bytes:02x?}");
        assert!(outcome.applied.header.gas_used < 1_000_000, "{bytes:02x?}");
    }
}
