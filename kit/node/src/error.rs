use rollwright_core::{BlockRef, DaHeight, ErrorKind, LayerError};
use std::sync::Arc;

/// A layer's error without its type: what the node needs to know of it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{source}")]
pub struct LayerFailure {
    kind: ErrorKind,
    code: &'static str,
    #[source]
    source: Arc<dyn std::error::Error + Send + Sync>,
}

impl LayerFailure {
    /// Takes over kind, code and text.
    pub fn new<E: LayerError>(error: E) -> Self {
        Self {
            kind: error.kind(),
            code: error.code(),
            source: Arc::new(error),
        }
    }
}

impl LayerError for LayerFailure {
    fn kind(&self) -> ErrorKind {
        self.kind
    }

    fn code(&self) -> &'static str {
        self.code
    }
}

/// Why a node does not start, or stops.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The configuration cannot work.
    #[error("{what} (help: {help})")]
    Config {
        /// What is wrong, and where.
        what: String,
        /// What to change.
        help: String,
    },
    /// The execution layer failed.
    #[error("execution layer: {0}")]
    Execution(#[source] LayerFailure),
    /// The data-availability layer failed.
    #[error("data-availability layer: {0}")]
    Da(#[source] LayerFailure),
    /// Derivation cannot go on.
    #[error("derivation: {0}")]
    Derive(#[source] LayerFailure),
    /// The node's own records do not read back as what was written.
    #[error(
        "stored record {key} is damaged: {reason} (help: restore a snapshot, or wipe the state and derive it again from DA)"
    )]
    Records {
        /// The record.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// DA undid a block that this node had taken for final.
    #[error(
        "the DA layer undid height {height}, which it had called final (help: check which network the endpoint serves)"
    )]
    FinalityViolated {
        /// Lowest height that changed.
        height: DaHeight,
    },
    /// The chain goes over to a DA layer that this node was not given.
    #[error(
        "the chain goes over to the DA layer `{layer}` at ordinal {begins} (DA epoch {epoch}), and this node has no connection to it (help: configure that layer and start again; what was derived stays)"
    )]
    MissingLayer {
        /// The epoch.
        epoch: u32,
        /// Ordinal of its first block.
        begins: u64,
        /// Its layer.
        layer: String,
    },
    /// The sequencer announces an amendment that this node lacks.
    #[error(
        "the sequencer announces an amendment from ordinal {activation} on, which this node lacks: it changes {what}, and the configuration digest is {digest} then (help: put the chain's amendments.json beside genesis.json and start again)"
    )]
    LacksAmendment {
        /// Its first ordinal.
        activation: u64,
        /// What it changes.
        what: String,
        /// Digest of the configuration with it.
        digest: alloy_primitives::B256,
    },
    /// Re-derivation gives another block than the one that is stored.
    #[error(
        "block {number} differs from what DA says: {field} is {stored} in the store and {derived} by derivation (help: compare with another node; if this node's state/ is damaged, delete it and the node derives it again; if the DA data is damaged, restore it from a copy)"
    )]
    Mismatch {
        /// Block number.
        number: u64,
        /// First header field that differs.
        field: String,
        /// The stored value.
        stored: String,
        /// The derived value.
        derived: String,
    },
    /// The reference names a block that DA does not lead to.
    #[error(
        "block {number} with hash {hash} is safe in the store, but DA gives no such block (help: check that the DA endpoint or DA file is the one of this chain and complete, and restore it from a copy if it is not; if state/ is damaged, delete it and the node derives it again)",
        number = .block.number,
        hash = .block.hash
    )]
    NotDerived {
        /// The block.
        block: BlockRef,
    },
    /// A peer's feed cannot be used.
    #[error("feed {url}: {reason}")]
    Feed {
        /// Its address.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A snapshot cannot be used.
    #[error("snapshot: {reason}")]
    Snapshot {
        /// What is wrong.
        reason: String,
    },
    /// The node is stopping or has stopped.
    #[error("the node has stopped")]
    Stopped,
    /// A stated invariant does not hold: a defect of this software.
    #[error("internal: {what} (help: please report this with the log)")]
    Invariant {
        /// Which.
        what: String,
    },
}

impl NodeError {
    /// Wraps an error of the execution layer.
    pub fn execution<E: LayerError>(error: E) -> Self {
        Self::Execution(LayerFailure::new(error))
    }

    /// Wraps an error of derivation, or of the chain's configuration.
    pub fn derive<E: LayerError>(error: E) -> Self {
        Self::Derive(LayerFailure::new(error))
    }

    /// Wraps an error of the DA layer.
    pub fn da<E: LayerError>(error: E) -> Self {
        Self::Da(LayerFailure::new(error))
    }
}

impl LayerError for NodeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Execution(failure) | Self::Da(failure) | Self::Derive(failure) => failure.kind(),
            Self::Feed { .. } | Self::Stopped => ErrorKind::Temporary,
            Self::Mismatch { .. } | Self::NotDerived { .. } | Self::Snapshot { .. } => {
                ErrorKind::Rejected
            }
            Self::Config { .. }
            | Self::Records { .. }
            | Self::FinalityViolated { .. }
            | Self::MissingLayer { .. }
            | Self::LacksAmendment { .. }
            | Self::Invariant { .. } => ErrorKind::Fatal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Execution(failure) | Self::Da(failure) | Self::Derive(failure) => failure.code(),
            Self::Config { .. } => "RW-NODE-001",
            Self::Records { .. } => "RW-NODE-002",
            Self::FinalityViolated { .. } => "RW-NODE-003",
            Self::Mismatch { .. } => "RW-NODE-004",
            Self::NotDerived { .. } => "RW-NODE-005",
            Self::Feed { .. } => "RW-NODE-006",
            Self::Snapshot { .. } => "RW-NODE-007",
            Self::Stopped => "RW-NODE-008",
            Self::Invariant { .. } => "RW-NODE-009",
            Self::MissingLayer { .. } => "RW-NODE-011",
            Self::LacksAmendment { .. } => "RW-NODE-012",
        }
    }
}
