use rollwright_core::{DaHeight, ErrorKind, LayerError, UnitId};

/// What the simulated layer answers instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SimDaError {
    /// Above the head.
    #[error("DA height {0} is not there yet")]
    NotYet(DaHeight),
    /// Not served any more.
    #[error("DA height {0} is pruned")]
    Pruned(DaHeight),
    /// Another block stands there.
    #[error("another block is canonical at DA height {0}")]
    NotCanonical(DaHeight),
    /// The layer is not willing, or its answer was lost.
    #[error("the layer does not answer")]
    Unwilling,
    /// A blob, or the unit, is too large.
    #[error("{bytes} bytes are more than the layer takes")]
    TooLarge {
        /// What was offered.
        bytes: u64,
    },
    /// A unit without blobs.
    #[error("unit {} has no blobs", .0.0)]
    Empty(UnitId),
    /// The id was used for other bytes.
    #[error("unit {} was other bytes before", .0.0)]
    OtherBytes(UnitId),
    /// No such blob, or a proof that shows something else.
    #[error("the proof does not hold")]
    NoProof,
}

impl LayerError for SimDaError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotYet(_) => ErrorKind::NotYet,
            Self::Pruned(_) => ErrorKind::Pruned,
            Self::Unwilling => ErrorKind::Temporary,
            _ => ErrorKind::Rejected,
        }
    }

    fn code(&self) -> &'static str {
        "SIM-DA"
    }
}
