//! Who signed a transaction: decided once, in parallel, off the execution
//! path, and remembered by transaction hash.
//!
//! Three places learn senders: admission to a pool, decoding of a batch, and
//! the import of a block; execution asks the cache and finds them there.

#[cfg(feature = "std")]
mod cache;
#[cfg(feature = "std")]
mod generations;

#[cfg(all(test, feature = "std"))]
mod tests;

#[cfg(feature = "std")]
pub use cache::SenderCache;

use crate::machine::TxError;
use alloy_consensus::crypto::secp256k1;
use alloy_primitives::{Address, B256, Signature};

/// The signer of `hash`, by EIP-2: `0 < r < n`, `0 < s ≤ n/2`.
///
/// libsecp256k1 with `std`, k256 without; both give the same answers.
pub fn recover(signature: &Signature, hash: B256) -> Result<Address, TxError> {
    secp256k1::recover_signer(signature, hash).map_err(|_| TxError::Signature)
}
