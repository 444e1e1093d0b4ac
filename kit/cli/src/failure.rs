//! What a person or a program is told when a command fails.

use rollwright::{
    ProjectError, StartError,
    config::ConfigError,
    core::{ErrorKind, LayerError},
};
use serde::Serialize;
use std::{error::Error, fmt};

/// A failure with cause, place and cure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    /// Stable `RW-…` code.
    pub(crate) code: &'static str,
    /// What a program should do about it.
    pub(crate) kind: &'static str,
    /// The cause, in one sentence.
    pub(crate) message: String,
    /// File and line, flag or address at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Box<str>>,
    /// What was attempted, with the raw answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tried: Option<Box<str>>,
    /// What to do, one step each.
    pub(crate) help: Vec<String>,
    /// The exit code.
    #[serde(skip)]
    pub(crate) exit: u8,
}

/// Exit codes of `rollwright`.
pub(crate) mod exit {
    /// The command failed.
    pub(crate) const FAILURE: u8 = 1;
    /// The command was called wrongly.
    pub(crate) const USAGE: u8 = 2;
    /// A remote could not be reached.
    pub(crate) const NETWORK: u8 = 4;
}

impl Failure {
    /// A failure of kind `fatal` with exit code 1.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            kind: ErrorKind::Fatal.as_str(),
            message: message.into(),
            at: None,
            tried: None,
            help: Vec::new(),
            exit: exit::FAILURE,
        }
    }

    /// A wrong call: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: exit::USAGE,
            ..Self::new("RW-CLI-001", message)
        }
    }

    /// A layer's error; its sources go under `tried`.
    pub(crate) fn layer(error: &dyn LayerError) -> Self {
        Self {
            kind: error.kind().as_str(),
            tried: sources(error),
            exit: match error.code() {
                // A served DA layer that cannot be reached, or fails.
                "RW-DA-122" | "RW-DA-123" => exit::NETWORK,
                _ => exit::FAILURE,
            },
            ..Self::new(error.code(), error.to_string())
        }
    }

    /// Names the file and line, flag or address at fault.
    pub(crate) fn at(mut self, at: impl Into<String>) -> Self {
        self.at = Some(at.into().into_boxed_str());
        self
    }

    /// Adds a step that helps.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Says what was attempted, with the raw answer.
    pub(crate) fn tried(mut self, tried: impl Into<String>) -> Self {
        self.tried = Some(tried.into().into_boxed_str());
        self
    }

    /// Marks a remote that could not be reached: exit code 4.
    pub(crate) fn network(mut self) -> Self {
        self.exit = exit::NETWORK;
        self
    }
}

/// The causes behind an error, outermost first, without repeating what a
/// message says already.
fn sources(error: &dyn LayerError) -> Option<Box<str>> {
    let own = error.to_string();
    let mut parts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(source) = next {
        let text = source.to_string();
        if !own.contains(&text) && parts.last() != Some(&text) {
            parts.push(text);
        }
        next = source.source();
    }
    (!parts.is_empty()).then(|| parts.join(": ").into())
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.message)?;
        if let Some(at) = &self.at {
            write!(f, "\n  at    {at}")?;
        }
        if let Some(tried) = &self.tried {
            write!(f, "\n  tried {tried}")?;
        }
        for help in &self.help {
            write!(f, "\n  help  {help}")?;
        }
        write!(f, "\n  more  rollwright explain {}", self.code)
    }
}

impl Error for Failure {}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let at = error.at().map(str::to_owned);
        let mut failure = Self::layer(&error);
        if let Some(at) = at {
            failure.message = failure
                .message
                .strip_prefix(&format!("{at}: "))
                .unwrap_or(&failure.message)
                .to_owned();
            failure.at = Some(at.into());
        }
        if matches!(
            error,
            ConfigError::UnknownKey { .. } | ConfigError::Value { .. }
        ) {
            failure = failure.help("rollwright config explain KEY tells what a key means");
        }
        failure
    }
}

macro_rules! from_layer {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::layer(&error)
            }
        }
    )*};
}

from_layer!(
    rollwright::da_local::Error,
    rollwright::evm::engine::EngineError,
    rollwright::node::NodeError
);

impl From<ProjectError> for Failure {
    fn from(error: ProjectError) -> Self {
        match error {
            ProjectError::Config(error) => error.into(),
            error => Self::layer(&error),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Project(error) => error.into(),
            error => Self::layer(&error),
        }
    }
}

/// Names what was being done with a file when it failed.
pub(crate) fn file(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Failure {
    let failure = if error.kind() == std::io::ErrorKind::StorageFull {
        Failure::new("RW-CLI-002", format!("{doing} failed: the disk is full"))
            .help("free space, then run the command again")
    } else {
        Failure::new("RW-CLI-002", format!("{doing} failed: {error}"))
    };
    failure.at(path.display().to_string())
}
