use super::{Outcome, Precompile};
use alloy_primitives::Bytes;

fn one(input: &[u8], gas_limit: u64) -> Outcome {
    match gas_limit {
        0..50 => Outcome::OutOfGas,
        _ if input.is_empty() => Outcome::Failure("no input"),
        _ => Outcome::Success {
            gas_used: 50,
            output: Bytes::copy_from_slice(&input[..1]),
        },
    }
}

fn dearer(input: &[u8], gas_limit: u64) -> Outcome {
    match one(input, gas_limit) {
        Outcome::Success { output, .. } => Outcome::Success {
            gas_used: 51,
            output,
        },
        other => other,
    }
}

fn reverting(input: &[u8], gas_limit: u64) -> Outcome {
    match one(input, gas_limit) {
        Outcome::Success { gas_used, output } => Outcome::Revert { gas_used, output },
        other => other,
    }
}

#[test]
fn fingerprints_tell_results_prices_and_kinds_apart() {
    let of = |run| {
        Precompile {
            name: "a",
            version: 1,
            run,
        }
        .fingerprint()
    };
    let all = [of(one), of(dearer), of(reverting)];
    assert_eq!(all[0], of(one));
    assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
}
