use alloc::string::{String, ToString};
use alloy_consensus::crypto::secp256k1::{recover_signer, sign_message};
use alloy_primitives::{Address, B256, Signature, keccak256};
use core::fmt;
use rollwright_core::{ErrorKind, LayerError};

/// Signs parts. The driver holds the key, or asks whoever does.
pub trait PartSigner {
    /// Address of the key.
    fn address(&self) -> Address;

    /// Signs a 32-byte hash with ECDSA on secp256k1, low s.
    fn sign(&self, hash: &B256) -> Result<Signature, SignerError>;
}

/// Why a signer gave no signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sequencer's key cannot sign: {reason}")]
pub struct SignerError {
    /// The reason.
    pub reason: String,
    /// True where trying again may help.
    pub retryable: bool,
}

impl LayerError for SignerError {
    fn kind(&self) -> ErrorKind {
        if self.retryable {
            ErrorKind::Temporary
        } else {
            ErrorKind::Fatal
        }
    }

    fn code(&self) -> &'static str {
        "RW-NODE-248"
    }
}

/// A key in memory.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySigner {
    secret: B256,
    address: Address,
}

impl KeySigner {
    /// A signer with the given secret scalar, big endian. Fails for zero and
    /// for values not below the curve's order.
    pub fn new(secret: B256) -> Result<Self, SignerError> {
        let probe = keccak256(b"rollwright/key-probe");
        let signature = sign(secret, probe)?;
        let address = recover_signer(&signature, probe).map_err(|error| SignerError {
            reason: error.to_string(),
            retryable: false,
        })?;
        Ok(Self { secret, address })
    }
}

impl PartSigner for KeySigner {
    fn address(&self) -> Address {
        self.address
    }

    fn sign(&self, hash: &B256) -> Result<Signature, SignerError> {
        sign(self.secret, *hash)
    }
}

impl fmt::Debug for KeySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySigner")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn sign(secret: B256, hash: B256) -> Result<Signature, SignerError> {
    sign_message(secret, hash).map_err(|error| SignerError {
        reason: error.to_string(),
        retryable: false,
    })
}
