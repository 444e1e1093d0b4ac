//! Rules of a block's place: what a sequencer asks before it builds, and what
//! the deriver checks before it executes. Pure functions of parent, rules and
//! DA headers.

#[cfg(test)]
mod tests;

use crate::{Rules, state::DeriverState};
use alloc::{collections::BTreeSet, vec::Vec};
use alloy_primitives::Address;
use borsh::{BorshDeserialize, BorshSerialize};
use core::ops::RangeInclusive;
use rollwright_core::{
    Anchor, Attributes, BlockRef, DaHeader, DaOrdinal, ForcedId, ForcedOutcome, ForcedTx,
};

/// What the next block's place depends on: the parent, and how many blocks
/// stand on its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Position {
    /// The block.
    pub block: BlockRef,
    /// Its timestamp in Unix seconds.
    pub timestamp: u64,
    /// Its origin's ordinal.
    pub origin: DaOrdinal,
    /// Blocks on that origin, this one included; 0 at genesis.
    pub on_origin: u32,
}

/// Why a block cannot stand where a batch or a sequencer puts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The origin lies below the parent's.
    #[error("origin {origin} lies below the parent's, {parent}")]
    OriginBack {
        /// The block's origin.
        origin: DaOrdinal,
        /// The parent's.
        parent: DaOrdinal,
    },
    /// The origin lies too far above the parent's.
    #[error("origin {origin} lies more than {max_step} above the parent's, {parent}")]
    OriginStep {
        /// The block's origin.
        origin: DaOrdinal,
        /// The parent's.
        parent: DaOrdinal,
        /// `timing.maxStep`.
        max_step: u64,
    },
    /// No header is known for the origin.
    #[error("origin {0} is not a known DA block")]
    OriginUnknown(DaOrdinal),
    /// Too many blocks on one origin.
    #[error("{max} blocks stand on origin {origin} already")]
    OriginFull {
        /// The origin.
        origin: DaOrdinal,
        /// `limits.originBlocks`.
        max: u32,
    },
    /// The timestamp does not rise.
    #[error("timestamp {timestamp} is too low; {least} is the least")]
    TimeLow {
        /// The block's.
        timestamp: u64,
        /// The least possible.
        least: u64,
    },
    /// The timestamp lies too far above its origin's time.
    #[error("timestamp {timestamp} is too high for its origin; {most} is the most")]
    TimeHigh {
        /// The block's.
        timestamp: u64,
        /// Origin's time + `timing.driftSeconds`.
        most: u64,
    },
}

impl Rules {
    /// Timestamps that a block on `parent` may have on an origin; empty where
    /// there is none, so that the sequencer must wait for another origin.
    pub fn timestamps(
        &self,
        parent: &Position,
        origin: DaOrdinal,
        origin_time: u64,
    ) -> RangeInclusive<u64> {
        let set = self.at(origin);
        let after = if set.repeats_timestamps {
            parent.timestamp
        } else {
            parent.timestamp.saturating_add(1)
        };
        let most = origin_time.saturating_add(set.timing.drift_seconds);
        after.max(origin_time)..=most
    }

    /// Checks the place of a block on `parent` with the given origin and
    /// timestamp, and returns its own position, hash still unknown (zero).
    pub fn check_place(
        &self,
        parent: &Position,
        origin: DaOrdinal,
        origin_time: u64,
        timestamp: u64,
    ) -> Result<Position, PlaceError> {
        let set = self.at(origin);
        if origin < parent.origin {
            return Err(PlaceError::OriginBack {
                origin,
                parent: parent.origin,
            });
        }
        if origin.since(parent.origin) > set.timing.max_step {
            return Err(PlaceError::OriginStep {
                origin,
                parent: parent.origin,
                max_step: set.timing.max_step,
            });
        }
        let before = if origin == parent.origin {
            parent.on_origin
        } else {
            0
        };
        if before >= set.limits.origin_blocks {
            return Err(PlaceError::OriginFull {
                origin,
                max: set.limits.origin_blocks,
            });
        }
        let times = self.timestamps(parent, origin, origin_time);
        if timestamp < *times.start() {
            return Err(PlaceError::TimeLow {
                timestamp,
                least: *times.start(),
            });
        }
        if timestamp > *times.end() {
            return Err(PlaceError::TimeHigh {
                timestamp,
                most: *times.end(),
            });
        }
        Ok(Position {
            block: BlockRef {
                number: parent.block.number.saturating_add(1),
                hash: Default::default(),
            },
            timestamp,
            origin,
            on_origin: before.saturating_add(1),
        })
    }

    /// Last ordinal at which a batch that contains a block on `origin` can be
    /// applied.
    pub fn deadline(&self, origin: DaOrdinal) -> DaOrdinal {
        origin.plus(self.at(origin).timing.window)
    }

    /// The highest origin that a block on `parent` may have, when DA blocks up
    /// to `newest` may serve as origins; `None` where `parent`'s origin lies
    /// above `newest`.
    pub fn next_origin(&self, parent: &Position, newest: DaOrdinal) -> Option<DaOrdinal> {
        let reach = parent.origin.plus(self.at(parent.origin).timing.max_step);
        (newest >= parent.origin).then_some(newest.min(reach))
    }

    /// True where an idle sequencer should make a block now, so that its
    /// batch lands well inside the window: the head's origin is half a window
    /// behind `observed`, or `max_step` behind it.
    pub fn keep_alive_due(&self, head: &Position, observed: DaOrdinal) -> bool {
        let timing = &self.at(head.origin).timing;
        let behind = observed.since(head.origin);
        behind >= timing.window / 2 || behind >= timing.max_step
    }

    /// The anchor of a block on an origin.
    pub fn anchor(&self, origin: DaOrdinal, header: &DaHeader) -> Anchor {
        Anchor::at(
            self.point(origin, header),
            origin,
            header.data_root,
            header.time,
        )
    }

    /// Everything that a sequencer hands to `Execution::build` for a block on
    /// `origin`, given the due entries of [`due_entries`]. Its bounds are those
    /// of [`block_room`](Self::block_room) on a layer of any size.
    pub fn attributes(
        &self,
        origin: DaOrdinal,
        header: &DaHeader,
        timestamp: u64,
        fee_recipient: Address,
        forced: Vec<ForcedTx>,
    ) -> Attributes {
        let set = self.at(origin);
        let room = self.block_room(origin, u64::MAX);
        Attributes {
            timestamp,
            fee_recipient,
            gas_limit: set.gas_limit,
            anchor: self.anchor(origin, header),
            forced,
            forced_budget: set.forced_budget(),
            ticks: Vec::new(),
            inbox: Vec::new(),
            max_bytes: room.bytes,
            max_transactions: room.transactions,
        }
    }
}

/// The forced entries that a block on `origin` must begin with, in queue
/// order: those due at or below its origin, at most as many as a block may
/// look at.
///
/// `consumed` holds entries that blocks which are not derived yet have taken
/// out of the queue (see [`consumed_entries`]); empty for the deriver itself.
pub fn due_entries(
    rules: &Rules,
    state: &DeriverState,
    consumed: &BTreeSet<ForcedId>,
    origin: DaOrdinal,
) -> Vec<ForcedTx> {
    let set = rules.at(origin);
    let Some(newest) = origin.0.checked_sub(set.timing.force_delay) else {
        return Vec::new();
    };
    state
        .forced()
        .take_while(|(id, _)| id.ordinal.0 <= newest)
        .filter(|(id, _)| !consumed.contains(id))
        .take(set.forced.block_validations as usize)
        .map(|(id, bytes)| ForcedTx {
            id: *id,
            bytes: bytes.clone(),
        })
        .collect()
}

/// Which of a block's entries leave the queue: included and skipped ones, and
/// underpriced ones whose time has ended at the block's origin.
pub fn consumed_entries<'a>(
    rules: &'a Rules,
    origin: DaOrdinal,
    outcomes: impl IntoIterator<Item = (ForcedId, &'a ForcedOutcome)> + 'a,
) -> impl Iterator<Item = ForcedId> + 'a {
    let ttl = rules.at(origin).timing.force_ttl;
    outcomes
        .into_iter()
        .filter(move |(id, outcome)| match outcome {
            ForcedOutcome::Underpriced => origin.since(id.ordinal) >= ttl,
            other => other.is_consumed(),
        })
        .map(|(id, _)| id)
}
