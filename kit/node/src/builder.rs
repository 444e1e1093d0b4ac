use crate::{
    DaLayers, NodeConfig, NodeError, OnAnnouncement, RoleConfig, SequencerConfig,
    chain::Chain,
    derivation::{self, Derivation, DerivedHook, Lacking},
    derived::DaView,
    events::Events,
    feed::{FeedConnector, FeedHub, TcpConnector},
    feed_store::StoredFeed,
    fold::Errors,
    gate::Gate,
    identity,
    layers::least_piece,
    maintenance,
    node::{Api, Facts, Forwarder, Life, NodeHandle},
    pool::PoolService,
    post::Poster,
    replica::{Contradictions, Progress, Replica},
    sequencer::Sequencer,
    supervisor::Supervisor,
    tasks::{Spawner, TokioSpawner},
};
use rollwright_core::{
    BlockRef, Clock, DaCaps, Execution, Layers, ModeKind, Role, Rollup, Settlement,
    decorators::TimeLimit,
};
use rollwright_derive::{Batcher, BatcherSettings, Derivable, DeriverState, RECORD_PREFIX, Rules};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Requests for a block that may wait at a time.
const MINE_REQUESTS: usize = 64;

/// Builds a running node from a rollup's layers.
///
/// ```no_run
/// # use rollwright_node::*;
/// # use rollwright_core::*;
/// # use rollwright_derive::Derivable;
/// # async fn run<R: Rollup>(layers: Layers<R>) -> Result<(), NodeError>
/// # where R::Execution: Derivable {
/// let node = Node::start(layers, NodeConfig::follower(), SystemClock).await?;
/// let failure = node.stopped().await;
/// node.shutdown().await
/// # }
/// ```
pub struct Node<R: Rollup> {
    layers: Layers<R>,
    later_da: Vec<R::Da>,
    config: NodeConfig,
    clock: Arc<dyn Clock>,
    forwarder: Option<Arc<dyn Forwarder>>,
    spawner: Arc<dyn Spawner>,
    connector: Arc<dyn FeedConnector>,
}

impl<R: Rollup> fmt::Debug for Node<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl<R: Rollup> Node<R>
where
    R::Execution: Derivable,
{
    /// A node that is not started yet.
    pub fn new(layers: Layers<R>, config: NodeConfig, clock: impl Clock) -> Self {
        Self {
            layers,
            later_da: Vec::new(),
            config,
            clock: Arc::new(clock),
            forwarder: None,
            spawner: Arc::new(TokioSpawner),
            connector: Arc::new(TcpConnector),
        }
    }

    /// Where a follower or replica sends the transactions that it is given.
    #[must_use]
    pub fn forward_to(mut self, forwarder: Arc<dyn Forwarder>) -> Self {
        self.forwarder = Some(forwarder);
        self
    }

    /// The layers of the DA epochs after the first one, in order. Those that
    /// are not reached yet may be left out.
    #[must_use]
    pub fn continue_on(mut self, later: impl IntoIterator<Item = R::Da>) -> Self {
        self.later_da.extend(later);
        self
    }

    /// Who runs the node's tasks, instead of the tokio runtime itself.
    #[must_use]
    pub fn run_on(mut self, spawner: Arc<dyn Spawner>) -> Self {
        self.spawner = spawner;
        self
    }

    /// How a replica reaches its feed, instead of over TCP.
    #[must_use]
    pub fn connect_with(mut self, connector: Arc<dyn FeedConnector>) -> Self {
        self.connector = connector;
        self
    }

    /// Starts a node without a forwarder: see [`run`](Self::run).
    pub async fn start(
        layers: Layers<R>,
        config: NodeConfig,
        clock: impl Clock,
    ) -> Result<NodeHandle, NodeError> {
        Self::new(layers, config, clock).run().await
    }

    /// Opens the chain where the store left it, checks that configuration,
    /// store and DA layer belong together, and starts all tasks on the present
    /// tokio runtime.
    ///
    /// `Config`: the settings cannot work on this chain. Errors of the layers
    /// come through with their kind; DA need not be reachable at start.
    pub async fn run(self) -> Result<NodeHandle, NodeError> {
        let execution = self.layers.execution.clone();
        let genesis = execution.genesis().await.map_err(NodeError::execution)?;
        let limited =
            |da: &R::Da| TimeLimit::new(da.clone(), self.clock.clone(), self.config.da_timeout);
        let layers = DaLayers::new(limited(&self.layers.da), self.later_da.iter().map(limited));
        let caps = layers.caps();
        let rules = derivation::rules(&execution, genesis, self.config.amendments.clone())?;
        identity::check_da(&rules, &caps)?;
        let deriver = derivation::load_deriver(&execution, rules.clone(), genesis)?;
        let state = Arc::new(deriver.state().clone());
        identity::check_amendments(&execution, &rules, &state)?;
        if let RoleConfig::Sequencer(config) = &self.config.role {
            identity::check_sequencer(config, &rules, &state, &caps)?;
        }

        let chain_key = (execution.caps().chain_id, genesis.hash);
        let supervisor = Supervisor::new(self.spawner.clone());
        let events = Events::new();
        let pool = match &self.config.role {
            RoleConfig::Sequencer(_) => Some(Arc::new(PoolService::new(
                execution.clone(),
                self.config.pool.clone(),
                self.clock.clone(),
            ))),
            _ => None,
        };
        let chain = Arc::new(Chain::open(
            execution.clone(),
            rules.clone(),
            events,
            pool.clone(),
            *state.head(),
        )?);
        let hub = FeedHub::new(
            chain_key,
            self.config.feed.clone(),
            Arc::new(StoredFeed(execution.clone())),
            self.clock.clone(),
            supervisor.token(),
        );
        let parts = Parts {
            chain,
            pool,
            hub,
            gate: Arc::new(Gate::default()),
            errors: Arc::new(Errors::default()),
            watch: Arc::new(watch::Sender::new(DaView::new(state.clone()))),
            caps,
            chain_key,
        };
        let (mine, requests) = mpsc::channel(MINE_REQUESTS);
        let sequencing = matches!(self.config.role, RoleConfig::Sequencer(_));
        let mut hooks: Vec<Box<dyn DerivedHook>> = Vec::new();
        match self.config.role.clone() {
            RoleConfig::Sequencer(config) => {
                self.sequence(&supervisor, &parts, &layers, config, &state, requests)
                    .await?;
            }
            RoleConfig::Replica { feed_url } => {
                let contradictions = Contradictions::load(execution.clone(), parts.gate.clone())?;
                let contradictions = Arc::new(contradictions);
                hooks.push(Box::new(contradictions.clone()));
                self.replicate(&supervisor, &parts, feed_url, contradictions);
            }
            RoleConfig::Follower => {}
        }
        let lacking = Lacking::load(
            &parts.chain.execution,
            &parts.chain.rules,
            state.next_ordinal(),
        )?;
        let mut reading = self.config.derivation.clone();
        if sequencing {
            // It could not follow its own batches.
            reading.on_announcement = OnAnnouncement::GoOn;
        }
        let derivation = Derivation {
            lacking,
            chain: parts.chain.clone(),
            layers,
            caps: parts.caps.clone(),
            deriver,
            config: reading,
            clock: self.clock.clone(),
            errors: parts.errors.clone(),
            watch: parts.watch.clone(),
            hooks,
            say_batches: !sequencing,
        };
        supervisor.spawn("derivation", derivation.run(supervisor.token()));
        let heads = parts.chain.view().heads;
        tracing::info!(
            target: "node",
            role = role_name(self.config.role.role()),
            latest = heads.latest.number,
            safe = heads.safe.number,
            "started"
        );
        Ok(self.handle(supervisor, parts, sequencing.then_some(mine), genesis))
    }

    async fn sequence(
        &self,
        supervisor: &Supervisor,
        parts: &Parts<R::Execution>,
        layers: &DaLayers<TimeLimit<R::Da>>,
        config: SequencerConfig,
        state: &DeriverState,
        requests: mpsc::Receiver<crate::sequencer::MineRequest>,
    ) -> Result<(), NodeError> {
        let Some(pool) = parts.pool.clone() else {
            return Ok(());
        };
        pool.restore().await?;
        let rules = parts.chain.rules.clone();
        let epoch = rules.epoch_at(state.next_ordinal()).index as usize;
        let present = parts.caps.get(epoch).or(parts.caps.last());
        let Some(present) = present else {
            return Ok(());
        };
        let settings = settings(&config, &rules, state, present);
        let execution = parts.chain.execution.clone();
        let records = derivation::all_records(&execution, RECORD_PREFIX)?;
        let batcher = Batcher::load(rules, settings, state, records).map_err(NodeError::derive)?;
        let made = CancellationToken::new();
        let poster = Poster {
            chain: parts.chain.clone(),
            layers: layers.clone(),
            caps: parts.caps.clone(),
            codec: execution.codec(),
            key: config.key.clone(),
            config: config.post.clone(),
            clock: self.clock.clone(),
            errors: parts.errors.clone(),
            gate: parts.gate.clone(),
            made: made.clone(),
            failure: supervisor.watch_failure(),
        };
        let sequencer = Sequencer {
            chain: parts.chain.clone(),
            pool: pool.clone(),
            hub: parts.hub.clone(),
            gate: parts.gate.clone(),
            clock: self.clock.clone(),
            spawner: self.spawner.clone(),
            term: config.term.max(state.term()),
            config,
            chain_key: parts.chain_key,
            da_block_time: present.block_time,
            feed_blocks: self.config.feed.keep_blocks,
            piece_bytes: least_piece(&parts.caps),
        };
        let stop = supervisor.token();
        let view = parts.watch.subscribe();
        supervisor.spawn("journal", maintenance::journal(pool.clone(), stop.clone()));
        supervisor.spawn(
            "pool",
            maintenance::upkeep(pool, self.clock.clone(), stop.clone()),
        );
        supervisor.spawn("poster", poster.run(batcher, view.clone(), stop.clone()));
        let ended = made.drop_guard();
        supervisor.spawn("sequencer", async move {
            let _ended = ended;
            sequencer.run(view, requests, stop).await
        });
        Ok(())
    }

    fn replicate(
        &self,
        supervisor: &Supervisor,
        parts: &Parts<R::Execution>,
        url: String,
        contradictions: Arc<Contradictions<R::Execution>>,
    ) {
        let replica = Replica {
            chain: parts.chain.clone(),
            hub: parts.hub.clone(),
            gate: parts.gate.clone(),
            errors: parts.errors.clone(),
            clock: self.clock.clone(),
            config: self.config.feed.clone(),
            retry: self.config.derivation.retry,
            url,
            chain_key: parts.chain_key,
            connector: self.connector.clone(),
            contradictions,
            progress: Progress::default(),
        };
        let stop = supervisor.token();
        supervisor.spawn("replica", replica.run(parts.watch.subscribe(), stop));
    }

    fn handle(
        self,
        supervisor: Supervisor,
        parts: Parts<R::Execution>,
        mine: Option<mpsc::Sender<crate::sequencer::MineRequest>>,
        genesis: BlockRef,
    ) -> NodeHandle {
        let settlement = match self.layers.settlement.mode().kind {
            ModeKind::Sovereign => "sovereign",
            ModeKind::Checkpoint => "checkpoint",
            ModeKind::Optimistic => "optimistic",
            ModeKind::Native => "native",
            ModeKind::Validity => "validity",
        };
        let timeout = shutdown_timeout(&self.config);
        let pool = parts.pool.clone();
        let api = Api {
            facts: Facts {
                name: self.config.name,
                role: self.config.role.role(),
                chain_id: parts.chain_key.0,
                rollup_id: genesis.hash,
                settlement: settlement.into(),
            },
            chain: parts.chain,
            pool: parts.pool,
            forwarder: self.forwarder,
            da: parts.watch,
            gate: parts.gate,
            errors: parts.errors,
            mine,
            stop: supervisor.token(),
        };
        NodeHandle {
            api: Arc::new(api),
            life: Arc::new(Life {
                supervisor,
                hub: parts.hub,
                clock: self.clock,
                timeout,
                last: Box::new(move || {
                    let pool = pool.clone();
                    Box::pin(async move {
                        match pool {
                            Some(pool) => pool.flush().await.map(|_| ()),
                            None => Ok(()),
                        }
                    })
                }),
            }),
        }
    }
}

/// What the tasks of a node share.
struct Parts<E> {
    chain: Arc<Chain<E>>,
    pool: Option<Arc<PoolService<E>>>,
    hub: Arc<FeedHub>,
    gate: Arc<Gate>,
    errors: Arc<Errors>,
    watch: Arc<watch::Sender<DaView>>,
    /// Of each DA epoch's layer.
    caps: Vec<DaCaps>,
    chain_key: (u64, alloy_primitives::B256),
}

/// A stop has the time that posting may take of it, and as much again as
/// configured.
fn shutdown_timeout(config: &NodeConfig) -> Duration {
    match &config.role {
        RoleConfig::Sequencer(sequencer) => config
            .shutdown_timeout
            .saturating_add(sequencer.post.stop_wait),
        _ => config.shutdown_timeout,
    }
}

/// The role as configuration and status write it.
const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Sequencer => "sequencer",
        Role::Follower => "follower",
        Role::Replica => "replica",
    }
}

fn settings(
    config: &SequencerConfig,
    rules: &Rules,
    state: &DeriverState,
    caps: &DaCaps,
) -> BatcherSettings {
    let set = rules.at(state.next_ordinal());
    let last_codec = set
        .codecs
        .last()
        .copied()
        .unwrap_or(rollwright_derive::CodecId::NONE);
    BatcherSettings {
        signer: config.key.address(),
        codec: config.post.codec.unwrap_or(last_codec),
        term: config.term.max(state.term()),
        max_blob_bytes: caps.max_blob_bytes,
        max_unit_bytes: caps.max_unit_bytes,
        target_bytes: config.post.max_batch_bytes,
        max_age_ms: u64::try_from(config.post.interval.as_millis()).unwrap_or(u64::MAX),
        max_in_flight: config.post.max_in_flight,
        margin: config.post.margin.min(set.timing.window / 8),
    }
}
