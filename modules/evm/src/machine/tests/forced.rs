//! The forced lane's outcomes, each.

use super::support::*;
use alloy_consensus::{TxEip1559, TxLegacy};
use alloy_primitives::{Bytes, TxKind, U256, keccak256};
use rollwright_core::{BlockInput, ForcedBudget, ForcedOutcome};

fn run(chain: &Chain, entries: Vec<Bytes>, budget: ForcedBudget) -> Vec<ForcedOutcome> {
    let mut input: BlockInput = chain.input(vec![]);
    input.forced = forced(entries);
    input.forced_budget = budget;
    let (outcome, _) = chain
        .try_execute(&input)
        .expect("forced entries never invalidate a block");
    assert_eq!(
        outcome.applied.transactions.len(),
        outcome
            .applied
            .forced
            .iter()
            .filter(|o| matches!(o, ForcedOutcome::Included { .. }))
            .count()
    );
    outcome.applied.forced
}

fn included(bytes: &Bytes) -> ForcedOutcome {
    ForcedOutcome::Included {
        hash: keccak256(bytes),
    }
}

const fn skipped(reason: u16) -> ForcedOutcome {
    ForcedOutcome::Skipped { reason }
}

fn call(nonce: u64) -> TxEip1559 {
    eip1559(nonce, TxKind::Call(address(1)), Bytes::new())
}

fn underpriced(nonce: u64) -> Bytes {
    sign(
        0,
        TxEip1559 {
            max_fee_per_gas: 1,
            max_priority_fee_per_gas: 0,
            ..call(nonce)
        },
    )
}

#[test]
fn what_is_invalid_is_skipped_with_its_code_and_the_rest_goes_on() {
    let chain = Chain::new();
    let good = transfer(0, 0, address(1), 1);
    let unprotected = sign(
        1,
        TxLegacy {
            chain_id: None,
            ..legacy(0, address(1), 1)
        },
    );
    let other_chain = sign(
        1,
        TxEip1559 {
            chain_id: 1,
            ..call(0)
        },
    );
    let poor = sign(
        1,
        TxEip1559 {
            value: U256::MAX >> 1,
            ..call(0)
        },
    );
    let intrinsic = sign(
        1,
        TxEip1559 {
            gas_limit: 20_000,
            ..call(0)
        },
    );
    let cap = sign(
        1,
        TxEip1559 {
            gas_limit: (1 << 24) + 1,
            ..call(0)
        },
    );
    let outcomes = run(
        &chain,
        vec![
            good.clone(),
            good.clone(),
            Bytes::from_static(b"nonsense"),
            unprotected,
            other_chain,
            poor,
            intrinsic,
            cap,
            sign(1, call(5)),
            transfer(1, 0, address(2), 1),
        ],
        budget(),
    );
    let last = included(&transfer(1, 0, address(2), 1));
    assert_eq!(
        outcomes,
        [
            included(&good),
            skipped(7),
            skipped(1),
            skipped(5),
            skipped(6),
            skipped(12),
            skipped(14),
            skipped(16),
            skipped(8),
            last
        ]
    );
}

#[test]
fn an_entry_that_fails_on_its_fee_cap_alone_stays() {
    let chain = Chain::new();
    let after = transfer(1, 0, address(2), 1);
    assert_eq!(
        run(&chain, vec![underpriced(0), after.clone()], budget()),
        [ForcedOutcome::Underpriced, included(&after)]
    );
    // With something else wrong as well it goes: code 8 is the nonce.
    assert_eq!(run(&chain, vec![underpriced(3)], budget()), [skipped(8)]);
}

#[test]
fn gas_used_bounds_the_start_of_an_entry_and_may_be_overshot() {
    let chain = Chain::new();
    let entries: Vec<Bytes> = (0..4)
        .map(|nonce| transfer(0, nonce, address(1), 1))
        .collect();
    let budget = ForcedBudget {
        gas: 42_001,
        ..budget()
    };
    assert_eq!(
        run(&chain, entries.clone(), budget),
        [
            included(&entries[0]),
            included(&entries[1]),
            included(&entries[2]),
            ForcedOutcome::Waits
        ]
    );
}

#[test]
fn bytes_bound_what_is_included_and_the_queue_keeps_its_order() {
    let chain = Chain::new();
    let big = sign(
        0,
        TxEip1559 {
            input: vec![0; 500].into(),
            ..call(1)
        },
    );
    let first = transfer(0, 0, address(1), 1);
    let small = transfer(1, 0, address(1), 1);
    let budget = ForcedBudget {
        bytes: big.len() as u64 + 10,
        ..budget()
    };
    // The big entry fits an empty block, so it waits, and so does what follows.
    assert_eq!(
        run(&chain, vec![first.clone(), big.clone(), small], budget),
        [included(&first), ForcedOutcome::Waits, ForcedOutcome::Waits]
    );
    // One that fits no block is skipped: code 19.
    let budget = ForcedBudget {
        bytes: big.len() as u64 - 1,
        ..budget
    };
    assert_eq!(
        run(&chain, vec![big, first.clone()], budget),
        [skipped(19), included(&first)]
    );
}

#[test]
fn validations_bound_how_many_entries_are_looked_at() {
    let chain = Chain::new();
    let budget = ForcedBudget {
        validations: 2,
        ..budget()
    };
    let entries = vec![
        Bytes::from_static(b"x"),
        underpriced(0),
        transfer(0, 0, address(1), 1),
    ];
    assert_eq!(
        run(&chain, entries, budget),
        [skipped(1), ForcedOutcome::Underpriced, ForcedOutcome::Waits]
    );
}

#[test]
fn an_entry_that_exceeds_what_is_left_of_the_block_waits_or_goes() {
    let chain = Chain::new();
    let mut input = chain.input(vec![]);
    let first = transfer(0, 0, address(1), 1);
    input.forced = forced(vec![first.clone(), sign(0, call(1))]);
    // One million gas is less than the block has, and more than is left.
    input.gas_limit = 1_010_000;
    let (outcome, _) = chain.try_execute(&input).expect("valid");
    assert_eq!(
        outcome.applied.forced,
        [included(&first), ForcedOutcome::Waits]
    );
    // More than any such block has: code 17.
    input.gas_limit = 500_000;
    let (outcome, _) = chain.try_execute(&input).expect("valid");
    assert_eq!(outcome.applied.forced, [included(&first), skipped(17)]);
}

#[test]
fn a_transaction_that_was_included_as_an_ordinary_one_is_skipped_when_due() {
    let mut chain = Chain::new();
    let tx = transfer(0, 0, address(1), 1);
    chain.block(vec![tx.clone()]);
    assert_eq!(run(&chain, vec![tx], budget()), [skipped(7)]);
}

#[test]
fn no_entry_changes_the_state_unless_it_is_included() {
    let chain = Chain::new();
    let (plain, _) = chain.try_execute(&chain.input(vec![])).expect("valid");
    let mut input = chain.input(vec![]);
    input.forced = forced(vec![
        underpriced(0),
        underpriced(7),
        Bytes::from_static(b"x"),
        sign(0, call(3)),
    ]);
    let (outcome, _) = chain.try_execute(&input).expect("valid");
    assert_eq!(outcome.applied.header, plain.applied.header);
}
