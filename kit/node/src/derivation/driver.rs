use super::{Lacking, execute::known, fetch::Fetcher, report};
use crate::{
    DaLayers, DerivationConfig, NodeError, batches,
    chain::{Chain, Derived, Tip},
    derived::{DaView, DaWatch},
    fold::Errors,
    layers::{last_height, last_ordinal},
};
use futures_util::{StreamExt, stream};
use rollwright_core::{
    BlockInput, BlockRef, Clock, DaBlock, DaBlockId, DaCaps, DaHead, DaHeader, DaHeight, DaOrdinal,
    DaPoint, DataAvailability, ErrorKind, ExecuteOutcome, LayerError, RecordChange,
};
use rollwright_derive::{
    DaPlace, DaRequest, DaStep, Derivable, DeriveError, DeriveEvent, Deriver, DeriverState, Step,
};
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

    /// DA undid its blocks from this height of this epoch on. Returns records to
    /// commit with that.
    fn undone(&mut self, epoch: u32, from: DaHeight) -> Result<Vec<RecordChange>, NodeError>;
}

/// Reads DA and moves safe and finalized heads.
pub(crate) struct Derivation<E: Derivable, D> {
    pub(crate) chain: Arc<Chain<E>>,
    pub(crate) layers: DaLayers<D>,
    /// Of each epoch's layer.
    pub(crate) caps: Vec<DaCaps>,
    pub(crate) deriver: Deriver<E::Codec>,
    pub(crate) config: DerivationConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) errors: Arc<Errors>,
    pub(crate) watch: Arc<DaWatch>,
    pub(crate) hooks: Vec<Box<dyn DerivedHook>>,
    /// True where no poster logs the batches.
    pub(crate) say_batches: bool,
    /// An amendment that was announced and is not held here.
    pub(crate) lacking: Option<Lacking>,
}

/// How far one look at DA came.
pub(super) enum Reached {
    Head,
    /// A block of another epoch was read.
    Further,
    Stopped,
}

/// One DA block in the works.
pub(super) struct InWorks {
    ordinal: DaOrdinal,
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
        let mut failures = 0;
        loop {
            let pause = match self.look(&stop).await {
                Ok(Reached::Stopped) => return Ok(()),
                Ok(Reached::Head | Reached::Further) => {
                    self.errors.recovered("da");
                    failures = 0;
                    self.poll()
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

    /// How long to wait before the layer is asked for its head again.
    fn poll(&self) -> Duration {
        let asked = self.config.poll;
        let block = self
            .caps_of(self.request().epoch)
            .map(|caps| caps.block_time);
        asked.unwrap_or_else(|| {
            let half = block.unwrap_or_default() / 2;
            half.clamp(Duration::from_millis(20), Duration::from_secs(5))
        })
    }

    pub(super) fn caps_of(&self, epoch: u32) -> Option<&DaCaps> {
        self.caps.get(epoch as usize)
    }

    /// The DA block that derivation wants next.
    pub(super) fn request(&self) -> DaRequest {
        self.deriver.request()
    }

    /// Reads everything up to the present head, over as many epochs as begin on
    /// the way.
    async fn look(&mut self, stop: &CancellationToken) -> Result<Reached, NodeError> {
        loop {
            let request = self.request();
            let reached = match request.place {
                DaPlace::At { .. } => self.look_at(request.epoch, stop).await?,
                DaPlace::First { least, after } => {
                    let epoch = request.epoch;
                    self.begin_epoch(epoch, least, after, stop).await?
                }
            };
            match reached {
                Reached::Stopped => return Ok(Reached::Stopped),
                // An epoch that has ended, or begun, leads on.
                Reached::Further => {}
                Reached::Head if self.request().epoch != request.epoch => {}
                Reached::Head => break,
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

    /// Reads up to the head of an epoch's layer, or to the epoch's end.
    async fn look_at(
        &mut self,
        epoch: u32,
        stop: &CancellationToken,
    ) -> Result<Reached, NodeError> {
        let da = self.layers.of(self.deriver.rules(), epoch)?.clone();
        let head = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Reached::Stopped),
            head = da.head() => head.map_err(NodeError::da)?,
        };
        self.see(epoch, head);
        if self.contradicts(epoch, &head) {
            self.roll_back().await?;
        }
        self.finalize(epoch, head.finalized).await?;
        let (rules, state) = (self.deriver.rules(), self.deriver.state());
        let last = last_height(rules, state, epoch, head.observed.height);
        loop {
            if self.holds_back() {
                return Ok(Reached::Head);
            }
            let request = self.request();
            // A roll-back may have led to the epoch before.
            let wanted = request.height().filter(|_| request.epoch == epoch);
            let Some(from) = wanted.filter(|height| *height <= last) else {
                return Ok(Reached::Head);
            };
            match self.read_up_to(&da, from, last, stop).await {
                Ok(Reached::Stopped) => return Ok(Reached::Stopped),
                Ok(_) => {}
                Err(Interrupted::Reorganised) => {
                    self.roll_back().await?;
                    self.finalize(epoch, head.finalized).await?;
                    return Ok(Reached::Head);
                }
                Err(Interrupted::Failed(error)) if is_not_yet(&error) => return Ok(Reached::Head),
                Err(Interrupted::Failed(error)) => return Err(error),
            }
        }
    }

    /// Fetches ahead and works blocks off in order.
    async fn read_up_to(
        &mut self,
        da: &D,
        from: DaHeight,
        last: DaHeight,
        stop: &CancellationToken,
    ) -> Result<Reached, Interrupted> {
        let fetcher = Fetcher {
            da: da.clone(),
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
            let ordinal = self.deriver.state().next_ordinal();
            match self.deriver.feed_block(&block) {
                Ok(()) => {}
                Err(DeriveError::Reorganised { .. }) => return Err(Interrupted::Reorganised),
                Err(error) => return Err(Interrupted::Failed(NodeError::derive(error))),
            }
            let reached = self
                .work_off(InWorks::new(ordinal, &block, last), stop)
                .await;
            if matches!(reached.map_err(Interrupted::Failed)?, Reached::Stopped) {
                return Ok(Reached::Stopped);
            }
            if self.lacking.is_some() && self.holds_back() {
                return Ok(Reached::Head);
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
    pub(super) async fn work_off(
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
        let at = self.deriver.rules().point(works.ordinal, &works.header);
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
        records.extend(self.hear(&step.events, step.ordinal));
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
        let caps = self.caps_of(step.point.epoch);
        report::step(&step, caps, steady && self.say_batches);
        Ok(())
    }

    /// The final head of an epoch's layer is known.
    pub(super) async fn finalize(
        &mut self,
        epoch: u32,
        finalized: Option<DaBlockId>,
    ) -> Result<(), NodeError> {
        let Some(finalized) = finalized else {
            return Ok(());
        };
        let before = self.deriver.finalized();
        let news = self.deriver.finalize(epoch, finalized);
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

    /// Notes the head of an epoch's layer.
    pub(super) fn see(&self, epoch: u32, head: DaHead) {
        let (rules, state) = (self.deriver.rules(), self.deriver.state());
        let ordinal = |block: DaBlockId| last_ordinal(rules, state, epoch, block.height);
        self.watch.send_if_modified(|view| {
            let before = view.head.replace(head);
            view.observed = ordinal(head.observed);
            view.finalized = head.finalized.and_then(ordinal);
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

impl InWorks {
    pub(super) const fn new(ordinal: DaOrdinal, block: &DaBlock, last: DaHeight) -> Self {
        Self {
            ordinal,
            header: block.header,
            last,
            tip: None,
            beside: Vec::new(),
        }
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
