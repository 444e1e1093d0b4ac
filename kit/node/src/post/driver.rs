use super::{pace::Pace, queue::Pushed};
use crate::{
    DaLayers, NodeError, PostConfig, SequencerKey, batches,
    chain::{Chain, Tip},
    derived::DaView,
    fold::Errors,
    gate::Gate,
    tasks::blocking,
};
use alloy_primitives::map::HashMap;
use rollwright_core::{
    Clock, DaCaps, DataAvailability, ErrorKind, Heads, LayerError, PostingUnit, SubmissionStatus,
};
use rollwright_derive::{Batcher, BatcherError, BatcherEvent, Derivable, RebuildReason, Sealed};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Posts the sequencer's blocks.
pub(crate) struct Poster<E: Derivable, D> {
    pub(crate) chain: Arc<Chain<E>>,
    pub(crate) layers: DaLayers<D>,
    /// Of each epoch's layer.
    pub(crate) caps: Vec<DaCaps>,
    pub(crate) codec: E::Codec,
    pub(crate) key: SequencerKey,
    pub(crate) config: PostConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) errors: Arc<Errors>,
    pub(crate) gate: Arc<Gate>,
    /// Cancelled once no further blocks are made.
    pub(crate) made: CancellationToken,
    /// Holds an error where the node stops because of one.
    pub(crate) failure: watch::Receiver<Option<NodeError>>,
}

/// What the loop remembers.
struct Work {
    batcher: Batcher,
    pushed: Pushed,
    pace: Pace,
    /// When batches were sealed, for their latency.
    sealed_ms: HashMap<u64, u64>,
    failures: u32,
    /// The DA epoch in which is posted; `None` while the next one has not
    /// begun, where nothing is.
    epoch: Option<u32>,
}

impl Work {
    /// Blocks above the safe head, up to the latest, that the layer has not
    /// taken.
    fn not_taken(&self, heads: &Heads) -> u64 {
        let safe = heads.safe.number;
        let first_batch = self
            .batcher
            .units()
            .filter(|state| !self.pace.is_taken(&state.unit.id))
            .map(|state| state.batch)
            .min();
        let taken = self
            .batcher
            .batches()
            .filter(|facts| first_batch.is_none_or(|first| facts.number < first))
            .map(|facts| facts.last.number)
            .max();
        let taken = taken.unwrap_or(safe).max(safe);
        heads.latest.number.saturating_sub(taken)
    }
}

impl<E: Derivable, D: DataAvailability> Poster<E, D> {
    /// Posts until cancelled; then, in an orderly stop, hands over what is left.
    pub(crate) async fn run(
        self,
        batcher: Batcher,
        mut da: watch::Receiver<DaView>,
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
        let mut work = Work {
            batcher,
            pushed: Pushed::default(),
            pace: Pace::default(),
            sealed_ms: HashMap::default(),
            failures: 0,
            epoch: None,
        };
        loop {
            let poll = self.poll(&da);
            if da.has_changed().unwrap_or(false) {
                work.pace.hurry();
            }
            da.mark_unchanged();
            heads.mark_unchanged();
            work = self.prepare(work, &da, false).await?;
            let pause = match self.submit_all(&mut work, poll, &stop).await? {
                Posted::All => poll
                    .min(self.config.interval)
                    .max(Duration::from_millis(10)),
                Posted::Refused => self.config.retry.pause(work.failures),
            };
            // An unwilling layer is left in peace, whatever happens here.
            let refused = work.failures > 0;
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.finish(work, &da, poll).await,
                () = self.clock.sleep(pause) => {}
                changed = heads.changed(), if !refused => if changed.is_err() { return Ok(()) },
                changed = da.changed(), if !refused => if changed.is_err() { return Ok(()) },
            }
        }
    }

    /// The epoch that the next DA block belongs to, once it has begun.
    fn epoch(&self, view: &DaView) -> Option<u32> {
        let next = view.state.next_ordinal();
        let epoch = self.chain.rules.epoch_at(next);
        (epoch.index == 0 || epoch.begins < next).then_some(epoch.index)
    }

    fn caps_of(&self, epoch: u32) -> Option<&DaCaps> {
        self.caps.get(epoch as usize)
    }

    fn layer_of(&self, epoch: u32) -> String {
        self.caps_of(epoch)
            .map_or_else(String::new, |caps| caps.layer.clone())
    }

    fn poll(&self, da: &watch::Receiver<DaView>) -> Duration {
        let epoch = self.epoch(&da.borrow()).unwrap_or_default();
        let block = self.caps_of(epoch).map(|caps| caps.block_time);
        (block.unwrap_or_default() / 2).clamp(Duration::from_millis(20), Duration::from_secs(5))
    }

    /// Closes the open batch and waits a bounded time until the layer has
    /// taken everything, so that nothing waits for the next start in vain.
    async fn finish(
        &self,
        work: Work,
        da: &watch::Receiver<DaView>,
        poll: Duration,
    ) -> Result<(), NodeError> {
        if self.failure.borrow().is_some() {
            return Ok(());
        }
        let until = self
            .clock
            .now_ms()
            .saturating_add(millis(self.config.stop_wait));
        let patience = || {
            let left = until.saturating_sub(self.clock.now_ms());
            self.clock.sleep(Duration::from_millis(left))
        };
        tokio::select! {
            biased;
            () = self.made.cancelled() => {}
            () = patience() => {}
        }
        let mut work = self.prepare(work, da, true).await?;
        let heads = self.chain.view().heads;
        let before = work.not_taken(&heads);
        let never = CancellationToken::new();
        loop {
            let posted = tokio::select! {
                biased;
                posted = self.submit_all(&mut work, poll, &never) => posted?,
                () = patience() => break,
            };
            if matches!(posted, Posted::All) {
                break;
            }
            tokio::select! {
                biased;
                () = patience() => break,
                () = self.clock.sleep(self.config.retry.pause(work.failures)) => {}
            }
        }
        let waiting = work.not_taken(&heads);
        let handed = before.saturating_sub(waiting);
        if handed > 0 {
            let what = if handed == 1 {
                "block".into()
            } else {
                format!("{handed} blocks")
            };
            tracing::info!(target: "da", "the DA layer took the last {what} before the stop");
        }
        if waiting > 0 {
            let what = if waiting == 1 {
                "1 block waits to be posted; it is".into()
            } else {
                format!("{waiting} blocks wait to be posted; they are")
            };
            tracing::warn!(target: "da", "{what} posted at the next start");
        }
        Ok(())
    }

    /// Follows derivation, takes up new blocks, seals batches, and makes the
    /// journal durable. `flush` seals whatever is there.
    async fn prepare(
        &self,
        mut work: Work,
        da: &watch::Receiver<DaView>,
        flush: bool,
    ) -> Result<Work, NodeError> {
        let now_ms = self.clock.now_ms();
        let mut tip = self.chain.lock().await;
        if tip.is_led() {
            // The chain's end is a DA block in the works, which a stop has
            // interrupted: none of it is to be posted.
            return Ok(work);
        }
        let view = da.borrow().clone();
        let epoch = self.epoch(&view);
        if let (true, Some(caps)) = (epoch != work.epoch, epoch.and_then(|at| self.caps_of(at))) {
            work.batcher
                .on_layer(caps.max_blob_bytes, caps.max_unit_bytes);
        }
        work.epoch = epoch;
        let finalized = tip.heads().finalized.number;
        for event in work.batcher.follow(&view.state, finalized) {
            self.handle(&event, &mut tip, &mut work).await?;
        }
        // What is to be posted and stands in the store alone.
        let wanted: Vec<_> = work.batcher.wanted().collect();
        for (number, key) in wanted {
            let record = self.chain.execution.record(&key);
            let record = record.map_err(NodeError::execution)?;
            work.batcher
                .supply(number, record.as_ref())
                .map_err(NodeError::derive)?;
        }
        work.pushed.bring_up(
            &mut work.batcher,
            &self.chain.execution,
            tip.heads(),
            now_ms,
        )?;
        drop(tip);
        if work.epoch.is_none() {
            return Ok(work);
        }
        let observed = view.observed.unwrap_or_else(|| view.state.next_ordinal());
        loop {
            let codec = self.codec.clone();
            let key = self.key.clone();
            // Compression is work for a thread of its own.
            let (mut batcher, sealed) = blocking("sealing a batch", move || {
                let mut batcher = work.batcher;
                let sealed = batcher.seal(&codec, &key, now_ms, observed, flush);
                (batcher, sealed)
            })
            .await?;
            let changes = batcher.take_changes();
            work.batcher = batcher;
            if !changes.is_empty() {
                // Durable before anything of it leaves the process.
                let execution = self.chain.execution.clone();
                blocking("writing the posting journal", move || {
                    execution.put_records(&changes)
                })
                .await?
                .map_err(NodeError::execution)?;
            }
            match sealed {
                Ok(Sealed::Batch(facts)) => {
                    tracing::debug!(target: "da", batch = facts.number, bytes = facts.bytes, "sealed");
                    work.sealed_ms.insert(facts.number, now_ms);
                    self.gate.set("batcher", true, None);
                }
                Ok(Sealed::Rebuild(event)) => {
                    let mut tip = self.chain.lock().await;
                    self.handle(&event, &mut tip, &mut work).await?;
                    drop(tip);
                    return Ok(work);
                }
                Ok(_) => {
                    self.gate.set("batcher", true, None);
                    return Ok(work);
                }
                Err(
                    error @ (BatcherError::Halted(_)
                    | BatcherError::NotInSchedule { .. }
                    | BatcherError::BlockTooLarge { .. }),
                ) => {
                    self.gate.set("batcher", true, Some(error.to_string()));
                    return Ok(work);
                }
                Err(error) if error.is_retryable() => {
                    self.errors.failed("batcher", "sealing", &error);
                    return Ok(work);
                }
                Err(error) => return Err(NodeError::derive(error)),
            }
        }
    }

    async fn handle(
        &self,
        event: &BatcherEvent,
        tip: &mut Tip,
        work: &mut Work,
    ) -> Result<(), NodeError> {
        match event {
            BatcherEvent::Applied { number, .. } => {
                self.say_applied(*number, tip, work)?;
                // The layer may have told it with its first answer.
                self.note_fee(*number, work).await?;
            }
            BatcherEvent::Final { number } => {
                tracing::info!(target: "da", "batch {number} final");
                work.sealed_ms.remove(number);
            }
            BatcherEvent::Undone { number } => {
                tracing::warn!(target: "da", "batch {number} was undone by a reorganisation and is posted again");
                work.pace.hurry();
            }
            BatcherEvent::Resigned { number, attempt } => {
                tracing::warn!(target: "da", attempt, "batch {number} was lost on the layer and is signed again");
            }
            BatcherEvent::Rebuild { reason, keep } => {
                tracing::warn!(target: "da", keep = keep.number, %reason, "blocks are rebuilt");
                if matches!(
                    reason,
                    RebuildReason::Expired | RebuildReason::Rejected | RebuildReason::TooLarge
                ) {
                    let keep = if keep.number < tip.heads().safe.number {
                        tip.heads().safe
                    } else {
                        *keep
                    };
                    self.chain.rewind(tip, keep).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn say_applied(&self, number: u64, tip: &Tip, work: &Work) -> Result<(), NodeError> {
        let Some(facts) = work.batcher.batches().find(|facts| facts.number == number) else {
            return Ok(());
        };
        let finalized = tip.heads().finalized.number;
        let info = batches::find(&self.chain.execution, facts.last.number, finalized)?;
        let point = info.and_then(|info| info.applied).unwrap_or_default();
        let layer = self.layer_of(point.epoch);
        let latency = work
            .sealed_ms
            .get(&number)
            .map(|sealed| self.clock.now_ms().saturating_sub(*sealed));
        let fee = work.pace.fee(&facts.units);
        if let Some(ms) = latency {
            metrics::histogram!("rollwright_da_latency_seconds", "layer" => layer.clone())
                .record(Duration::from_millis(ms).as_secs_f64());
        }
        tracing::info!(
            target: "da",
            blocks = %format_args!("{}-{}", facts.first_block, facts.last.number),
            size = facts.bytes,
            observed = %format_args!("{layer}:{}", point.height),
            ms = latency,
            fee = fee.map(|fee| format!("{} {}", fee.amount, fee.unit)),
            "batch {number}"
        );
        Ok(())
    }

    /// Submits what is due, oldest first.
    async fn submit_all(
        &self,
        work: &mut Work,
        poll: Duration,
        stop: &CancellationToken,
    ) -> Result<Posted, NodeError> {
        let Some(epoch) = work.epoch else {
            return Ok(Posted::All);
        };
        let da = self.layers.of(&self.chain.rules, epoch)?;
        let layer = self.layer_of(epoch);
        let now_ms = self.clock.now_ms();
        let units: Vec<(u64, PostingUnit)> = work
            .batcher
            .units()
            .filter(|state| work.pace.is_due(&state.unit.id, now_ms))
            .map(|state| (state.batch, state.unit.clone()))
            .collect();
        for (batch, unit) in units {
            let answer = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Posted::All),
                answer = da.submit(&unit) => answer,
            };
            match answer {
                Ok(submission) => {
                    if std::mem::take(&mut work.failures) > 0 {
                        self.errors.recovered("da-post");
                        self.gate.set("post", false, None);
                    }
                    let (pause, blobs) = match submission.status {
                        SubmissionStatus::Accepted => (poll, Vec::new()),
                        SubmissionStatus::Included { blobs } => (poll * 8, blobs),
                    };
                    work.batcher.included(unit.id, &blobs);
                    work.pace
                        .answered(unit.id, now_ms, millis(pause), submission.fee);
                    if !blobs.is_empty() {
                        self.note_fee(batch, work).await?;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Fatal => {
                    return Err(NodeError::da(error));
                }
                Err(error) => {
                    work.failures = work.failures.saturating_add(1);
                    metrics::counter!("rollwright_da_batches_total", "layer" => layer.clone(), "result" => "refused").increment(1);
                    self.errors.failed("da-post", "posting", &error);
                    if error.kind() == ErrorKind::Rejected {
                        let text = format!("the DA layer refuses batch {batch}: {error}");
                        self.gate.set("post", true, Some(text));
                    }
                    return Ok(Posted::Refused);
                }
            }
        }
        let known: Vec<_> = work
            .batcher
            .batches()
            .flat_map(|batch| batch.units)
            .collect();
        work.pace.retain(|unit| known.contains(unit));
        Ok(Posted::All)
    }

    /// Notes what a batch cost, once all of its units are known.
    async fn note_fee(&self, batch: u64, work: &mut Work) -> Result<(), NodeError> {
        let Some(facts) = work.batcher.batches().find(|facts| facts.number == batch) else {
            return Ok(());
        };
        let Some(fee) = work.pace.fee(&facts.units) else {
            return Ok(());
        };
        let key = crate::records::numbered(crate::records::FEES, batch);
        let known = crate::records::get(&self.chain.execution, &key)?;
        if known.as_ref() == Some(&fee) {
            return Ok(());
        }
        if known.is_none() {
            #[expect(clippy::cast_possible_truncation, reason = "a counter for people")]
            metrics::counter!("rollwright_da_cost_total", "layer" => self.layer_of(work.epoch.unwrap_or_default()), "unit" => fee.unit.clone())
                .increment(fee.amount as u64);
        }
        let execution = self.chain.execution.clone();
        blocking("writing a fee", move || {
            execution.put_records(&[batches::fee_row(batch, &fee)])
        })
        .await?
        .map_err(NodeError::execution)
    }
}

/// How posting went.
enum Posted {
    All,
    Refused,
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
