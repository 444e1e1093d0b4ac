use crate::{genesis::GenesisError, machine::Refusal, store::StoreError};
use rollwright_core::{BlockRef, ErrorKind, InvalidBlock, LayerError};

/// Why the engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain's genesis is not valid.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// A transaction breaks a rule that is in force. Clients match on the
    /// text, which is geth's.
    #[error("{0}")]
    Refused(Refusal),
    /// A transaction is longer than a pool takes.
    #[error("oversized data: transaction size {have}, limit {limit}")]
    Oversized {
        /// Its encoded length in bytes.
        have: usize,
        /// The longest that is taken.
        limit: usize,
    },
    /// No block can have these attributes on this parent.
    #[error("no block can be built on block {} ({}): {}", parent.number, parent.hash, invalid.reason)]
    Attributes {
        /// The parent.
        parent: BlockRef,
        /// What is wrong.
        invalid: InvalidBlock,
    },
    /// A stored block does not execute to itself any more.
    #[error(
        "block {} ({}) does not execute to itself: {reason}; the data directory was written by other rules, or is damaged: derive the chain again into a fresh one",
        block.number, block.hash
    )]
    Diverged {
        /// The block.
        block: BlockRef,
        /// What differs.
        reason: String,
    },
    /// What a witness of the block needs is not kept any more.
    #[error(
        "the forced entries that block {} ({}) skipped are not kept any more; ask an archive node",
        block.number, block.hash
    )]
    ForcedPruned {
        /// The block.
        block: BlockRef,
    },
}

impl From<Refusal> for EngineError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl LayerError for EngineError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Genesis(error) => error.kind(),
            Self::Refused(_) | Self::Oversized { .. } | Self::Attributes { .. } => {
                ErrorKind::Rejected
            }
            Self::Diverged { .. } => ErrorKind::Fatal,
            Self::ForcedPruned { .. } => ErrorKind::Pruned,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Genesis(error) => error.code(),
            Self::Refused(refusal) => refused_code(refusal),
            Self::Oversized { .. } => "RW-EVM-201",
            Self::Attributes { .. } => "RW-EVM-202",
            Self::Diverged { .. } => "RW-EVM-203",
            Self::ForcedPruned { .. } => "RW-EVM-204",
        }
    }
}

/// `RW-EVM-1xx` with the refusal's own number.
const fn refused_code(refusal: &Refusal) -> &'static str {
    const CODES: [&str; 25] = [
        "RW-EVM-100",
        "RW-EVM-101",
        "RW-EVM-102",
        "RW-EVM-103",
        "RW-EVM-104",
        "RW-EVM-105",
        "RW-EVM-106",
        "RW-EVM-107",
        "RW-EVM-108",
        "RW-EVM-109",
        "RW-EVM-110",
        "RW-EVM-111",
        "RW-EVM-112",
        "RW-EVM-113",
        "RW-EVM-114",
        "RW-EVM-115",
        "RW-EVM-116",
        "RW-EVM-117",
        "RW-EVM-118",
        "RW-EVM-119",
        "RW-EVM-120",
        "RW-EVM-121",
        "RW-EVM-122",
        "RW-EVM-123",
        "RW-EVM-124",
    ];
    let code = refusal.code() as usize;
    if code < CODES.len() {
        CODES[code]
    } else {
        CODES[0]
    }
}
