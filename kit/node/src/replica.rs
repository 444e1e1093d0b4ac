//! Following a feed, and checking it against DA.

use crate::{
    Backoff, FeedConfig, NodeError,
    chain::Chain,
    derivation::{DerivedHook, execute},
    derived::DaView,
    feed::FeedSource,
    feed::{FeedClient, FeedConnector, FeedGoodbye, FeedHub, FeedMessage, SignedBlock},
    feed_store::{self, StoredFeed},
    fold::Errors,
    gate::Gate,
    records,
};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{
    BlockId, BlockRef, ChainStore, Clock, DaPoint, ExecuteOutcome, Execution, RecordChange,
};
use rollwright_derive::{DaStep, DeriverState};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A signed block that DA contradicts, kept for whoever judges the sequencer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct FeedEvidence {
    /// What the sequencer signed.
    pub signed: SignedBlock,
    /// The block that DA gives at that number.
    pub derived: BlockRef,
    /// The DA block at which it was derived.
    pub at: DaPoint,
}

/// The evidence that a node keeps, ascending by block number.
pub fn feed_evidence<S: ChainStore>(store: &S) -> Result<Vec<FeedEvidence>, NodeError> {
    let rows = records::range(store, records::EVIDENCE, 0, usize::MAX)?;
    Ok(rows.into_iter().map(|(_, evidence)| evidence).collect())
}

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
            let before = self.chain.view().heads.latest;
            let followed = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                followed = self.follow(&da, &stop) => followed,
            };
            if self.chain.view().heads.latest != before {
                failures = 0;
                self.errors.recovered("feed");
            }
            match followed {
                Ok(()) => return Ok(()),
                Err(Lost::Fatal(error)) => return Err(error),
                Err(Lost::Connection(error)) => {
                    failures += 1;
                    self.errors.failed("feed", "following", &error);
                }
                Err(Lost::Behind) => failures = failures.max(1),
            }
            let mut heads = self.chain.watch();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = self.clock.sleep(self.retry.pause(failures)) => {}
                _ = heads.changed() => {}
            }
        }
    }

    async fn follow(
        &self,
        da: &watch::Receiver<DaView>,
        stop: &CancellationToken,
    ) -> Result<(), Lost> {
        let from = self.chain.view().heads.latest.number.saturating_add(1);
        let (mut client, hello) = FeedClient::connect(
            &self.url,
            from,
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
                    return Err(Lost::Behind);
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
        let heads = *tip.heads();
        let present = self
            .chain
            .execution
            .block(BlockId::Number(reference.number))
            .map_err(|error| Lost::Fatal(NodeError::execution(error)))?;
        if present.is_some_and(|present| present.block == reference) {
            return Ok(());
        }
        if reference.number <= heads.safe.number {
            // Derivation has spoken; it keeps the evidence itself.
            return Ok(());
        }
        let anchor = &block.input.anchor;
        let origin = da.borrow().header(anchor.ordinal);
        if origin.is_some_and(|header| header.hash != anchor.origin.hash) {
            return Err(self.failed(format!(
                "block {} names a DA block that is not canonical here",
                reference.number
            )));
        }
        let parent = block.input.parent;
        let on_chain = parent == heads.latest
            || (parent.number >= heads.safe.number
                && self
                    .chain
                    .execution
                    .block(BlockId::Number(parent.number))
                    .map_err(|error| Lost::Fatal(NodeError::execution(error)))?
                    .is_some_and(|record| record.block == parent));
        if !on_chain {
            return Err(self.failed(format!(
                "block {} does not follow block {} {}",
                reference.number, heads.latest.number, heads.latest.hash
            )));
        }
        let outcome = execute(&self.chain.execution, &block.input)
            .await
            .map_err(Lost::Fatal)?;
        match outcome {
            ExecuteOutcome::Valid(executed) if executed.block == reference => {}
            ExecuteOutcome::Valid(executed) => {
                return Err(self.failed(format!(
                    "block {} is signed as {} and executes to {}",
                    reference.number, reference.hash, executed.block.hash
                )));
            }
            ExecuteOutcome::Invalid(invalid) => {
                return Err(self.failed(format!(
                    "block {} is not valid: {}",
                    reference.number, invalid.reason
                )));
            }
        }
        let mut rows = vec![feed_store::row(&block)];
        rows.extend(feed_store::forget_below(&self.chain.execution, &heads).map_err(Lost::Fatal)?);
        self.chain
            .extend(&mut tip, reference, rows, true)
            .await
            .map_err(Lost::Fatal)?;
        drop(tip);
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
    Behind,
    Fatal(NodeError),
}

impl From<NodeError> for Lost {
    fn from(error: NodeError) -> Self {
        Self::Connection(error)
    }
}

const GATE: &str = "feed";

/// Compares what DA gives with what the feed had signed.
pub(crate) struct Contradictions<E> {
    pub(crate) execution: E,
    pub(crate) gate: Arc<Gate>,
}

impl<E: Execution> DerivedHook for Contradictions<E> {
    fn before(
        &mut self,
        step: &DaStep,
        state: &DeriverState,
    ) -> Result<Vec<RecordChange>, NodeError> {
        for derived in step.blocks() {
            let id = BlockId::Number(derived.block.number);
            let present = self.execution.block(id).map_err(NodeError::execution)?;
            let Some(present) = present.filter(|present| present.block != derived.block) else {
                continue;
            };
            // Excused where the origin that it names is no longer canonical.
            let stands = present.anchor.as_ref().is_some_and(|anchor| {
                state
                    .origin(anchor.ordinal)
                    .is_some_and(|header| header.hash == anchor.origin.hash)
            });
            let Some(signed) = StoredFeed(self.execution.clone()).signed(derived.block.number)?
            else {
                return Ok(Vec::new());
            };
            if !stands {
                return Ok(Vec::new());
            }
            // The first block that differs says it all.
            let text = format!(
                "the feed contradicts DA at block {}: it signed {}, DA gives {}; evidence is kept",
                derived.block.number, present.block.hash, derived.block.hash
            );
            tracing::error!(target: "feed", "{text}");
            metrics::counter!("rollwright_feed_contradictions_total").increment(1);
            self.gate.set(GATE, false, Some(text));
            let evidence = FeedEvidence {
                signed,
                derived: derived.block,
                at: step.point,
            };
            let key = records::numbered(records::EVIDENCE, derived.block.number);
            return Ok(vec![records::put(key, &evidence)]);
        }
        Ok(Vec::new())
    }
}
