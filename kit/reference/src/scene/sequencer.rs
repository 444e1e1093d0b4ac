//! The honest sequencer: blocks on recent origins, the real batcher.

use super::{
    Engine,
    keys::key,
    world::{Outcome, World},
};
use crate::Real;
use alloy_primitives::{Address, B256, Bytes};
use rollwright_core::{DaHeader, DaLane, DaOrdinal, ExecuteOutcome, ForcedId};
use rollwright_derive::{
    BatchBlock, BatchCodec, Batcher, BatcherEvent, BatcherSettings, CodecId, PartSigner as _,
    Position, QueuedBlock, Sealed, consumed_entries, due_entries,
};
use std::collections::{BTreeSet, VecDeque};

pub(super) struct Sequencer {
    batcher: Batcher,
    /// The preconfirmed head, and which forced entries blocks above the
    /// derived head have used up.
    pub(super) tip: Tip,
    /// Parts that were sealed and have not been posted.
    outbox: VecDeque<Bytes>,
    /// Units that have been put into the outbox.
    sent: BTreeSet<rollwright_core::UnitId>,
}

/// A chain of blocks that are not derived yet.
#[derive(Clone, Debug)]
pub(super) struct Tip {
    pub(super) position: Position,
    consumed: BTreeSet<ForcedId>,
}

/// A batch made by hand, on which another can follow.
#[derive(Clone, Debug)]
pub(super) struct Crafted {
    pub(super) tip: Tip,
    pub(super) number: u64,
    pub(super) id: B256,
}

impl Tip {
    /// The derived head of a node.
    pub(super) fn derived<C: BatchCodec>(node: &Real<C>) -> Self {
        Self {
            position: *node.deriver.state().head(),
            consumed: BTreeSet::new(),
        }
    }
}

impl Sequencer {
    pub(super) fn new<C: BatchCodec>(node: &Real<C>) -> Self {
        let settings = BatcherSettings {
            signer: key(0).address(),
            codec: rules_codec(node),
            term: 0,
            max_blob_bytes: 500,
            max_unit_bytes: 4_000,
            target_bytes: 60_000,
            max_age_ms: 0,
            max_in_flight: 3,
            margin: 1,
        };
        let rules = node.deriver.rules().clone();
        Self {
            batcher: Batcher::new(rules, settings, node.deriver.state()),
            tip: Tip::derived(node),
            outbox: VecDeque::new(),
            sent: BTreeSet::new(),
        }
    }

    pub(super) fn lose(&mut self, at: usize) {
        if let Some(at) = at.checked_rem(self.outbox.len()) {
            self.outbox.remove(at);
        }
    }
}

/// The last of the codecs that the chain has now.
fn rules_codec<C: BatchCodec>(node: &Real<C>) -> CodecId {
    let state = node.deriver.state();
    let codecs = &node.deriver.rules().at(state.next_ordinal()).codecs;
    let number = state.next_batch() as usize;
    codecs
        .get(number % codecs.len().max(1))
        .copied()
        .unwrap_or(CodecId::NONE)
}

impl<E: Engine> World<E> {
    /// Forgets what was preconfirmed, and begins on the derived head.
    pub(super) fn resync(&mut self) {
        self.sequencer = Sequencer::new(&self.node);
    }

    /// Shows the batcher what was derived.
    pub(super) fn follow(&mut self) {
        let events = self.sequencer.batcher.follow(self.node.deriver.state(), 0);
        let rebuild = |event: &BatcherEvent| matches!(event, BatcherEvent::Rebuild { .. });
        if events.iter().any(rebuild) {
            self.resync();
        }
    }

    /// Makes one to three blocks on the preconfirmed head.
    pub(super) fn sequence(&mut self, how: [u8; 5]) -> Outcome<E> {
        for index in 0..1 + how[0] % 3 {
            let mut tip = self.sequencer.tip.clone();
            let parent = tip.position.block.hash;
            let how = [how[1], how[2].wrapping_add(index), how[3], how[4]];
            let Some(block) = self.next_block(&tip, how) else {
                break;
            };
            let Some(queued) = self.preconfirm(&mut tip, &block)? else {
                break;
            };
            let queued = QueuedBlock { parent, ..queued };
            if self.sequencer.batcher.push(queued).is_err() {
                self.resync();
                break;
            }
            self.sequencer.tip = tip;
        }
        Ok(())
    }

    /// A block that may follow `tip`: origin near the newest DA block, the
    /// least timestamp or one above, some transactions.
    pub(super) fn next_block(&self, tip: &Tip, how: [u8; 4]) -> Option<BatchBlock> {
        let rules = self.node.deriver.rules();
        let newest = self.ordinal().checked_sub(1 + u64::from(how[0] % 3))?;
        let origin = rules
            .next_origin(&tip.position, DaOrdinal(newest))
            .unwrap_or(tip.position.origin);
        let header = self.header(origin.0)?;
        let times = rules.timestamps(&tip.position, origin, header.time);
        if times.is_empty() {
            return None;
        }
        let timestamp = times.start() + u64::from(how[1] % 2);
        let mut transactions: Vec<Bytes> = Vec::new();
        let user = how[2];
        let nonce = self.engine.nonce(&tip.position.block, user);
        for index in 0..how[3] % 4 {
            let kind = how[3] / 4 + index;
            let nonce = nonce + u64::from(index);
            transactions.push(self.engine.transaction(user, nonce, kind));
        }
        Some(BatchBlock {
            timestamp,
            origin,
            fee_recipient: Address::repeat_byte(0xaa),
            transactions,
        })
    }

    pub(super) fn header(&self, ordinal: u64) -> Option<DaHeader> {
        self.da.get(ordinal as usize).map(|block| block.header)
    }

    /// Executes a block on a tip and moves it; `None` where the block is not
    /// valid there.
    pub(super) fn preconfirm(
        &mut self,
        tip: &mut Tip,
        block: &BatchBlock,
    ) -> Result<Option<QueuedBlock>, crate::DriveError<E::Error>> {
        let rules = self.node.deriver.rules().clone();
        let Some(header) = self.header(block.origin.0) else {
            return Ok(None);
        };
        let place = rules.check_place(&tip.position, block.origin, header.time, block.timestamp);
        let Ok(position) = place else {
            return Ok(None);
        };
        let forced = due_entries(
            &rules,
            self.node.deriver.state(),
            &tip.consumed,
            block.origin,
        );
        let ids: Vec<ForcedId> = forced.iter().map(|entry| entry.id).collect();
        let recipient = block.fee_recipient;
        let parent = tip.position.block;
        let input = rules
            .attributes(block.origin, &header, block.timestamp, recipient, forced)
            .into_input(parent, block.transactions.clone());
        let ExecuteOutcome::Valid(executed) = self.execute(&input)? else {
            return Ok(None);
        };
        let outcomes = ids.into_iter().zip(&executed.forced);
        tip.consumed
            .extend(consumed_entries(&rules, block.origin, outcomes));
        tip.position = Position {
            block: executed.block,
            ..position
        };
        Ok(Some(QueuedBlock {
            block: executed.block,
            parent: parent.hash,
            inputs: block.clone(),
            origin: rules.point(block.origin, &header),
            queued_ms: 0,
        }))
    }

    /// Seals what is queued; new parts go to the outbox.
    pub(super) fn seal(&mut self, how: [u8; 5]) -> Outcome<E> {
        let codec = self.engine.codec();
        let observed = DaOrdinal(self.ordinal().saturating_sub(1));
        for _ in 0..1 + how[0] % 2 {
            let sealed = self
                .sequencer
                .batcher
                .seal(&codec, &key(0), 1, observed, true);
            match sealed {
                Ok(Sealed::Rebuild(_)) | Err(_) => {
                    self.resync();
                    break;
                }
                Ok(Sealed::Batch(_)) => {}
                Ok(_) => break,
            }
        }
        let sequencer = &mut self.sequencer;
        for state in sequencer.batcher.units() {
            if sequencer.sent.insert(state.unit.id) {
                let blobs = state.unit.blobs.iter();
                sequencer.outbox.extend(blobs.map(|blob| blob.data.clone()));
            }
        }
        Ok(())
    }

    /// Posts some of the outbox: in order, backwards, twice, or cut short.
    pub(super) fn post_sealed(&mut self, how: [u8; 5]) -> Outcome<E> {
        let count = match how[0] % 3 {
            0 => 1 + usize::from(how[1] % 3),
            _ => self.sequencer.outbox.len(),
        };
        let count = count.min(self.sequencer.outbox.len());
        let mut blobs: Vec<Bytes> = self.sequencer.outbox.drain(..count).collect();
        match how[2] % 6 {
            0 => blobs.reverse(),
            1 => blobs.extend(blobs.clone()),
            2 => blobs.rotate_left(count / 2),
            _ => {}
        }
        for blob in blobs {
            self.post(DaLane::Batch, blob);
        }
        Ok(())
    }
}
