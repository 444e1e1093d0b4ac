//! Builds blocks and commits them: the next one is built while the one below
//! it is being committed.

use super::{
    Cause, Decision, MineRequest, Sequencer,
    ahead::{Committing, Ground},
    driver::Turn,
};
use crate::{
    BlockTime, NodeError,
    chain::{Chain, Extension, Tip},
    derived::DaView,
    feed::{FeedHub, SignedBlock},
    feed_store,
    gate::Gate,
    pool::BuildReport,
};
use alloy_primitives::B256;
use rollwright_core::{BlockId, BlockInput, Built, Clock, DaOrdinal, Execution};
use rollwright_derive::due_entries;
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedMutexGuard, watch};

/// For so long after a turn began, blocks are made upon blocks that are being
/// committed although others wait to move heads.
const OTHERS_WAIT_MS: u64 = 250;

/// A block that is to be made.
pub(super) struct Plan {
    pub(super) origin: DaOrdinal,
    pub(super) timestamp: u64,
    pub(super) cause: Cause,
}

/// What came of a turn.
pub(super) enum Made {
    Blocks,
    /// Nothing that waits could go into the last block, so it was not made.
    NothingWentIn,
}

/// A block that was built and is not committed.
struct Fresh {
    built: Built,
    started_ms: u64,
    report: BuildReport,
    /// True where it is not to be made.
    in_vain: bool,
}

/// A commit, and whoever hears of it.
struct Commit<E> {
    chain: Arc<Chain<E>>,
    hub: Arc<FeedHub>,
    gate: Arc<Gate>,
    clock: Arc<dyn Clock>,
    extension: Arc<Extension>,
    signed: SignedBlock,
    facts: Facts,
    asked: Vec<MineRequest>,
}

/// What is said of a block.
struct Facts {
    transactions: u32,
    gas_used: u64,
    state_root: B256,
    started_ms: u64,
}

impl<E: Execution> Sequencer<E> {
    /// Makes a block, and those that follow upon it at once. A block is built
    /// while the one below it is being committed, at most one ahead: nobody
    /// hears of it before both are durable, in their order, and a commit that
    /// fails takes it away.
    ///
    /// Holds the tip all the while; `interrupted`, or where others want the
    /// tip, no further block is begun.
    pub(super) async fn produce(
        &self,
        mut tip: OwnedMutexGuard<Tip>,
        da: &watch::Receiver<DaView>,
        mut plan: Plan,
        turn: &mut Turn,
        interrupted: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Made, NodeError> {
        let began_ms = self.clock.now_ms();
        let mut below: Option<Committing> = None;
        loop {
            let asked = std::mem::take(&mut turn.waiting);
            let ground = match &below {
                Some(below) => Ground::above(&tip, &below.extension, &below.report.taken),
                None => Ground::on(&tip),
            };
            let view = da.borrow().clone();
            let fresh = self.build(&ground, &view, &plan, !asked.is_empty()).await;
            // Whatever came of this one, that one is on its way.
            if let Some(mut below) = below.take() {
                below.finish().await?;
                tip.extend(&below.extension);
                self.pool.block_built(&below.report);
            }
            let fresh = fresh?;
            turn.due_ms = self.policy().next_due(turn.due_ms, self.clock.now_ms());
            if fresh.in_vain {
                drop(tip);
                turn.waiting.extend(asked);
                self.reported(&fresh.report).await;
                return Ok(Made::NothingWentIn);
            }
            let report = fresh.report;
            let commit = self.commit_of(&tip, fresh.built, fresh.started_ms, asked)?;
            let extension = commit.extension.clone();
            let patient = self.clock.now_ms().saturating_sub(began_ms) < OTHERS_WAIT_MS;
            let goes_on = !interrupted() && (patient || !self.chain.is_wanted());
            let next = if goes_on {
                let ground = Ground::above(&tip, &extension, &report.taken);
                self.next(&ground, &da.borrow().clone(), turn)
            } else {
                None
            };
            match next {
                Some(next) => {
                    plan = next;
                    let commit = commit.run();
                    below = Some(Committing::begin(&*self.spawner, extension, report, commit));
                }
                None => {
                    commit.run().await?;
                    tip.extend(&extension);
                    drop(tip);
                    self.reported(&report).await;
                    return Ok(Made::Blocks);
                }
            }
        }
    }

    /// The block that is due at once upon one that is not committed.
    fn next(&self, ground: &Ground<'_>, view: &DaView, turn: &Turn) -> Option<Plan> {
        // Orphans go in strictly one after the other.
        if self.pool.has_orphans() || self.hard_backlog(ground.backlog()).is_some() {
            return None;
        }
        match self.decide(ground, view, turn, self.clock.now_ms(), true) {
            Decision::Build {
                origin,
                timestamp,
                cause,
                ..
            } => Some(Plan {
                origin,
                timestamp,
                cause,
            }),
            _ => None,
        }
    }

    async fn reported(&self, report: &BuildReport) {
        self.pool.block_built(report);
        self.pool.displace(&report.displaced).await;
    }

    async fn build(
        &self,
        ground: &Ground<'_>,
        view: &DaView,
        plan: &Plan,
        asked: bool,
    ) -> Result<Fresh, NodeError> {
        let started_ms = self.clock.now_ms();
        let rules = &self.chain.rules;
        let origin = plan.origin;
        let header = view.header(origin).ok_or_else(|| NodeError::Invariant {
            what: format!("the header of DA ordinal {origin} is gone"),
        })?;
        let forced = due_entries(rules, &view.state, &ground.consumed(), origin);
        let mut attributes = rules.attributes(
            origin,
            &header,
            plan.timestamp,
            self.config.fee_recipient,
            forced,
        );
        // What cannot be posted must not be made.
        let room = rules.block_room(origin, self.piece_bytes);
        attributes.max_bytes = attributes.max_bytes.min(room.bytes);
        let parent = ground.head().block;
        let base_fee = self.base_fee_floor(parent.hash);
        let mut candidates = self.pool.candidates(base_fee, &attributes);
        if let Some(taken) = ground.taken() {
            candidates = candidates.beyond(taken);
        }
        let built = self
            .chain
            .execution
            .build(&parent, attributes, &mut candidates)
            .await
            .map_err(NodeError::execution)?;
        let empty = built.executed.transactions == 0 && built.input.forced.is_empty();
        let on_demand =
            plan.cause == Cause::Demand && !asked && self.config.block_time == BlockTime::Auto;
        Ok(Fresh {
            built,
            started_ms,
            report: candidates.finish(),
            in_vain: empty && on_demand,
        })
    }

    /// The commit of a block on the tip, and whoever is to hear of it.
    fn commit_of(
        &self,
        tip: &Tip,
        built: Built,
        started_ms: u64,
        asked: Vec<MineRequest>,
    ) -> Result<Commit<E>, NodeError> {
        let executed = built.executed;
        let facts = Facts {
            transactions: executed.transactions,
            gas_used: executed.header.gas_used,
            state_root: executed.header.state_root,
            started_ms,
        };
        let signed = self.sign(executed.block.hash, built.input)?;
        let mut records = vec![feed_store::row(&signed)];
        records.extend(feed_store::forget_old(
            &self.chain.execution,
            tip.heads(),
            self.feed_blocks,
        )?);
        let extension = self.chain.extension(tip, executed.block, records, false)?;
        Ok(Commit {
            chain: self.chain.clone(),
            hub: self.hub.clone(),
            gate: self.gate.clone(),
            clock: self.clock.clone(),
            extension: Arc::new(extension),
            signed,
            facts,
            asked,
        })
    }

    fn sign(&self, hash: B256, input: BlockInput) -> Result<SignedBlock, NodeError> {
        SignedBlock::sign(&self.config.key, self.chain_key, self.term, hash, input)
    }

    /// The least base fee that a child of the block can have: Ethereum's rule
    /// lowers it by an eighth at most.
    fn base_fee_floor(&self, parent: B256) -> Option<u128> {
        let header = self.chain.execution.header(BlockId::Hash(parent)).ok()??;
        let base_fee = u128::from(header.base_fee_per_gas?);
        Some(base_fee - base_fee / 8)
    }
}

impl<E: Execution> Commit<E> {
    /// Commits the block, then tells of it. After an error nothing is admitted
    /// any more: what the store holds is not known before the next start.
    async fn run(self) -> Result<(), NodeError> {
        if let Err(error) = self.chain.commit(&self.extension).await {
            let number = self.extension.block().number;
            let reason = format!("block {number} could not be committed: {error}");
            self.gate.set("commit", true, Some(reason));
            return Err(error);
        }
        self.hub.publish(&self.signed);
        for request in self.asked {
            // Whoever has gone away does not want to know.
            let _ = request.send(true);
        }
        let facts = self.facts;
        let took = self.clock.now_ms().saturating_sub(facts.started_ms);
        metrics::histogram!("rollwright_block_seconds")
            .record(Duration::from_millis(took).as_secs_f64());
        metrics::counter!("rollwright_txs_total").increment(facts.transactions.into());
        tracing::info!(
            target: "block",
            txs = facts.transactions,
            gas = facts.gas_used,
            state = %facts.state_root,
            ms = took,
            "#{}",
            self.extension.block().number
        );
        Ok(())
    }
}
