use super::{execute::known, fetch::Fetcher, report};
use crate::{
    DerivationConfig, NodeError, batches,
    chain::{Chain, Derived, Tip},
    derived::{DaView, DaWatch},
    fold::Errors,
};
use futures_util::{StreamExt, stream};
use rollwright_core::{
    BlockInput, BlockRef, Clock, DaCaps, DaHead, DaHeader, DaHeight, DaPoint, DataAvailability,
    ErrorKind, ExecuteOutcome, LayerError, RecordChange,
};
use rollwright_derive::{DaStep, Derivable, DeriveError, DeriveEvent, Deriver, DeriverState, Step};
use std::{sync::Arc, time::Duration};
use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

/// While catching up, the others hear of every so-manieth DA block.
const QUIET_STEPS: u64 = 64;
/// Blocks of one DA block that may be executed before they are made canonical:
/// engines hold few beside the chain, and reads pass through all of them.
pub(crate) const LEAD: usize = 64;
/// Progress is logged each time this many milliseconds have passed.
const PROGRESS_MS: u64 = 5_000;

/// Hears what DA says before it is committed, while the former chain is still
/// in place.
pub(crate) trait DerivedHook: Send + Sync + 'static {
    /// `derived` are blocks that the DA block `at` brought, ascending; those of
    /// one DA block may come in several calls, and again in a later one.
    /// `state` is the deriver's after them. Returns records to commit with it.
    fn before(
        &mut self,
        derived: &[BlockRef],
        at: &DaPoint,
        state: &DeriverState,
    ) -> Result<Vec<RecordChange>, NodeError>;

    /// DA undid its blocks from this height on. Returns records to commit with
    /// that.
    fn undone(&mut self, from: DaHeight) -> Result<Vec<RecordChange>, NodeError>;
}

/// Reads DA and moves safe and finalized heads.
pub(crate) struct Derivation<E: Derivable, D> {
    pub(crate) chain: Arc<Chain<E>>,
    pub(crate) da: D,
    pub(crate) caps: DaCaps,
    pub(crate) deriver: Deriver<E::Codec>,
    pub(crate) config: DerivationConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) errors: Arc<Errors>,
    pub(crate) watch: Arc<DaWatch>,
    pub(crate) hooks: Vec<Box<dyn DerivedHook>>,
    /// True where no poster logs the batches.
    pub(crate) say_batches: bool,
}

/// How far one look at DA came.
enum Reached {
    Head,
    Stopped,
}

/// One DA block in the works.
struct InWorks {
    header: DaHeader,
    /// The height that reading is to reach.
    last: DaHeight,
    /// The tip, once the latest head has gone over to the derived line: nobody
    /// builds on that or posts it before the DA block is worked off.
    tip: Option<OwnedMutexGuard<Tip>>,
    /// Executed blocks that are not on the chain.
    beside: Vec<BlockRef>,
}

impl<E: Derivable, D: DataAvailability> Derivation<E, D> {
    /// Follows DA until cancelled. Ends by itself only with a fatal error.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), NodeError> {
        let poll = self.config.poll.unwrap_or_else(|| {
            (self.caps.block_time / 2).clamp(Duration::from_millis(20), Duration::from_secs(5))
        });
        let mut failures = 0;
        loop {
            let pause = match self.look(&stop).await {
                Ok(Reached::Stopped) => return Ok(()),
                Ok(Reached::Head) => {
                    self.errors.recovered("da");
                    failures = 0;
                    poll
                }
                Err(error) if Self::is_passing(&error) => {
                    failures += 1;
                    self.errors.failed("da", "reading", &error);
                    self.config.retry.pause(failures)
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = self.clock.sleep(pause) => {}
            }
        }
    }

    /// Reads everything up to the present head.
    async fn look(&mut self, stop: &CancellationToken) -> Result<Reached, NodeError> {
        let head = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Reached::Stopped),
            head = self.da.head() => head.map_err(NodeError::da)?,
        };
        self.see(head);
        if self.contradicts(&head) {
            self.roll_back().await?;
        }
        self.finalize(&head).await?;
        while self.next_height() <= head.observed.height {
            match self.read_up_to(head.observed.height, stop).await {
                Ok(Reached::Head) => {}
                Ok(Reached::Stopped) => return Ok(Reached::Stopped),
                Err(Interrupted::Reorganised) => {
                    self.roll_back().await?;
                    self.finalize(&head).await?;
                    return Ok(Reached::Head);
                }
                Err(Interrupted::Failed(error)) if is_not_yet(&error) => return Ok(Reached::Head),
                Err(Interrupted::Failed(error)) => return Err(error),
            }
        }
        if !self.watch.borrow().synced {
            let mut tip = self.chain.lock().await;
            self.chain.settle(&mut tip).await?;
            drop(tip);
            // Not every step on the way here was shown.
            self.publish(true);
        }
        self.watch
            .send_if_modified(|view| !std::mem::replace(&mut view.synced, true));
        Ok(Reached::Head)
    }

    fn next_height(&self) -> DaHeight {
        self.deriver
            .rules()
            .height_of(self.deriver.state().next_ordinal())
    }

    /// Fetches ahead and works blocks off in order.
    async fn read_up_to(
        &mut self,
        last: DaHeight,
        stop: &CancellationToken,
    ) -> Result<Reached, Interrupted> {
        let from = self.next_height();
        let fetcher = Fetcher {
            da: self.da.clone(),
            clock: self.clock.clone(),
            errors: self.errors.clone(),
            retry: self.config.retry,
        };
        let mut blocks = stream::iter(from.0..=last.0)
            .map(move |height| fetcher.clone().fetch(DaHeight(height)))
            .buffered(self.config.prefetch.max(1));
        let mut progress = self.clock.now_ms();
        loop {
            let block = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Reached::Stopped),
                block = blocks.next() => block,
            };
            let Some(block) = block else {
                return Ok(Reached::Head);
            };
            let block = block.map_err(|error| Interrupted::Failed(NodeError::da(error)))?;
            match self.deriver.feed_block(&block) {
                Ok(()) => {}
                Err(DeriveError::Reorganised { .. }) => return Err(Interrupted::Reorganised),
                Err(error) => return Err(Interrupted::Failed(NodeError::derive(error))),
            }
            let works = InWorks {
                header: block.header,
                last,
                tip: None,
                beside: Vec::new(),
            };
            let reached = self.work_off(works, stop).await;
            if matches!(reached.map_err(Interrupted::Failed)?, Reached::Stopped) {
                return Ok(Reached::Stopped);
            }
            let now = self.clock.now_ms();
            if now.saturating_sub(progress) >= PROGRESS_MS && block.header.height < last {
                progress = now;
                tracing::info!(
                    target: "da",
                    height = %block.header.height,
                    of = %last,
                    safe = self.deriver.state().head().block.number,
                    "catching up"
                );
            }
        }
    }

    /// Executes and commits what the DA block that was just fed brings. A stop
    /// in the middle leaves it to the next start.
    async fn work_off(
        &mut self,
        mut works: InWorks,
        stop: &CancellationToken,
    ) -> Result<Reached, NodeError> {
        loop {
            match self.deriver.poll() {
                Step::DaBlock(_) => return Ok(Reached::Head),
                Step::Execute(_) if stop.is_cancelled() => return Ok(Reached::Stopped),
                Step::Execute(input) => {
                    let outcome = self.execute(&input, &mut works).await?;
                    self.deriver
                        .feed_outcome(&outcome)
                        .map_err(NodeError::derive)?;
                    self.lead(&mut works).await?;
                }
                Step::Commit(step) => {
                    self.commit(*step, &mut works).await?;
                    self.deriver.committed();
                }
            }
        }
    }

    async fn execute(
        &self,
        input: &BlockInput,
        works: &mut InWorks,
    ) -> Result<ExecuteOutcome, NodeError> {
        let execution = &self.chain.execution;
        if let Some(executed) = known(execution, input)? {
            return Ok(ExecuteOutcome::Valid(executed));
        }
        let outcome = execution
            .execute(input)
            .await
            .map_err(NodeError::execution)?;
        if let ExecuteOutcome::Valid(executed) = &outcome {
            works.beside.push(executed.block);
        }
        Ok(outcome)
    }

    /// Lets the latest head go over to the derived line in the middle of a DA
    /// block with many blocks, whatever line it was on.
    async fn lead(&mut self, works: &mut InWorks) -> Result<(), NodeError> {
        let Some(head) = works.beside.last().copied() else {
            return Ok(());
        };
        if works.beside.len() < LEAD {
            return Ok(());
        }
        let mut tip = match works.tip.take() {
            Some(tip) => tip,
            None => self.chain.lock_owned().await,
        };
        let at = self.deriver.rules().point(&works.header);
        let mut records = Vec::new();
        for hook in &mut self.hooks {
            records.extend(hook.before(&works.beside, &at, self.deriver.state())?);
        }
        self.chain.lead(&mut tip, head, records).await?;
        works.beside.clear();
        works.tip = Some(tip);
        Ok(())
    }

    async fn commit(&mut self, step: DaStep, works: &mut InWorks) -> Result<(), NodeError> {
        let mut records = step.records.clone();
        for event in &step.events {
            if let DeriveEvent::Batch(batch) = event {
                records.extend(batches::row(batch));
                records.extend(batches::forget_old(
                    &self.chain.execution,
                    batch.number,
                    self.config.keep_batches,
                    step.finalized.number,
                )?);
            }
        }
        let mut tip = match works.tip.take() {
            Some(tip) => tip,
            None => self.chain.lock_owned().await,
        };
        let blocks: Vec<_> = step.blocks().map(|derived| derived.block).collect();
        for hook in &mut self.hooks {
            records.extend(hook.before(&blocks, &step.point, self.deriver.state())?);
        }
        let news = Derived {
            head: *self.deriver.state().head(),
            finalized: step.finalized,
            undone: None,
            records,
            settles: true,
        };
        self.chain.derived(&mut tip, news).await?;
        // Others must not see the new heads with the old forced queue.
        let steady = self.watch.borrow().synced;
        self.publish(
            steady || step.point.height == works.last || step.ordinal.0.is_multiple_of(QUIET_STEPS),
        );
        drop(tip);
        report::step(&step, &self.caps, steady && self.say_batches);
        Ok(())
    }

    async fn finalize(&mut self, head: &DaHead) -> Result<(), NodeError> {
        let Some(finalized) = head.finalized else {
            return Ok(());
        };
        let before = self.deriver.finalized();
        let news = self.deriver.finalize(finalized);
        if news.head == before && news.records.is_empty() {
            return Ok(());
        }
        let mut tip = self.chain.lock().await;
        let moved = news.head.number > tip.heads().finalized.number;
        let derived = Derived {
            head: *self.deriver.state().head(),
            finalized: news.head,
            undone: None,
            records: news.records,
            settles: false,
        };
        self.chain.derived(&mut tip, derived).await?;
        drop(tip);
        if moved {
            tracing::debug!(target: "da", block = news.head.number, "final");
        }
        Ok(())
    }

    /// Notes the DA layer's head.
    fn see(&self, head: DaHead) {
        let rules = self.deriver.rules();
        self.watch.send_if_modified(|view| {
            let before = view.head.replace(head);
            view.observed = rules.ordinal_of(head.observed.height);
            view.finalized = head
                .finalized
                .and_then(|block| rules.ordinal_of(block.height));
            report::lag(view.lag());
            before != Some(head)
        });
    }

    /// Lets the others see the deriver's state.
    pub(super) fn publish(&self, now: bool) {
        if !now {
            return;
        }
        let state = Arc::new(self.deriver.state().clone());
        self.watch.send_modify(|view: &mut DaView| {
            view.state = state;
            report::lag(view.lag());
        });
    }
}

/// Why reading stopped before the head.
enum Interrupted {
    Reorganised,
    Failed(NodeError),
}

fn is_not_yet(error: &NodeError) -> bool {
    matches!(error, NodeError::Da(failure) if failure.kind() == ErrorKind::NotYet)
}
