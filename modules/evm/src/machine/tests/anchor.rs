//! The `Anchor` contract, through the EVM.

use super::support::*;
use crate::{
    machine::{CallRequest, CallResult, Overrides, call},
    predeploy::ANCHOR_ADDRESS,
};
use alloy_primitives::{B256, Bytes, TxKind, U256};
use alloy_sol_types::{SolCall, SolError, SolEvent, sol};
use rollwright_core::{Anchor, CounterpartRoot};

sol! {
    struct Counterpart {
        bytes32 rollupId;
        uint64 number;
        bytes32 blockHash;
        bytes32 stateRoot;
    }
    struct Fields {
        uint8 version;
        uint32 epoch;
        uint64 height;
        uint64 daTime;
        uint64 ordinal;
        bytes32 daHash;
        bytes32 dataRoot;
        bytes32 mailbox;
        Counterpart[] counterparts;
    }
    event Opened(uint64 indexed ordinal, uint256 indexed timestamp, bytes32 indexed daHash, bytes32 root);
    error UnknownTimestamp(uint256 timestamp);
    error WrongPreimage(bytes32 expected, bytes32 actual);
    error NotOpened(uint256 key);
    error MalformedPreimage(uint256 length);
    error UnsupportedVersion(uint8 version);
    function open(uint256 timestamp, bytes preimage) external returns (Fields memory fields);
    function atTimestamp(uint256 timestamp) external view returns (Fields memory);
    function ofOrdinal(uint64 ordinal) external view returns (Fields memory);
    function dataRootOf(uint64 ordinal) external view returns (bytes32);
    function counterpartOf(uint64 ordinal, bytes32 rollupId) external view returns (Counterpart memory);
    function decode(bytes preimage) external pure returns (Fields memory);
}

fn with_counterparts() -> Anchor {
    let mut anchor = anchor(0x0102_0304_0506);
    anchor.origin.epoch = 0xa0b0_c0d0;
    anchor.mailbox = B256::repeat_byte(0x3a);
    anchor.counterparts = (1..=3)
        .map(|n| CounterpartRoot {
            rollup_id: B256::repeat_byte(n),
            number: u64::from(n) << 40 | 7,
            block_hash: B256::repeat_byte(n + 0x10),
            state_root: B256::repeat_byte(n + 0x20),
        })
        .collect();
    anchor
}

/// A chain whose head has the anchor with counterparts.
fn chain() -> (Chain, Anchor) {
    let mut chain = Chain::new();
    let mut input = chain.input(vec![]);
    input.anchor = with_counterparts();
    chain.execute(&input);
    (chain, input.anchor)
}

fn view<C: SolCall>(chain: &mut Chain, query: &C) -> Result<C::Return, Bytes> {
    let config = chain.genesis.config.clone();
    let request = CallRequest {
        to: Some(ANCHOR_ADDRESS),
        input: query.abi_encode().into(),
        ..CallRequest::default()
    };
    let outcome = call(
        &config,
        &chain.header,
        &mut chain.state,
        &request,
        &Overrides::default(),
    );
    match outcome.expect("executes").result {
        CallResult::Success { output, .. } => Ok(C::abi_decode_returns(&output).expect("decodes")),
        CallResult::Revert { output } => Err(output),
        halt => panic!("{halt:?}"),
    }
}

fn open(
    chain: &mut Chain,
    nonce: u64,
    timestamp: u64,
    preimage: Vec<u8>,
) -> crate::machine::BlockOutcome {
    let data = openCall {
        timestamp: U256::from(timestamp),
        preimage: preimage.into(),
    };
    let tx = eip1559(
        nonce,
        TxKind::Call(ANCHOR_ADDRESS),
        data.abi_encode().into(),
    );
    chain.block(vec![sign(
        0,
        alloy_consensus::TxEip1559 {
            gas_limit: 2_000_000,
            ..tx
        },
    )])
}

fn check(fields: &Fields, anchor: &Anchor) {
    assert_eq!(fields.version, 1);
    assert_eq!(fields.epoch, anchor.origin.epoch);
    assert_eq!(fields.height, anchor.origin.height.0);
    assert_eq!(fields.daHash, anchor.origin.hash);
    assert_eq!(fields.dataRoot, anchor.data_root);
    assert_eq!(fields.daTime, anchor.da_time);
    assert_eq!(fields.ordinal, anchor.ordinal.0);
    assert_eq!(fields.mailbox, anchor.mailbox);
    assert_eq!(fields.counterparts.len(), anchor.counterparts.len());
    for (found, expected) in fields.counterparts.iter().zip(&anchor.counterparts) {
        assert_eq!(found.rollupId, expected.rollup_id);
        assert_eq!(found.number, expected.number);
        assert_eq!(found.blockHash, expected.block_hash);
        assert_eq!(found.stateRoot, expected.state_root);
    }
}

#[test]
fn an_anchor_is_opened_by_its_preimage_and_its_fields_are_kept() {
    let (mut chain, anchor) = chain();
    let timestamp = chain.header.timestamp;
    let not_opened = NotOpened {
        key: U256::from(timestamp),
    }
    .abi_encode();
    let query = atTimestampCall {
        timestamp: U256::from(timestamp),
    };
    assert_eq!(view(&mut chain, &query).map(drop), Err(not_opened.into()));

    let outcome = open(&mut chain, 0, timestamp, anchor.encode());
    assert!(outcome.receipts[0].status());
    let event = Opened::decode_log(&outcome.receipts[0].logs()[0]).expect("the event");
    assert_eq!(event.ordinal, anchor.ordinal.0);
    assert_eq!(event.root, anchor.hash());
    assert_eq!(event.daHash, anchor.origin.hash);

    check(&view(&mut chain, &query).expect("opened"), &anchor);
    let ordinal = anchor.ordinal.0;
    check(
        &view(&mut chain, &ofOrdinalCall { ordinal }).expect("opened"),
        &anchor,
    );
    assert_eq!(
        view(&mut chain, &dataRootOfCall { ordinal }),
        Ok(anchor.data_root)
    );
    let counterpart = counterpartOfCall {
        ordinal,
        rollupId: B256::repeat_byte(2),
    };
    assert_eq!(
        view(&mut chain, &counterpart).expect("named").stateRoot,
        B256::repeat_byte(0x22)
    );
    let unknown = counterpartOfCall {
        ordinal,
        rollupId: B256::repeat_byte(9),
    };
    assert!(view(&mut chain, &unknown).is_err());

    // Again: harmless, and no second event.
    let outcome = open(&mut chain, 1, timestamp, anchor.encode());
    assert!(outcome.receipts[0].status());
    assert_eq!(outcome.receipts[0].logs(), []);
}

#[test]
fn the_anchor_of_the_present_block_can_be_opened_in_it() {
    let mut chain = Chain::new();
    let attributes = chain.attributes();
    let outcome = open(
        &mut chain,
        0,
        attributes.timestamp,
        attributes.anchor.encode(),
    );
    assert!(outcome.receipts[0].status());
}

#[test]
fn a_wrong_preimage_or_time_reverts() {
    let (mut chain, anchor) = chain();
    let timestamp = chain.header.timestamp;
    let mut wrong = anchor.clone();
    wrong.data_root = B256::repeat_byte(0xee);
    assert!(!open(&mut chain, 0, timestamp, wrong.encode()).receipts[0].status());
    assert!(!open(&mut chain, 1, timestamp + 900, anchor.encode()).receipts[0].status());

    let query = openCall {
        timestamp: U256::from(timestamp),
        preimage: wrong.encode().into(),
    };
    let error = WrongPreimage {
        expected: anchor.hash(),
        actual: wrong.hash(),
    };
    assert_eq!(
        view(&mut chain, &query).map(drop),
        Err(error.abi_encode().into())
    );
    let query = openCall {
        timestamp: U256::from(5),
        preimage: anchor.encode().into(),
    };
    let error = UnknownTimestamp {
        timestamp: U256::from(5),
    };
    assert_eq!(
        view(&mut chain, &query).map(drop),
        Err(error.abi_encode().into())
    );
}

#[test]
fn every_anchor_decodes_as_borsh_wrote_it_and_malformed_ones_revert() {
    let mut chain = Chain::new();
    for anchor in [anchor(0), anchor(u64::MAX / 2), with_counterparts()] {
        let query = decodeCall {
            preimage: anchor.encode().into(),
        };
        check(&view(&mut chain, &query).expect("decodes"), &anchor);
    }
    let good = with_counterparts().encode();
    for bytes in [
        vec![],
        good[..128].to_vec(),
        good[..good.len() - 1].to_vec(),
        [&good[..], &[0]].concat(),
    ] {
        let length = U256::from(bytes.len());
        let query = decodeCall {
            preimage: bytes.into(),
        };
        let error = MalformedPreimage { length }.abi_encode();
        assert_eq!(view(&mut chain, &query).map(drop), Err(error.into()));
    }
    let mut huge = good.clone();
    huge[93..97].copy_from_slice(&u32::MAX.to_le_bytes());
    let query = decodeCall {
        preimage: huge.into(),
    };
    assert!(view(&mut chain, &query).is_err());
    let mut version = good;
    version[0] = 2;
    let query = decodeCall {
        preimage: version.into(),
    };
    let error = UnsupportedVersion { version: 2 }.abi_encode();
    assert_eq!(view(&mut chain, &query).map(drop), Err(error.into()));
}
