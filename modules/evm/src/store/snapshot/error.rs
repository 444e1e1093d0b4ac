use rollwright_core::{B256, BlockRef, ErrorKind};

/// Why a snapshot was not written or not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Reading or writing failed.
    #[error("snapshot: {0}")]
    Io(#[from] std::io::Error),
    /// Not a snapshot, or not one that this release reads.
    #[error("not a snapshot that this release reads: {reason}")]
    Format {
        /// What does not fit.
        reason: String,
    },
    /// A chunk is damaged.
    #[error("snapshot chunk {index} is damaged: {reason}; fetch the file again")]
    Chunk {
        /// Index of the chunk.
        index: u64,
        /// What does not fit.
        reason: String,
    },
    /// A chunk is as it was written, and what it says is wrong.
    #[error(
        "snapshot chunk {index} is wrong: {reason}; it was written so: take the snapshot of another node"
    )]
    Contents {
        /// Index of the chunk.
        index: u64,
        /// What does not fit.
        reason: String,
    },
    /// An interrupted import cannot go on with this file.
    #[error(
        "the import of block {} was begun with another file; what it had loaded was removed: import this one again", block.number
    )]
    OtherFile {
        /// The block whose snapshot both claim to be.
        block: BlockRef,
    },
    /// It is of another chain.
    #[error("the snapshot is of the chain with genesis {found}, not {expected}")]
    OtherChain {
        /// Genesis hash in the snapshot.
        found: B256,
        /// Genesis hash that was asked for.
        expected: B256,
    },
    /// Its contents do not give the state root of its block.
    #[error(
        "the snapshot's contents give the state root {computed}, its block {number} has {expected}; it cannot be trusted"
    )]
    Root {
        /// The block.
        number: u64,
        /// State root in the block's header.
        expected: B256,
        /// State root of the contents.
        computed: B256,
    },
    /// The store already holds blocks beyond genesis.
    #[error(
        "the store already holds {blocks} blocks; import a snapshot into a fresh data directory"
    )]
    NotFresh {
        /// Number of the head.
        blocks: u64,
    },
}

impl SnapshotError {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(_) => ErrorKind::Temporary,
            // Nothing stands in the way of the second attempt.
            Self::OtherFile { .. } => ErrorKind::Temporary,
            Self::Format { .. }
            | Self::Chunk { .. }
            | Self::Contents { .. }
            | Self::OtherChain { .. }
            | Self::Root { .. }
            | Self::NotFresh { .. } => ErrorKind::Rejected,
        }
    }

    /// True where another copy of the same file may help, so that an import can
    /// go on with it.
    pub(crate) const fn is_of_the_copy(&self) -> bool {
        matches!(self, Self::Io(_) | Self::Chunk { .. })
    }

    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "RW-STORE-201",
            Self::Format { .. } => "RW-STORE-202",
            Self::Chunk { .. } => "RW-STORE-203",
            Self::OtherChain { .. } => "RW-STORE-204",
            Self::Root { .. } => "RW-STORE-205",
            Self::NotFresh { .. } => "RW-STORE-206",
            Self::Contents { .. } => "RW-STORE-207",
            Self::OtherFile { .. } => "RW-STORE-208",
        }
    }
}
