use alloc::string::String;
use alloy_primitives::Address;
use rollwright_core::{ErrorKind, LayerError};
use rollwright_derive::ConfigError;

/// Why a `genesis.json` is refused. Each names the place in the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenesisError {
    /// The text is not JSON.
    #[error("genesis.json is not JSON: {reason}; check the file at that line and column")]
    Json {
        /// What the parser said, with line and column.
        reason: String,
    },
    /// A key that this version does not know. A key that one node reads and
    /// another ignores would be a fork, so none is ignored.
    #[error("genesis.json: `{path}` is not a known key; {cure}")]
    UnknownKey {
        /// Where, as `config.rollwright`.
        path: String,
        /// What to do, with the nearest known key.
        cure: String,
    },
    /// A value of the wrong type, or a required one that is missing.
    #[error("genesis.json: `{path}`: {reason}")]
    Value {
        /// Where.
        path: String,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// The values do not fit together.
    #[error("genesis.json: `{path}`: {reason}; {cure}")]
    Conflict {
        /// Where.
        path: String,
        /// What is wrong.
        reason: String,
        /// What to do.
        cure: String,
    },
    /// The chain has a precompile of its own whose code the program lacks.
    #[error(
        "genesis.json: the chain has the precompile {name}, version {version}, at {address}: {reason}; \
         run the chain with the program of its project, which brings it (`rollwright dev --build`)"
    )]
    Precompile {
        /// Its name.
        name: String,
        /// Its version.
        version: u16,
        /// Where it stands.
        address: Address,
        /// What is missing or different.
        reason: String,
    },
    /// The rollup's own constants contradict each other.
    #[error("genesis.json: {0}")]
    Rollup(#[from] ConfigError),
}

impl LayerError for GenesisError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Fatal
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Json { .. } => "RW-EVM-001",
            Self::UnknownKey { .. } => "RW-EVM-002",
            Self::Value { .. } => "RW-EVM-003",
            Self::Conflict { .. } => "RW-EVM-004",
            Self::Rollup(_) => "RW-EVM-005",
            Self::Precompile { .. } => "RW-EVM-006",
        }
    }
}
