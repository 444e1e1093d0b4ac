//! Going over to another DA layer: which layer, whether it works, and the
//! amendment that begins the next DA epoch (`derivation.md` §8).

mod candidate;
mod check;
mod edit;
mod plan;
mod rate;
#[cfg(test)]
mod tests;

#[cfg(feature = "ethereum")]
pub(crate) use candidate::dev_l1_key;
pub use candidate::{Account, Candidate, Wanted};
pub use check::{Outcome, Probe, Step};
pub use plan::{LEAST_LEAD, Plan, Situation, timing_for};
pub use rate::transaction_rate;

use rollwright_core::{ErrorKind, LayerError};

/// Why a chain does not go over to another DA layer as was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SwitchError {
    /// Nothing says where the layer is, and the chain is not one for which a
    /// network of its own is made.
    #[error("nothing says where that layer is reached (help: set `{key}`: {what})")]
    NoEndpoint {
        /// The key.
        key: &'static str,
        /// What belongs there.
        what: &'static str,
    },
    /// The layer that the chain is on cannot be read.
    #[error(
        "the layer that the chain is on, {layer}, cannot be read: {reason} (help: a switch needs its last blocks; bring it back, or, where it is gone for good, agree on a configuration fork)"
    )]
    OldUnreachable {
        /// The layer.
        layer: String,
        /// What it answered.
        reason: String,
    },
    /// The new layer failed its check.
    #[error("{layer} failed its check: {step}: {reason} (help: rollwright da check {layer})")]
    CheckFailed {
        /// The layer.
        layer: String,
        /// Which step.
        step: String,
        /// What it found.
        reason: String,
    },
    /// An epoch that was planned has not begun.
    #[error(
        "another switch is open: the chain goes over to {layer} at ordinal {begins}, and is at {now} (help: wait until it has; rollwright da epochs)"
    )]
    AnotherOpen {
        /// The layer of the planned epoch.
        layer: String,
        /// Its first ordinal.
        begins: u64,
        /// The newest ordinal.
        now: u64,
    },
    /// There is too little time until the switch.
    #[error(
        "a last height of {last} is too near: the layer is at {now}, and batches in flight and followers need {least} blocks (help: give a last height of {first} or above, or none)"
    )]
    TooNear {
        /// The last height that was asked for.
        last: u64,
        /// The newest height.
        now: u64,
        /// Least number of blocks between.
        least: u64,
        /// The least last height.
        first: u64,
    },
    /// Blocks would have to stop, or would not find room, during the switch.
    #[error(
        "the chain would stand still during the switch: between the two layers nothing is posted for about {wait_seconds} s, {reason} (help: {help})"
    )]
    WouldStall {
        /// Expected time without posting.
        wait_seconds: u64,
        /// Which bound that exceeds.
        reason: String,
        /// What to change.
        help: String,
    },
    /// The chain is on that layer, at that address.
    #[error("the chain is on {layer} {network} at {address} already")]
    Same {
        /// The layer.
        layer: String,
        /// Its network.
        network: String,
        /// The address.
        address: String,
    },
    /// The rules of the chain do not allow the result.
    #[error("the chain's rules do not allow it: {reason}")]
    Rules {
        /// Why.
        reason: String,
    },
}

impl LayerError for SwitchError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::OldUnreachable { .. } => ErrorKind::Temporary,
            Self::AnotherOpen { .. } => ErrorKind::NotYet,
            Self::NoEndpoint { .. } => ErrorKind::Fatal,
            _ => ErrorKind::Rejected,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoEndpoint { .. } => "RW-DA-910",
            Self::OldUnreachable { .. } => "RW-DA-911",
            Self::CheckFailed { .. } => "RW-DA-912",
            Self::AnotherOpen { .. } => "RW-DA-913",
            Self::TooNear { .. } => "RW-DA-914",
            Self::WouldStall { .. } => "RW-DA-915",
            Self::Same { .. } => "RW-DA-916",
            Self::Rules { .. } => "RW-DA-917",
        }
    }
}
