use super::{execute, report};
use crate::{
    DerivationConfig, NodeError, batches,
    chain::Chain,
    derived::{DaView, DaWatch},
    fold::Errors,
};
use futures_util::{StreamExt, stream};
use rollwright_core::{
    BlockRef, Clock, DaCaps, DaHead, DaHeight, DataAvailability, ErrorKind, ExecuteOutcome,
    LayerError, RecordChange,
};
use rollwright_derive::{DaStep, Derivable, DeriveError, DeriveEvent, Deriver, DeriverState, Step};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// While catching up, the others hear of every so-manieth DA block.
const QUIET_STEPS: u64 = 64;
/// Blocks of one DA block that may be executed before they are made canonical:
/// engines hold few beside the chain, and reads pass through all of them.
pub(crate) const LEAD: u64 = 64;
/// Progress is logged each time this many milliseconds have passed.
const PROGRESS_MS: u64 = 5_000;

/// Hears of every DA step before it is committed, while the former chain is
/// still in place.
pub(crate) trait DerivedHook: Send + 'static {
    /// Records to commit with the step. `state` is the deriver's after it.
    fn before(
        &mut self,
        step: &DaStep,
        state: &DeriverState,
    ) -> Result<Vec<RecordChange>, NodeError>;
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
                    if failures > 0 {
                        self.errors.recovered("da");
                    }
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
        let da = self.da.clone();
        let from = self.next_height();
        let mut blocks = stream::iter(from.0..=last.0)
            .map(move |height| {
                let da = da.clone();
                async move { da.fetch(DaHeight(height), None).await }
            })
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
            self.work_off(last).await.map_err(Interrupted::Failed)?;
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

    /// Executes and commits what the DA block that was just fed brings.
    async fn work_off(&mut self, last: DaHeight) -> Result<(), NodeError> {
        loop {
            match self.deriver.poll() {
                Step::DaBlock(_) => return Ok(()),
                Step::Execute(input) => {
                    let outcome = execute(&self.chain.execution, &input).await?;
                    self.deriver
                        .feed_outcome(&outcome)
                        .map_err(NodeError::derive)?;
                    if let ExecuteOutcome::Valid(executed) = &outcome {
                        self.lead(executed.block).await?;
                    }
                }
                Step::Commit(step) => {
                    self.commit(*step, last).await?;
                    self.deriver.committed();
                }
            }
        }
    }

    /// Lets the latest head follow in the middle of a DA block with many
    /// blocks. Not beside a poster at work, which would post them again.
    async fn lead(&mut self, executed: BlockRef) -> Result<(), NodeError> {
        let ahead = executed
            .number
            .saturating_sub(self.chain.view().heads.latest.number);
        let alone = self.say_batches || !self.watch.borrow().synced;
        if ahead == 0 || !ahead.is_multiple_of(LEAD) || !alone {
            return Ok(());
        }
        let mut tip = self.chain.lock().await;
        self.chain.advance(&mut tip, executed).await
    }

    async fn commit(&mut self, step: DaStep, last: DaHeight) -> Result<(), NodeError> {
        let mut records = step.records.clone();
        for event in &step.events {
            if let DeriveEvent::Batch(batch) = event {
                records.extend(batches::row(batch));
            }
        }
        let mut tip = self.chain.lock().await;
        for hook in &mut self.hooks {
            records.extend(hook.before(&step, self.deriver.state())?);
        }
        self.chain
            .derived(
                &mut tip,
                *self.deriver.state().head(),
                step.finalized,
                None,
                records,
            )
            .await?;
        // Others must not see the new heads with the old forced queue.
        let steady = self.watch.borrow().synced;
        self.publish(
            steady || step.point.height == last || step.ordinal.0.is_multiple_of(QUIET_STEPS),
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
        self.chain
            .derived(
                &mut tip,
                *self.deriver.state().head(),
                news.head,
                None,
                news.records,
            )
            .await?;
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
