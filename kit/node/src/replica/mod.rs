//! Following a feed, and checking it against DA.

mod contradictions;
mod evidence;
mod follow;

pub(crate) use contradictions::Contradictions;
pub use evidence::{EvidenceError, FeedEvidence, feed_evidence};
pub(crate) use follow::{Progress, Replica};

/// Who speaks at the gate.
const GATE: &str = "feed";
