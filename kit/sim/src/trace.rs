use alloy_primitives::{B256, keccak256};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Unix milliseconds at which every run begins.
pub const START_MS: u64 = 1_700_000_000_000;

/// True where lines are printed as they come.
static PRINTED: AtomicBool = AtomicBool::new(false);

/// Virtual time of a run, and everything that happened in it, line by line.
///
/// Clones share it. Two runs of one plan write the same lines.
#[derive(Clone, Debug)]
pub struct Trace {
    start: Instant,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    lines: Vec<String>,
    hash: B256,
    counts: BTreeMap<&'static str, u64>,
}

impl Trace {
    /// Begins now. To be called on the runtime of the run.
    pub fn begin() -> Self {
        Self {
            start: Instant::now(),
            inner: Arc::default(),
        }
    }

    /// Prints the lines of all runs of this process as they come.
    pub fn print_lines() {
        PRINTED.store(true, Ordering::Relaxed);
    }

    /// Virtual milliseconds since the run began.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Unix milliseconds of true virtual time.
    pub fn now_ms(&self) -> u64 {
        START_MS.saturating_add(self.elapsed_ms())
    }

    /// Writes a line: when, who, what.
    pub fn say(&self, who: &str, what: &dyn std::fmt::Display) {
        let at = Duration::from_millis(self.elapsed_ms());
        let mut line = String::new();
        // Writing into a string cannot fail.
        let _ = write!(line, "{:>8.3} {who:<6} {what}", at.as_secs_f64());
        if PRINTED.load(Ordering::Relaxed) {
            print(&line);
        }
        let mut inner = self.inner.lock();
        let mut bytes = inner.hash.to_vec();
        bytes.extend_from_slice(line.as_bytes());
        inner.hash = keccak256(&bytes);
        inner.lines.push(line);
    }

    /// Counts something that a run can meet.
    pub fn count(&self, what: &'static str) {
        *self.inner.lock().counts.entry(what).or_default() += 1;
    }

    /// What was counted so far, by name.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.inner.lock().counts.clone()
    }

    /// Commits to every line so far.
    pub fn hash(&self) -> B256 {
        self.inner.lock().hash
    }

    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.inner.lock().lines.clone()
    }
}

#[expect(clippy::print_stdout, reason = "for a person who replays a run")]
fn print(line: &str) {
    println!("{line}");
}
