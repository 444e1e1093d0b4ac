use rollwright_core::{ErrorKind, LayerError};
use std::path::PathBuf;

/// Why a configuration was refused. Nothing is started on a refusal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{at}: not valid TOML: {message}")]
    Syntax {
        /// File and line.
        at: String,
        /// The parser's words.
        message: String,
    },
    /// A key that does not exist.
    #[error("{at}: unknown key `{key}`{}", suggestion.as_ref().map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default())]
    UnknownKey {
        /// File and line, or the variable.
        at: String,
        /// The key with its section.
        key: String,
        /// The closest key that exists there.
        suggestion: Option<String>,
    },
    /// A value of the wrong type or out of range.
    #[error("{at}: `{key}`: {message}")]
    Value {
        /// File and line, or the variable.
        at: String,
        /// The key with its section.
        key: String,
        /// What is wrong and what to write.
        message: String,
    },
    /// A secret written into the file.
    #[error(
        "{at}: `{key}` holds a secret in plain text; write {{ env = \"NAME\" }} or {{ file = \"path\" }}"
    )]
    LiteralSecret {
        /// File and line.
        at: String,
        /// The key with its section.
        key: String,
    },
    /// The variable of a secret is not set.
    #[error("`{key}` is read from the environment variable {variable}, which is not set")]
    SecretUnset {
        /// The key.
        key: String,
        /// The variable.
        variable: String,
    },
    /// The file of a secret cannot be read.
    #[error("`{key}` is read from {}, which cannot be read: {source}", path.display())]
    SecretFile {
        /// The key.
        key: String,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Others can read a secret's file.
    #[error("`{key}` is read from {}, which others can read; run: chmod 600 {}", path.display(), path.display())]
    SecretReadable {
        /// The key.
        key: String,
        /// The file.
        path: PathBuf,
    },
    /// A layer that this binary does not contain.
    #[error("`{key}` is `{value}`, which this binary does not contain; it has: {available}")]
    Unavailable {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What can be chosen.
        available: String,
    },
    /// The file is of a newer or older schema.
    #[error("{at}: `schema` is {found}, this version reads {supported}")]
    Schema {
        /// File and line.
        at: String,
        /// What the file says.
        found: i64,
        /// What this version reads.
        supported: u32,
    },
}

impl ConfigError {
    /// File and line, variable or key that is at fault.
    pub fn at(&self) -> Option<&str> {
        match self {
            Self::Syntax { at, .. }
            | Self::UnknownKey { at, .. }
            | Self::Value { at, .. }
            | Self::LiteralSecret { at, .. }
            | Self::Schema { at, .. } => Some(at),
            _ => None,
        }
    }
}

impl LayerError for ConfigError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Fatal
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "RW-CFG-001",
            Self::Syntax { .. } => "RW-CFG-002",
            Self::UnknownKey { .. } => "RW-CFG-003",
            Self::Value { .. } => "RW-CFG-004",
            Self::LiteralSecret { .. } => "RW-CFG-005",
            Self::SecretUnset { .. } => "RW-CFG-006",
            Self::SecretFile { .. } => "RW-CFG-007",
            Self::SecretReadable { .. } => "RW-CFG-008",
            Self::Unavailable { .. } => "RW-CFG-009",
            Self::Schema { .. } => "RW-CFG-010",
        }
    }
}
