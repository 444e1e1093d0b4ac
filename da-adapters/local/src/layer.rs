//! The embedded layer: the file, its faults, and the task that makes blocks.

use crate::{
    BlockProduction, Error, LocalDaConfig, Namespace, NetworkId, Status,
    faults::Dice,
    guard::guarded,
    store::{Creation, Limits, State, Store},
};
use alloy_primitives::B256;
use parking_lot::{Mutex, RwLock};
use rollwright_core::{
    BlobRef, Clock, DaBlock, DaHead, DaHeader, DaHeight, ErrorKind, LayerError, PostingUnit, Proof,
    Submission,
};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{sync::watch, task::AbortHandle};

/// A shared handle; the layer ends with the last one.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// `None` once closed, which waits for whoever is using the file.
    store: RwLock<Option<Store>>,
    /// What a write failed with for good. The database takes no writes after
    /// that, and a layer that stands still in silence helps nobody: every
    /// later call gives this error.
    failed: watch::Sender<Option<Error>>,
    network: NetworkId,
    config: LocalDaConfig,
    clock: Arc<dyn Clock>,
    dice: Dice,
    heads: watch::Sender<DaHead>,
    producer: Mutex<Option<AbortHandle>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(producer) = self.producer.get_mut().take() {
            producer.abort();
        }
        release(self.store.get_mut().take());
    }
}

/// Closes the database, which over a damaged file may panic even then.
fn release(store: Option<Store>) {
    if let Some(store) = store {
        let path = store.path().to_owned();
        if let Err(error) = guarded(&path, || {
            drop(store);
            Ok(())
        }) {
            tracing::warn!(target: "da", %error, "closing the DA file failed");
        }
    }
}

pub(crate) fn head_of(state: &State) -> DaHead {
    DaHead {
        observed: state.head.id(),
        finalized: state.finalized.map(|header| header.id()),
    }
}

impl Layer {
    pub(crate) fn open(config: LocalDaConfig, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        config.check()?;
        let now_ms = clock.now_ms();
        let now = now_ms / 1000;
        let creation = Creation {
            allowed: config.create,
            network: config.network,
            time: config.genesis_time.map_or(now, |time| time.max(now)),
        };
        let runtime = match config.blocks {
            BlockProduction::Manual(_) => None,
            BlockProduction::Every(_) => {
                Some(tokio::runtime::Handle::try_current().map_err(|_| {
                    Error::Config {
                        key: "blocks",
                        reason: "the layer is opened outside of a Tokio runtime, in which it \
                                 could make blocks; open it inside one, or make blocks by hand"
                            .into(),
                    }
                })?)
            }
        };
        let path = config.path.clone().unwrap_or_default();
        let (store, state) = guarded(&path, || {
            let store = Store::open(config.path.as_deref(), creation, Limits::from(&config))?;
            let state = store.state()?;
            Ok((store, state))
        })?;
        let shared = Arc::new(Shared {
            store: RwLock::new(Some(store)),
            failed: watch::Sender::new(None),
            network: state.network,
            dice: Dice::new(config.seed, config.faults.clone()),
            heads: watch::Sender::new(head_of(&state)),
            producer: Mutex::new(None),
            clock,
            config,
        });
        if let Some(runtime) = runtime {
            let task = runtime.spawn(produce(
                Arc::downgrade(&shared),
                shared.clock.clone(),
                now_ms,
                shared.config.blocks.time(),
            ));
            *shared.producer.lock() = Some(task.abort_handle());
        }
        Ok(Self { shared })
    }

    pub(crate) fn network(&self) -> NetworkId {
        self.shared.network
    }

    pub(crate) fn config(&self) -> &LocalDaConfig {
        &self.shared.config
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    pub(crate) fn heads(&self) -> watch::Receiver<DaHead> {
        self.shared.heads.subscribe()
    }

    /// What a write failed with for good, if one did.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.shared.failed.borrow().clone()
    }

    /// Completes once a write has failed for good.
    pub(crate) fn failed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut failed = self.shared.failed.subscribe();
        // A layer that is gone cannot fail any more.
        async move {
            if failed.wait_for(Option::is_some).await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// Reads in place: a lookup in the cache, or in one page.
    fn read<T>(&self, read: impl FnOnce(&Store) -> Result<T, Error>) -> Result<T, Error> {
        if let Some(error) = self.failure() {
            return Err(error);
        }
        let store = self.shared.store.read();
        let store = store.as_ref().ok_or(Error::Closed)?;
        guarded(store.path(), || read(store))
    }

    /// Writes in place; a failure that no later write can get over is kept.
    fn change<T>(&self, write: impl FnOnce(&Store) -> Result<T, Error>) -> Result<T, Error> {
        let result = self.read(write);
        if let Err(error) = &result
            && error.kind() == ErrorKind::Fatal
            && !matches!(error, Error::Closed)
        {
            // Whoever failed first has said why.
            self.shared.failed.send_if_modified(|failed| {
                let first = failed.is_none();
                failed.get_or_insert_with(|| error.clone());
                first
            });
        }
        result
    }

    /// Writes off the runtime's threads, for a write waits for the disk; in
    /// memory in place, so that a simulation stays in order.
    ///
    /// A write that has begun is finished, also where the future is dropped.
    async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        if self.shared.config.path.is_none() {
            return self.change(write);
        }
        let layer = self.clone();
        let task = tokio::task::spawn_blocking(move || layer.change(write));
        task.await.unwrap_or(Err(Error::Closed))
    }

    /// Faults come first, and a refused call has no effect.
    async fn call(&self, action: &'static str) -> Result<(), Error> {
        let fate = self.shared.dice.call();
        self.delay(fate.delay).await;
        if fate.refused {
            return Err(Error::Refused { action });
        }
        Ok(())
    }

    async fn delay(&self, delay: Duration) {
        if !delay.is_zero() {
            self.shared.clock.sleep(delay).await;
        }
    }

    pub(crate) async fn state(&self) -> Result<State, Error> {
        self.call("tell its head").await?;
        self.read(Store::state)
    }

    /// The canonical header at a height, of a pruned block too, and the oldest
    /// height that is served.
    pub(crate) async fn header(&self, height: DaHeight) -> Result<(DaHeader, DaHeight), Error> {
        self.call("serve a header").await?;
        let (state, header) = self.read(|store| store.header(height))?;
        Ok((header, DaHeight(state.oldest)))
    }

    pub(crate) async fn block(
        &self,
        namespace: Namespace,
        height: DaHeight,
        hash: Option<B256>,
    ) -> Result<DaBlock, Error> {
        self.call("serve a block").await?;
        self.read(|store| store.block(namespace, height, hash))
    }

    pub(crate) async fn prove(&self, namespace: Namespace, blob: &BlobRef) -> Result<Proof, Error> {
        self.call("prove a blob").await?;
        self.read(|store| store.prove(namespace, blob))
    }

    pub(crate) async fn submit(
        &self,
        namespace: Namespace,
        unit: &PostingUnit,
    ) -> Result<Submission, Error> {
        let fate = self.shared.dice.call();
        self.delay(fate.delay).await;
        let refused = Error::Refused {
            action: "take a posting unit",
        };
        if fate.refused && !fate.taken {
            return Err(refused);
        }
        let unit = unit.clone();
        let submission = self
            .write(move |store| store.submit(namespace, &unit))
            .await?;
        if fate.refused {
            Err(refused)
        } else {
            Ok(submission)
        }
    }

    /// Makes the next block, after a reorganisation where the seed says so.
    pub(crate) async fn seal(&self) -> Result<DaHeader, Error> {
        self.seal_at(self.now()).await
    }

    /// Makes the next block in its turn. Its time is the clock's. While that
    /// lies more than an interval behind the parent's, since it was set back,
    /// time goes on from the parent's: those who keep to it are not held up.
    /// `reached_ms` is the time of the last block made so.
    async fn seal_in_turn(&self, reached_ms: &mut u64, interval: u64) -> Result<DaHeader, Error> {
        let now = self.shared.clock.now_ms();
        let parent = self.read(Store::state)?.head.time.saturating_mul(1_000);
        let reached = parent.max(*reached_ms);
        *reached_ms = if reached.saturating_sub(now) > interval.max(1_000) {
            reached.saturating_add(interval)
        } else {
            reached.max(now)
        };
        self.seal_at(*reached_ms / 1_000).await
    }

    async fn seal_at(&self, time: u64) -> Result<DaHeader, Error> {
        let shared = Arc::clone(&self.shared);
        let state = self
            .write(move |store| {
                let state = store.state()?;
                match shared.dice.reorg_depth(state.seals, state.reversible()) {
                    0 => store.seal(time),
                    depth => store.reorganise(depth, time, true, |seal, units| {
                        shared.dice.survivors(seal, units)
                    }),
                }
            })
            .await?;
        self.announce();
        Ok(state.head)
    }

    pub(crate) async fn reorg(&self, depth: u64) -> Result<DaHead, Error> {
        let time = self.now();
        let shared = Arc::clone(&self.shared);
        let state = self
            .write(move |store| {
                store.reorganise(depth, time, false, |seal, units| {
                    shared.dice.survivors(seal, units)
                })
            })
            .await?;
        self.announce();
        Ok(head_of(&state))
    }

    pub(crate) async fn prune(&self, below: DaHeight) -> Result<(), Error> {
        self.write(move |store| store.prune(below.0)).await?;
        Ok(())
    }

    pub(crate) fn status(&self) -> Result<Status, Error> {
        let state = self.read(Store::state)?;
        Ok(Status {
            network: state.network,
            head: state.head,
            finalized: state.finalized,
            oldest: DaHeight(state.oldest),
            pending_units: state.pending_units,
            pending_bytes: state.pending_bytes,
        })
    }

    /// Stops making blocks, waits for writes under way and releases the file.
    pub(crate) async fn close(&self) {
        let producer = self.shared.producer.lock().take();
        if let Some(producer) = producer {
            producer.abort();
        }
        if self.shared.config.path.is_none() {
            release(self.shared.store.write().take());
            return;
        }
        let shared = Arc::clone(&self.shared);
        // It cannot panic: what the database may do is guarded.
        let _ = tokio::task::spawn_blocking(move || release(shared.store.write().take())).await;
    }

    fn now(&self) -> u64 {
        self.shared.clock.now_ms() / 1000
    }

    /// Tells the newest head, which a concurrent caller may have made.
    fn announce(&self) {
        self.shared.heads.send_if_modified(|known| {
            let Ok(state) = self.read(Store::state) else {
                return false;
            };
            let head = head_of(&state);
            let changed = *known != head;
            *known = head;
            changed
        });
    }
}

/// Makes a block per interval until the layer is gone. A block that is late by
/// more than an interval moves the following ones; none is made to catch up.
async fn produce(layer: Weak<Shared>, clock: Arc<dyn Clock>, opened_ms: u64, block_time: Duration) {
    let interval = u64::try_from(block_time.as_millis()).unwrap_or(u64::MAX);
    let mut due = opened_ms.saturating_add(interval);
    let mut reached = 0;
    loop {
        let now = clock.now_ms();
        // Also after the clock was set back.
        if due < now || due - now > interval {
            due = now.saturating_add(if due < now { 0 } else { interval });
        }
        clock.sleep(Duration::from_millis(due - now)).await;
        due = due.saturating_add(interval);
        let Some(shared) = layer.upgrade() else {
            return;
        };
        match (Layer { shared })
            .seal_in_turn(&mut reached, interval)
            .await
        {
            Ok(header) => {
                tracing::trace!(height = header.height.0, hash = %header.hash, "DA block")
            }
            Err(Error::Closed) => return,
            Err(error) => {
                tracing::error!(%error, "the local DA layer could not make a block");
                if error.kind() == ErrorKind::Fatal {
                    // Whoever calls the layer is told the same.
                    return;
                }
            }
        }
    }
}
