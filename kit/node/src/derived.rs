use rollwright_core::{DaHead, DaHeader, DaOrdinal};
use rollwright_derive::DeriverState;
use std::sync::Arc;
use tokio::sync::watch;

/// What derivation knows of DA, as the others see it.
#[derive(Clone, Debug)]
pub(crate) struct DaView {
    /// The deriver's state after the last DA block read.
    pub(crate) state: Arc<DeriverState>,
    /// The DA layer's head, once known.
    pub(crate) head: Option<DaHead>,
    /// Ordinal of the observed head, once it has one.
    pub(crate) observed: Option<DaOrdinal>,
    /// Ordinal of the final head, once it has one.
    pub(crate) finalized: Option<DaOrdinal>,
    /// True once derivation has reached the observed head.
    pub(crate) synced: bool,
}

impl DaView {
    pub(crate) fn new(state: Arc<DeriverState>) -> Self {
        Self {
            state,
            head: None,
            observed: None,
            finalized: None,
            synced: false,
        }
    }

    /// Header facts of a DA block that may serve as an origin.
    pub(crate) fn header(&self, ordinal: DaOrdinal) -> Option<DaHeader> {
        self.state.origin(ordinal).copied()
    }

    /// DA blocks between the observed head and what was read.
    pub(crate) fn lag(&self) -> u64 {
        match (self.observed, self.state.last_ordinal()) {
            (Some(observed), Some(derived)) => observed.since(derived),
            (Some(observed), None) => observed.0.saturating_add(1),
            (None, _) => 0,
        }
    }
}

/// Publishes [`DaView`]s.
pub(crate) type DaWatch = watch::Sender<DaView>;
