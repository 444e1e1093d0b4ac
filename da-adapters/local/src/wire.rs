//! What passes between server and client: borsh, in bodies of bounded length.

use crate::{Error, NetworkId};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{DaHeader, DaHeight, UnitId};

/// Version of the protocol; part of each path.
pub(crate) const PROTOCOL: u16 = 1;

/// What surrounds the contents of blobs in a body, at most: references and
/// proof of the largest number of blobs.
pub(crate) const OVERHEAD_BYTES: u64 = 1 << 20;

/// `GET /v1/info`
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Info {
    pub(crate) protocol: u16,
    pub(crate) network: NetworkId,
    pub(crate) block_time_ms: u64,
    pub(crate) finality_depth: u64,
    pub(crate) retention_blocks: Option<u64>,
    pub(crate) max_blob_bytes: u64,
    pub(crate) max_unit_bytes: u64,
}

/// `GET /v1/head`, `GET /v1/head/{known}`
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Heads {
    pub(crate) observed: DaHeader,
    pub(crate) finalized: Option<DaHeader>,
}

/// The body of an answer that is not 200: an error of the layer, with what is
/// needed to have the same error on the other side.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Failure {
    NotYet {
        height: DaHeight,
        head: DaHeight,
    },
    Pruned {
        height: DaHeight,
        oldest: DaHeight,
    },
    NotCanonical {
        height: DaHeight,
        asked: B256,
        canonical: B256,
    },
    NoSuchBlob {
        height: DaHeight,
        index: u32,
        commitment: B256,
    },
    BlobTooLarge {
        bytes: u64,
        max_bytes: u64,
    },
    UnitTooLarge {
        bytes: u64,
        max_bytes: u64,
    },
    BlobCount {
        count: u64,
        max: u64,
    },
    UnitConflict {
        unit: UnitId,
    },
    Full {
        pending_bytes: u64,
        max_bytes: u64,
    },
    Refused {
        what: String,
    },
    ReorgTooDeep {
        depth: u64,
        max: u64,
    },
    PruneTooHigh {
        below: DaHeight,
        max: DaHeight,
    },
    Forbidden,
    /// Anything else: the operator of the server sees it, not its clients.
    Internal {
        message: String,
    },
    NoSuchBlock {
        height: DaHeight,
        first: DaHeight,
    },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NotYet { height, head } => Self::NotYet { height, head },
            Error::Pruned { height, oldest } => Self::Pruned { height, oldest },
            Error::NotCanonical {
                height,
                asked,
                canonical,
            } => Self::NotCanonical {
                height,
                asked,
                canonical,
            },
            Error::NoSuchBlob {
                height,
                index,
                commitment,
            } => Self::NoSuchBlob {
                height,
                index,
                commitment,
            },
            Error::TooLarge {
                what: "a blob",
                bytes,
                max_bytes,
            } => Self::BlobTooLarge { bytes, max_bytes },
            Error::TooLarge {
                bytes, max_bytes, ..
            } => Self::UnitTooLarge { bytes, max_bytes },
            Error::BlobCount { count, max } => Self::BlobCount { count, max },
            Error::UnitConflict { unit } => Self::UnitConflict { unit },
            Error::Full {
                pending_bytes,
                max_bytes,
            } => Self::Full {
                pending_bytes,
                max_bytes,
            },
            Error::Refused { action } => Self::Refused {
                what: action.into(),
            },
            Error::ReorgTooDeep { depth, max } => Self::ReorgTooDeep { depth, max },
            Error::PruneTooHigh { below, max } => Self::PruneTooHigh { below, max },
            Error::Forbidden { .. } => Self::Forbidden,
            Error::NoSuchBlock { height, first } => Self::NoSuchBlock { height, first },
            other => Self::Internal {
                message: other.to_string(),
            },
        }
    }
}

impl Failure {
    /// The error as the client's caller sees it; `action` is what was asked.
    pub(crate) fn into_error(self, url: &str, action: &'static str) -> Error {
        match self {
            Self::NotYet { height, head } => Error::NotYet { height, head },
            Self::Pruned { height, oldest } => Error::Pruned { height, oldest },
            Self::NotCanonical {
                height,
                asked,
                canonical,
            } => Error::NotCanonical {
                height,
                asked,
                canonical,
            },
            Self::NoSuchBlob {
                height,
                index,
                commitment,
            } => Error::NoSuchBlob {
                height,
                index,
                commitment,
            },
            Self::BlobTooLarge { bytes, max_bytes } => Error::TooLarge {
                what: "a blob",
                bytes,
                max_bytes,
            },
            Self::UnitTooLarge { bytes, max_bytes } => Error::TooLarge {
                what: "a posting unit",
                bytes,
                max_bytes,
            },
            Self::BlobCount { count, max } => Error::BlobCount { count, max },
            Self::UnitConflict { unit } => Error::UnitConflict { unit },
            Self::Full {
                pending_bytes,
                max_bytes,
            } => Error::Full {
                pending_bytes,
                max_bytes,
            },
            Self::Refused { .. } => Error::Refused { action },
            Self::ReorgTooDeep { depth, max } => Error::ReorgTooDeep { depth, max },
            Self::PruneTooHigh { below, max } => Error::PruneTooHigh { below, max },
            Self::Forbidden => Error::Forbidden { command: action },
            Self::NoSuchBlock { height, first } => Error::NoSuchBlock { height, first },
            Self::Internal { message } => Error::Server {
                url: url.to_owned(),
                message: message.chars().take(500).collect(),
            },
        }
    }
}
