use crate::{ErrorKind, LayerError};
use std::fmt;

/// How one check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The behaviour is there.
    Passed,
    /// The harness cannot provoke it, and says why.
    Skipped(String),
    /// It is not there, and why.
    Failed(String),
}

/// One named behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The behaviour, as a sentence in snake case.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
}

/// What a suite found, in the order of its checks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "call `assert`, or look at the checks"]
pub struct Report {
    /// The suite's name.
    pub suite: &'static str,
    /// Every check once.
    pub checks: Vec<Check>,
}

impl Report {
    pub(super) const fn new(suite: &'static str) -> Self {
        Self {
            suite,
            checks: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, name: &'static str, verdict: Verdict) {
        let outcome = match verdict {
            Ok(()) => Outcome::Passed,
            Err(Stop::Skip(reason)) => Outcome::Skipped(reason),
            Err(Stop::Fail(reason)) => Outcome::Failed(reason),
        };
        self.checks.push(Check { name, outcome });
    }

    /// Names of the checks that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        self.select(|outcome| matches!(outcome, Outcome::Failed(_)))
    }

    /// Names of the checks that were skipped.
    pub fn skipped(&self) -> Vec<&'static str> {
        self.select(|outcome| matches!(outcome, Outcome::Skipped(_)))
    }

    fn select(&self, wanted: impl Fn(&Outcome) -> bool) -> Vec<&'static str> {
        self.checks
            .iter()
            .filter(|check| wanted(&check.outcome))
            .map(|check| check.name)
            .collect()
    }

    /// Panics with the whole report if a check failed.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.failed().is_empty(), "{self}");
    }

    /// As [`assert`](Self::assert), and nothing but `skipped` was skipped: an
    /// implementation that lists them cannot lose a check without notice.
    #[track_caller]
    pub fn assert_skipping(&self, skipped: &[&str]) {
        self.assert();
        assert_eq!(self.skipped(), skipped, "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "conformance suite `{}`:", self.suite)?;
        for check in &self.checks {
            match &check.outcome {
                Outcome::Passed => writeln!(f, "  ok    {}", check.name)?,
                Outcome::Skipped(reason) => writeln!(f, "  skip  {}: {reason}", check.name)?,
                Outcome::Failed(reason) => writeln!(f, "  FAIL  {}: {reason}", check.name)?,
            }
        }
        Ok(())
    }
}

/// What a check returns.
pub type Verdict = Result<(), Stop>;

/// Why a check ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The harness cannot provoke the behaviour.
    Skip(String),
    /// The behaviour is not there.
    Fail(String),
}

/// Where a check expects success, every error of a layer is a failure.
impl<E: LayerError> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Fail(format!(
            "unexpected {} error {}: {error}",
            error.kind(),
            error.code()
        ))
    }
}

pub(super) fn fail<T>(reason: impl fmt::Display) -> Result<T, Stop> {
    Err(Stop::Fail(reason.to_string()))
}

pub(super) fn ensure(holds: bool, reason: impl fmt::Display) -> Verdict {
    if holds { Ok(()) } else { fail(reason) }
}

/// Demands an error of one kind.
pub(super) fn ensure_kind<T, E: LayerError>(
    result: Result<T, E>,
    kind: ErrorKind,
    what: &str,
) -> Verdict {
    match result {
        Ok(_) => fail(format!("{what}: expected a {kind} error, but it succeeded")),
        Err(error) => {
            let is = error.kind();
            ensure(
                is == kind,
                format!("{what}: expected a {kind} error, not {is}: {error}"),
            )?;
            ensure(
                error.code().starts_with("RW-"),
                format!("{what}: the code {} is not of the form RW-…", error.code()),
            )
        }
    }
}

/// Runs each check on a harness of its own.
macro_rules! suite {
    ($report:ident, $new:ident, $($module:ident: [$($check:ident),* $(,)?]),* $(,)?) => {
        $($({
            let harness = $new().await;
            let verdict = Box::pin($module::$check(&harness)).await;
            $report.add(stringify!($check), verdict);
        })*)*
    };
}
pub(super) use suite;
