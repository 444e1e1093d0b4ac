use core::fmt;

/// What a failure means to whoever called, and therefore what to do next.
///
/// The five kinds are exhaustive on purpose: a driver matches on them and on
/// nothing else, so a layer that cannot say which one applies is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorKind {
    /// The attempt failed, the request is fine: retry with back-off.
    Temporary,
    /// The thing asked for does not exist yet: wait for a head or a time.
    NotYet,
    /// As it stands the request will never be accepted: change it by the
    /// error's fields, or record the reason and drop it.
    Rejected,
    /// It was available and is no longer served: use an archive source.
    Pruned,
    /// A person must act, or continuing could corrupt state: stop.
    Fatal,
}

impl ErrorKind {
    /// True where the same call may succeed later without any change.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Temporary | Self::NotYet)
    }

    /// The lower-case name that `--json` output and metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Temporary => "temporary",
            Self::NotYet => "not-yet",
            Self::Rejected => "rejected",
            Self::Pruned => "pruned",
            Self::Fatal => "fatal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The questions that every error of a layer answers.
///
/// Only the layer itself reads a remote's error text; nothing above it
/// matches on strings.
pub trait LayerError: core::error::Error + Send + Sync + 'static {
    /// What the caller should do.
    fn kind(&self) -> ErrorKind;

    /// A stable `RW-…` code, never reused for another meaning.
    fn code(&self) -> &'static str;

    /// True where the same call may succeed later without any change.
    fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }
}

impl LayerError for core::convert::Infallible {
    fn kind(&self) -> ErrorKind {
        match *self {}
    }

    fn code(&self) -> &'static str {
        match *self {}
    }
}
