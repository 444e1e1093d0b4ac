use super::{Batcher, BatcherError, View, flight::Flight, records};
use crate::DeriverState;
use alloc::vec::Vec;
use alloy_primitives::B256;
use core::fmt;
use rollwright_core::{BlockRef, DaOrdinal};

/// Something that the driver must know or do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatcherEvent {
    /// A batch of ours is derived.
    Applied {
        /// Batch number.
        number: u64,
        /// Batch id.
        id: B256,
    },
    /// A batch of ours is derived from final DA and forgotten here.
    Final {
        /// Batch number.
        number: u64,
    },
    /// A reorganisation of the DA layer undid a batch; it is posted again.
    Undone {
        /// Batch number.
        number: u64,
    },
    /// Parts stood on DA and the batch was not derived (they expired, or were
    /// evicted): batches in flight are signed again under a higher attempt.
    Resigned {
        /// Number of the first such batch.
        number: u64,
        /// The attempt.
        attempt: u64,
    },
    /// Everything above `keep` is forgotten here and must not be posted as it
    /// stands. The driver rebuilds its preconfirmed blocks above `keep` as far
    /// as the reason demands, then pushes the canonical ones.
    Rebuild {
        /// Why.
        reason: RebuildReason,
        /// The batcher's tip now.
        keep: BlockRef,
    },
}

/// Why blocks cannot be posted as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RebuildReason {
    /// The derived chain went another way: blocks of the deriver's own, an
    /// invalid block, a batch of another process. Rebuild on the derived head.
    Diverged,
    /// The DA block of an origin is not canonical any more. Rebuild blocks
    /// with such origins on canonical ones.
    OriginVanished,
    /// The window of an origin ends before the batch could land. Rebuild with
    /// newer origins.
    Expired,
    /// Posting rules or keys changed. The blocks stand; push them again.
    RulesChanged,
    /// Derivation rejected the batch. Rebuild once; at the second time the
    /// batcher halts.
    Rejected,
    /// The first block above `keep` is larger than a batch may be, since a
    /// limit was lowered after it was made. Rebuild within
    /// [`Rules::block_room`](crate::Rules::block_room); where the rebuilt block
    /// is too large again, the batcher halts.
    TooLarge,
}

impl fmt::Display for RebuildReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Diverged => "the derived chain went another way",
            Self::OriginVanished => "the DA block of an origin is not canonical any more",
            Self::Expired => "the sequencing window ends before the blocks could land on DA",
            Self::RulesChanged => "posting rules or keys changed",
            Self::Rejected => "derivation rejected two batches in a row with the same number",
            Self::TooLarge => "a block is larger than a batch may be",
        })
    }
}

impl Batcher {
    /// Takes in the deriver's state after a DA block or a roll-back.
    ///
    /// `finalized` is the number of the finalized block. Events come in order;
    /// after a `Rebuild` the driver must push again. Calling again with the
    /// same state changes nothing.
    pub fn follow(&mut self, state: &DeriverState, finalized: u64) -> Vec<BatcherEvent> {
        let mut events = Vec::new();
        self.view = View::of(state);
        self.mark_applied(&mut events);
        self.forget_final(finalized, &mut events);
        let seen = state.attempt_of(&self.settings.signer);
        if seen > self.attempt {
            self.attempt = seen;
            self.changes.push(records::put_header(seen));
        }
        match self.find_fault(state) {
            Some((at, reason)) => self.give_up(at, reason, &mut events),
            None => self.find_loss(state, &mut events),
        }
        events
    }

    fn mark_applied(&mut self, events: &mut Vec<BatcherEvent>) {
        let next = self.view.next_batch;
        for flight in &mut self.flights {
            let applied = flight.number < next;
            if applied == flight.applied {
                continue;
            }
            flight.applied = applied;
            if applied {
                flight.content = None;
            } else {
                flight
                    .units
                    .iter_mut()
                    .for_each(|unit| unit.included.clear());
            }
            self.changes.push(records::put(flight));
            events.push(if applied {
                BatcherEvent::Applied {
                    number: flight.number,
                    id: flight.id,
                }
            } else {
                BatcherEvent::Undone {
                    number: flight.number,
                }
            });
        }
    }

    fn forget_final(&mut self, finalized: u64, events: &mut Vec<BatcherEvent>) {
        while let Some(flight) = self.flights.front() {
            // The newest applied one stays: what follows is checked against it.
            let newest = flight.number.saturating_add(1) >= self.view.next_batch;
            if !flight.applied || newest || flight.last.number > finalized {
                break;
            }
            let number = flight.number;
            events.push(BatcherEvent::Final { number });
            self.changes.extend(records::delete(number));
            self.flights.pop_front();
        }
    }

    /// The first batch that can never be applied as it stands; the number of
    /// batches where only what is queued is at fault.
    fn find_fault(&self, state: &DeriverState) -> Option<(usize, RebuildReason)> {
        let newest = self
            .flights
            .iter()
            .position(|flight| flight.number.saturating_add(1) == self.view.next_batch);
        if let Some(at) = newest {
            let ours = self.flights.get(at)?;
            if ours.id != self.view.last_batch_id {
                return Some((at, RebuildReason::Diverged));
            }
        }
        let open = self.flights.iter().position(|flight| !flight.applied);
        let Some(open) = open else {
            return self.find_queue_fault(state);
        };
        let first = self.flights.get(open)?;
        let follows = first.number == self.view.next_batch
            && first.previous == self.view.last_batch_id
            && first.parent == self.view.head;
        if !follows {
            return Some((open, RebuildReason::Diverged));
        }
        self.flights
            .iter()
            .enumerate()
            .skip(open)
            .find_map(|(at, flight)| Some((at, self.fault_of(state, flight)?)))
            .or_else(|| self.find_queue_fault(state))
    }

    fn find_queue_fault(&self, state: &DeriverState) -> Option<(usize, RebuildReason)> {
        let all = self.flights.len();
        let open = self.flights.iter().any(|flight| !flight.applied);
        let first = self.queue.front();
        let off_head = first.is_some_and(|first| first.parent != self.view.head.hash)
            || (first.is_none()
                && self
                    .flights
                    .back()
                    .is_some_and(|f| f.last != self.view.head));
        if !open && off_head {
            return Some((all, RebuildReason::Diverged));
        }
        let gone = |block: &super::QueuedBlock| {
            state
                .origin(block.inputs.origin)
                .is_some_and(|header| header.hash != block.origin.hash)
        };
        // Origins only rise, and each commits to those below it.
        let last = self.queue.back()?;
        gone(last).then_some((all, RebuildReason::OriginVanished))
    }

    fn fault_of(&self, state: &DeriverState, flight: &Flight) -> Option<RebuildReason> {
        let set = self.rules.at(self.view.next_ordinal);
        let origin = state.origin(flight.last_origin_ordinal);
        if origin.is_some_and(|header| header.hash != flight.last_origin.hash) {
            Some(RebuildReason::OriginVanished)
        } else if self.view.next_ordinal > self.rules.deadline(flight.first_origin) {
            Some(RebuildReason::Expired)
        } else if flight.digest != set.digest || flight.key_entry != set.key_entry {
            Some(RebuildReason::RulesChanged)
        } else if state.core().rejected.contains(&flight.id) {
            Some(RebuildReason::Rejected)
        } else {
            None
        }
    }

    fn give_up(&mut self, at: usize, reason: RebuildReason, events: &mut Vec<BatcherEvent>) {
        if reason == RebuildReason::Rejected {
            let number = self.flights.get(at).map(|flight| flight.number);
            if self.rejected == number {
                self.halted = Some(BatcherError::Halted(reason));
            }
            self.rejected = number;
        }
        if at < self.flights.len() {
            self.drop_flights(at);
        }
        self.queue.clear();
        self.queued_bytes = 0;
        if reason == RebuildReason::Diverged {
            // What was applied is history; the derived head is the tip.
            while let Some(flight) = self.flights.pop_back() {
                self.changes.extend(records::delete(flight.number));
            }
        }
        events.push(BatcherEvent::Rebuild {
            reason,
            keep: self.tip(),
        });
    }

    /// Parts of the next batch stood on DA, derivation has read those DA
    /// blocks, and holds neither the batch nor its parts.
    fn find_loss(&mut self, state: &DeriverState, events: &mut Vec<BatcherEvent>) {
        let Some(first) = self.flights.iter().find(|flight| !flight.applied) else {
            return;
        };
        if first.attempt < self.attempt {
            return;
        }
        // A batch in flight has the present digest, so its parts were posted on
        // the present layer.
        let epoch = self.rules.epoch_at(self.view.next_ordinal).index;
        let read = |ordinal: DaOrdinal| ordinal < self.view.next_ordinal;
        let everywhere = first.units.iter().all(|unit| {
            !unit.included.is_empty()
                && unit.included.iter().all(|blob| {
                    let ordinal = state.ordinal_of(&self.rules, epoch, blob.block.height);
                    ordinal.is_some_and(|ordinal| {
                        read(ordinal)
                            && state
                                .origin(ordinal)
                                .is_none_or(|header| header.hash == blob.block.hash)
                    })
                })
        });
        let held = state.batches().any(|(key, _)| key.id == first.id);
        if everywhere && !held {
            let number = first.number;
            self.raise_attempt();
            events.push(BatcherEvent::Resigned {
                number,
                attempt: self.attempt,
            });
        }
    }
}
