use crate::{DaHeight, DaLane, ErrorKind, LayerError, UnitId};

/// What can go wrong on an in-memory layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryDaError {
    /// A blob or the unit is larger than the layer takes.
    #[error("{bytes} bytes are more than the {max_bytes} that the layer takes; split the unit")]
    TooLarge {
        /// What was offered.
        bytes: u64,
        /// What is taken.
        max_bytes: u64,
    },
    /// The unit has no blobs.
    #[error("unit {} holds no blobs; there is nothing to post", unit.0)]
    EmptyUnit {
        /// The unit.
        unit: UnitId,
    },
    /// The layer has no address for this lane.
    #[error("the layer has no {lane:?} lane; add it to its configuration")]
    NoSuchLane {
        /// The lane asked for.
        lane: DaLane,
    },
    /// The id names other bytes already.
    #[error("unit {} was submitted before with other blobs; use another salt", unit.0)]
    UnitMismatch {
        /// The unit.
        unit: UnitId,
    },
    /// The height lies above the head.
    #[error("DA height {height} is not there yet; the head is {head}")]
    NotYet {
        /// The height asked for.
        height: DaHeight,
        /// The newest block.
        head: DaHeight,
    },
    /// The block is not served any more.
    #[error("DA height {height} is pruned; {oldest} is the oldest that is kept")]
    Pruned {
        /// The height asked for.
        height: DaHeight,
        /// The oldest block that is kept.
        oldest: DaHeight,
    },
    /// Another block stands at this height.
    #[error("the block asked for at DA height {height} is not canonical; fetch without a hash")]
    NotCanonical {
        /// The height asked for.
        height: DaHeight,
    },
    /// The block does not hold this blob at this place.
    #[error("no such blob at index {index} of DA height {height}")]
    NoSuchBlob {
        /// The height asked for.
        height: DaHeight,
        /// The index asked for.
        index: u32,
    },
    /// A proof does not show what it should.
    #[error("the proof does not hold: {reason}")]
    InvalidProof {
        /// Why.
        reason: &'static str,
    },
    /// A reorganisation would undo a final block.
    #[error("a reorganisation of depth {depth} would undo a final block; at most {max_depth}")]
    Final {
        /// The depth asked for.
        depth: u64,
        /// The largest depth that is possible now.
        max_depth: u64,
    },
}

impl LayerError for MemoryDaError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotYet { .. } => ErrorKind::NotYet,
            Self::Pruned { .. } => ErrorKind::Pruned,
            _ => ErrorKind::Rejected,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "RW-DA-201",
            Self::EmptyUnit { .. } => "RW-DA-202",
            Self::NoSuchLane { .. } => "RW-DA-203",
            Self::UnitMismatch { .. } => "RW-DA-204",
            Self::NotYet { .. } => "RW-DA-205",
            Self::Pruned { .. } => "RW-DA-206",
            Self::NotCanonical { .. } => "RW-DA-207",
            Self::NoSuchBlob { .. } => "RW-DA-208",
            Self::InvalidProof { .. } => "RW-DA-209",
            Self::Final { .. } => "RW-DA-210",
        }
    }
}
