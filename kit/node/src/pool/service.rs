use super::{
    BuildReport, Orphan, Pool, PoolCandidates, PoolConfig, Taken,
    candidates::Room,
    journal::{self, Journal, Row},
};
use crate::{NodeError, tasks::blocking};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use rollwright_core::{
    Attributes, Clock, ErrorKind, Execution, LayerError, RecordChange, SubmitError,
};
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::Notify;

/// How many transactions are admitted at the same time when many are.
const PARALLEL: usize = 64;
/// How many senders are looked at again in one round.
const RECHECKED: usize = 256;
/// Senders in doubt beyond twice those of whom something waits.
const SPARE_DOUBTS: usize = 1_024;

/// The pool of a running sequencer.
///
/// `submit` returns once the transaction is durable: whatever it has
/// acknowledged is there again after `kill -9`.
pub(crate) struct PoolService<E> {
    execution: E,
    pool: Arc<Mutex<Pool>>,
    journal: Journal,
    clock: Arc<dyn Clock>,
    /// Raised by each change that could make a block possible.
    arrived: Notify,
    /// Senders whose account nonce is in doubt.
    doubtful: Mutex<BTreeSet<Address>>,
    flushing: tokio::sync::Mutex<()>,
}

impl<E: Execution> PoolService<E> {
    pub(crate) fn new(execution: E, config: PoolConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            execution,
            pool: Arc::new(Mutex::new(Pool::new(config))),
            journal: Journal::default(),
            clock,
            arrived: Notify::new(),
            doubtful: Mutex::default(),
            flushing: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Pool) -> T) -> T {
        read(&self.pool.lock())
    }

    /// Completes once something arrived since the last call completed.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Admits, journals, and returns the hash.
    pub(crate) async fn submit(&self, transaction: Bytes) -> Result<B256, SubmitError> {
        let limit = self.pool.lock().config().max_transaction_bytes;
        if transaction.len() as u64 > limit {
            return Err(SubmitError::Invalid(format!(
                "transaction of {} bytes is longer than the {limit} that this node takes",
                transaction.len()
            )));
        }
        let hash = keccak256(&transaction);
        if self.pool.lock().contains(&hash) {
            return Err(SubmitError::AlreadyKnown(hash));
        }
        let admission = self
            .execution
            .admit(&transaction)
            .await
            .map_err(|error| refusal(&error))?;
        let inserted = loop {
            self.name_orphans().await?;
            let mut pool = self.pool.lock();
            if pool.replay.is_moving() {
                let reason = "blocks are being taken back: send it again".into();
                return Err(SubmitError::NotAdmitting(reason));
            }
            // Others may have come meanwhile.
            if pool.replay.nameless(1).is_empty() {
                break pool.insert(&admission, transaction.clone(), self.clock.now_ms())?;
            }
        };
        let durable = self.journal.put(inserted.seq, transaction);
        match durable.await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => {
                self.pool.lock().remove(&inserted.hash);
                return Err(SubmitError::Internal(reason));
            }
            Err(_) => return Err(SubmitError::Internal("the node is stopping".into())),
        }
        if inserted.ready {
            self.arrived.notify_one();
        }
        Ok(inserted.hash)
    }

    /// Asks the engine whose the orphans are: nothing else may take their
    /// nonces, since they go into the next blocks first.
    async fn name_orphans(&self) -> Result<(), SubmitError> {
        loop {
            let nameless = {
                let pool = self.pool.lock();
                if pool.replay.is_moving() {
                    return Ok(());
                }
                pool.replay.nameless(PARALLEL)
            };
            if nameless.is_empty() {
                return Ok(());
            }
            for (hash, bytes) in nameless {
                let whose = match self.execution.admit(&bytes).await {
                    Ok(admission) => Some((admission.sender, admission.nonce)),
                    // It will not be rebuilt either.
                    Err(error) if error.kind() == ErrorKind::Rejected => None,
                    Err(error) => return Err(refusal(&error)),
                };
                let mut pool = self.pool.lock();
                if pool.replay.is_moving() {
                    // The answer was that of a chain which is left.
                    return Ok(());
                }
                pool.replay.name(&hash, whose);
            }
        }
    }

    /// A source of candidates for one block.
    pub(crate) fn candidates(
        &self,
        base_fee: Option<u128>,
        attributes: &Attributes,
    ) -> PoolCandidates {
        PoolCandidates::new(self.pool.clone(), base_fee, Room::of(attributes))
    }

    /// True where a block could be made of something that the block below it,
    /// which is being committed, has not taken.
    pub(crate) fn has_ready_beyond(&self, taken: &Taken) -> bool {
        taken.leaves_ready(&self.pool.lock())
    }

    /// True while transactions of blocks that left the chain wait to be rebuilt.
    pub(crate) fn has_orphans(&self) -> bool {
        self.pool.lock().replay.len() > 0
    }

    /// Applies a block that became the latest.
    pub(crate) fn block_included(
        &self,
        transactions: impl Iterator<Item = B256>,
        from_outside: bool,
    ) {
        let hashes: Vec<_> = transactions.collect();
        let mut pool = self.pool.lock();
        let unknown = pool.included(&hashes);
        if from_outside || unknown > 0 {
            let doubtful = pool.gapped(RECHECKED);
            drop(pool);
            self.doubt(doubtful.iter().map(|tx| tx.sender));
        }
    }

    /// Applies what building said of transactions that are not in the block.
    pub(crate) fn block_built(&self, report: &BuildReport) {
        let mut pool = self.pool.lock();
        let mut doubtful = Vec::new();
        for (hash, reason) in &report.invalid {
            if let Some(tx) = pool.remove(hash) {
                tracing::debug!(target: "pool", %hash, %reason, "dropped");
                doubtful.push(tx.sender);
            }
        }
        drop(pool);
        metrics::counter!("rollwright_pool_dropped_total").increment(report.invalid.len() as u64);
        self.doubt(doubtful.into_iter().chain(report.later.iter().copied()));
    }

    /// Notes senders in doubt. Those of whom nothing waits are forgotten before
    /// they are many.
    fn doubt(&self, senders: impl Iterator<Item = Address>) {
        let mut doubtful = self.doubtful.lock();
        doubtful.extend(senders);
        let pool = self.pool.lock();
        if doubtful.len() > SPARE_DOUBTS + 2 * pool.senders() {
            doubtful.retain(|sender| pool.first_of(sender).is_some());
        }
    }

    /// Removes the rows of orphans that a block contains; belongs into the
    /// commit of that block. Rows of waiting transactions go later, behind
    /// whatever is still to be written of them.
    pub(crate) fn rebuilt_rows(&self, block: &[Bytes]) -> Vec<RecordChange> {
        let pool = self.pool.lock();
        if pool.replay.len() == 0 {
            return Vec::new();
        }
        let rows = block
            .iter()
            .filter_map(|bytes| pool.replay.row(&keccak256(bytes)));
        rows.map(journal::delete).collect()
    }

    /// Puts orphaned transactions in front. The returned changes must be
    /// committed together with the heads that orphan them.
    pub(crate) fn orphaned(&self, orphans: Vec<Orphan>) -> Vec<RecordChange> {
        let mut pool = self.pool.lock();
        pool.reorganised();
        // A copy in the pool itself would come too late, and out of order.
        for orphan in &orphans {
            pool.remove(&orphan.hash);
        }
        let rows = pool.replay.push_front(orphans);
        pool.replay.set_moving(true);
        drop(pool);
        self.arrived.notify_one();
        rows.into_iter()
            .map(|(row, orphan)| journal::put(row, orphan.bytes))
            .collect()
    }

    /// The heads that orphaned blocks are committed.
    pub(crate) fn moved(&self) {
        self.pool.lock().replay.set_moving(false);
    }

    /// Moves orphans that cannot keep their place to the ordinary pool.
    pub(crate) async fn displace(&self, displaced: &[(B256, String)]) {
        for (hash, reason) in displaced {
            let (bytes, row) = {
                let mut pool = self.pool.lock();
                (pool.replay.get(hash), pool.replay.remove(hash))
            };
            let Some(bytes) = bytes else { continue };
            match self.readmit(bytes).await {
                Ok(()) => {
                    tracing::debug!(target: "pool", %hash, %reason, "orphaned transaction waits again");
                }
                Err(error) => {
                    tracing::warn!(target: "pool", %hash, %reason, %error, "a preconfirmed transaction cannot be rebuilt");
                }
            }
            // Only now, so that the old row never goes before the new one comes.
            self.pool.lock().released.extend(row);
        }
    }

    async fn readmit(&self, bytes: Bytes) -> Result<(), SubmitError> {
        let admission = self
            .execution
            .admit(&bytes)
            .await
            .map_err(|error| refusal(&error))?;
        let inserted = self
            .pool
            .lock()
            .insert(&admission, bytes.clone(), self.clock.now_ms())?;
        // Nobody waits for it: it is written with the next group.
        drop(self.journal.put(inserted.seq, bytes));
        Ok(())
    }

    /// Asks the engine again about senders in doubt; bounded work.
    pub(crate) async fn recheck(&self) {
        if let Err(error) = self.name_orphans().await {
            tracing::debug!(target: "pool", %error, "orphans are not known yet");
        }
        let senders: Vec<_> = {
            let mut doubtful = self.doubtful.lock();
            (0..RECHECKED).map_while(|_| doubtful.pop_first()).collect()
        };
        let firsts: Vec<_> = {
            let pool = self.pool.lock();
            senders
                .iter()
                .filter_map(|sender| pool.first_of(sender))
                .collect()
        };
        for tx in firsts {
            match self.execution.admit(&tx.bytes).await {
                Ok(admission) => {
                    let mut pool = self.pool.lock();
                    pool.account_is_at(tx.sender, admission.account_nonce);
                    drop(pool);
                    self.arrived.notify_one();
                }
                Err(error) if error.kind() == ErrorKind::Rejected => {
                    if self.pool.lock().remove(&tx.hash).is_some() {
                        tracing::debug!(target: "pool", hash = %tx.hash, reason = %error, "dropped");
                        self.doubtful.lock().insert(tx.sender);
                    }
                }
                Err(_) => {
                    self.doubtful.lock().insert(tx.sender);
                }
            }
        }
    }

    /// Removes what has waited too long.
    pub(crate) fn expire(&self) {
        let expired = self.pool.lock().expire(self.clock.now_ms());
        if !expired.is_empty() {
            tracing::info!(target: "pool", count = expired.len(), "expired");
        }
    }

    /// Reads back what was waiting when the node stopped.
    pub(crate) async fn restore(&self) -> Result<(), NodeError> {
        let mut from = Some(0);
        let (mut kept, mut dropped) = (0_usize, 0_usize);
        while let Some(start) = from {
            let (rows, next) =
                journal::read(&self.execution, start).map_err(NodeError::execution)?;
            from = next;
            let mut waiting = Vec::new();
            for row in rows {
                match row {
                    Row::Waiting(seq, bytes) => waiting.push((seq, bytes)),
                    Row::Orphan(seq, orphan) => {
                        kept += 1;
                        self.pool.lock().replay.restore(seq, orphan);
                    }
                }
            }
            let admitted: Vec<_> = stream::iter(waiting)
                .map(|(seq, bytes)| async move {
                    let admission = self.execution.admit(&bytes).await;
                    (seq, bytes, admission)
                })
                .buffered(PARALLEL)
                .collect()
                .await;
            let now = self.clock.now_ms();
            let mut pool = self.pool.lock();
            for (seq, bytes, admission) in admitted {
                pool.saw_row(seq);
                let result = match admission {
                    Ok(admission) => pool.restore(&admission, bytes, now, seq),
                    Err(error) if error.kind() == ErrorKind::Rejected => Err(refusal(&error)),
                    // No verdict on what was acknowledged: its row stays.
                    Err(error) => return Err(NodeError::execution(error)),
                };
                match result {
                    Ok(()) => kept += 1,
                    Err(_) => {
                        dropped += 1;
                        pool.released.push(seq);
                    }
                }
            }
        }
        if kept + dropped > 0 {
            tracing::info!(target: "pool", kept, dropped, "restored");
        }
        self.arrived.notify_one();
        Ok(())
    }

    /// Writes what has gathered; returns whether there was anything.
    pub(crate) async fn flush(&self) -> Result<bool, NodeError> {
        // Groups are written in the order in which they were gathered.
        let _turn = self.flushing.lock().await;
        let released = std::mem::take(&mut self.pool.lock().released);
        self.journal.release(&released);
        let group = self.journal.take();
        if group.changes.is_empty() {
            return Ok(false);
        }
        let execution = self.execution.clone();
        let changes = group.changes.clone();
        let written = blocking("writing the pool's journal", move || {
            execution.put_records(&changes)
        })
        .await?;
        match written {
            Ok(()) => {
                group.done(&Ok(()));
                Ok(true)
            }
            Err(error) => {
                group.done(&Err(error.to_string()));
                Err(NodeError::execution(error))
            }
        }
    }

    /// Writes the journal until cancelled: one sync for all who wait.
    pub(crate) async fn run_journal(&self) -> Result<(), NodeError> {
        loop {
            self.journal.woken().await;
            while self.flush().await? {}
        }
    }
}

/// What the engine's refusal means to whoever submitted.
fn refusal<E: LayerError>(error: &E) -> SubmitError {
    match error.kind() {
        ErrorKind::Rejected => SubmitError::Invalid(error.to_string()),
        _ => SubmitError::Internal(error.to_string()),
    }
}
