//! Building picks from candidates, and executing the result gives the block.

use super::support::*;
use alloy_consensus::TxEip1559;
use alloy_primitives::{Bytes, TxKind};
use rollwright_core::CandidateOutcome as Outcome;

#[test]
fn what_can_never_be_valid_is_dropped_and_what_may_be_waits() {
    let chain = Chain::new();
    let good = transfer(0, 0, address(1), 1);
    let gap = transfer(1, 4, address(1), 1);
    let cheap = sign(
        2,
        TxEip1559 {
            max_fee_per_gas: 1,
            max_priority_fee_per_gas: 0,
            ..eip1559(0, TxKind::Call(address(1)), Bytes::new())
        },
    );
    let mut pool = Pool::new(vec![
        good.clone(),
        good.clone(),
        gap,
        cheap,
        Bytes::from_static(b"x"),
        transfer(0, 1, address(1), 1),
    ]);
    let built = chain.build(&chain.attributes(), &mut pool);
    assert_eq!(built.ordinary, [good, transfer(0, 1, address(1), 1)]);
    assert!(matches!(
        pool.outcomes.as_slice(),
        [
            Outcome::Included,
            Outcome::Invalid(_),
            Outcome::Later,
            Outcome::Later,
            Outcome::Invalid(_),
            Outcome::Included
        ]
    ));
}

#[test]
fn count_bytes_and_gas_bound_a_block() {
    let chain = Chain::new();
    let all: Vec<Bytes> = (0..5)
        .map(|nonce| transfer(0, nonce, address(1), 1))
        .collect();
    let mut attributes = chain.attributes();
    attributes.max_transactions = 2;
    assert_eq!(
        chain
            .build(&attributes, &mut Pool::new(all.clone()))
            .ordinary
            .len(),
        2
    );

    let mut attributes = chain.attributes();
    attributes.max_bytes = all[..3].iter().map(|tx| tx.len() as u64).sum();
    assert_eq!(
        chain
            .build(&attributes, &mut Pool::new(all.clone()))
            .ordinary
            .len(),
        3
    );

    let mut attributes = chain.attributes();
    attributes.gas_limit = 4 * 21_000;
    assert_eq!(
        chain.build(&attributes, &mut Pool::new(all)).ordinary.len(),
        4
    );
}

#[test]
fn executing_what_was_built_gives_the_same_block() {
    let chain = Chain::new();
    let mut attributes = chain.attributes();
    attributes.forced = forced(vec![
        transfer(0, 0, address(1), 1),
        Bytes::from_static(b"x"),
    ]);
    let mut pool = Pool::new(vec![
        transfer(0, 0, address(1), 1),
        transfer(0, 1, address(2), 1),
    ]);
    let built = chain.build(&attributes, &mut pool);
    let input = attributes.into_input(chain.head(), built.ordinary.clone());
    let (outcome, _) = chain.try_execute(&input).expect("valid");
    assert_eq!(outcome, built.outcome);
    assert_eq!(outcome.transactions.len(), 2);
}
