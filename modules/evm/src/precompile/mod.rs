//! Precompiles of a chain's own.
//!
//! A chain names them in `config.rollwright.precompiles` (name, version,
//! address, time), so the genesis hash says which it has; the program that runs
//! the chain brings their code with [`Genesis::with_precompiles`]. A program
//! that lacks one refuses to open the chain.
//!
//! ```
//! use rollwright_evm::precompile::{Outcome, Precompile};
//!
//! /// The number of bytes of the input, for 10 gas and one per byte.
//! fn length(input: &[u8], gas_limit: u64) -> Outcome {
//!     let gas_used = 10 + input.len() as u64;
//!     if gas_used > gas_limit {
//!         return Outcome::OutOfGas;
//!     }
//!     let mut output = [0; 32];
//!     output[24..].copy_from_slice(&(input.len() as u64).to_be_bytes());
//!     Outcome::Success { gas_used, output: output.to_vec().into() }
//! }
//!
//! const LENGTH: Precompile = Precompile { name: "acme/length", version: 1, run: length };
//! assert!(!LENGTH.fingerprint().is_zero());
//! ```
//!
//! [`Genesis::with_precompiles`]: crate::genesis::Genesis::with_precompiles

mod provider;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use provider::ChainPrecompiles;
pub(crate) use table::PrecompileTable;

use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes, keccak256};

/// The code of a precompile: a pure function of its input and the gas that it
/// may use.
///
/// It must do the same on every machine, and for every input end in time
/// that its gas pays for; it can read no state. What it returns decides the
/// state of the chain: whatever changes a result or a price is another version.
pub type PrecompileFn = fn(input: &[u8], gas_limit: u64) -> Outcome;

/// One precompile that a program has.
#[derive(Clone, Copy, Debug)]
pub struct Precompile {
    /// Name, as chains name it: 1 to 64 of `a-z 0-9 - _ . /`.
    pub name: &'static str,
    /// Version, as chains name it.
    pub version: u16,
    /// The code.
    pub run: PrecompileFn,
}

/// What a precompile did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned. More gas than the limit counts as [`OutOfGas`](Self::OutOfGas).
    Success {
        /// Gas that it cost.
        gas_used: u64,
        /// Return data.
        output: Bytes,
    },
    /// It reverted: the rest of the gas is given back.
    Revert {
        /// Gas that it cost.
        gas_used: u64,
        /// Revert data.
        output: Bytes,
    },
    /// The limit was too low; all of it is used.
    OutOfGas,
    /// The input is no good; all gas is used.
    Failure(&'static str),
}

impl Precompile {
    /// A hash over what the code does with fixed inputs, with little gas and
    /// with much. Two different codes mostly have different ones; a chain may
    /// name it, so that a program with other code under the same name refuses
    /// the chain.
    pub fn fingerprint(&self) -> B256 {
        let counting: Vec<u8> = (0..=u8::MAX).collect();
        let mut seen = b"rollwright/precompile/v1".to_vec();
        for input in [&[][..], &[0; 32], &[0xff; 96], &counting] {
            for gas in [0, 1_000, 1_000_000] {
                record(&mut seen, &(self.run)(input, gas));
            }
        }
        keccak256(seen)
    }
}

fn record(seen: &mut Vec<u8>, outcome: &Outcome) {
    let (kind, gas, output) = match outcome {
        Outcome::Success { gas_used, output } => (0, *gas_used, &output[..]),
        Outcome::Revert { gas_used, output } => (1, *gas_used, &output[..]),
        Outcome::OutOfGas => (2, 0, &[][..]),
        Outcome::Failure(_) => (3, 0, &[][..]),
    };
    seen.push(kind);
    seen.extend_from_slice(&gas.to_be_bytes());
    seen.extend_from_slice(&(output.len() as u64).to_be_bytes());
    seen.extend_from_slice(output);
}
