//! The precompile: the Merkle root of 32-byte leaves.

use alloy_primitives::{B256, keccak256};
use rollwright_evm::precompile::{Outcome, Precompile};

/// What a chain names.
pub(crate) const MERKLE_ROOT: Precompile = Precompile {
    name: "example/merkle-root",
    version: 1,
    run,
};

/// Gas of a call.
pub(crate) const BASE: u64 = 60;

/// Gas of each leaf: KECCAK256 over two words costs 42, and a tree has one
/// such hash less than leaves.
pub(crate) const PER_LEAF: u64 = 42;

/// The input is the leaves, one behind the other; the output is their root. A
/// layer's last node without a partner goes up as it is.
///
/// The price is known before anything is hashed, so that what the gas does not
/// pay for is not done.
fn run(input: &[u8], gas_limit: u64) -> Outcome {
    let (leaves, rest) = input.as_chunks::<32>();
    let gas_used = BASE + PER_LEAF * leaves.len() as u64;
    if gas_used > gas_limit {
        return Outcome::OutOfGas;
    }
    if !rest.is_empty() || leaves.is_empty() {
        return Outcome::Failure("the input is not a number of 32-byte leaves");
    }
    let mut layer: Vec<B256> = leaves.iter().map(|leaf| B256::new(*leaf)).collect();
    while layer.len() > 1 {
        layer = layer
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => keccak256([left.0, right.0].concat()),
                one => one[0],
            })
            .collect();
    }
    Outcome::Success {
        gas_used,
        output: layer[0].0.into(),
    }
}
