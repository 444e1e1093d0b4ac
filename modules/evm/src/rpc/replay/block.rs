use super::{
    guard::{Guard, Weight},
    precompiles::Moves,
    run::{Run, Watched, system_calls},
    state::{CachedState, open},
};
use crate::{
    machine::{Environment, Facts, RecoveredTx, SenderSource as _, Stop, TxEnvelope, environment},
    rpc::{
        api::EthApi,
        error::{Answer, EthError},
    },
    store::StoredBlock,
};
use alloy_consensus::Transaction as _;
use alloy_eips::eip2718::Decodable2718 as _;
use alloy_primitives::B256;
use revm::{
    DatabaseCommit as _, Inspector,
    context::{BlockEnv, TxEnv},
    context_interface::result::ResultAndState,
};
use rollwright_core::BlockRef;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Blocks have their precompiles where the fork has them.
static NOT_MOVED: Moves = Moves {
    overridden: BTreeSet::new(),
    moved: BTreeMap::new(),
};

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) block: BlockRef,
    pub(crate) index: usize,
    pub(crate) hash: B256,
}

/// What a watched transaction did.
#[derive(Debug)]
pub(crate) struct Executed<'a> {
    pub(crate) place: Place,
    pub(crate) tx: &'a TxEnv,
    pub(crate) env: &'a BlockEnv,
    pub(crate) result: &'a ResultAndState,
    /// The state before it.
    pub(crate) before: &'a mut CachedState,
}

/// A mined block that is executed again, transaction by transaction.
#[derive(Debug)]
pub(crate) struct Replay<'a> {
    block: Arc<StoredBlock>,
    environment: Environment,
    state: CachedState,
    next: usize,
    facts: Facts,
    stop: Stop<'a>,
    room: usize,
}

impl<'a> Replay<'a> {
    /// The state that the block's first transaction sees: the parent's after
    /// the calls that come before transactions.
    pub(crate) fn begin(api: &EthApi, block: &Arc<StoredBlock>, stop: Stop<'a>) -> Answer<Self> {
        let header = &block.header;
        if header.number == 0 {
            return Err(EthError::server("genesis is not traceable"));
        }
        let spec = api.chain.spec_of(header);
        let mut environment = environment(&api.chain, spec, header);
        environment.cfg.disable_eip3607 = api.engine.senders().impersonates();
        let mut replay = Self {
            block: Arc::clone(block),
            environment,
            state: open(&api.store, &block.record.parent)?,
            next: 0,
            facts: Facts::of(api.chain.chain_id, header),
            stop,
            room: api.config.max_trace_bytes,
        };
        system_calls(&replay.environment, &mut replay.state, header)?;
        Ok(replay)
    }

    /// Transactions in the block.
    pub(crate) fn len(&self) -> usize {
        self.block.transaction_hashes.len()
    }

    /// The state before the next transaction.
    pub(crate) fn into_state(self) -> CachedState {
        self.state
    }

    /// Executes transactions unwatched until `index` is the next.
    pub(crate) fn skip_to(&mut self, index: usize) -> Answer<()> {
        while self.next < index.min(self.len()) {
            let guard = Guard::new(self.stop, Weight::default(), usize::MAX);
            self.watch(guard, |_, _| Ok(()))?;
        }
        Ok(())
    }

    /// Executes the next transaction under `inspector`; `read` sees what it
    /// did, and the state before it, before its changes are made.
    pub(crate) fn watch<I, T>(
        &mut self,
        inspector: I,
        read: impl FnOnce(&mut I, Executed<'_>) -> Answer<T>,
    ) -> Answer<T>
    where
        I: for<'s> Inspector<Watched<'s>>,
    {
        let index = self.next;
        let damaged = || {
            EthError::Internal(format!(
                "block {} has no readable transaction {index}",
                self.block.record.block.number
            ))
        };
        let bytes = self.block.transaction(index).ok_or_else(damaged)?;
        let hash = *self
            .block
            .transaction_hashes
            .get(index)
            .ok_or_else(damaged)?;
        let sender = *self.block.senders.get(index).ok_or_else(damaged)?;
        let envelope = TxEnvelope::decode_2718_exact(bytes).map_err(|_| damaged())?;
        let tx = RecoveredTx::from_parts(envelope, sender, bytes.clone());
        let place = Place {
            block: self.block.record.block,
            index,
            hash,
        };
        let tx_env = tx.env();
        let run = Run {
            environment: &self.environment,
            tx: &tx_env,
            moves: &NOT_MOVED,
            facts: Facts {
                gas_limit: tx.envelope().gas_limit(),
                ..self.facts
            },
            room: self.room,
        };
        let (answer, changes) =
            run.watch(&mut self.state, inspector, |inspector, result, before| {
                let executed = Executed {
                    place,
                    tx: &tx_env,
                    env: &self.environment.block,
                    result,
                    before,
                };
                read(inspector, executed)
            })?;
        self.state.commit(changes);
        self.next += 1;
        Ok(answer)
    }
}
