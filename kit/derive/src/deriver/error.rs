use crate::StateError;
use alloy_primitives::B256;
use rollwright_core::{DaHeight, DaOrdinal, ErrorKind, LayerError};

/// What can go wrong in the hands of a driver. Hostile DA contents are never
/// an error: they are traced drops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeriveError {
    /// The DA block does not follow the one read before: the DA layer has
    /// reorganised.
    #[error(
        "DA block {height} has parent {found}, and {expected} was read below it: the DA layer reorganised. Roll back to the last common block"
    )]
    Reorganised {
        /// Height of the block handed in.
        height: DaHeight,
        /// Hash of the block read one below.
        expected: B256,
        /// The parent hash handed in.
        found: B256,
    },
    /// Another height was handed in than requested.
    #[error("DA block {expected} was requested, and {found} was handed in")]
    WrongHeight {
        /// Requested.
        expected: DaHeight,
        /// Handed in.
        found: DaHeight,
    },
    /// A block was handed in as the first of a DA epoch, and is not.
    #[error("DA block {height} does not begin DA epoch {epoch}: {what}")]
    EpochStart {
        /// The epoch.
        epoch: u32,
        /// Height of the block handed in.
        height: DaHeight,
        /// What is wrong.
        what: &'static str,
    },
    /// The last DA block of the epoch before is not known to be final.
    #[error(
        "DA epoch {epoch} begins at ordinal {ordinal}, and the DA block before is not final yet. Wait for the finality of the layer before"
    )]
    EpochNotReached {
        /// The epoch.
        epoch: u32,
        /// Ordinal of its first block.
        ordinal: DaOrdinal,
    },
    /// Nothing of the kind was requested.
    #[error("{0} was handed in and was not requested; poll first")]
    OutOfTurn(&'static str),
    /// The outcome does not belong to the requested input.
    #[error("the outcome is not of the requested block {number}: {what}")]
    WrongOutcome {
        /// Number of the requested block.
        number: u64,
        /// What differs.
        what: &'static str,
    },
    /// The roll-back would undo something final, or its undo record is gone.
    #[error(
        "cannot roll back to below ordinal {requested}: everything below {least} is final. If the DA layer really undid final blocks, derive again from genesis"
    )]
    Final {
        /// First ordinal to undo.
        requested: DaOrdinal,
        /// The lowest that can be undone.
        least: DaOrdinal,
    },
    /// The stored state is damaged.
    #[error(transparent)]
    State(#[from] StateError),
}

impl LayerError for DeriveError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Reorganised { .. } => ErrorKind::Rejected,
            Self::EpochNotReached { .. } => ErrorKind::NotYet,
            _ => ErrorKind::Fatal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Reorganised { .. } => "RW-NODE-231",
            Self::WrongHeight { .. } => "RW-NODE-232",
            Self::OutOfTurn(_) => "RW-NODE-233",
            Self::WrongOutcome { .. } => "RW-NODE-234",
            Self::Final { .. } => "RW-NODE-235",
            Self::EpochStart { .. } => "RW-NODE-236",
            Self::EpochNotReached { .. } => "RW-NODE-237",
            Self::State(error) => error.code(),
        }
    }
}
