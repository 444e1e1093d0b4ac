//! A rollup that runs: its node and its port.

use crate::{
    Project, ProjectError, StartError,
    config::{AnnouncementChoice, BlockTimeSetting, ByteSize},
    metrics,
    serve::Serves,
    traces::{self, LiveFile},
};
use rollwright_core::{Layers, NodeApi, Role, Rollup};
use rollwright_da_local::LocalDa;
use rollwright_derive::{AmendmentChange, Derivable};
use rollwright_node::{
    BlockTime, Node, NodeConfig, NodeHandle, OnAnnouncement, RoleConfig, SequencerConfig,
    SequencerKey,
};
use rollwright_rpc::{Server, ServerConfig};
use std::{marker::PhantomData, net::SocketAddr, num::NonZeroU64, sync::Arc};
use tokio::{sync::watch, task::JoinHandle};

/// A running rollup. Dropping it stops the node as a kill would, which loses
/// nothing that was acknowledged; [`stop`](Self::stop) is the orderly way.
pub struct Running<R: Rollup> {
    node: NodeHandle,
    layers: Layers<R>,
    rpc: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<Result<(), rollwright_rpc::RpcError>>,
    project: Project,
    _live: LiveFile,
    rollup: PhantomData<fn() -> R>,
}

impl<R: Rollup> Running<R> {
    pub(crate) async fn start(
        project: &Project,
        layers: Layers<R>,
        later_da: Vec<R::Da>,
    ) -> Result<Self, StartError>
    where
        R::Execution: Derivable + Serves,
    {
        let settings = &project.config.values;
        let config = node_config(project)?;
        // The port first: a taken one is found before anything is written.
        let server = Server::bind(ServerConfig {
            listen: project.listen,
            cors: settings.rpc.cors.clone(),
            client_version: format!("rollwright/v{}", env!("CARGO_PKG_VERSION")),
            metrics: metrics::recorder(),
            max_request_bytes: size(settings.rpc.max_body),
            max_receiving_bytes: size(settings.rpc.max_receiving),
            max_response_bytes: size(settings.rpc.max_response),
            max_batch: usize::try_from(settings.rpc.max_batch).unwrap_or(usize::MAX),
            max_connections: usize::try_from(settings.rpc.max_connections).unwrap_or(usize::MAX),
            ..ServerConfig::default()
        })
        .await?;
        let rpc = server.local_addr();

        traces::leave_settings(project)?;
        let mut node = Node::new(layers.clone(), config, project.clock()).continue_on(later_da);
        if let Some(url) = &settings.follower.sequencer {
            node = node.forward_to(crate::forward::to(url)?);
        }
        let node = node.run().await?;
        let methods = layers.execution.methods(node.api(), project)?;
        let (stop, mut stopping) = watch::channel(false);
        let extra = routes(project, &node)?;
        let server = tokio::spawn(server.serve(methods, node.api(), extra, async move {
            // The sender is dropped with the rollup, which stops it too.
            let _ = stopping.wait_for(|stop| *stop).await;
        }));
        let live = traces::leave_address(project, rpc)?;
        Ok(Self {
            node,
            layers,
            rpc,
            stop,
            server,
            project: project.clone(),
            _live: live,
            rollup: PhantomData,
        })
    }

    /// Where JSON-RPC listens, with the port that was chosen.
    pub const fn rpc_address(&self) -> SocketAddr {
        self.rpc
    }

    /// The node as servers see it.
    pub fn api(&self) -> Arc<dyn NodeApi> {
        self.node.api()
    }

    /// The four layers.
    pub const fn layers(&self) -> &Layers<R> {
        &self.layers
    }

    /// The project that it was started from.
    pub const fn project(&self) -> &Project {
        &self.project
    }

    /// Runs until Ctrl-C, a termination signal, or a failure; then stops in
    /// order. The error is what made it fail.
    pub async fn until_stopped(self) -> Result<(), StartError> {
        self.until(signal()).await
    }

    /// Runs until `wish` completes, or a failure; then stops in order. The
    /// error is what made it fail.
    pub async fn until(self, wish: impl Future<Output = ()>) -> Result<(), StartError> {
        tokio::select! {
            () = wish => tracing::info!(target: "node", "stopping"),
            _ = self.node.stopped() => {}
        }
        self.stop().await
    }

    /// Stops in order: the port, then the node, then what it has to write. An
    /// embedded DA layer, whose blocks end with this process, makes a last one
    /// of what was handed to it.
    pub async fn stop(self) -> Result<(), StartError> {
        self.stop.send_replace(true);
        let server = match self.server.await {
            Ok(result) => result,
            // The task is never aborted; a panic in it was reported by tokio.
            Err(_) => Ok(()),
        };
        let stopped = self.node.shutdown().await;
        for open in self.project.locals.all() {
            include_what_waits(&open.layer).await;
            open.layer.close().await;
        }
        self.project.celestia.stop().await;
        self.project.dev_l1.stop().await;
        stopped?;
        Ok(server?)
    }
}

impl<R: Rollup> std::fmt::Debug for Running<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("rpc", &self.rpc)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

/// Most DA blocks that a stop makes.
const LAST_BLOCKS: usize = 8;

async fn include_what_waits(da: &LocalDa) {
    for _ in 0..LAST_BLOCKS {
        // A layer that fails has said so; the units wait in its file.
        let Ok(status) = da.status().await else {
            return;
        };
        if status.pending_units == 0 {
            return;
        }
        let Ok(block) = da.seal().await else {
            return;
        };
        tracing::info!(target: "da", height = block.height.0, "a last DA block holds what was posted");
    }
}

fn size(bytes: ByteSize) -> usize {
    usize::try_from(bytes.0).unwrap_or(usize::MAX)
}

/// Completes on Ctrl-C or SIGTERM.
pub(crate) async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without signals the process is stopped by other means.
    let _ = tokio::signal::ctrl_c().await;
}

/// What is served beside JSON-RPC: the feed, and the embedded DA layer for
/// other processes.
fn routes(project: &Project, node: &NodeHandle) -> Result<axum::Router, StartError> {
    let mut routes = axum::Router::new().nest("/feed", node.feed_router());
    for open in project.locals.all() {
        let config = rollwright_da_local::ServeConfig::default();
        let router =
            rollwright_da_local::router(&open.layer, config).map_err(ProjectError::from)?;
        routes = routes.nest(&format!("/da{}", open.suffix), router);
    }
    Ok(routes)
}

fn node_config(project: &Project) -> Result<NodeConfig, ProjectError> {
    let settings = &project.config.values;
    let role = match project.role {
        Role::Sequencer => RoleConfig::Sequencer(sequencer_config(project)?),
        Role::Follower => RoleConfig::Follower,
        Role::Replica => RoleConfig::Replica {
            feed_url: settings.follower.feed.clone().ok_or(ProjectError::NoFeed)?,
        },
    };
    let mut config = NodeConfig::new(role);
    config.amendments = project.amendments().to_vec();
    config.da_timeout = settings.da.timeout.0;
    config.derivation.keep_batches = settings.da.keep_batches;
    config.derivation.on_announcement = match settings.da.on_announcement {
        AnnouncementChoice::Hold => OnAnnouncement::Hold,
        AnnouncementChoice::GoOn => OnAnnouncement::GoOn,
    };
    config.name.clone_from(&settings.chain.name);
    config.pool.max_transactions = settings.sequencer.pool_transactions;
    config.pool.max_per_sender = settings.sequencer.pool_per_sender;
    Ok(config)
}

fn sequencer_config(project: &Project) -> Result<SequencerConfig, ProjectError> {
    let settings = &project.config.values;
    let key = project.sequencer_key()?;
    refuse_unscheduled(project, &key)?;
    let mut config = SequencerConfig::new(key);
    if let Some(recipient) = settings.sequencer.fee_recipient {
        config.fee_recipient = recipient;
    }
    config.block_time = match settings.chain.block_time {
        BlockTimeSetting::Auto => BlockTime::Auto,
        BlockTimeSetting::Every(period) => {
            NonZeroU64::new(period.as_millis()).map_or(BlockTime::Auto, BlockTime::IntervalMs)
        }
    };
    config.max_unposted_bytes = settings.da.buffer_limit.0;
    config.post.interval = settings.da.batch_interval.0;
    config.post.stop_wait = settings.da.stop_wait.0;
    config.post.max_batch_bytes = u32::try_from(settings.da.max_batch.0).unwrap_or(u32::MAX);
    Ok(config)
}

/// A key that is not in the schedule would post what every node drops.
pub(crate) fn refuse_unscheduled(
    project: &Project,
    key: &SequencerKey,
) -> Result<(), ProjectError> {
    let amended = project
        .amendments()
        .iter()
        .filter_map(|amendment| match &amendment.change {
            AmendmentChange::Keys(keys) => Some(keys),
            _ => None,
        });
    let genesis = project.rollup().keys.iter().map(|entry| &entry.keys);
    let scheduled: Vec<_> = genesis.chain(amended).flatten().collect();
    if scheduled.contains(&&key.address()) {
        return Ok(());
    }
    let scheduled: Vec<String> = scheduled.iter().map(ToString::to_string).collect();
    Err(ProjectError::WrongKey {
        address: key.address().to_string(),
        scheduled: scheduled.join(", "),
    })
}
