//! From preconfirmed blocks to posting units: a state machine without I/O.

mod error;
mod flight;
mod follow;
mod records;
mod seal;
mod signer;
mod split;

pub use error::{BatcherError, BlockTooLarge};
pub use flight::{BatchFacts, UnitState};
pub use follow::{BatcherEvent, RebuildReason};
pub use records::POSTING_PREFIX;
pub use seal::Sealed;
pub use signer::{KeySigner, PartSigner, SignerError};
pub use split::piece_bytes;

use crate::{BatchBlock, CodecId, DeriverState, Rules, StateError};
use alloc::{collections::VecDeque, sync::Arc, vec::Vec};
use alloy_primitives::{Address, B256, Bytes};
use flight::Flight;
use rollwright_core::{BlobRef, BlockRef, DaOrdinal, DaPoint, PostingUnit, RecordChange, UnitId};

/// What an operator chooses for posting. Nothing here can change what is
/// derived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatcherSettings {
    /// Address of the key that signs parts.
    pub signer: Address,
    /// Codec of new batches; must be one of the chain's.
    pub codec: CodecId,
    /// Fences processes of one sequencer; 0 without high availability.
    pub term: u64,
    /// Largest blob of the DA layer in bytes.
    pub max_blob_bytes: u64,
    /// Largest sum of blobs in one posting unit in bytes.
    pub max_unit_bytes: u64,
    /// Length of an envelope that is aimed at, in bytes.
    pub target_bytes: u32,
    /// A block is posted at the latest this many milliseconds after it was
    /// pushed.
    pub max_age_ms: u64,
    /// Batches that may be posted and not yet derived; at most the chain's
    /// lookahead counts.
    pub max_in_flight: u32,
    /// DA blocks that a batch may need to land. What would have to land
    /// sooner is not posted.
    pub margin: u64,
}

/// A preconfirmed block that is to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedBlock {
    /// Number and hash.
    pub block: BlockRef,
    /// Hash of its parent.
    pub parent: B256,
    /// What a batch says of it.
    pub inputs: BatchBlock,
    /// Its origin.
    pub origin: DaPoint,
    /// When it was pushed, in milliseconds of the driver's clock.
    pub queued_ms: u64,
}

/// What waits to be posted or derived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Blocks in no batch yet.
    pub queued_blocks: u64,
    /// Their transactions' bytes.
    pub queued_bytes: u64,
    /// Batches sealed and not derived.
    pub batches: u64,
    /// Blocks in those.
    pub batched_blocks: u64,
    /// Bytes of those batches' envelopes.
    pub batched_bytes: u64,
}

/// Groups preconfirmed blocks into batches and watches them until they are
/// derived from final DA.
///
/// The driver pushes blocks in order while there [is room](Self::has_room),
/// calls [`follow`](Self::follow) after each derived DA block,
/// [supplies](Self::supply) what is [`wanted`](Self::wanted),
/// [seals](Self::seal) now and then, stores
/// [`take_changes`](Self::take_changes) before it submits anything, and
/// submits [`units`](Self::units).
///
/// Memory is bounded: queued blocks by `has_room`, the bytes of batches by how
/// many may be [in flight](BatcherSettings::max_in_flight). Of a derived batch
/// a few hundred bytes are kept until it is final; its bytes stand in the
/// store alone, and are asked for again where a reorganisation undoes it.
#[derive(Debug)]
pub struct Batcher {
    rules: Arc<Rules>,
    settings: BatcherSettings,
    attempt: u64,
    view: View,
    queue: VecDeque<QueuedBlock>,
    queued_bytes: u64,
    flights: VecDeque<Flight>,
    /// Payload bytes per 1,024 raw transaction bytes in the last batch.
    ratio: u64,
    /// A batch number that was rejected once.
    rejected: Option<u64>,
    /// A block that was too large for a batch once.
    too_large: Option<u64>,
    /// What sealing answers until an operator has looked.
    halted: Option<BatcherError>,
    changes: Vec<RecordChange>,
}

/// What the batcher knows of derivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct View {
    next_ordinal: DaOrdinal,
    next_batch: u64,
    last_batch_id: B256,
    head: BlockRef,
    term: u64,
    /// The sequencer has lapsed: only a batch ends that, and it must land
    /// before the deriver's next block.
    lapsed: bool,
}

impl View {
    fn of(state: &DeriverState) -> Self {
        Self {
            next_ordinal: state.next_ordinal(),
            next_batch: state.next_batch(),
            last_batch_id: state.last_batch_id(),
            head: state.head().block,
            term: state.term(),
            lapsed: state.lapsed(),
        }
    }
}

impl Batcher {
    /// A batcher without memory of what it posted. Where parts of its key are
    /// stored on DA and not applied, it starts a higher attempt.
    pub fn new(rules: Arc<Rules>, settings: BatcherSettings, state: &DeriverState) -> Self {
        let seen = state.attempt_of(&settings.signer);
        let forgotten = state
            .batches()
            .any(|(key, _)| key.signer == settings.signer);
        Self {
            rules,
            attempt: seen.saturating_add(u64::from(forgotten)),
            settings,
            view: View::of(state),
            queue: VecDeque::new(),
            queued_bytes: 0,
            flights: VecDeque::new(),
            ratio: 1_024,
            rejected: None,
            too_large: None,
            halted: None,
            changes: Vec::new(),
        }
    }

    /// Batches from now on go to a layer of these bounds: see
    /// [`BatcherSettings`]. For the begin of a DA epoch, which leaves nothing
    /// in flight.
    pub const fn on_layer(&mut self, max_blob_bytes: u64, max_unit_bytes: u64) {
        self.settings.max_blob_bytes = max_blob_bytes;
        self.settings.max_unit_bytes = max_unit_bytes;
    }

    /// Queues a preconfirmed block. It must be the child of
    /// [`tip`](Self::tip); otherwise `NotNext`, and nothing changes.
    pub fn push(&mut self, block: QueuedBlock) -> Result<(), BatcherError> {
        let tip = self.tip();
        if block.parent != tip.hash || block.block.number != tip.number.saturating_add(1) {
            return Err(BatcherError::NotNext {
                tip,
                found: block.block,
            });
        }
        self.queued_bytes = self.queued_bytes.saturating_add(raw_bytes(&block.inputs));
        self.queue.push_back(block);
        Ok(())
    }

    /// The block whose child [`push`](Self::push) expects: the last queued
    /// one, else the last one in a batch, else the derived head.
    pub fn tip(&self) -> BlockRef {
        match (self.queue.back(), self.flights.back()) {
            (Some(block), _) => block.block,
            (None, Some(flight)) => flight.last,
            (None, None) => self.view.head,
        }
    }

    /// The preconfirmed chain was rebuilt above `keep`: what was queued or
    /// batched above it is forgotten. Batches that hold such a block, or
    /// follow one that does, were posted in vain; a higher attempt begins.
    /// Returns the new tip, at or below `keep`, above which the driver pushes
    /// the canonical blocks again.
    pub fn rewind(&mut self, keep: BlockRef) -> BlockRef {
        self.unqueue(keep.number);
        let dead = self
            .flights
            .iter()
            .position(|flight| flight.last.number > keep.number && !flight.applied);
        if let Some(dead) = dead {
            self.drop_flights(dead);
        }
        self.tip()
    }

    /// True while the queue takes further blocks: it holds fewer than two of
    /// the largest batches need. What does not fit stays with the driver.
    pub fn has_room(&self) -> bool {
        let limits = &self.rules.at(self.view.next_ordinal).limits;
        self.queued_bytes < 2 * u64::from(limits.decompressed_bytes)
            && (self.queue.len() as u64) < 2 * u64::from(limits.batch_blocks)
    }

    /// Batches that are to be posted and whose bytes are not in memory: after a
    /// start, and where a reorganisation undid them. With the key of the record
    /// that holds the bytes.
    pub fn wanted(&self) -> impl Iterator<Item = (u64, Bytes)> {
        self.flights
            .iter()
            .filter(|flight| !flight.applied && flight.content.is_none())
            .map(|flight| (flight.number, records::content_key(flight.number)))
    }

    /// Hands in the record of a batch that is [`wanted`](Self::wanted). An
    /// error where there is none or it is not of that batch; nothing changes
    /// then.
    pub fn supply(&mut self, number: u64, record: Option<&Bytes>) -> Result<(), BatcherError> {
        let lost = StateError::Inconsistent("a batch in flight without its bytes");
        let content = records::read_content(record.ok_or(lost)?)?;
        let flight = self
            .flights
            .iter_mut()
            .find(|flight| flight.number == number && content.belongs_to(flight))
            .ok_or(lost)?;
        flight.content = Some(content);
        Ok(())
    }

    /// Units of batches that are not derived yet, in order, and how far each
    /// is. The driver submits each again and again until it is derived:
    /// submission is idempotent. Batches that wait to be signed again under a
    /// higher attempt (by [`seal`](Self::seal)) and those whose bytes are
    /// [`wanted`](Self::wanted) are left out.
    pub fn units(&self) -> impl Iterator<Item = UnitState<'_>> {
        self.flights
            .iter()
            .filter(|flight| !flight.applied && flight.attempt == self.attempt)
            .flat_map(Flight::unit_states)
    }

    /// The layer reports where the blobs of a unit stand; an empty list means
    /// that they stand nowhere any more.
    pub fn included(&mut self, unit: UnitId, blobs: &[BlobRef]) {
        let note = self
            .flights
            .iter_mut()
            .flat_map(|flight| &mut flight.units)
            .find(|note| note.id == unit);
        if let Some(note) = note {
            note.included = blobs.to_vec();
        }
    }

    /// Batches sealed and not yet final, ascending by number.
    pub fn batches(&self) -> impl Iterator<Item = BatchFacts> + '_ {
        self.flights.iter().map(Flight::facts)
    }

    /// What waits.
    pub fn backlog(&self) -> Backlog {
        let open = || self.flights.iter().filter(|flight| !flight.applied);
        Backlog {
            queued_blocks: self.queue.len() as u64,
            queued_bytes: self.queued_bytes,
            batches: open().count() as u64,
            batched_blocks: open().map(Flight::block_count).sum(),
            batched_bytes: open().map(|flight| flight.bytes).sum(),
        }
    }

    /// The attempt that new parts carry.
    pub const fn attempt(&self) -> u64 {
        self.attempt
    }

    /// Why nothing is sealed any more, if so; see [`resume`](Self::resume).
    pub const fn halted(&self) -> Option<RebuildReason> {
        match &self.halted {
            Some(BatcherError::Halted(reason)) => Some(*reason),
            Some(_) => Some(RebuildReason::TooLarge),
            None => None,
        }
    }

    /// An operator has dealt with what halted the batcher.
    pub fn resume(&mut self) {
        self.halted = None;
        self.rejected = None;
        self.too_large = None;
    }

    /// Changes of the batcher's records since the last call. They must be
    /// durable before a unit that [`units`](Self::units) names is submitted.
    pub fn take_changes(&mut self) -> Vec<RecordChange> {
        core::mem::take(&mut self.changes)
    }

    /// Drops queued blocks above a number.
    fn unqueue(&mut self, above: u64) {
        while let Some(block) = self.queue.back() {
            if block.block.number <= above {
                break;
            }
            self.queued_bytes = self.queued_bytes.saturating_sub(raw_bytes(&block.inputs));
            self.queue.pop_back();
        }
    }

    /// Drops the batches from position `from` on, and everything queued, since
    /// it builds on them; begins a higher attempt.
    fn drop_flights(&mut self, from: usize) {
        for flight in self.flights.drain(from..) {
            self.changes.extend(records::delete(flight.number));
        }
        self.queue.clear();
        self.queued_bytes = 0;
        self.raise_attempt();
    }

    fn raise_attempt(&mut self) {
        self.attempt = self.attempt.saturating_add(1);
        self.changes.push(records::put_header(self.attempt));
    }
}

fn raw_bytes(block: &BatchBlock) -> u64 {
    // Columns hold a few bytes per block and transaction besides.
    let transactions: u64 = block
        .transactions
        .iter()
        .map(|tx| tx.len() as u64 + 4)
        .sum();
    transactions.saturating_add(48)
}

/// A unit's identity is its bytes; parts differ in batch id and attempt.
fn posting_unit(batch_id: B256, blobs: Vec<rollwright_core::Blob>) -> PostingUnit {
    PostingUnit::new(batch_id, blobs)
}
