//! Who signed a transaction: decided once, in parallel, off the execution
//! path, and remembered by transaction hash.

#[cfg(feature = "std")]
mod cache;

#[cfg(all(test, feature = "std"))]
mod tests;

#[cfg(feature = "std")]
pub use cache::SenderCache;

use alloc::vec::Vec;
use alloy_consensus::{TxEnvelope, crypto::secp256k1};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, Signature};

/// Why the bytes of a transaction are not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionError {
    /// Not the encoding of any transaction type.
    #[error("malformed transaction: {0}")]
    Malformed(alloy_rlp::Error),
    /// It can be decoded, and yet encoding gives other bytes.
    #[error("transaction is not canonically encoded")]
    NotCanonical,
    /// A signature must have `0 < r < n`, `0 < s ≤ n/2` and recover to a key.
    #[error("invalid sender: the signature does not recover to an account")]
    Signature,
}

/// Decodes EIP-2718 bytes and refuses what encoding would not give back.
///
/// Knows types 0 to 4; whether a type is admitted is not decided here.
pub fn decode_canonical(bytes: &[u8]) -> Result<TxEnvelope, TransactionError> {
    let malformed = |error| match error {
        alloy_eips::eip2718::Eip2718Error::RlpError(error) => TransactionError::Malformed(error),
        _ => TransactionError::Malformed(alloy_rlp::Error::Custom("unknown transaction type")),
    };
    let mut rest = bytes;
    let transaction = TxEnvelope::decode_2718(&mut rest).map_err(malformed)?;
    if !rest.is_empty() || transaction.encode_2718_len() != bytes.len() {
        return Err(TransactionError::NotCanonical);
    }
    let mut again = Vec::with_capacity(bytes.len());
    transaction.encode_2718(&mut again);
    match again == bytes {
        true => Ok(transaction),
        false => Err(TransactionError::NotCanonical),
    }
}

/// The signer of `hash`, by EIP-2: `s` in the lower half.
///
/// libsecp256k1 with `std`, k256 without; both give the same answers.
pub fn recover(signature: &Signature, hash: B256) -> Result<Address, TransactionError> {
    secp256k1::recover_signer(signature, hash).map_err(|_| TransactionError::Signature)
}

/// Decodes a transaction and recovers its sender, without a cache.
pub fn recover_bytes(bytes: &Bytes) -> Result<(TxEnvelope, Address), TransactionError> {
    let transaction = decode_canonical(bytes)?;
    let sender = recover(transaction.signature(), transaction.signature_hash())?;
    Ok((transaction, sender))
}
