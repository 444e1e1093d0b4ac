//! Calls and estimates.

use super::support::*;
use crate::machine::{
    AccountOverride, CallError, CallRequest, CallResult, EstimateError, Overrides, Refusal, call,
    estimate,
};
use alloy_primitives::{Address, Bytes, U256, bytes};

fn request() -> CallRequest {
    CallRequest {
        from: address(0),
        to: Some(address(1)),
        ..CallRequest::default()
    }
}

fn run(
    chain: &mut Chain,
    request: &CallRequest,
    overrides: &Overrides,
) -> Result<crate::machine::CallOutcome, CallError<core::convert::Infallible>> {
    let config = chain.genesis.config.clone();
    let root = chain.state.root();
    let outcome = call(&config, &chain.header, &mut chain.state, request, overrides);
    assert_eq!(chain.state.root(), root, "a call changes nothing");
    outcome
}

fn with_code(code: Bytes) -> (Address, Overrides) {
    let contract = Address::repeat_byte(0xcc);
    let account = AccountOverride {
        code: Some(code),
        ..AccountOverride::default()
    };
    let mut overrides = Overrides::default();
    overrides.state.insert(contract, account);
    (contract, overrides)
}

fn guess(
    chain: &mut Chain,
    request: &CallRequest,
    overrides: &Overrides,
) -> Result<u64, EstimateError<core::convert::Infallible>> {
    let config = chain.genesis.config.clone();
    estimate(&config, &chain.header, &mut chain.state, request, overrides)
}

#[test]
fn a_call_needs_no_funds_for_gas_no_nonce_and_no_price() {
    let mut chain = Chain::new();
    let broke = CallRequest {
        from: Address::repeat_byte(0x99),
        nonce: Some(77),
        ..request()
    };
    let outcome = run(&mut chain, &broke, &Overrides::default()).expect("executes");
    assert_eq!(outcome.gas_used, 21_000);
    assert!(matches!(outcome.result, CallResult::Success { .. }));

    let value = CallRequest {
        value: U256::from(1),
        ..broke
    };
    assert!(matches!(
        run(&mut chain, &value, &Overrides::default()),
        Err(CallError::Refused(Refusal::InsufficientFunds { .. }))
    ));
}

#[test]
fn overrides_are_seen_by_the_call() {
    let mut chain = Chain::new();
    // Returns SLOAD(0) ‖ NUMBER ‖ SELFBALANCE.
    let (contract, mut overrides) = with_code(bytes!("5f545f52436020524760405260605ff3"));
    let account = overrides.state.get_mut(&contract).expect("present");
    account.balance = Some(U256::from(3));
    account.state_diff.insert(Default::default(), U256::from(1));
    overrides.block.number = Some(2);
    let request = CallRequest {
        to: Some(contract),
        ..request()
    };
    let outcome = run(&mut chain, &request, &overrides).expect("executes");
    let CallResult::Success { output, .. } = outcome.result else {
        panic!("{outcome:?}");
    };
    let words: Vec<U256> = output.chunks(32).map(U256::from_be_slice).collect();
    assert_eq!(words, [U256::from(1), U256::from(2), U256::from(3)]);
}

#[test]
fn a_revert_carries_its_data_and_a_halt_its_reason() {
    let mut chain = Chain::new();
    // MSTORE(0, 42) REVERT(0, 32)
    let (contract, overrides) = with_code(bytes!("602a5f5260205ffd"));
    let to_contract = CallRequest {
        to: Some(contract),
        ..request()
    };
    let expected: Bytes = U256::from(42).to_be_bytes::<32>().into();
    let outcome = run(&mut chain, &to_contract, &overrides).expect("executes");
    assert_eq!(
        outcome.result,
        CallResult::Revert {
            output: expected.clone()
        }
    );
    assert_eq!(
        guess(&mut chain, &to_contract, &overrides),
        Err(EstimateError::Revert { output: expected })
    );

    let (_, overrides) = with_code(bytes!("fe"));
    let outcome = run(&mut chain, &to_contract, &overrides).expect("executes");
    assert!(
        matches!(outcome.result, CallResult::Halt { ref reason, out_of_gas: false } if reason == "invalid opcode")
    );
}

#[test]
fn the_estimate_of_a_transfer_is_its_cost() {
    let mut chain = Chain::new();
    let request = CallRequest {
        value: U256::from(1),
        ..request()
    };
    assert_eq!(
        guess(&mut chain, &request, &Overrides::default()),
        Ok(21_000)
    );
}

#[test]
fn an_estimate_suffices_and_little_less_does_not() {
    let mut chain = Chain::new();
    // Fails unless a hundred thousand gas are left: GAS > 100000 or INVALID,
    // then stores one slot.
    let (contract, overrides) = with_code(bytes!("620186a05a11600a57fe5b60015f5500"));
    let request = CallRequest {
        to: Some(contract),
        ..request()
    };
    let gas = guess(&mut chain, &request, &overrides).expect("succeeds with enough");
    let with = |gas: u64| CallRequest {
        gas: Some(gas),
        ..request.clone()
    };
    let success =
        |outcome: crate::machine::CallOutcome| matches!(outcome.result, CallResult::Success { .. });
    assert!(success(
        run(&mut chain, &with(gas), &overrides).expect("executes")
    ));
    assert!(!success(
        run(&mut chain, &with(gas * 97 / 100), &overrides).expect("executes")
    ));
    assert!(gas > 121_000 && gas < 130_000, "{gas}");
}

#[test]
fn gas_that_is_never_enough_is_an_allowance_error() {
    let mut chain = Chain::new();
    // JUMPDEST PUSH0 JUMP
    let (contract, overrides) = with_code(bytes!("5b5f56"));
    let request = CallRequest {
        to: Some(contract),
        ..request()
    };
    assert_eq!(
        guess(&mut chain, &request, &overrides),
        Err(EstimateError::Allowance(1 << 24))
    );
}

#[test]
fn with_a_price_the_base_fee_and_the_balance_count() {
    let mut chain = Chain::new();
    let low = CallRequest {
        max_fee_per_gas: Some(1),
        ..request()
    };
    assert!(matches!(
        run(&mut chain, &low, &Overrides::default()),
        Err(CallError::Refused(Refusal::FeeCapTooLow { .. }))
    ));
    let fine = CallRequest {
        max_fee_per_gas: Some(2 * GWEI),
        max_priority_fee_per_gas: Some(GWEI),
        ..request()
    };
    assert!(run(&mut chain, &fine, &Overrides::default()).is_ok());
}

#[test]
fn an_estimate_of_a_value_above_the_balance_blames_the_funds_and_not_the_gas() {
    let mut chain = Chain::new();
    let priced = CallRequest {
        value: U256::MAX,
        max_fee_per_gas: Some(2_000_000_000),
        ..request()
    };
    assert!(matches!(
        guess(&mut chain, &priced, &Overrides::default()),
        Err(EstimateError::Call(CallError::Refused(
            Refusal::InsufficientFunds { .. }
        )))
    ));
}
