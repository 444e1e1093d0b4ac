//! The protocol, as PROTOCOL.md tells it, section by section.

mod batches;
mod blocks;
mod forced;
mod parts;

use crate::{
    Chain, Drop, Executor, History, Payloads, Reason, Refusal,
    wire::{self, Body},
};
use alloy_primitives::{Address, B256};
use parts::StoredPart;
use rollwright_core::{
    BlobRef, BlockInput, BlockRef, DaHeader, DaLane, ForcedId, ForcedTx, InvalidBlock,
};
use std::collections::BTreeMap;

/// How many drops of one DA block are traced one by one (§4).
pub const TRACED_DROPS: usize = 64;

/// How many ids of rejected batches are remembered (§4.2).
const REMEMBERED_IDS: usize = 64;

/// What one DA block did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaStep {
    /// What happened, in order (§12).
    pub events: Vec<Event>,
    /// Every rule that dropped something, in order: also where that is not
    /// traced one by one.
    pub rules: Vec<Reason>,
    /// Why payloads and forced transactions were refused, in order.
    pub refusals: Vec<Refusal>,
    /// Everything that was executed, in order, invalid blocks among it.
    pub inputs: Vec<BlockInput>,
    /// The derived head after it.
    pub head: BlockRef,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A block was derived.
    Block {
        /// Number and hash.
        block: BlockRef,
        /// Ordinal of its origin.
        origin: u64,
        /// Number of its batch; `None` for a block of the deriver's own.
        batch: Option<u64>,
    },
    /// A batch's number was consumed.
    Batch(AppliedBatch),
    /// The sequencer has lapsed.
    Lapsed,
    /// A batch ended the lapse.
    Returned,
    /// New rules discarded so many batches.
    Discarded(usize),
    /// Something was dropped.
    Dropped(Drop),
    /// So many further drops were not traced.
    Untraced(u64),
}

/// A batch whose number was consumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedBatch {
    /// Batch number.
    pub number: u64,
    /// Batch id.
    pub id: B256,
    /// The key that signed its parts.
    pub signer: Address,
    /// Term.
    pub term: u64,
    /// Number of its first block.
    pub first_block: u64,
    /// Blocks of it that stay.
    pub blocks: u32,
    /// Length of the envelope in bytes.
    pub bytes: u64,
    /// Where its parts stand, by index.
    pub blobs: Vec<BlobRef>,
    /// Why it ended before its last block.
    pub ended: Option<InvalidBlock>,
}

/// What a history is derived to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Derivation {
    /// One step per DA block.
    pub steps: Vec<DaStep>,
    /// The last final head (§9): the head after the last final DA block.
    pub finalized: BlockRef,
}

/// Derives a chain from all that its DA layer holds.
///
/// The result depends on the arguments alone. An error is the executor's.
///
/// # Errors
/// Whatever the executor fails with.
pub fn derive<P: Payloads, E: Executor>(
    chain: &Chain,
    payloads: &P,
    history: &History,
    executor: &mut E,
) -> Result<Derivation, E::Error> {
    let mut reference = Reference::new(chain, payloads, history);
    let mut derivation = Derivation {
        steps: Vec::with_capacity(history.blocks.len()),
        finalized: chain.genesis,
    };
    // An epoch is read once everything before it is final (§2).
    let read = history.blocks.len().saturating_sub(1) as u64;
    let finalized = history.finalized.max(chain.epoch_at(read).1 as usize);
    for ordinal in 0..history.blocks.len() {
        let step = reference.read(ordinal as u64, executor)?;
        if ordinal < finalized {
            derivation.finalized = step.head;
        }
        derivation.steps.push(step);
    }
    Ok(derivation)
}

/// The derived head, as far as the next block depends on it.
#[derive(Clone, Copy, Debug)]
struct Head {
    block: BlockRef,
    timestamp: u64,
    /// Ordinal of its origin.
    origin: u64,
    /// Blocks on that origin so far.
    on_origin: u64,
}

/// An entry of the forced queue.
#[derive(Clone, Debug)]
struct Entry {
    id: ForcedId,
    bytes: Vec<u8>,
}

impl Entry {
    fn due(&self) -> ForcedTx {
        ForcedTx {
            id: self.id,
            bytes: self.bytes.clone().into(),
        }
    }
}

/// Everything that is remembered from one DA block to the next.
struct Reference<'a, P> {
    chain: &'a Chain,
    payloads: &'a P,
    /// All DA headers, by ordinal; those above the present one are not looked at.
    headers: Vec<DaHeader>,
    history: &'a History,
    head: Head,
    /// Number of the next batch, id of the last, its term.
    next: u64,
    previous: B256,
    term: u64,
    /// The parts of all batches, in the order in which they were stored.
    parts: Vec<StoredPart>,
    /// The highest attempt of each key.
    attempts: BTreeMap<Address, u64>,
    /// Ids of rejected batches, oldest first.
    rejected: Vec<B256>,
    /// The forced queue, oldest first.
    queue: Vec<Entry>,
    /// While the sequencer has lapsed: the ordinal of the next try.
    next_try: Option<u64>,
    /// What the present DA block had decoded in vain, in bytes.
    waste: u64,
    /// What the present DA block has done so far.
    step: DaStep,
}

impl<'a, P: Payloads> Reference<'a, P> {
    fn new(chain: &'a Chain, payloads: &'a P, history: &'a History) -> Self {
        Self {
            chain,
            payloads,
            headers: history.blocks.iter().map(|block| block.header).collect(),
            history,
            head: Head {
                block: chain.genesis,
                timestamp: chain.genesis_time,
                origin: 0,
                on_origin: 0,
            },
            next: 0,
            previous: B256::ZERO,
            term: 0,
            parts: Vec::new(),
            attempts: BTreeMap::new(),
            rejected: Vec::new(),
            queue: Vec::new(),
            next_try: None,
            waste: 0,
            step: DaStep::default(),
        }
    }

    /// §4: the work on the DA block with ordinal `i`, in order.
    fn read<E: Executor>(&mut self, i: u64, executor: &mut E) -> Result<DaStep, E::Error> {
        self.waste = 0;
        self.begin_rules(i);
        self.read_blobs(i);
        while self.open_one(i, executor)? {}
        self.expire_batches(i);
        self.lapse(i, executor)?;
        let mut step = std::mem::take(&mut self.step);
        step.head = self.head.block;
        trace_the_first(&mut step.events);
        Ok(step)
    }

    /// §1: what begins at ordinal `i`.
    fn begin_rules(&mut self, i: u64) {
        if i > 0 && self.chain.posting_rules_begin(i) {
            let batches = self.batches().len();
            self.step.events.push(Event::Discarded(batches));
            if batches > 0 {
                self.step.rules.push(Reason::RulesBegan);
            }
            self.parts.clear();
            self.rejected.clear();
        }
        if i > 0 && self.chain.keys_begin(i) {
            self.attempts.clear();
            self.term = 0;
        }
    }

    /// §4.1: the blobs in posted order.
    fn read_blobs(&mut self, i: u64) {
        let block = &self.history.blocks[i as usize];
        let separate = self.chain.config_at(i).da.forced_address.is_some();
        let mut intake = forced::Intake::default();
        for (blob, place) in block.blobs.iter().zip(0u32..) {
            let lane = separate.then_some(blob.lane == DaLane::Forced);
            match wire::read(&blob.data, self.chain.rollup_id(), lane) {
                Err(reason) => self.drop(reason, Some(place), None),
                Ok(Body::Part(part)) => {
                    if let Err(reason) = self.store_part(i, place, blob.reference, part) {
                        self.drop(reason, Some(place), None);
                    }
                }
                Ok(Body::Forced(list)) => self.admit(i, place, &list, &mut intake),
            }
        }
    }

    fn drop(&mut self, reason: Reason, blob: Option<u32>, batch: Option<(u64, B256)>) {
        let dropped = Drop {
            reason,
            blob,
            batch,
        };
        self.step.rules.push(reason);
        self.step.events.push(Event::Dropped(dropped));
    }
}

/// Keeps the first drops and counts the others.
fn trace_the_first(events: &mut Vec<Event>) {
    let (mut traced, mut untraced) = (0, 0);
    events.retain(|event| {
        let is_drop = matches!(event, Event::Dropped(_));
        let keep = !is_drop || traced < TRACED_DROPS;
        traced += usize::from(is_drop);
        untraced += u64::from(!keep);
        keep
    });
    if untraced > 0 {
        events.push(Event::Untraced(untraced));
    }
}
