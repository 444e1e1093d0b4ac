use crate::NodeError;
use alloy_consensus::crypto::secp256k1;
use alloy_primitives::{Address, B256, Signature};
use rollwright_derive::{PartSigner, SignerError};
use std::fmt;

/// A sequencer's secp256k1 key. Its secret appears in no output: neither in
/// `Debug` nor in errors.
#[derive(Clone)]
pub struct SequencerKey {
    secret: B256,
    address: Address,
}

impl SequencerKey {
    /// A key from its 32 secret bytes. `Config` where they are zero or not
    /// below the curve's order.
    pub fn from_bytes(secret: B256) -> Result<Self, NodeError> {
        let probe = B256::repeat_byte(1);
        let address = secp256k1::sign_message(secret, probe)
            .ok()
            .and_then(|signature| secp256k1::recover_signer(&signature, probe).ok())
            .ok_or_else(|| NodeError::Config {
                what: "the sequencer key is no secp256k1 secret key".into(),
                help: "give 32 bytes as 64 hex digits, as `rollwright keys new` prints them".into(),
            })?;
        Ok(Self { secret, address })
    }

    /// The address that stands in the key schedule.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Signs a hash: low s, parity 0 or 1. Deterministic (RFC 6979).
    pub fn sign(&self, hash: B256) -> Result<Signature, NodeError> {
        secp256k1::sign_message(self.secret, hash).map_err(|error| NodeError::Invariant {
            what: format!("signing failed: {error}"),
        })
    }
}

impl PartSigner for SequencerKey {
    fn address(&self) -> Address {
        self.address
    }

    fn sign(&self, hash: &B256) -> Result<Signature, SignerError> {
        Self::sign(self, *hash).map_err(|error| SignerError {
            reason: error.to_string(),
            retryable: false,
        })
    }
}

impl fmt::Debug for SequencerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SequencerKey")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
