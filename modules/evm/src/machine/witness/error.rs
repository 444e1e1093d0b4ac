use alloy_primitives::B256;
use rollwright_core::{ErrorKind, LayerError};

/// Why a witness does not suffice. Says nothing about the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// A trie node or a code is absent.
    #[error(
        "the witness lacks the preimage of {hash}; record it again on a node that has the parent's state"
    )]
    MissingWitness {
        /// keccak256 of what is absent.
        hash: B256,
    },
    /// The header of an ancestor is absent.
    #[error("the witness lacks the headers that link the parent to block {number}")]
    MissingHeader {
        /// Number of the block whose hash was asked for.
        number: u64,
    },
    /// Something has the right hash and is not what a state trie holds.
    #[error("the witness holds a malformed item at {hash}")]
    Malformed {
        /// Hash of the node or header, or hashed key of the leaf.
        hash: B256,
    },
}

impl LayerError for WitnessError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Rejected
    }

    fn code(&self) -> &'static str {
        match self {
            Self::MissingWitness { .. } => "RW-EVM-011",
            Self::MissingHeader { .. } => "RW-EVM-012",
            Self::Malformed { .. } => "RW-EVM-013",
        }
    }
}
