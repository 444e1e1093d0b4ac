//! The deriver that nodes run, driven over a history in several ways.

use crate::{Chain, Executor, History};
use alloy_primitives::Bytes;
use rollwright_core::{BlockInput, BlockRef, DaBlock, DaHeader, DaOrdinal, RecordChange};
use rollwright_derive::{
    BatchCodec, ConfigError, DaPlace, DaStep, DeriveError, Deriver, DeriverState, Rules,
    StateError, Step,
};
use std::{collections::BTreeMap, sync::Arc};

/// What the deriver made of one DA block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driven {
    /// Its report.
    pub step: DaStep,
    /// Everything that it had executed, in order.
    pub inputs: Vec<BlockInput>,
}

/// Why the deriver could not be driven.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveError<E> {
    /// The configuration is not valid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The deriver refuses what a driver does.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// A state does not encode and decode to itself.
    #[error(transparent)]
    State(#[from] StateError),
    /// The engine failed.
    #[error("the engine failed: {0:?}")]
    Engine(E),
}

/// A deriver with the records that a node's store would hold.
#[derive(Debug)]
pub struct Real<C> {
    rules: Arc<Rules>,
    codec: C,
    genesis: (BlockRef, u64),
    /// The deriver.
    pub deriver: Deriver<C>,
    /// Its records.
    pub records: BTreeMap<Bytes, Bytes>,
    /// One for each DA block read.
    pub driven: Vec<Driven>,
}

impl<C: BatchCodec> Real<C> {
    /// A deriver before the first DA block.
    ///
    /// # Errors
    /// The chain's configuration is not valid.
    pub fn new(chain: &Chain, codec: C) -> Result<Self, ConfigError> {
        let rules = Rules::new(
            chain.rollup_id(),
            chain.digest,
            chain.config.clone(),
            chain.amendments.clone(),
        )?;
        let rules = Arc::new(rules);
        let genesis = (chain.genesis, chain.genesis_time);
        Ok(Self {
            deriver: Deriver::new(Arc::clone(&rules), codec.clone(), genesis.0, genesis.1),
            rules,
            codec,
            genesis,
            records: BTreeMap::new(),
            driven: Vec::new(),
        })
    }

    fn store(&mut self, changes: &[RecordChange]) {
        for change in changes {
            match &change.value {
                Some(value) => self.records.insert(change.key.clone(), value.clone()),
                None => self.records.remove(&change.key),
            };
        }
    }

    /// Hands a DA block in; where it begins an epoch, the one before it is
    /// final from now on.
    fn feed(&mut self, block: &DaBlock, below: Option<&DaHeader>) -> Result<(), DeriveError> {
        let first =
            |request: &rollwright_derive::DaRequest| matches!(request.place, DaPlace::First { .. });
        match self.deriver.poll() {
            Step::DaBlock(request) if first(&request) => {
                if let Some(last) = self.deriver.state().last_da_block() {
                    let finalized = self.deriver.finalize(request.epoch - 1, last);
                    self.store(&finalized.records);
                }
                self.deriver.feed_first_block(block, below)
            }
            _ => self.deriver.feed_block(block),
        }
    }

    /// Reads one DA block to its end. `below` is the header below a block that
    /// begins a DA epoch.
    ///
    /// # Errors
    /// The deriver or the engine fails, which no DA contents may bring about.
    pub fn read<E: Executor>(
        &mut self,
        block: &DaBlock,
        below: Option<&DaHeader>,
        executor: &mut E,
    ) -> Result<(), DriveError<E::Error>> {
        self.feed(block, below)?;
        let mut inputs = Vec::new();
        loop {
            match self.deriver.poll() {
                Step::DaBlock(_) => return Ok(()),
                Step::Execute(input) => {
                    let outcome = executor.execute(&input).map_err(DriveError::Engine)?;
                    inputs.push(*input);
                    self.deriver.feed_outcome(&outcome)?;
                }
                Step::Commit(step) => {
                    self.store(&step.records);
                    self.deriver.committed();
                    let inputs = std::mem::take(&mut inputs);
                    self.driven.push(Driven {
                        step: *step,
                        inputs,
                    });
                }
            }
        }
    }

    /// Begins to read a DA block, and dies after so many executions.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_in_part<E: Executor>(
        &mut self,
        block: &DaBlock,
        below: Option<&DaHeader>,
        executions: usize,
        executor: &mut E,
    ) -> Result<(), DriveError<E::Error>> {
        self.feed(block, below)?;
        for _ in 0..executions {
            let Step::Execute(input) = self.deriver.poll() else {
                break;
            };
            let outcome = executor.execute(&input).map_err(DriveError::Engine)?;
            self.deriver.feed_outcome(&outcome)?;
        }
        self.restart()
    }

    /// Goes on from what is stored, as after a crash.
    ///
    /// # Errors
    /// The records are damaged.
    pub fn restart<E>(&mut self) -> Result<(), DriveError<E>> {
        let (genesis, time) = self.genesis;
        let records = self
            .records
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()));
        let rules = Arc::clone(&self.rules);
        self.deriver = Deriver::load(rules, self.codec.clone(), genesis, time, records)?;
        Ok(())
    }

    /// Goes on from the encoded state alone, as from a snapshot: nothing
    /// below can be undone afterwards.
    ///
    /// # Errors
    /// The encoding does not decode.
    pub fn reload<E>(&mut self) -> Result<(), DriveError<E>> {
        let state = DeriverState::decode(&self.deriver.state().encode())?;
        let rules = Arc::clone(&self.rules);
        self.deriver = Deriver::with_state(rules, self.codec.clone(), state);
        Ok(())
    }

    /// Forgets the DA blocks from `first` on.
    ///
    /// # Errors
    /// One of them is final.
    pub fn rollback<E>(&mut self, first: u64) -> Result<BlockRef, DriveError<E>> {
        let rollback = self.deriver.rollback(DaOrdinal(first))?;
        self.store(&rollback.records);
        self.driven.truncate(first as usize);
        Ok(rollback.safe)
    }

    /// Takes it that the first so many DA blocks of the history are final;
    /// returns the final head.
    pub fn finalize(&mut self, history: &History, blocks: usize) -> BlockRef {
        if let Some(last) = blocks.checked_sub(1).and_then(|at| history.blocks.get(at)) {
            let epoch = self.rules.epoch_at(DaOrdinal(blocks as u64 - 1)).index;
            let finalized = self.deriver.finalize(epoch, last.header.id());
            self.store(&finalized.records);
        }
        self.deriver.finalized()
    }
}

/// Reads a whole history without any interruption.
///
/// # Errors
/// As [`Real::read`].
pub fn drive<C: BatchCodec, E: Executor>(
    chain: &Chain,
    codec: C,
    history: &History,
    executor: &mut E,
) -> Result<Real<C>, DriveError<E::Error>> {
    let mut real = Real::new(chain, codec)?;
    for (block, ordinal) in history.blocks.iter().zip(0u64..) {
        real.read(block, history.below.get(&ordinal), executor)?;
    }
    Ok(real)
}
