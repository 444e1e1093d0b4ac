use super::{GATE, contradictions::Contradictions};
use crate::{
    Backoff, FeedConfig, NodeError,
    chain::{Chain, Tip},
    derivation::execute,
    derived::DaView,
    feed::{FeedClient, FeedConnector, FeedGoodbye, FeedHub, FeedMessage, SignedBlock},
    feed_store,
    fold::Errors,
    gate::Gate,
};
use alloy_primitives::B256;
use rollwright_core::{BlockId, BlockRecord, BlockRef, Clock, ExecuteOutcome, Execution};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Follows a feed.
pub(crate) struct Replica<E> {
    pub(crate) chain: Arc<Chain<E>>,
    pub(crate) hub: Arc<FeedHub>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) errors: Arc<Errors>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: FeedConfig,
    pub(crate) retry: Backoff,
    pub(crate) url: String,
    pub(crate) chain_key: (u64, B256),
    pub(crate) connector: Arc<dyn FeedConnector>,
    pub(crate) contradictions: Arc<Contradictions<E>>,
    pub(crate) progress: Progress,
}

/// What a replica remembers from one connection to the next.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Blocks taken so far.
    taken: AtomicU64,
    /// The feed's line parts from ours above the safe head.
    parted: AtomicBool,
}

impl<E: Execution> Replica<E> {
    /// Follows until cancelled; connects again after every failure.
    pub(crate) async fn run(
        self,
        da: watch::Receiver<DaView>,
        stop: CancellationToken,
    ) -> Result<(), NodeError> {
        let mut failures = 0;
        loop {
            let before = self.progress.taken.load(Ordering::Relaxed);
            let followed = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                followed = self.follow(&da, &stop) => followed,
            };
            if self.progress.taken.load(Ordering::Relaxed) != before {
                failures = 0;
            }
            let pause = match followed {
                Ok(()) => return Ok(()),
                Err(Lost::Fatal(error)) => return Err(error),
                Err(Lost::Connection(error)) => {
                    failures += 1;
                    self.errors.failed("feed", "following", &error);
                    let pause = self.retry.pause(failures);
                    self.clock.sleep(pause)
                }
                Err(Lost::Behind { first }) => {
                    failures = 0;
                    tokio::select! {
                        biased;
                        () = stop.cancelled() => return Ok(()),
                        () = self.derived_up_to(first) => {}
                    }
                    self.clock.sleep(self.retry.first)
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = pause => {}
            }
        }
    }

    /// Waits until derivation has brought what the feed does not keep, or for
    /// the longest pause: meanwhile the feed may keep less.
    async fn derived_up_to(&self, first: u64) {
        let mut heads = self.chain.watch();
        let there = heads.wait_for(|heads| heads.latest.number.saturating_add(1) >= first);
        tokio::select! {
            biased;
            _ = there => {}
            () = self.clock.sleep(self.retry.most) => {}
        }
    }

    /// The first block to ask for: the next one, or all that is not safe where
    /// the feed's line was found to part from ours.
    fn resume_at(&self) -> u64 {
        let heads = self.chain.view().heads;
        let last = if self.progress.parted.swap(false, Ordering::Relaxed) {
            heads.safe
        } else {
            heads.latest
        };
        last.number.saturating_add(1)
    }

    async fn follow(
        &self,
        da: &watch::Receiver<DaView>,
        stop: &CancellationToken,
    ) -> Result<(), Lost> {
        let (mut client, hello) = FeedClient::connect(
            &self.url,
            self.resume_at(),
            self.chain_key,
            &self.config,
            self.clock.clone(),
            &*self.connector,
        )
        .await?;
        tracing::info!(target: "feed", url = self.url, latest = hello.latest.number, "following");
        loop {
            let message = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                message = client.next() => message?,
            };
            match message {
                FeedMessage::Block(block) => self.take(da, *block).await?,
                FeedMessage::Goodbye(FeedGoodbye::TooOld { first }) => {
                    tracing::debug!(target: "feed", first, "deriving what the feed does not keep");
                    return Err(Lost::Behind { first });
                }
                FeedMessage::Goodbye(goodbye) => {
                    return Err(self.failed(goodbye.to_string()));
                }
            }
        }
    }

    /// Checks and executes one block, and makes it the latest.
    async fn take(&self, da: &watch::Receiver<DaView>, block: SignedBlock) -> Result<(), Lost> {
        self.check_signer(&da.borrow(), &block)?;
        let mut tip = self.chain.lock().await;
        let reference = block.block();
        let present = self.canonical(reference.number)?;
        if present
            .as_ref()
            .is_some_and(|present| present.block == reference)
            || tip.is_led()
        {
            return Ok(());
        }
        if let Some(present) = present
            && reference.number <= tip.heads().safe.number
        {
            return self.contradicted(da, &block, &present);
        }
        self.check_place(da, &tip, &block)?;
        self.check_outcome(&block).await?;
        let heads = *tip.heads();
        let mut rows = vec![feed_store::row(&block)];
        let keep = self.config.keep_blocks;
        rows.extend(
            feed_store::forget_old(&self.chain.execution, &heads, keep).map_err(Lost::Fatal)?,
        );
        self.chain
            .extend(&mut tip, reference, rows, true)
            .await
            .map_err(Lost::Fatal)?;
        drop(tip);
        self.progress.taken.fetch_add(1, Ordering::Relaxed);
        self.errors.recovered("feed");
        self.hub.publish(&block);
        self.gate.set(GATE, false, None);
        tracing::info!(
            target: "block",
            txs = block.input.transactions.len() + block.input.forced.len(),
            "#{} from the feed",
            reference.number
        );
        Ok(())
    }

    fn canonical(&self, number: u64) -> Result<Option<BlockRecord>, Lost> {
        let id = BlockId::Number(number);
        let block = self.chain.execution.block(id);
        block.map_err(|error| Lost::Fatal(NodeError::execution(error)))
    }

    /// The feed gives another block than the one that DA has given already.
    fn contradicted(
        &self,
        da: &watch::Receiver<DaView>,
        block: &SignedBlock,
        present: &BlockRecord,
    ) -> Result<(), Lost> {
        let state = da.borrow().state.clone();
        let late = self.contradictions.late(block, present, &state);
        late.map_err(Lost::Fatal)?;
        Err(self.failed(format!(
            "block {} is {} by DA, and the feed says {}",
            present.block.number, present.block.hash, block.hash
        )))
    }

    /// The block must grow from the chain above the safe head, on a DA block
    /// that stands, and not run ahead of DA without bound.
    fn check_place(
        &self,
        da: &watch::Receiver<DaView>,
        tip: &Tip,
        block: &SignedBlock,
    ) -> Result<(), Lost> {
        let number = block.input.number();
        let heads = tip.heads();
        let anchor = &block.input.anchor;
        let origin = da.borrow().header(anchor.ordinal);
        if origin.is_some_and(|header| header.hash != anchor.origin.hash) {
            return Err(self.failed(format!(
                "block {number} names a DA block that is not canonical here"
            )));
        }
        let ahead = number.saturating_sub(heads.safe.number);
        if ahead > self.config.max_ahead_blocks {
            return Err(self.failed(format!(
                "block {number} is {ahead} blocks ahead of what DA has given, more than the {} that this node takes",
                self.config.max_ahead_blocks
            )));
        }
        let parent = block.input.parent;
        let on_chain = parent == heads.latest
            || (parent.number >= heads.safe.number
                && self
                    .canonical(parent.number)?
                    .is_some_and(|record| record.block == parent));
        if on_chain {
            return Ok(());
        }
        // Perhaps the line was rebuilt: the next connection asks for all of it.
        self.progress.parted.store(true, Ordering::Relaxed);
        Err(self.failed(format!(
            "block {number} does not follow block {} {}",
            heads.latest.number, heads.latest.hash
        )))
    }

    async fn check_outcome(&self, block: &SignedBlock) -> Result<(), Lost> {
        let BlockRef { number, hash } = block.block();
        let outcome = execute(&self.chain.execution, &block.input)
            .await
            .map_err(Lost::Fatal)?;
        let reason = match outcome {
            ExecuteOutcome::Valid(executed) if executed.block.hash == hash => return Ok(()),
            ExecuteOutcome::Valid(executed) => format!(
                "block {number} is signed as {hash} and executes to {}",
                executed.block.hash
            ),
            ExecuteOutcome::Invalid(invalid) => {
                format!("block {number} is not valid: {}", invalid.reason)
            }
        };
        Err(self.failed(reason))
    }

    fn check_signer(&self, da: &DaView, block: &SignedBlock) -> Result<(), Lost> {
        let signer = block.signer(self.chain_key);
        let now = da.state.next_ordinal();
        let is_key = signer.is_some_and(|signer| {
            [now, block.input.anchor.ordinal]
                .iter()
                .any(|ordinal| self.chain.rules.at(*ordinal).keys.contains(&signer))
        });
        if is_key {
            return Ok(());
        }
        Err(self.failed(format!(
            "block {} is signed by {}, which is no key of the schedule",
            block.input.number(),
            signer.map_or_else(|| "nobody".to_owned(), |signer| signer.to_string()),
        )))
    }

    fn failed(&self, reason: String) -> Lost {
        Lost::Connection(NodeError::Feed {
            url: self.url.clone(),
            reason,
        })
    }
}

/// Why following ended.
enum Lost {
    Connection(NodeError),
    /// The feed begins above our head.
    Behind {
        first: u64,
    },
    Fatal(NodeError),
}

impl From<NodeError> for Lost {
    fn from(error: NodeError) -> Self {
        Self::Connection(error)
    }
}
