use crate::{
    SimLayer,
    machine::{Chain, now, sure},
};
use alloy_primitives::{B256, Bytes};
use rollwright_core::{
    BlockId, BlockRef, DaBlock, DaBlockId, DaHeader, DaOrdinal, Execution, Heads,
};
use rollwright_derive::{
    Amendment, AppliedBatch, DaPlace, Derivable, DeriveEvent, Deriver, DropReason, Rules, Step,
};
use rollwright_reference::{Driven, History};
use std::{collections::BTreeMap, sync::Arc};

/// What every node must hold after a DA block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Hash of the deriver's state.
    pub state: B256,
    /// The safe head.
    pub safe: BlockRef,
    /// The DA block's ordinal.
    pub ordinal: DaOrdinal,
}

/// Derives the chain from the layer itself, past all weather and without ever
/// stopping: what the nodes are compared with.
#[derive(Debug)]
pub struct Judge<C: Chain> {
    /// Rules of the chain.
    pub rules: Arc<Rules>,
    /// Its engine.
    pub engine: C::Engine,
    deriver: Deriver<<C::Engine as Derivable>::Codec>,
    read: Vec<DaBlockId>,
    /// Headers below the first blocks of epochs, by those blocks' ordinals.
    below: BTreeMap<u64, DaHeader>,
    verdicts: BTreeMap<B256, Verdict>,
    /// What happened at each canonical DA block.
    driven: Vec<Driven>,
    /// Amendments of the chain configuration.
    pub amendments: Vec<Amendment>,
    /// Codes of everything that was ever dropped, on whatever branch.
    codes: BTreeMap<&'static str, u64>,
}

impl<C: Chain> Judge<C> {
    /// A judge who has read nothing.
    pub fn new(chain: &C, amendments: Vec<Amendment>) -> Self {
        let engine = chain.open(&chain.store());
        let genesis = sure(now(engine.genesis()));
        let config = engine.rollup_config().as_ref().clone();
        let digest = engine.config_digest();
        let rules = Rules::new(genesis.hash, digest, config, amendments.clone());
        let rules = Arc::new(sure(rules));
        let deriver = Deriver::new(
            rules.clone(),
            engine.codec(),
            genesis,
            engine.genesis_time(),
        );
        Self {
            rules,
            engine,
            deriver,
            read: Vec::new(),
            below: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            driven: Vec::new(),
            amendments,
            codes: BTreeMap::new(),
        }
    }

    /// The deriver's state after the newest DA block.
    pub const fn state(&self) -> &rollwright_derive::DeriverState {
        self.deriver.state()
    }

    /// The derived head.
    pub const fn head(&self) -> BlockRef {
        self.deriver.state().head().block
    }

    /// What every node must hold after a DA block that was canonical once.
    pub fn verdict(&self, da_block: B256) -> Option<&Verdict> {
        self.verdicts.get(&da_block)
    }

    /// True where a DA block is among those that stand now.
    pub fn stands(&self, da_block: B256) -> bool {
        self.read.iter().any(|block| block.hash == da_block)
    }

    /// The final head.
    pub fn finalized(&self) -> BlockRef {
        self.deriver.finalized()
    }

    /// What happened at each canonical DA block, ascending.
    pub fn driven(&self) -> &[Driven] {
        &self.driven
    }

    /// How often each rule dropped something, on whatever branch.
    pub const fn codes(&self) -> &BTreeMap<&'static str, u64> {
        &self.codes
    }

    /// What is applied, batch by batch.
    pub fn batches(&self) -> impl Iterator<Item = &AppliedBatch> {
        self.events().filter_map(|(_, event)| match event {
            DeriveEvent::Batch(batch) => Some(batch),
            _ => None,
        })
    }

    /// True once such an event has happened on the canonical chain.
    pub fn has(&self, wanted: fn(&DeriveEvent) -> bool) -> bool {
        self.events().any(|(_, event)| wanted(event))
    }

    /// How often a rule dropped something on the canonical chain.
    pub fn drops(&self, code: &str) -> usize {
        self.dropped().iter().filter(|it| **it == code).count()
    }

    /// All events with the ordinals at which they happened.
    pub fn events(&self) -> impl Iterator<Item = (u64, &DeriveEvent)> {
        let steps = self.driven.iter().map(|driven| &driven.step);
        steps.flat_map(|step| step.events.iter().map(|event| (step.ordinal.0, event)))
    }

    /// Codes of everything that was dropped, in order.
    pub fn dropped(&self) -> Vec<&'static str> {
        self.events()
            .filter_map(|(_, event)| match event {
                DeriveEvent::Dropped(dropped) => Some(DropReason::code(&dropped.reason)),
                _ => None,
            })
            .collect()
    }

    /// Reads what the layer has.
    pub fn catch_up(&mut self, layer: &SimLayer) {
        let before = self.read.len();
        while let Some(last) = self.read.last() {
            let ordinal = self.read.len() as u64 - 1;
            let there = archived(&self.rules, layer, ordinal, last.height.0);
            if there.is_some_and(|there| there.header.hash == last.hash) {
                break;
            }
            self.read.pop();
        }
        if self.read.len() < before {
            let rollback = sure(self.deriver.rollback(DaOrdinal(self.read.len() as u64)));
            self.driven.truncate(self.read.len());
            let heads = Heads {
                latest: rollback.safe,
                safe: rollback.safe,
                finalized: rollback.finalized,
            };
            sure(now(self.engine.set_heads(&heads, &rollback.records)));
        }
        while let Some(block) = self.feed_next(layer) {
            self.read.push(block);
            self.work_off(block.hash);
        }
        let epoch = self.deriver.request().epoch;
        let present = layer.of(epoch).map(|layer| layer.read(|it| it.head(0)));
        if let Some(block) = present.and_then(|head| head.finalized) {
            self.finalize(epoch, block);
        }
    }

    fn finalize(&mut self, epoch: u32, block: DaBlockId) {
        let news = self.deriver.finalize(epoch, block);
        let heads = Heads {
            latest: self.head(),
            safe: self.head(),
            finalized: news.head,
        };
        sure(now(self.engine.set_heads(&heads, &news.records)));
    }

    /// Hands the deriver its next DA block, where the layer of its epoch has
    /// it, and where the epoch before has ended for good.
    fn feed_next(&mut self, layer: &SimLayer) -> Option<DaBlockId> {
        let request = self.deriver.request();
        let ordinal = request.ordinal.0;
        let (least, after) = match request.place {
            DaPlace::At { height, .. } => {
                let block = archived(&self.rules, layer, ordinal, height.0)?;
                sure(self.deriver.feed_block(&block));
                return Some(block.header.id());
            }
            DaPlace::First { least, after } => (least, after),
        };
        let last = *self.read.last()?;
        let before = layer.of(request.epoch - 1)?.read(|it| it.head(0)).finalized;
        before.filter(|head| head.height >= last.height)?;
        self.finalize(request.epoch - 1, last);
        let late = |block: &DaBlock| block.header.time > after;
        let mut heights = (least.0..).map_while(|it| archived(&self.rules, layer, ordinal, it));
        let first = heights.find(late)?;
        let below = first.header.height.0.checked_sub(1);
        let below = below.and_then(|it| archived(&self.rules, layer, ordinal, it));
        let below = below.map(|block| block.header);
        sure(self.deriver.feed_first_block(&first, below.as_ref()));
        self.below.extend(below.map(|header| (ordinal, header)));
        Some(first.header.id())
    }

    /// What was read, as the reference takes it.
    pub fn history(&self, layer: &SimLayer) -> History {
        let blocks = self.read.iter().zip(0u64..);
        History {
            blocks: blocks
                .filter_map(|(id, ordinal)| archived(&self.rules, layer, ordinal, id.height.0))
                .collect(),
            finalized: self.deriver.final_below().0 as usize,
            below: self.below.clone(),
        }
    }

    fn work_off(&mut self, da_block: B256) {
        let mut inputs = Vec::new();
        loop {
            match self.deriver.poll() {
                Step::DaBlock(_) => return,
                Step::Execute(input) => {
                    let outcome = sure(now(self.engine.execute(&input)));
                    inputs.push(*input);
                    sure(self.deriver.feed_outcome(&outcome));
                }
                Step::Commit(step) => {
                    let heads = Heads {
                        latest: step.safe,
                        safe: step.safe,
                        finalized: step.finalized,
                    };
                    sure(now(self.engine.set_heads(&heads, &step.records)));
                    let verdict = Verdict {
                        state: step.state_hash,
                        safe: step.safe,
                        ordinal: step.ordinal,
                    };
                    self.verdicts.insert(da_block, verdict);
                    for event in &step.events {
                        if let DeriveEvent::Dropped(dropped) = event {
                            *self.codes.entry(dropped.reason.code()).or_default() += 1;
                        }
                    }
                    self.driven.push(Driven {
                        step: *step,
                        inputs: std::mem::take(&mut inputs),
                    });
                    self.deriver.committed();
                }
            }
        }
    }

    /// Every transaction of the derived chain with its block, in order, forced
    /// ones included.
    pub fn transactions(&self) -> Vec<(u64, Bytes)> {
        transactions(&self.engine, self.head().number)
    }
}

/// The block at a height of the layer of an ordinal's epoch.
fn archived(rules: &Rules, layer: &SimLayer, ordinal: u64, height: u64) -> Option<DaBlock> {
    let epoch = rules.epoch_at(DaOrdinal(ordinal)).index;
    layer.of(epoch)?.read(|layer| layer.archived(height))
}

/// Every transaction of an engine's canonical chain up to a block.
pub(crate) fn transactions<E: Execution>(engine: &E, up_to: u64) -> Vec<(u64, Bytes)> {
    let mut found = Vec::new();
    for number in 1..=up_to {
        if let Some(block) = sure(engine.block(BlockId::Number(number))) {
            let all = block.forced_included.into_iter().chain(block.transactions);
            found.extend(all.map(|bytes| (number, bytes)));
        }
    }
    found
}
