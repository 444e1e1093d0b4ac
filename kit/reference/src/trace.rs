//! Why something was dropped.

use alloy_primitives::B256;
use std::fmt;

/// Something posted that had no effect, or none any more, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Drop {
    /// The rule.
    pub reason: Reason,
    /// Position of the blob in its DA block, where one blob is meant.
    pub blob: Option<u32>,
    /// Number and id of the batch, where one is meant.
    pub batch: Option<(u64, B256)>,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Every rule by which something is dropped, one by one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
        }
    };
}

reasons! {
    /// §3: no magic.
    Magic,
    /// §3: another version.
    Version,
    /// §3: a reserved or unknown kind.
    Kind,
    /// §3: another rollup.
    Rollup,
    /// §3: parts and forced blobs have lanes of their own, and it is another.
    Lane,
    /// §3: the body of a part is not well-formed.
    PartForm,
    /// §3: the body of a forced blob is not well-formed.
    ForcedForm,
    /// §4.1: another key entry.
    PartKeyEntry,
    /// §4.1: the number is outside of the range.
    PartNumber,
    /// §4.1: count or total above its bound.
    PartBound,
    /// §4.1: the batch id is among the rejected.
    PartRejected,
    /// §4.1: the same piece is stored already.
    PartKnown,
    /// §4.1: no key recovered, or s is high.
    PartSignature,
    /// §4.1: the key is not in the entry.
    PartSigner,
    /// §4.1: the attempt is below the key's highest.
    PartAttempt,
    /// §4.1: the key began a higher attempt.
    Superseded,
    /// §4.1: the index is stored already.
    PartIndex,
    /// §4.1: count or total are not those of the batch's first part.
    PartShape,
    /// §4.1: more bytes than the total.
    PartLength,
    /// §4.1: the key's capacity.
    PartCapacity,
    /// §4.1: the key has as many batches of this number as it may.
    PartBatches,
    /// §6: after as many transactions as one DA block may bring.
    ForcedCount,
    /// §6: more bytes than one DA block may bring.
    ForcedBytes,
    /// §6: the queue is full.
    ForcedQueue,
    /// §6: the engine does not admit it.
    ForcedCheck,
    /// §6: a gas limit above all that one DA block may bring.
    ForcedGasLimit,
    /// §6: more gas than one DA block may bring.
    ForcedGas,
    /// §6: underpriced for too long.
    ForcedExpired,
    /// §4.2: the joined pieces have another length than was said.
    BatchLength,
    /// §4.2: the joined pieces have another id than was said.
    BatchId,
    /// §4.2: the envelope is not well-formed.
    BatchForm,
    /// §4.2: the envelope is another rollup's.
    BatchRollup,
    /// §4.2: the envelope has another number than its parts.
    BatchNumber,
    /// §4.2: another predecessor.
    BatchPrevious,
    /// §4.2: another digest.
    BatchDigest,
    /// §4.2: the term is out of range.
    BatchTerm,
    /// §4.2: the codec is not allowed.
    BatchCodec,
    /// §4.2: counts and lengths are out of bounds.
    BatchBound,
    /// §4.2: the last origin is not a DA point of the chain.
    OriginEpoch,
    /// §4.2: the last origin is outside of the window.
    OriginWindow,
    /// §4.2: the last origin is not canonical.
    OriginUnknown,
    /// §4.2: the payload does not decode.
    BatchPayload,
    /// §4.2: another number of blocks than the envelope says.
    BatchBlocks,
    /// §4.2: the last block is not on the last origin.
    BatchOrigin,
    /// §1: the blocks' origins lie under more than one digest.
    PlaceDigest,
    /// §5: the origin goes back.
    PlaceBack,
    /// §5: the origin is too far above the parent's.
    PlaceStep,
    /// §5: the origin is not in the window.
    PlaceWindow,
    /// §5: too many blocks on the origin.
    PlaceBlocks,
    /// §5: the timestamp does not rise.
    PlaceTime,
    /// §5: the timestamp is not near its origin's time.
    PlaceDrift,
    /// §5: too many transactions, or too many bytes.
    PlaceSize,
    /// §4.2: enough was decoded in vain in this DA block.
    Waste,
    /// §4.2: the engine refused a block of the batch.
    BlockInvalid,
    /// §4.2: complete when the engine refused a block.
    AfterInvalid,
    /// §4.3: its number was consumed.
    BatchPassed,
    /// §4.3: parts are missing for too long.
    PartTimeout,
    /// §4.3: complete for a whole window.
    BatchTimeout,
    /// §1: rules began that discard it.
    RulesBegan,
    /// §7: the engine refused a block that the deriver made.
    LapseInvalid,
}

impl Reason {
    /// The stable code of a traced drop (§12); `None` for what is told
    /// otherwise: by the report on a batch or a change of rules, or by a
    /// block's outcomes.
    pub const fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::Magic
            | Self::Version
            | Self::Kind
            | Self::Rollup
            | Self::PartForm
            | Self::ForcedForm => "RW-DA-501",
            Self::Lane => "RW-DA-502",
            Self::PartKeyEntry => "RW-DA-503",
            Self::PartNumber => "RW-DA-504",
            Self::PartBound | Self::BatchBound | Self::PlaceSize => "RW-DA-505",
            Self::PartRejected => "RW-DA-506",
            Self::PartKnown | Self::PartIndex => "RW-DA-507",
            Self::PartSignature => "RW-DA-508",
            Self::PartSigner => "RW-DA-509",
            Self::PartAttempt => "RW-DA-510",
            Self::PartShape | Self::PartLength => "RW-DA-511",
            Self::PartCapacity | Self::PartBatches => "RW-DA-512",
            Self::Superseded => "RW-DA-513",
            Self::PartTimeout => "RW-DA-514",
            Self::BatchTimeout => "RW-DA-515",
            Self::BatchPassed => "RW-DA-516",
            Self::AfterInvalid => "RW-DA-517",
            Self::BatchId => "RW-DA-518",
            Self::BatchLength
            | Self::BatchForm
            | Self::BatchRollup
            | Self::BatchNumber
            | Self::BatchBlocks => "RW-DA-519",
            Self::BatchDigest => "RW-DA-520",
            Self::BatchTerm => "RW-DA-521",
            Self::BatchPrevious => "RW-DA-522",
            Self::BatchCodec => "RW-DA-523",
            Self::BatchPayload => "RW-DA-524",
            Self::OriginEpoch | Self::OriginUnknown | Self::BatchOrigin => "RW-DA-525",
            Self::OriginWindow | Self::PlaceWindow => "RW-DA-526",
            Self::PlaceDigest => "RW-DA-527",
            Self::PlaceBack
            | Self::PlaceStep
            | Self::PlaceBlocks
            | Self::PlaceTime
            | Self::PlaceDrift => "RW-DA-528",
            Self::LapseInvalid => "RW-DA-529",
            Self::ForcedCount | Self::ForcedBytes | Self::ForcedGas => "RW-DA-530",
            Self::ForcedQueue => "RW-DA-531",
            Self::ForcedGasLimit => "RW-DA-532",
            Self::ForcedCheck => "RW-DA-533",
            Self::ForcedExpired | Self::BlockInvalid | Self::RulesBegan | Self::Waste => {
                return None;
            }
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
