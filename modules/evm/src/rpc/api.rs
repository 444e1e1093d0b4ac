use super::{
    config::EthConfig,
    error::{Answer, EthError},
    filters::Filters,
    journal::Journal,
};
use crate::{
    engine::EvmEngine,
    genesis::ChainConfig,
    machine::{Budget, Stop},
    store::{StateView, Store, StoredBlock},
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use rollwright_core::{BlockId as StoredId, BlockRef, Heads, NodeApi};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// What every method works on.
pub(crate) struct EthApi {
    pub(crate) engine: EvmEngine,
    pub(crate) store: Store,
    pub(crate) chain: Arc<ChainConfig>,
    pub(crate) node: Arc<dyn NodeApi>,
    pub(crate) config: EthConfig,
    pub(crate) journal: Journal,
    pub(crate) filters: Filters,
    /// Work that takes a thread for a while.
    pub(crate) heavy: Arc<Semaphore>,
    /// Places for work that waits for such a thread.
    pub(crate) queue: Semaphore,
    /// Work to come that gets a thread although it may be brief.
    pub(crate) distrust: AtomicU32,
}

/// What brief work may do before it gets a thread of its own: see [`Budget`].
const BRIEF: u32 = 1_024;
/// After work that was not brief, so much work gets a thread at once: most of
/// what comes next is of its kind, or meant to keep the server from answering.
const DISTRUST: u32 = 32;

/// Stops work whose caller has gone away, or has waited long enough.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl EthApi {
    pub(crate) fn heads(&self) -> Answer<Heads> {
        Ok(self.store.heads()?)
    }

    /// The block that a parameter means; an error where there is none.
    ///
    /// `pending` means the latest block: the next one is not known before it
    /// is made.
    pub(crate) fn resolve(&self, id: BlockId) -> Answer<BlockRef> {
        match id {
            BlockId::Number(tag) => match tag {
                BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => Ok(self.heads()?.latest),
                BlockNumberOrTag::Safe => Ok(self.heads()?.safe),
                BlockNumberOrTag::Finalized => Ok(self.heads()?.finalized),
                BlockNumberOrTag::Earliest => self.canonical(0),
                BlockNumberOrTag::Number(number) => self.canonical(number),
            },
            BlockId::Hash(named) => {
                let hash = named.block_hash;
                let header = self.store.header(StoredId::Hash(hash))?;
                let number = header.ok_or(EthError::HeaderNotFound)?.number;
                let must = named.require_canonical.unwrap_or(false);
                if must && self.store.canonical_hash(number)? != Some(hash) {
                    return Err(EthError::server("hash is not currently canonical"));
                }
                Ok(BlockRef { number, hash })
            }
        }
    }

    fn canonical(&self, number: u64) -> Answer<BlockRef> {
        let hash = self.store.canonical_hash(number)?;
        let hash = hash.ok_or(EthError::HeaderNotFound)?;
        Ok(BlockRef { number, hash })
    }

    /// The block that a parameter means; `None` where there is none.
    pub(crate) fn find(&self, id: BlockId) -> Answer<Option<Arc<StoredBlock>>> {
        match self.resolve(id) {
            Ok(block) => self.by_hash(block.hash),
            Err(EthError::HeaderNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn by_hash(&self, hash: B256) -> Answer<Option<Arc<StoredBlock>>> {
        Ok(self.store.block(StoredId::Hash(hash))?)
    }

    pub(crate) fn by_number(&self, number: u64) -> Answer<Option<Arc<StoredBlock>>> {
        Ok(self.store.block(StoredId::Number(number))?)
    }

    pub(crate) fn latest_block(&self) -> Answer<Arc<StoredBlock>> {
        let latest = self.heads()?.latest;
        self.by_hash(latest.hash)?.ok_or(EthError::HeaderNotFound)
    }

    /// The state after the block that a parameter means.
    pub(crate) fn state(&self, id: BlockId) -> Answer<StateView> {
        let block = self.resolve(id)?;
        Ok(self.store.state_at(&block)?)
    }

    /// Runs work that is brief as a rule: at once and here, without a thread's
    /// cost; or, where it turns out to be more, anew as [`heavy`](Self::heavy)
    /// work.
    pub(crate) async fn brief<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Fn(&Self, Stop<'_>) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let distrust = self.distrust.load(Ordering::Relaxed);
        match distrust.checked_sub(1) {
            Some(left) => self.distrust.store(left, Ordering::Relaxed),
            None => {
                let budget = Budget::new(BRIEF);
                let answer = work(self, Stop::within(&budget));
                if !budget.is_spent() {
                    return answer;
                }
                self.distrust.store(DISTRUST, Ordering::Relaxed);
            }
        }
        self.heavy(work).await
    }

    /// Runs heavy work on a thread of its own once there is room for it, within
    /// the configured time.
    ///
    /// Where no room comes in time, or too much waits for it already, the
    /// answer is [`EthError::Busy`]. Work that takes longer, or whose future
    /// is dropped, is asked to [stop](Stop); it keeps its place until it does.
    pub(crate) async fn heavy<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self, Stop<'_>) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let limit = self.config.call_timeout;
        let deadline = Instant::now() + limit;
        let permit = self.room(deadline).await?;
        let api = Arc::clone(self);
        let flag = Arc::new(AtomicBool::new(false));
        let _stopper = StopOnDrop(Arc::clone(&flag));
        let running = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&api, Stop::when(&flag))
        });
        match tokio::time::timeout_at(deadline, running).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::error!(target: "rpc", %error, "a handler failed");
                Err(EthError::Internal("internal error".into()))
            }
            Err(_) => Err(EthError::server(format!(
                "execution aborted (timeout = {limit:?})"
            ))),
        }
    }

    /// Waits for a thread, in a queue that is bounded too.
    async fn room(&self, deadline: Instant) -> Answer<OwnedSemaphorePermit> {
        let heavy = Arc::clone(&self.heavy);
        if let Ok(permit) = Arc::clone(&heavy).try_acquire_owned() {
            return Ok(permit);
        }
        let busy = || EthError::Busy {
            running: self.config.concurrent_calls,
            waiting: self.config.max_waiting_calls,
        };
        let _place = self.queue.try_acquire().map_err(|_| busy())?;
        match tokio::time::timeout_at(deadline, heavy.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(busy()),
        }
    }
}

impl std::fmt::Debug for EthApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EthApi")
            .field("store", &self.store)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
