use crate::{
    Conductor, Draw, Feeds, Life, LifeSpawner, Plan, Sabotage, SimClock, SimDa, SimEngine,
    SimLayer, SimRole, Trace,
    machine::{Chain, SEQUENCER_KEY, now, sure},
};
use alloy_primitives::B256;
use futures_util::FutureExt;
use parking_lot::Mutex;
use rollwright_core::{
    Heads, Layers, Rollup,
    memory::{NoMessaging, Sovereign},
};
use rollwright_derive::Amendment;
use rollwright_node::{
    Backoff, BlockTime, Node, NodeConfig, NodeError, NodeHandle, SequencerConfig, SequencerKey,
    take_snapshot,
};
use std::{num::NonZeroU64, sync::Arc, time::Duration};

/// The layers of a simulated node.
#[derive(Debug)]
pub struct SimRollup<C>(std::marker::PhantomData<C>);

impl<C: Chain> Rollup for SimRollup<C> {
    type Execution = SimEngine<C::Engine>;
    type Da = SimDa;
    type Settlement = Sovereign;
    type Messaging = NoMessaging;
}

/// What a node is made from.
#[derive(Clone, Debug)]
pub struct Surroundings<C> {
    /// The execution layer.
    pub chain: C,
    /// The DA layer.
    pub layer: SimLayer,
    /// The feeds.
    pub feeds: Feeds,
    /// Time and trace.
    pub trace: Trace,
    /// Polls the nodes' tasks.
    pub conductor: Conductor,
    /// Amendments of the chain configuration.
    pub amendments: Vec<Amendment>,
}

/// What a process's start came to.
type Started = Arc<Mutex<Option<Result<NodeHandle, NodeError>>>>;

/// A node over all of its processes.
#[derive(Debug)]
pub struct SimNode<C: Chain> {
    /// Its place in the plan.
    pub index: usize,
    /// What it does.
    pub role: SimRole,
    /// What outlives its processes; none before it joins.
    pub store: Option<C::Store>,
    /// Its clock.
    pub clock: SimClock,
    /// The secret key of its next process, if that sequences.
    pub key: B256,
    /// The present process.
    pub process: Option<Process<C>>,
    /// When the next process starts; none while one runs, and where none will.
    pub starts_ms: Option<u64>,
    /// How long it stays down after the present process.
    pub down_ms: u64,
    processes: u64,
}

/// One process.
#[derive(Debug)]
pub struct Process<C: Chain> {
    /// Its life.
    pub life: Life,
    /// Its engine.
    pub engine: SimEngine<C::Engine>,
    started: Started,
    stopping: bool,
}

/// How a process is.
#[derive(Debug)]
pub enum Condition {
    /// Not up yet.
    Starting,
    /// Up.
    Running(NodeHandle),
    /// Told to stop, or about to end.
    Stopping,
    /// Dead.
    Dead,
    /// Stopped in order.
    Stopped,
    /// Stopped by itself.
    Failed(NodeError),
}

impl<C: Chain> Process<C> {
    /// How it is now.
    pub fn condition(&self) -> Condition {
        if self.life.is_dead() {
            return Condition::Dead;
        }
        let started = self.started.lock();
        let handle = match &*started {
            None => return Condition::Starting,
            Some(Err(error)) => return Condition::Failed(error.clone()),
            Some(Ok(handle)) => handle.clone(),
        };
        drop(started);
        match handle.stopped().now_or_never() {
            None if self.stopping => Condition::Stopping,
            None => Condition::Running(handle),
            Some(Some(error)) => Condition::Failed(error),
            Some(None) => Condition::Stopping,
        }
    }

    /// The handle, once it is up.
    pub fn handle(&self) -> Option<NodeHandle> {
        match &*self.started.lock() {
            Some(Ok(handle)) => Some(handle.clone()),
            _ => None,
        }
    }

    /// Asks it to stop; it is dead afterwards.
    pub fn stop(&mut self, conductor: &Conductor) {
        let Some(handle) = self.handle() else {
            return self.life.kill();
        };
        self.stopping = true;
        let life = self.life.clone();
        let stopping = self.life.guard(async move {
            // An error was the reason for which it stopped before.
            let _ = handle.shutdown().await;
            life.kill();
        });
        conductor.spawn(async move {
            stopping.await;
        });
    }
}

impl<C: Chain> SimNode<C> {
    /// A node that starts at a time.
    pub fn new(index: usize, role: SimRole, starts_ms: u64, trace: &Trace) -> Self {
        Self {
            index,
            role,
            store: None,
            clock: SimClock::new(trace.clone()),
            key: SEQUENCER_KEY,
            process: None,
            starts_ms: Some(starts_ms),
            down_ms: 1_000,
            processes: 0,
        }
    }

    /// Its name in the trace.
    pub fn name(&self) -> String {
        format!("n{}", self.index)
    }

    /// True once it has begun to have a chain of its own.
    pub const fn joined(&self) -> bool {
        self.store.is_some()
    }

    /// Starts a process over what the node has, or over `fresh` where it has
    /// nothing.
    pub fn start(
        &mut self,
        plan: &Plan,
        around: &Surroundings<C>,
        fresh: impl FnOnce() -> C::Store,
    ) {
        self.starts_ms = None;
        let broken = plan.sabotage.filter(|it| it.node() == Some(self.index));
        if broken == Some(Sabotage::StoreIsLost) {
            self.store = None;
        }
        let store = self.store.get_or_insert_with(fresh).clone();
        self.processes += 1;
        let draw = Draw::new(plan.seed).fork(1_000 + self.index as u64);
        let draw = draw.fork(self.processes);
        let life = Life::new(self.name(), around.trace.clone(), draw, plan.detours);
        around.trace.say(&self.name(), &"starts");
        let engine = SimEngine::new(
            around.chain.open(&store),
            life.clone(),
            around.trace.clone(),
            broken,
        )
        .narrow(room(plan));
        let da = SimDa::new(around.layer.clone(), self.index, life.clone(), broken);
        let reach = |layer: &SimLayer| SimDa::new(layer.clone(), self.index, life.clone(), broken);
        let later: Vec<SimDa> = around.layer.later().iter().map(reach).collect();
        let layers: Layers<SimRollup<C>> = Layers {
            execution: engine.clone(),
            da,
            settlement: Sovereign::new(),
            messaging: NoMessaging,
        };
        let node = Node::new(layers, config(self, plan, around), self.clock.clone())
            .continue_on(later)
            .run_on(Arc::new(LifeSpawner {
                life: life.clone(),
                conductor: around.conductor.clone(),
            }))
            .connect_with(Arc::new(around.feeds.clone()));
        let started = Started::default();
        let slot = started.clone();
        let (feeds, index, alive) = (around.feeds.clone(), self.index, life.clone());
        let starting = life.guard(async move {
            let result = node.run().await;
            if let Ok(handle) = &result {
                feeds.serve(index, &alive, handle);
            }
            *slot.lock() = Some(result);
        });
        around.conductor.spawn(async move {
            starting.await;
        });
        self.process = Some(Process {
            life,
            engine,
            started,
            stopping: false,
        });
    }

    /// The heads in its store.
    pub fn stored_heads(&self, chain: &C) -> Option<Heads> {
        use rollwright_core::ChainStore;
        chain.open(self.store.as_ref()?).heads().ok()
    }
}

/// A store that begins where a snapshot of this engine ends; `None` where it
/// has nothing final yet.
pub(crate) fn snapshot<C: Chain>(
    chain: &C,
    engine: &C::Engine,
    amendments: &[Amendment],
) -> Option<C::Store> {
    let taken = sure(now(take_snapshot(engine, amendments.to_vec())));
    (taken.block.number > 0).then(|| chain.import(engine, taken.block, &taken.records))
}

fn config<C: Chain>(node: &SimNode<C>, plan: &Plan, around: &Surroundings<C>) -> NodeConfig {
    let mut config = match node.role {
        SimRole::Sequencer => NodeConfig::sequencer(sequencer(node.key, plan)),
        SimRole::Follower | SimRole::FromSnapshot { .. } => NodeConfig::follower(),
        SimRole::Replica { of } => NodeConfig::replica(Feeds::url(of)),
    };
    config.amendments.clone_from(&around.amendments);
    config.derivation.retry = RETRY;
    if plan.sabotage != Some(Sabotage::PoolIsUnbounded) {
        config.pool.max_transactions = POOL;
    }
    config.feed.buffer_blocks = 32;
    config
}

/// Most transactions in the sequencer's pool.
pub(crate) const POOL: usize = 64;

/// Most transactions of blocks that left the chain, which wait besides: what
/// the users can send in a window.
pub(crate) const ORPHANS: usize = 400;

/// Blocks that may wait to be derived before admission stops.
pub(crate) const UNPOSTED: u64 = 120;

const RETRY: Backoff = Backoff {
    first: Duration::from_millis(200),
    most: Duration::from_secs(3),
};

/// Most transactions of a block: where it is made on demand, so few that one
/// block often follows upon another at once.
const fn room(plan: &Plan) -> u32 {
    match (plan.rollup_block_ms, plan.seed % 3) {
        (0, 0) => 1,
        (0, 1) => 2,
        _ => u32::MAX,
    }
}

fn sequencer(key: B256, plan: &Plan) -> SequencerConfig {
    let key = sure(SequencerKey::from_bytes(key));
    let mut config = SequencerConfig::new(key);
    config.block_time =
        NonZeroU64::new(plan.rollup_block_ms).map_or(BlockTime::Auto, BlockTime::IntervalMs);
    config.confirmation_depth = 1 + plan.seed % 2;
    config.max_unposted_blocks = UNPOSTED;
    config.post.interval = Duration::from_millis(plan.post_ms);
    config.post.max_batch_bytes = 6 * 1024;
    config.post.retry = RETRY;
    config
}
