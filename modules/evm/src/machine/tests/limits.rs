//! Osaka's limits.

use super::support::*;
use crate::machine::{MAX_BLOCK_RLP_BYTES, RecoveredTx};
use alloy_consensus::{Block, BlockBody, TxEip1559};
use alloy_primitives::{Bytes, TxKind};
use alloy_rlp::Encodable;
use rollwright_core::{ApplyError, CandidateOutcome};

const CAP: u64 = 1 << 24;

fn with_gas(nonce: u64, gas_limit: u64) -> TxEip1559 {
    TxEip1559 {
        gas_limit,
        ..eip1559(nonce, TxKind::Call(address(1)), Bytes::new())
    }
}

/// A transaction of somewhat more than `length` bytes, at its floor price.
fn large(nonce: u64, length: usize) -> TxEip1559 {
    TxEip1559 {
        gas_limit: 21_000 + 10 * length as u64,
        ..eip1559(nonce, TxKind::Call(address(1)), vec![0u8; length].into())
    }
}

#[test]
fn a_transaction_may_have_two_to_the_24_gas_and_no_more() {
    let mut chain = Chain::new();
    let (index, reason) = chain.refusal(vec![sign(0, with_gas(0, CAP + 1))]);
    assert_eq!(index, Some(0));
    assert!(reason.contains("16777216"), "{reason}");
    chain.block(vec![sign(0, with_gas(0, CAP))]);
}

#[test]
fn the_gas_limits_of_a_block_count_against_what_is_left_of_it() {
    let chain = Chain::new();
    let mut input = chain.input(vec![
        sign(0, with_gas(0, 21_000)),
        sign(0, with_gas(1, 30_000)),
    ]);
    input.gas_limit = 50_000;
    match chain.try_execute(&input) {
        Err(ApplyError::Invalid(invalid)) => {
            assert_eq!(invalid.transaction, Some(1));
            assert!(invalid.reason.contains("29000"), "{}", invalid.reason);
        }
        other => panic!("{other:?}"),
    }
    input.gas_limit = 51_000;
    assert!(chain.try_execute(&input).is_ok());
}

#[test]
fn a_block_of_more_than_eight_mebibytes_is_invalid() {
    let chain = Chain::new();
    // Nine transactions of just under a mebibyte each.
    let length = 1_000_000;
    let all: Vec<Bytes> = (0..9).map(|nonce| sign(0, large(nonce, length))).collect();
    assert!(chain.try_execute(&chain.input(all[..8].to_vec())).is_ok());
    let (index, reason) = chain.refusal(all.clone());
    assert_eq!(index, None);
    assert!(reason.contains("EIP-7934"), "{reason}");

    let mut pool = Pool::new(all);
    let built = chain.build(&chain.attributes(), &mut pool);
    assert_eq!(built.ordinary.len(), 8);
    assert_eq!(pool.outcomes[8], CandidateOutcome::Later);
}

#[test]
fn a_block_may_have_exactly_the_largest_size() {
    let chain = Chain::new();
    let mut all: Vec<Bytes> = (0..8)
        .map(|nonce| sign(0, large(nonce, 1_000_000)))
        .collect();
    let body_bytes = |all: &[Bytes]| {
        let (outcome, _) = chain
            .try_execute(&chain.input(all.to_vec()))
            .expect("valid");
        let transactions = outcome
            .transactions
            .iter()
            .map(|tx| tx.envelope().clone())
            .collect();
        let body = BlockBody {
            transactions,
            ommers: vec![],
            withdrawals: Some(Default::default()),
        };
        Block::new(outcome.applied.header, body).length() as u64
    };
    let room = MAX_BLOCK_RLP_BYTES - body_bytes(&all);
    // The rest in one more transaction; find the length that fills the block.
    let overhead = body_bytes(&[all.clone(), vec![sign(0, large(8, 100_000))]].concat())
        - body_bytes(&all)
        - 100_000;
    let length = usize::try_from(room - overhead).expect("fits");
    let exact = sign(0, large(8, length));
    let longer = sign(0, large(8, length + 1));
    all.push(exact);
    assert_eq!(body_bytes(&all), MAX_BLOCK_RLP_BYTES);
    all[8] = longer;
    assert_eq!(chain.refusal(all).0, None);
}

#[test]
fn a_decoded_transaction_gives_its_bytes_back() {
    for bytes in [
        sign(0, legacy(0, address(1), 1)),
        sign(0, eip2930(0, address(1), Default::default())),
        sign(0, large(0, 100)),
        sign(
            0,
            eip7702(0, address(1), vec![authorization(2, 0, address(3))]),
        ),
    ] {
        let tx = decoded(&bytes);
        assert_eq!(tx.sender(), address(0));
        assert_eq!(*tx.bytes(), bytes);
        assert_eq!(tx.hash(), alloy_primitives::keccak256(&bytes));
        assert_eq!(RecoveredTx::envelope_of(&bytes).as_ref(), Ok(tx.envelope()));
    }
}
