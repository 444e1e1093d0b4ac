//! Calls that may do no more than a little.

use super::support::*;
use crate::machine::{
    AccountOverride, Budget, CallError, CallRequest, CallResult, Overrides, Stop, call, call_until,
};
use alloy_primitives::{Address, Bytes};

const CONTRACT: Address = Address::repeat_byte(0xcc);

/// Calls code within a budget; true where the budget was enough.
fn enough(code: &[u8], units: u32) -> bool {
    let mut chain = Chain::new();
    let config = chain.genesis.config.clone();
    let mut overrides = Overrides::default();
    let account = AccountOverride {
        code: Some(Bytes::copy_from_slice(code)),
        ..AccountOverride::default()
    };
    overrides.state.insert(CONTRACT, account);
    let request = CallRequest {
        from: address(0),
        to: Some(CONTRACT),
        ..CallRequest::default()
    };
    let budget = Budget::new(units);
    let (header, state) = (&chain.header, &mut chain.state);
    let within = Stop::within(&budget);
    let brief = call_until(&config, header, state, &request, &overrides, within);
    if budget.is_spent() {
        assert_eq!(brief.err(), Some(CallError::Stopped));
        return false;
    }
    // Whoever has a budget and keeps to it gets the same answer.
    let whole = call(&config, header, state, &request, &overrides);
    assert_eq!(brief, whole);
    let result = brief.expect("executes").result;
    assert!(matches!(result, CallResult::Success { .. }), "{result:?}");
    true
}

#[test]
fn jump_targets_are_counted() {
    let code = [0x5b; 500];
    assert!(enough(&code, 600));
    assert!(!enough(&code, 400));
}

#[test]
fn reads_count_more() {
    // SLOAD and POP, of a hundred slots.
    let code: Vec<u8> = (0..100).flat_map(|slot| [0x60, slot, 0x54, 0x50]).collect();
    assert!(enough(&code, 600));
    assert!(!enough(&code, 400));
}

#[test]
fn a_frame_that_has_used_much_gas_ends_at_its_next_look() {
    // Hashes 512 KiB and stops; with a jump target before the end, and without.
    let hash = [0x62, 0x08, 0x00, 0x00, 0x5f, 0x20, 0x50];
    assert!(enough(&hash, 1_000));
    assert!(!enough(&[&hash[..], &[0x5b]].concat(), 1_000));
    assert!(!enough(&[hash, hash].concat(), 1_000), "a hash looks, too");
}

#[test]
fn precompiles_that_may_take_long_are_too_much() {
    let call = |to: u8| [0x5f, 0x5f, 0x5f, 0x5f, 0x60, to, 0x5a, 0xfa, 0x50];
    assert!(enough(&call(4), 1_000), "identity");
    for slow in [5, 6, 8, 9, 10, 0x11] {
        assert!(!enough(&call(slow), 1_000), "{slow}");
    }
}
