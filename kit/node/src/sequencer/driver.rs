use super::{
    Block, Decision, SequencerPolicy, Situation,
    ahead::Ground,
    produce::{Made, Plan},
};
use crate::{
    NodeError, SequencerConfig, Spawner, chain::Chain, derived::DaView, feed::FeedHub, gate::Gate,
    pool::PoolService,
};
use alloy_primitives::B256;
use rollwright_core::{Clock, DaOrdinal, Execution};
use rollwright_derive::due_entries;
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Pause before transactions that did not go in are tried again.
const STUCK_PAUSE_MS: u64 = 1_000;
/// A backlog of this many times the bound stops blocks, too.
const HARD_BACKLOG: u64 = 2;

/// A DA layer stands still after so many of its block times without a block.
const STANDSTILL_BLOCKS: u32 = 4;
/// And not before this time.
const LEAST_STANDSTILL_MS: u64 = 2_000;

/// Asks for a block now; answered once it is made or cannot be.
pub(crate) type MineRequest = oneshot::Sender<bool>;

/// Makes blocks.
pub(crate) struct Sequencer<E> {
    pub(crate) chain: Arc<Chain<E>>,
    pub(crate) pool: Arc<PoolService<E>>,
    pub(crate) hub: Arc<FeedHub>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Runs commits beside the building of the next block.
    pub(crate) spawner: Arc<dyn Spawner>,
    pub(crate) config: SequencerConfig,
    pub(crate) chain_key: (u64, B256),
    pub(crate) term: u64,
    /// The DA layer's.
    pub(crate) da_block_time: Duration,
    /// Signed blocks that the feed keeps.
    pub(crate) feed_blocks: u64,
    /// What one blob of the DA layer has room for.
    pub(crate) piece_bytes: u64,
}

/// What the loop remembers between two blocks.
pub(super) struct Turn {
    pub(super) due_ms: u64,
    /// Ready transactions did not go in; tried again after this time.
    stuck_until: Option<u64>,
    pub(super) waiting: Vec<MineRequest>,
    warned: Option<DaOrdinal>,
    /// The newest DA block, and since when it is that.
    newest: Option<(DaOrdinal, u64)>,
}

impl Turn {
    /// Notes the newest DA block; since when it has been the newest.
    fn newest_since(&mut self, observed: Option<DaOrdinal>, now_ms: u64) -> u64 {
        match (self.newest, observed) {
            (Some((known, since)), Some(observed)) if known == observed => since,
            (_, observed) => {
                self.newest = observed.map(|observed| (observed, now_ms));
                now_ms
            }
        }
    }
}

impl<E: Execution> Sequencer<E> {
    /// Makes blocks until cancelled; a block under construction is finished.
    pub(crate) async fn run(
        self,
        mut da: watch::Receiver<DaView>,
        mut mine: mpsc::Receiver<MineRequest>,
        stop: CancellationToken,
    ) -> Result<(), NodeError> {
        tokio::select! {
            biased;
            synced = da.wait_for(|view| view.synced) => {
                if synced.is_err() {
                    return Ok(());
                }
            }
            () = stop.cancelled() => return Ok(()),
        }
        let mut heads = self.chain.watch();
        let mut turn = Turn {
            due_ms: self.clock.now_ms(),
            stuck_until: None,
            waiting: Vec::new(),
            warned: None,
            newest: None,
        };
        loop {
            da.mark_unchanged();
            heads.mark_unchanged();
            while let Ok(request) = mine.try_recv() {
                turn.waiting.push(request);
            }
            if stop.is_cancelled() {
                return Ok(());
            }
            let interrupted = || stop.is_cancelled() || !mine.is_empty();
            let wait = self.turn(&da, &mut turn, &interrupted).await?;
            let pause = match wait {
                Wait::Not => continue,
                Wait::Until(at) => {
                    Duration::from_millis(at.saturating_sub(self.clock.now_ms()).max(1))
                }
                Wait::Change => Duration::from_secs(3_600),
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some(request) = mine.recv() => turn.waiting.push(request),
                () = self.pool.arrived() => turn.stuck_until = None,
                changed = da.changed() => if changed.is_err() { return Ok(()) },
                changed = heads.changed() => if changed.is_err() { return Ok(()) },
                () = self.clock.sleep(pause) => {}
            }
        }
    }

    /// One look at the situation, and the blocks that follow from it. Blocks
    /// that follow upon each other at once are made in one turn, until it is
    /// `interrupted`.
    async fn turn(
        &self,
        da: &watch::Receiver<DaView>,
        turn: &mut Turn,
        interrupted: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Wait, NodeError> {
        let tip = self.chain.lock_owned().await;
        if tip.is_led() {
            refuse(&mut turn.waiting);
            return Ok(Wait::Change);
        }
        // Under the lock, so that tip and forced queue belong together.
        let view = &da.borrow().clone();
        let ground = Ground::on(&tip);
        if let Some(reason) = self.hard_backlog(ground.backlog()) {
            self.gate.set("sequencer", false, Some(reason));
            refuse(&mut turn.waiting);
            return Ok(Wait::Change);
        }
        let now_ms = self.clock.now_ms();
        let stuck = turn.stuck_until.is_some_and(|until| now_ms < until);
        let decision = self.decide(&ground, view, turn, now_ms, !stuck);
        // A DA layer whose last block is old may be about to go on: it was
        // created or started a moment ago.
        let still_at = turn
            .newest_since(view.observed, now_ms)
            .saturating_add(self.standstill_ms());
        let stands_still = now_ms >= still_at;
        match decision {
            // Nothing to start from is no fault at the start of a DA layer.
            Decision::Blocked(Block::NoOrigin) => {}
            Decision::Blocked(Block::Drift { .. }) if !stands_still => {
                refuse(&mut turn.waiting);
                return Ok(Wait::Until(still_at));
            }
            Decision::Blocked(block) => {
                self.gate.set("sequencer", false, Some(block.to_string()));
            }
            _ => self.gate.set("sequencer", false, None),
        }
        match decision {
            Decision::Blocked(_) => {
                refuse(&mut turn.waiting);
                Ok(Wait::Change)
            }
            Decision::Idle => Ok(turn.stuck_until.map_or(Wait::Change, Wait::Until)),
            Decision::WaitUntil(at) => Ok(Wait::Until(at)),
            Decision::Build {
                origin,
                timestamp,
                cause,
                drift_left,
            } => {
                if stands_still {
                    self.warn_of_drift(origin, drift_left, turn);
                }
                let plan = Plan {
                    origin,
                    timestamp,
                    cause,
                };
                let made = self.produce(tip, da, plan, turn, interrupted).await?;
                turn.stuck_until = match made {
                    Made::Blocks => None,
                    Made::NothingWentIn => Some(now_ms.saturating_add(STUCK_PAUSE_MS)),
                };
                Ok(Wait::Not)
            }
        }
    }

    /// A DA layer without a new block for so long stands still.
    fn standstill_ms(&self) -> u64 {
        let blocks = self.da_block_time.saturating_mul(STANDSTILL_BLOCKS);
        u64::try_from(blocks.as_millis())
            .unwrap_or(u64::MAX)
            .max(LEAST_STANDSTILL_MS)
    }

    pub(super) fn policy(&self) -> SequencerPolicy {
        SequencerPolicy {
            block_time: self.config.block_time,
            confirmation_depth: self.config.confirmation_depth,
            margin: self.config.post.margin,
        }
    }

    pub(super) fn decide(
        &self,
        ground: &Ground<'_>,
        view: &DaView,
        turn: &Turn,
        now_ms: u64,
        try_pool: bool,
    ) -> Decision {
        let (Some(derived), Some(observed)) = (view.state.last_ordinal(), view.observed) else {
            return Decision::Blocked(Block::NoOrigin);
        };
        let rules = &*self.chain.rules;
        let header = |ordinal| view.header(ordinal);
        let forced_due = |origin| {
            view.state.forced_size().0 > 0
                && !due_entries(rules, &view.state, &ground.consumed(), origin).is_empty()
        };
        let situation = Situation {
            rules,
            head: ground.head(),
            now_ms,
            due_ms: turn.due_ms,
            observed,
            derived,
            header: &header,
            transactions_wait: try_pool && ground.has_ready(&self.pool),
            forced_due: if try_pool { &forced_due } else { &|_| false },
            asked: !turn.waiting.is_empty(),
            lapsed: view.state.lapsed() && ground.backlog().0 == 0,
        };
        self.policy().decide(&situation)
    }

    /// Why no further block may be made upon so many blocks and bytes that are
    /// not derived yet; stops admission before that.
    pub(super) fn hard_backlog(&self, (blocks, bytes): (u64, u64)) -> Option<String> {
        let soft =
            blocks >= self.config.max_unposted_blocks || bytes >= self.config.max_unposted_bytes;
        let reason = || {
            format!(
                "{blocks} blocks ({bytes} bytes) wait to be posted to the DA layer, the limit is {} ({})",
                self.config.max_unposted_blocks, self.config.max_unposted_bytes
            )
        };
        self.gate.set("backlog", true, soft.then(reason));
        let hard = blocks >= self.config.max_unposted_blocks.saturating_mul(HARD_BACKLOG)
            || bytes >= self.config.max_unposted_bytes.saturating_mul(HARD_BACKLOG);
        hard.then(|| format!("no blocks are made: {}", reason()))
    }

    fn warn_of_drift(&self, origin: DaOrdinal, drift_left: u64, turn: &mut Turn) {
        let drift = self.chain.rules.at(origin).timing.drift_seconds;
        if drift_left < drift / 4 && turn.warned != Some(origin) {
            turn.warned = Some(origin);
            tracing::warn!(
                target: "block",
                %origin,
                "the DA layer stands still: blocks stop in {drift_left} s unless it moves on"
            );
        }
    }
}

enum Wait {
    Not,
    Until(u64),
    Change,
}

fn refuse(waiting: &mut Vec<MineRequest>) {
    for request in waiting.drain(..) {
        let _ = request.send(false);
    }
}
