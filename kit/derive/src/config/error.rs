use alloc::string::String;
use rollwright_core::{ErrorKind, LayerError};

/// Why a consensus configuration is refused. Names the key, the values that
/// clash, and what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The object has a version that this release does not read.
    #[error(
        "config.rollwright.version is {found}; this release reads version 1. Use a release that knows version {found}"
    )]
    Version {
        /// The version found.
        found: u16,
    },
    /// A value lies outside of what is possible.
    #[error(
        "config.rollwright.{key} is {found}; it must lie in {min}..={max}. Set it inside of that range"
    )]
    Range {
        /// Path of the key below `config.rollwright`.
        key: &'static str,
        /// The value.
        found: u128,
        /// Least value.
        min: u128,
        /// Largest value.
        max: u128,
    },
    /// A list is empty or too long.
    #[error("config.rollwright.{key} has {found} entries; it needs {min} to {max}. {cure}")]
    Length {
        /// Path of the key.
        key: &'static str,
        /// Number of entries or characters.
        found: usize,
        /// Least number.
        min: usize,
        /// Largest number.
        max: usize,
        /// What to do.
        cure: &'static str,
    },
    /// A list that must ascend strictly does not.
    #[error(
        "config.rollwright.{key} must ascend strictly, and entry {index} does not. Sort it and remove duplicates"
    )]
    Order {
        /// Path of the key.
        key: &'static str,
        /// Index of the first entry that is not above the one before it.
        index: usize,
    },
    /// A schedule does not begin at ordinal 0.
    #[error(
        "config.rollwright.{key} begins at ordinal {found}; its first entry must have \"from\": 0"
    )]
    Start {
        /// Path of the key.
        key: &'static str,
        /// The first entry's ordinal.
        found: u64,
    },
    /// Two values contradict each other.
    #[error("config.rollwright.{key} is {found}, and must be at least {required} ({rule}). {cure}")]
    TooSmall {
        /// Path of the key.
        key: &'static str,
        /// The value.
        found: u128,
        /// The least value that the others allow.
        required: u128,
        /// Where `required` comes from, with names of the other keys.
        rule: &'static str,
        /// What to change.
        cure: &'static str,
    },
    /// Two values contradict each other.
    #[error(
        "config.rollwright.{key} gives {found}, and at most {allowed} is possible ({rule}). {cure}"
    )]
    TooLarge {
        /// Path of the key.
        key: &'static str,
        /// The value, or what follows from it.
        found: u128,
        /// The largest value that the others allow.
        allowed: u128,
        /// Where `allowed` comes from, with names of the other keys.
        rule: &'static str,
        /// What to change.
        cure: &'static str,
    },
    /// A feature whose place is reserved.
    #[error("config.rollwright.{key}: {what} is reserved for a later release. Remove it")]
    Reserved {
        /// Path of the key.
        key: &'static str,
        /// What is reserved.
        what: String,
    },
    /// An amendment stands before one that is older, or activates at genesis.
    #[error(
        "amendment {index} activates at ordinal {found}; it must activate at {required} or later. Amendments are only appended, and the first ordinal belongs to genesis.json"
    )]
    AmendmentOrder {
        /// Index in the list.
        index: usize,
        /// Its activation.
        found: u64,
        /// The least activation.
        required: u64,
    },
    /// With an amendment active, the configuration contradicts itself.
    #[error("with amendment {index} active: {source}")]
    Amended {
        /// Index in the list.
        index: usize,
        /// What is wrong.
        #[source]
        source: alloc::boxed::Box<Self>,
    },
    /// An amendment would change what this node has derived.
    #[error(
        "amendment {index} activates at ordinal {found}, and this node has derived up to {derived}. Derive again from an earlier snapshot with the amendment in place, or choose an activation above {derived}"
    )]
    AmendmentTooLate {
        /// Index in the list.
        index: usize,
        /// Its activation.
        found: u64,
        /// The last ordinal derived.
        derived: u64,
    },
}

impl LayerError for ConfigError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Fatal
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Version { .. } => "RW-CFG-101",
            Self::Range { .. } => "RW-CFG-102",
            Self::Length { .. } => "RW-CFG-103",
            Self::Order { .. } => "RW-CFG-104",
            Self::Start { .. } => "RW-CFG-105",
            Self::TooSmall { .. } => "RW-CFG-106",
            Self::TooLarge { .. } => "RW-CFG-107",
            Self::Reserved { .. } => "RW-CFG-108",
            Self::AmendmentOrder { .. } => "RW-CFG-109",
            Self::Amended { source, .. } => source.code(),
            Self::AmendmentTooLate { .. } => "RW-CFG-110",
        }
    }
}
