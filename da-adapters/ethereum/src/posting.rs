//! One transaction that posts, from intent to finality. Pure.

#[cfg(test)]
mod tests;

use crate::fees::{Caps, Offer};
use alloy_primitives::{B256, Bytes};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{BlobRef, DaBlockId, DaLane, UnitId};

/// Blocks after which a used nonce without a receipt of ours is somebody
/// else's: until then a node may be behind with its index.
const FOREIGN_AFTER: u64 = 3;

/// What the journal holds of one nonce. It is written before the first attempt
/// leaves the process, and again before each further one.
///
/// At most one attempt per nonce can be included, so nothing is posted twice
/// as long as a blob is never given a second nonce.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Posting {
    pub(crate) nonce: u64,
    pub(crate) unit: UnitId,
    pub(crate) lane: DaLane,
    /// Versioned hashes in order; for calldata the part's keccak256.
    pub(crate) commitments: Vec<B256>,
    pub(crate) calldata: bool,
    pub(crate) gas_limit: u64,
    /// Unix milliseconds of the first attempt.
    pub(crate) made_ms: u64,
    /// Never empty; the last one is the one that should be in the pool.
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Attempt {
    pub(crate) hash: B256,
    /// Signed, without sidecar.
    pub(crate) signed: Bytes,
    pub(crate) caps: Caps,
    /// Height of the L1 when it was made.
    pub(crate) made_at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum State {
    /// Meant to be in the pool.
    Pending,
    /// In a block that may be undone.
    Included(Inclusion),
    /// In a block that is final.
    Final(Inclusion),
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Inclusion {
    pub(crate) block: DaBlockId,
    pub(crate) blobs: Vec<BlobRef>,
    /// In wei.
    pub(crate) paid: u128,
}

/// What the L1 says of a posting's nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// The account's nonce as of the newest block.
    pub(crate) nonce: u64,
    /// Whether an attempt has a receipt.
    pub(crate) receipt: bool,
    /// Whether the block of an included posting is canonical.
    pub(crate) canonical: bool,
    /// Newest and final height.
    pub(crate) head: u64,
    pub(crate) finalized: Option<u64>,
    /// Since when the nonce is known as used without a receipt.
    pub(crate) missing_since: Option<u64>,
}

/// What to do with a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing.
    Keep,
    /// See that the newest attempt is in the pool, and worth its place.
    Tend,
    /// Look up where an attempt was included.
    Locate,
    /// The nonce is used and by none of ours, so far.
    Missing,
    /// The nonce was used by somebody else.
    Foreign,
    /// Its block was undone: back to the pool.
    Undo,
    /// Its block is final.
    Finalise,
}

impl Posting {
    pub(crate) fn inclusion(&self) -> Option<&Inclusion> {
        match &self.state {
            State::Pending => None,
            State::Included(inclusion) | State::Final(inclusion) => Some(inclusion),
        }
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.state == State::Pending
    }

    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.state, State::Final(_))
    }

    /// The newest attempt.
    pub(crate) fn newest(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    pub(crate) fn offer(&self) -> Option<Offer> {
        let newest = self.newest()?;
        Some(Offer {
            caps: newest.caps,
            made_at: newest.made_at,
            step: u32::try_from(self.attempts.len() - 1).unwrap_or(u32::MAX),
        })
    }

    /// What it cost in wei, or may cost while it waits.
    pub(crate) fn cost(&self) -> u128 {
        let blobs = if self.calldata {
            0
        } else {
            self.commitments.len() as u64
        };
        match (self.inclusion(), self.newest()) {
            (Some(inclusion), _) => inclusion.paid,
            (None, Some(newest)) => newest.caps.cost(self.gas_limit, blobs),
            (None, None) => 0,
        }
    }

    /// The table of the recovery: run at start and whenever the L1 moved.
    pub(crate) fn decide(&self, view: &View) -> Action {
        match &self.state {
            State::Final(_) => Action::Keep,
            State::Included(_) if !view.canonical => Action::Undo,
            State::Included(inclusion) => {
                let height = inclusion.block.height.0;
                if view.finalized.is_some_and(|last| height <= last) {
                    Action::Finalise
                } else {
                    Action::Keep
                }
            }
            State::Pending if view.nonce <= self.nonce => Action::Tend,
            State::Pending if view.receipt => Action::Locate,
            State::Pending => match view.missing_since {
                Some(since) if view.head.saturating_sub(since) >= FOREIGN_AFTER => Action::Foreign,
                _ => Action::Missing,
            },
        }
    }
}
