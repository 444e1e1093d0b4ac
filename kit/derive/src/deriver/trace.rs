use super::DeriveEvent;
use crate::{CodecError, PlaceError, WireError};
use alloc::{format, string::String, vec::Vec};
use alloy_primitives::B256;

/// Drops that are traced per DA block; further ones are counted.
pub const MAX_TRACES: usize = 64;

/// Something posted that had no effect, or none any more, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Position of the blob in its DA block, where one blob is meant.
    pub blob: Option<u32>,
    /// The batch, where one is meant.
    pub batch: Option<(u64, B256)>,
    /// The reason.
    pub reason: DropReason,
}

/// Why something had no effect. The same on every node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DropReason {
    /// Not one of our encodings, or not for this rollup.
    #[error("{0}")]
    Wire(WireError),
    /// The blob came by a lane that does not carry its kind.
    #[error("the blob came by the wrong lane")]
    Lane,
    /// The part names another key-schedule entry than the one in force.
    #[error(
        "the part was signed for the key-schedule entry from {found}, and the one from {active} is in force"
    )]
    KeyEntry {
        /// In the part.
        found: u64,
        /// In force.
        active: u64,
    },
    /// The batch number lies outside of what is kept.
    #[error("batch number {number} lies outside of {next}..{end}")]
    Number {
        /// In the part.
        number: u64,
        /// The next to be applied.
        next: u64,
        /// The first that is too high.
        end: u64,
    },
    /// The part says of its batch what no batch can be.
    #[error("the part's batch exceeds a bound")]
    Bound,
    /// The batch was rejected before.
    #[error("the batch was rejected before")]
    Replayed,
    /// The part is stored already.
    #[error("the part is stored already")]
    Duplicate,
    /// No key could be recovered from the signature, or its s is high.
    #[error("the signature recovers to no key")]
    Signature,
    /// The signer's key is not in the schedule.
    #[error("the signer is not in the key schedule")]
    Signer,
    /// The key has posted a higher attempt.
    #[error("attempt {attempt} was replaced by {highest}")]
    Attempt {
        /// In the part.
        attempt: u64,
        /// The key's highest.
        highest: u64,
    },
    /// Other parts of the batch name another count or length.
    #[error("the part contradicts an earlier part of its batch")]
    Contradiction,
    /// The key's capacity for parts is used up.
    #[error("the key's capacity for parts is used up")]
    Capacity,
    /// The key has posted a higher attempt, which evicted the batch.
    #[error("a higher attempt evicted the batch")]
    Evicted,
    /// Not all parts came in time.
    #[error("not all parts came in time")]
    PartsExpired,
    /// The batch was pending for a window.
    #[error("the batch was pending for a whole window")]
    PendingExpired,
    /// The batch's number was consumed by another one.
    #[error("the batch's number was consumed by another batch")]
    Superseded,
    /// A block of an earlier batch was invalid.
    #[error("an earlier batch ended at an invalid block")]
    AfterInvalid,
    /// The joined pieces are not the envelope that the id names.
    #[error("the joined parts do not hash to the batch id")]
    BatchId,
    /// The envelope does not decode, or names another rollup or number.
    #[error("the envelope is malformed: {0}")]
    Envelope(&'static str),
    /// The envelope carries another configuration digest.
    #[error("the batch was made under another configuration: its digest is {found}, ours {ours}")]
    Digest {
        /// In the envelope.
        found: B256,
        /// Of this chain, at this ordinal.
        ours: B256,
    },
    /// The term lies below the last accepted one, or too far above it.
    #[error("term {term} does not follow {last}")]
    Term {
        /// In the envelope.
        term: u64,
        /// The last accepted.
        last: u64,
    },
    /// The predecessor is not the last batch.
    #[error("the batch does not follow the last one")]
    Predecessor,
    /// The codec is not in the configuration.
    #[error("codec {0} is not one of this chain's")]
    Codec(u8),
    /// The payload does not decode.
    #[error("{0}")]
    Payload(CodecError),
    /// The last origin is not the DA block that the envelope names.
    #[error("the last block's origin is not a canonical DA block")]
    Origin,
    /// An origin lies outside of the window.
    #[error("origin {origin} of block {index} lies outside of the window")]
    Window {
        /// Index of the block in the batch.
        index: u32,
        /// Its origin.
        origin: u64,
    },
    /// The batch's blocks lie on both sides of an amendment.
    #[error("the batch crosses an amendment")]
    Amendment,
    /// A block cannot stand where it stands.
    #[error("block {index}: {error}")]
    Place {
        /// Index of the block in the batch.
        index: u32,
        /// The reason.
        error: PlaceError,
    },
    /// A block of the deriver's own was invalid.
    #[error("the deriver's own block was refused by the engine: {0}")]
    OwnBlock(String),
    /// The forced lane's caps per DA block are used up.
    #[error("the forced lane's caps for this DA block are used up")]
    ForcedCap,
    /// The forced queue is full.
    #[error("the forced queue is full")]
    ForcedQueue,
    /// The forced transaction asks for more gas than the lane has.
    #[error("the forced transaction's gas limit is {gas}, above {max}")]
    ForcedGas {
        /// Its gas limit.
        gas: u64,
        /// The lane's.
        max: u64,
    },
    /// The forced transaction is not admissible.
    #[error("{0}")]
    Forced(CodecError),
}

impl DropReason {
    /// A stable code, never reused for another meaning.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Wire(_) => "RW-DA-501",
            Self::Lane => "RW-DA-502",
            Self::KeyEntry { .. } => "RW-DA-503",
            Self::Number { .. } => "RW-DA-504",
            Self::Bound => "RW-DA-505",
            Self::Replayed => "RW-DA-506",
            Self::Duplicate => "RW-DA-507",
            Self::Signature => "RW-DA-508",
            Self::Signer => "RW-DA-509",
            Self::Attempt { .. } => "RW-DA-510",
            Self::Contradiction => "RW-DA-511",
            Self::Capacity => "RW-DA-512",
            Self::Evicted => "RW-DA-513",
            Self::PartsExpired => "RW-DA-514",
            Self::PendingExpired => "RW-DA-515",
            Self::Superseded => "RW-DA-516",
            Self::AfterInvalid => "RW-DA-517",
            Self::BatchId => "RW-DA-518",
            Self::Envelope(_) => "RW-DA-519",
            Self::Digest { .. } => "RW-DA-520",
            Self::Term { .. } => "RW-DA-521",
            Self::Predecessor => "RW-DA-522",
            Self::Codec(_) => "RW-DA-523",
            Self::Payload(_) => "RW-DA-524",
            Self::Origin => "RW-DA-525",
            Self::Window { .. } => "RW-DA-526",
            Self::Amendment => "RW-DA-527",
            Self::Place { .. } => "RW-DA-528",
            Self::OwnBlock(_) => "RW-DA-529",
            Self::ForcedCap => "RW-DA-530",
            Self::ForcedQueue => "RW-DA-531",
            Self::ForcedGas { .. } => "RW-DA-532",
            Self::Forced(_) => "RW-DA-533",
        }
    }
}

/// Collects drops up to a bound.
#[derive(Debug, Default)]
pub(super) struct Traces {
    kept: usize,
    untraced: u64,
}

impl Traces {
    pub(super) fn add(&mut self, events: &mut Vec<DeriveEvent>, dropped: impl FnOnce() -> Dropped) {
        if self.kept < MAX_TRACES {
            self.kept += 1;
            events.push(DeriveEvent::Dropped(dropped()));
        } else {
            self.untraced = self.untraced.saturating_add(1);
        }
    }

    /// `count` drops of one kind, at no more cost than those that are kept.
    pub(super) fn add_all(
        &mut self,
        events: &mut Vec<DeriveEvent>,
        count: usize,
        dropped: impl Fn() -> Dropped,
    ) {
        let kept = count.min(MAX_TRACES - self.kept.min(MAX_TRACES));
        for _ in 0..kept {
            self.add(events, &dropped);
        }
        self.untraced = self.untraced.saturating_add((count - kept) as u64);
    }

    pub(super) fn finish(self, events: &mut Vec<DeriveEvent>) {
        if self.untraced > 0 {
            events.push(DeriveEvent::Untraced(self.untraced));
        }
    }
}

impl core::fmt::Display for Dropped {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let place = match (self.blob, self.batch) {
            (_, Some((number, id))) => format!("batch {number} ({id})"),
            (Some(blob), None) => format!("blob {blob}"),
            (None, None) => String::from("derivation"),
        };
        write!(
            f,
            "{place} dropped ({}): {}",
            self.reason.code(),
            self.reason
        )
    }
}
