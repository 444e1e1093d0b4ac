use super::{RebuildReason, SignerError};
use crate::{CodecError, StateError};
use alloy_primitives::Address;
use rollwright_core::{BlockRef, ErrorKind, LayerError};

/// Why the batcher cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatcherError {
    /// A block was pushed that does not follow the tip.
    #[error("block {} ({}) does not follow the batcher's tip, block {} ({}). Push the canonical blocks above the tip in order", found.number, found.hash, tip.number, tip.hash)]
    NotNext {
        /// The tip.
        tip: BlockRef,
        /// The block pushed.
        found: BlockRef,
    },
    /// Another process of the sequencer has a higher term.
    #[error(
        "a batch with term {accepted} was accepted, and this process posts with term {ours}: another sequencer process has taken over. Stop this one, or let it take over by an election"
    )]
    Fenced {
        /// This process's.
        ours: u64,
        /// The last accepted.
        accepted: u64,
    },
    /// The key may not sign at present.
    #[error(
        "{signer} is not in the key schedule at DA ordinal {ordinal}. Configure a key of the schedule, or amend the schedule"
    )]
    NotInSchedule {
        /// The key's address.
        signer: Address,
        /// The ordinal of application.
        ordinal: u64,
    },
    /// The codec is not the chain's, or cannot write the blocks.
    #[error("blocks from {first} on cannot be encoded: {source}")]
    Codec {
        /// Number of the first block.
        first: u64,
        /// The reason.
        #[source]
        source: CodecError,
    },
    /// One block alone exceeds what a batch may hold.
    #[error(
        "block {number} alone makes a batch of {bytes} bytes in {parts} parts; the chain allows {max_bytes} bytes in {max_parts} parts. Post to a layer with larger blobs, or lower limits.blockBytes by an amendment"
    )]
    BlockTooLarge {
        /// The block.
        number: u64,
        /// Length of its envelope.
        bytes: u64,
        /// Parts that it needs.
        parts: u64,
        /// `limits.batchBytes`.
        max_bytes: u64,
        /// `limits.batchParts`.
        max_parts: u64,
    },
    /// The DA layer's blobs are too small for a part.
    #[error(
        "blobs of {max_blob_bytes} bytes have no room for a part; {least} are needed. Choose another DA layer"
    )]
    BlobTooSmall {
        /// The layer's.
        max_blob_bytes: u64,
        /// The least.
        least: u64,
    },
    /// The batcher has stopped, and an operator must look.
    #[error("posting is halted: {0}. Look at the trace of the rejected batch, then restart")]
    Halted(RebuildReason),
    /// The signer failed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// A stored record is damaged.
    #[error(transparent)]
    Record(#[from] StateError),
}

impl LayerError for BatcherError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotNext { .. } => ErrorKind::Rejected,
            Self::Signer(error) => error.kind(),
            _ => ErrorKind::Fatal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotNext { .. } => "RW-NODE-241",
            Self::Fenced { .. } => "RW-NODE-242",
            Self::NotInSchedule { .. } => "RW-NODE-243",
            Self::Codec { .. } => "RW-NODE-244",
            Self::BlockTooLarge { .. } => "RW-NODE-245",
            Self::BlobTooSmall { .. } => "RW-NODE-246",
            Self::Halted(_) => "RW-NODE-247",
            Self::Signer(error) => error.code(),
            Self::Record(error) => error.code(),
        }
    }
}
