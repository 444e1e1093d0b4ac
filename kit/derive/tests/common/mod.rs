//! A small world: a DA chain made of vectors, the in-memory engine, a deriver,
//! and a sequencer that preconfirms blocks.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside of test functions"
)]

mod blobs;
pub(crate) mod poster;
mod setup;

pub(crate) use setup::*;

use alloy_primitives::{Address, B256, Bytes, keccak256};
use rollwright_core::{
    BlobRef, BlockRef, ChainStore as _, DaBlock, DaBlockId, DaHeader, DaHeight, DaLane, DaOrdinal,
    ExecuteOutcome, Execution as _, ForcedId, Heads, PostedBlob, Proof,
    memory::{MemoryExecution, MemoryTx},
};
use rollwright_derive::*;
use std::{
    collections::BTreeSet,
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

pub(crate) const DA_START: u64 = 100;
pub(crate) const DA_TIME: u64 = 1_700_000_000;

pub(crate) type TestDeriver = Deriver<MemoryCodec>;

/// The in-memory engine is never pending.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the in-memory engine waits for nothing"),
    }
}

pub(crate) fn key(byte: u8) -> KeySigner {
    KeySigner::new(B256::repeat_byte(byte)).unwrap()
}

/// One node with its DA layer.
pub(crate) struct World {
    pub(crate) rules: Arc<Rules>,
    pub(crate) engine: MemoryExecution,
    pub(crate) deriver: TestDeriver,
    pub(crate) da: Vec<DaBlock>,
    /// Height of an epoch's first block above the least one.
    pub(crate) skipped: u64,
    pub(crate) events: Vec<(u64, DeriveEvent)>,
    /// The preconfirmed head.
    pub(crate) tip: Position,
    pub(crate) consumed: BTreeSet<ForcedId>,
    /// Next batch as the sequencer numbers them.
    pub(crate) next: (u64, B256),
    salt: u64,
}

impl Default for World {
    fn default() -> Self {
        Self::new(&Setup::default())
    }
}

impl World {
    /// A world that has read so many DA blocks without blobs.
    pub(crate) fn after(blocks: usize) -> Self {
        let mut world = Self::default();
        world.mine_empty(blocks);
        world
    }

    pub(crate) fn new(setup: &Setup) -> Self {
        let engine = setup.engine();
        let genesis = now(engine.genesis()).unwrap();
        let rules = Rules::new(
            genesis.hash,
            engine.config_digest(),
            (*engine.rollup_config()).clone(),
            setup.amendments.clone(),
        )
        .unwrap();
        let rules = Arc::new(rules);
        let deriver = Deriver::new(
            Arc::clone(&rules),
            engine.codec(),
            genesis,
            engine.genesis_time(),
        );
        let tip = *deriver.state().head();
        Self {
            rules,
            engine,
            deriver,
            da: Vec::new(),
            skipped: 0,
            events: Vec::new(),
            tip,
            consumed: BTreeSet::new(),
            next: (0, B256::ZERO),
            salt: 0,
        }
    }

    /// Another node of the same chain that sees the same DA layer.
    pub(crate) fn fresh_node(&self) -> Self {
        let mut other = Self::new(&Setup {
            config: self.rules.config().clone(),
            amendments: self.rules.amendments().to_vec(),
            base_fee: self.engine.config().base_fee,
        });
        other.da = self.da.clone();
        other.skipped = self.skipped;
        other.salt = self.salt;
        other
    }

    pub(crate) fn ordinal(&self) -> DaOrdinal {
        DaOrdinal(self.da.len() as u64)
    }

    /// Makes a DA block with the blobs and derives it.
    pub(crate) fn mine(&mut self, blobs: Vec<Bytes>) {
        self.mine_unread(blobs);
        self.read();
    }

    pub(crate) fn mine_empty(&mut self, count: usize) {
        for _ in 0..count {
            self.mine(Vec::new());
        }
    }

    pub(crate) fn mine_unread(&mut self, blobs: Vec<Bytes>) {
        let time = DA_TIME + 2 * self.da.len() as u64;
        self.mine_at(time, blobs);
    }

    pub(crate) fn mine_at(&mut self, time: u64, blobs: Vec<Bytes>) {
        let (height, parent_hash) = self.place();
        let mut preimage = borsh::to_vec(&(height, parent_hash, time, self.salt)).unwrap();
        blobs
            .iter()
            .for_each(|blob| preimage.extend_from_slice(blob));
        let header = DaHeader {
            height,
            hash: keccak256(&preimage),
            parent_hash,
            time,
            data_root: keccak256([preimage.as_slice(), b"root"].concat()),
        };
        let blobs = blobs
            .into_iter()
            .enumerate()
            .map(|(index, data)| PostedBlob {
                reference: BlobRef {
                    block: header.id(),
                    index: index as u32,
                    commitment: keccak256(&data),
                },
                lane: DaLane::Batch,
                poster: None,
                data,
            });
        self.da.push(DaBlock {
            header,
            blobs: blobs.collect(),
            completeness: Proof::default(),
        });
    }

    /// Height and parent of the DA layer's next block.
    fn place(&self) -> (DaHeight, B256) {
        let epoch = self.rules.epoch_at(self.ordinal());
        match self.da.last() {
            None => (DaHeight(DA_START), B256::ZERO),
            Some(_) if epoch.begins == self.ordinal() => {
                let height = DaHeight(epoch.config.start_height.0 + self.skipped);
                (height, self.below(height).hash)
            }
            Some(last) => (DaHeight(last.header.height.0 + 1), last.header.hash),
        }
    }

    /// The block below an epoch's first one.
    pub(crate) fn below(&self, first: DaHeight) -> DaHeader {
        let height = DaHeight(first.0 - 1);
        DaHeader {
            height,
            hash: keccak256(borsh::to_vec(&(height, self.salt)).unwrap()),
            time: DA_TIME,
            ..DaHeader::default()
        }
    }

    /// The last DA block before an ordinal is final.
    pub(crate) fn finalize_before(&mut self, ordinal: u64) {
        let last = DaOrdinal(ordinal - 1);
        let epoch = self.rules.epoch_at(last).index;
        let id = da_id(&self.da[ordinal as usize - 1]);
        let news = self.deriver.finalize(epoch, id);
        let heads = Heads {
            latest: self.head(),
            safe: self.head(),
            finalized: news.head,
        };
        now(self.engine.set_heads(&heads, &news.records)).unwrap();
    }

    /// The DA layer forgets its blocks from an ordinal on.
    pub(crate) fn reorganise(&mut self, from: u64) {
        self.da.truncate(from as usize);
        self.salt += 1;
        let rollback = self.deriver.rollback(DaOrdinal(from)).unwrap();
        let heads = Heads {
            latest: rollback.safe,
            safe: rollback.safe,
            finalized: rollback.finalized,
        };
        now(self.engine.set_heads(&heads, &rollback.records)).unwrap();
        self.events.retain(|(ordinal, _)| *ordinal < from);
    }

    /// Derives everything that the DA layer has.
    pub(crate) fn read(&mut self) {
        loop {
            match self.deriver.poll() {
                Step::DaBlock(request) => {
                    let Some(block) = self.da.get(request.ordinal.0 as usize) else {
                        return;
                    };
                    if request.height().is_some() {
                        self.deriver.feed_block(block).unwrap();
                    } else {
                        let below = self.below(block.header.height);
                        let fed = self.deriver.feed_first_block(block, Some(&below));
                        match fed {
                            Ok(()) => {}
                            Err(DeriveError::EpochNotReached { .. }) => return,
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
                Step::Execute(input) => {
                    let outcome = now(self.engine.execute(&input)).unwrap();
                    self.deriver.feed_outcome(&outcome).unwrap();
                }
                Step::Commit(step) => {
                    let heads = Heads {
                        latest: step.safe,
                        safe: step.safe,
                        finalized: step.finalized,
                    };
                    now(self.engine.set_heads(&heads, &step.records)).unwrap();
                    let at = step.ordinal.0;
                    self.events
                        .extend(step.events.into_iter().map(|event| (at, event)));
                    self.deriver.committed();
                    assert_eq!(self.deriver.state().hash(), step.state_hash);
                }
            }
        }
    }

    pub(crate) fn records(&self) -> Vec<(Bytes, Bytes)> {
        self.engine.records(RECORD_PREFIX, &[], usize::MAX).unwrap()
    }

    /// The deriver as a node that starts again finds it.
    pub(crate) fn reloaded(&self) -> TestDeriver {
        Deriver::load(
            Arc::clone(&self.rules),
            self.engine.codec(),
            now(self.engine.genesis()).unwrap(),
            self.engine.genesis_time(),
            self.records(),
        )
        .unwrap()
    }

    pub(crate) fn head(&self) -> BlockRef {
        self.deriver.state().head().block
    }

    pub(crate) fn drops(&self) -> Vec<DropReason> {
        self.events
            .iter()
            .filter_map(|(_, event)| match event {
                DeriveEvent::Dropped(dropped) => Some(dropped.reason.clone()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn drop_codes(&self) -> Vec<&'static str> {
        self.drops().iter().map(DropReason::code).collect()
    }

    pub(crate) fn applied(&self) -> Vec<AppliedBatch> {
        self.events
            .iter()
            .filter_map(|(_, event)| match event {
                DeriveEvent::Batch(batch) => Some(batch.clone()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn has_event(&self, wanted: &DeriveEvent) -> bool {
        self.events.iter().any(|(_, event)| event == wanted)
    }

    pub(crate) fn own_blocks(&self) -> Vec<u64> {
        self.events
            .iter()
            .filter_map(|(ordinal, event)| match event {
                DeriveEvent::Block(block) if block.from == DerivedFrom::Lapse => Some(*ordinal),
                _ => None,
            })
            .collect()
    }

    // --- the sequencer -----------------------------------------------------

    /// Preconfirms a block on the tip: origin as given, one second on.
    pub(crate) fn preconfirm(&mut self, origin: u64, transactions: Vec<Bytes>) -> QueuedBlock {
        let header = *self.deriver.state().origin(DaOrdinal(origin)).unwrap();
        let times = self
            .rules
            .timestamps(&self.tip, DaOrdinal(origin), header.time);
        let timestamp = *times.start();
        let block = BatchBlock {
            timestamp,
            origin: DaOrdinal(origin),
            fee_recipient: Address::repeat_byte(0xaa),
            transactions,
        };
        self.preconfirm_block(block)
    }

    pub(crate) fn preconfirm_block(&mut self, block: BatchBlock) -> QueuedBlock {
        let header = *self.deriver.state().origin(block.origin).unwrap();
        let forced = due_entries(
            &self.rules,
            self.deriver.state(),
            &self.consumed,
            block.origin,
        );
        let ids: Vec<ForcedId> = forced.iter().map(|entry| entry.id).collect();
        let input = self
            .rules
            .attributes(
                block.origin,
                &header,
                block.timestamp,
                block.fee_recipient,
                forced,
            )
            .into_input(self.tip.block, block.transactions.clone());
        let ExecuteOutcome::Valid(executed) = now(self.engine.execute(&input)).unwrap() else {
            panic!("the sequencer makes valid blocks");
        };
        let outcomes = ids.into_iter().zip(&executed.forced);
        self.consumed
            .extend(consumed_entries(&self.rules, block.origin, outcomes));
        let parent = self.tip.block.hash;
        let mut tip = self
            .rules
            .check_place(&self.tip, block.origin, header.time, block.timestamp)
            .unwrap();
        tip.block = executed.block;
        self.tip = tip;
        QueuedBlock {
            block: executed.block,
            parent,
            origin: self.rules.point(block.origin, &header),
            inputs: block,
            queued_ms: 0,
        }
    }

    /// The sequencer goes on from the derived head.
    pub(crate) fn resync(&mut self) {
        self.tip = *self.deriver.state().head();
        self.consumed.clear();
        self.next = (
            self.deriver.state().next_batch(),
            self.deriver.state().last_batch_id(),
        );
    }

    pub(crate) fn nonce(&self, sender: Address) -> u64 {
        let key = rollwright_core::ProofKey {
            address: sender,
            slots: Vec::new(),
        };
        let proof = now(self.engine.prove(&self.head(), &[key])).unwrap();
        proof.accounts[0].account.map_or(0, |account| account.nonce)
    }
}

pub(crate) fn user(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

/// A transfer of one wei from a funded account (`0x01…` to `0x0a…`).
pub(crate) fn transfer(from: u8, nonce: u64) -> Bytes {
    MemoryTx::transfer(user(from), nonce, user(0x77), 1).encode()
}

pub(crate) fn da_id(block: &DaBlock) -> DaBlockId {
    block.header.id()
}
