use crate::{ethereum::Violation, store::StoreError};
use rollwright_core::{B256, ErrorKind, LayerError};
use std::io;

/// Why a block was not imported. What was imported before stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The block is not valid: number, field and both values.
    #[error("{0}")]
    Invalid(Violation),
    /// The block continues none that is here.
    #[error(
        "block {number} ({hash}) continues {parent}, which is not here; import the blocks before it first, with the genesis.json of their chain"
    )]
    UnknownParent {
        /// Its number.
        number: u64,
        /// Its hash.
        hash: B256,
        /// The parent that it names.
        parent: B256,
    },
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file could not be read.
    #[error("the chain file cannot be read at byte {offset}: {source}")]
    File {
        /// Where.
        offset: u64,
        /// The cause.
        source: io::Error,
    },
    /// The file ends within a block.
    #[error("the chain file ends within the block that begins at byte {offset}; fetch it again")]
    CutOff {
        /// Where that block begins.
        offset: u64,
    },
    /// The bytes are no block.
    #[error(
        "the chain file holds no block at byte {offset}: {reason}; it must be blocks in RLP, one behind the other"
    )]
    NotABlock {
        /// Where.
        offset: u64,
        /// What was found.
        reason: String,
    },
}

impl LayerError for ImportError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::File { .. } => ErrorKind::Fatal,
            _ => ErrorKind::Rejected,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "RW-EVM-401",
            Self::UnknownParent { .. } => "RW-EVM-402",
            Self::Store(error) => error.code(),
            Self::File { .. } => "RW-EVM-403",
            Self::CutOff { .. } => "RW-EVM-404",
            Self::NotABlock { .. } => "RW-EVM-405",
        }
    }
}
