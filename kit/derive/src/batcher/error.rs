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
    /// One block alone exceeds what a batch may hold, and so does the block
    /// that was made in its place.
    #[error(
        "block {number} is too large for a batch: {large}. Post to a layer with larger blobs, raise limits.batchParts by an amendment, or lower limits.blockBytes by one"
    )]
    BlockTooLarge {
        /// The block.
        number: u64,
        /// What it exceeds.
        large: BlockTooLarge,
    },
    /// The layer cannot carry the largest block in one batch.
    #[error(
        "from DA ordinal {from} on a block's batch may have {needed} bytes, and {parts} parts (limits.batchParts) of {piece_bytes} bytes, which is what a blob of this DA layer has room for, carry {carried}. Choose a layer with larger blobs, raise limits.batchParts, or lower limits.blockBytes to {postable} at most"
    )]
    LayerTooSmall {
        /// First ordinal of these limits.
        from: u64,
        /// Longest envelope of a single block.
        needed: u64,
        /// `limits.batchParts`.
        parts: u32,
        /// Largest piece that a blob has room for.
        piece_bytes: u64,
        /// What as many parts carry.
        carried: u64,
        /// The largest `limits.blockBytes` that the layer carries.
        postable: u64,
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

/// What a block exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockTooLarge {
    /// The bounds on a block where it would be applied.
    #[error(
        "its {transactions} transactions have {bytes} bytes, and {max_transactions} with {max_bytes} bytes are allowed at present"
    )]
    Block {
        /// Transactions in it.
        transactions: u64,
        /// Their bytes.
        bytes: u64,
        /// `limits.blockTransactions`.
        max_transactions: u64,
        /// `limits.blockBytes`.
        max_bytes: u64,
    },
    /// The bounds on a batch.
    #[error(
        "its batch has {bytes} bytes in {parts} parts, and {max_bytes} bytes in {max_parts} parts are allowed"
    )]
    Batch {
        /// Length of its envelope.
        bytes: u64,
        /// Parts that it needs.
        parts: u64,
        /// `limits.batchBytes`.
        max_bytes: u64,
        /// `limits.batchParts`.
        max_parts: u64,
    },
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
            Self::LayerTooSmall { .. } => "RW-NODE-249",
            Self::Signer(error) => error.code(),
            Self::Record(error) => error.code(),
        }
    }
}
