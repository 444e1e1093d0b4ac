//! Chains of Ethereum's own blocks: imported from a file, and served.
//!
//! ```text
//! genesis.json     what the chain is, as it was given
//! state/           blocks and state
//! ```

use crate::{ProjectError, StartError, files, metrics};
use rollwright_evm::{
    engine::{EvmConfig, EvmEngine, Location},
    genesis::Genesis,
    import::{ImportError, Importer},
    rpc::{EthConfig, eth_module},
    store::StoreOptions,
};
use rollwright_node::{ArchiveNode, SystemClock};
use rollwright_rpc::{RpcError, Server, ServerConfig};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{sync::watch, task::JoinHandle};

/// An Ethereum chain in a data directory, which one process uses at a time.
#[derive(Clone, Debug)]
pub struct EthereumChain {
    engine: EvmEngine,
    data_dir: PathBuf,
}

impl EthereumChain {
    /// Opens a chain, and makes it where the folder has none yet. `genesis` is
    /// a file in geth's form; `memory` bounds the store, in bytes.
    ///
    /// A folder that holds another chain is refused with both genesis hashes,
    /// and so is the genesis file of a rollup.
    pub fn create(data_dir: &Path, genesis: &Path, memory: usize) -> Result<Self, ProjectError> {
        let text = read(genesis)?;
        let chain = Self::at(data_dir, &text, genesis, memory)?;
        chain.engine.init()?;
        files::write(&data_dir.join("genesis.json"), &text)?;
        Ok(chain)
    }

    /// Opens a chain that [`create`](Self::create) made.
    pub fn open(data_dir: &Path, memory: usize) -> Result<Self, ProjectError> {
        let genesis = data_dir.join("genesis.json");
        if !genesis.exists() || !data_dir.join("state").exists() {
            return Err(ProjectError::NoChain {
                path: data_dir.to_owned(),
            });
        }
        let text = read(&genesis)?;
        Self::at(data_dir, &text, &genesis, memory)
    }

    fn at(
        data_dir: &Path,
        text: &str,
        genesis: &Path,
        memory: usize,
    ) -> Result<Self, ProjectError> {
        let parsed = Genesis::from_geth_json(text)?;
        if parsed.config.rollwright.is_some() {
            return Err(ProjectError::ARollup {
                path: genesis.to_owned(),
            });
        }
        files::make_dir(data_dir)?;
        let (store, options) = StoreOptions::within(memory);
        let engine = EvmEngine::open(EvmConfig {
            location: Location::Directory {
                path: data_dir.join("state"),
                options,
            },
            store,
            ..EvmConfig::in_memory(parsed)
        })?;
        Ok(Self {
            engine,
            data_dir: data_dir.to_owned(),
        })
    }

    /// Blocks and state.
    pub const fn engine(&self) -> &EvmEngine {
        &self.engine
    }

    /// What adds blocks to it.
    pub fn importer(&self) -> Result<Importer, ImportError> {
        let config = Arc::clone(self.engine.chain_config());
        Importer::open(self.engine.store().clone(), config)
    }

    /// Answers for the chain over HTTP and WebSocket. Its head becomes safe and
    /// final; no blocks are made, and what is submitted waits in the pool.
    pub async fn serve(&self, listen: SocketAddr) -> Result<ServedChain, StartError> {
        // The port first: a taken one is found before anything is written.
        let server = Server::bind(ServerConfig {
            listen,
            cors: vec!["*".to_owned()],
            client_version: format!("rollwright/v{}", env!("CARGO_PKG_VERSION")),
            metrics: metrics::recorder(),
            ..ServerConfig::default()
        })
        .await?;
        let address = server.local_addr();
        let name = self.data_dir.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let node = ArchiveNode::start(self.engine.clone(), name, Arc::new(SystemClock)).await?;
        let methods = eth_module(&self.engine, node.api(), EthConfig::default())?;
        let (stop, mut stopping) = watch::channel(false);
        let server = server.serve(methods, node.api(), axum::Router::new(), async move {
            // The sender is dropped with the chain, which stops it too.
            let _ = stopping.wait_for(|stop| *stop).await;
        });
        Ok(ServedChain {
            node,
            address,
            stop,
            server: tokio::spawn(server),
        })
    }
}

/// A chain that answers. Dropping it ends it at once, which loses nothing that
/// was acknowledged.
#[derive(Debug)]
pub struct ServedChain {
    node: ArchiveNode,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    server: JoinHandle<Result<(), RpcError>>,
}

impl ServedChain {
    /// Where it listens, with the port that was chosen.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The node as servers see it.
    pub fn api(&self) -> Arc<dyn rollwright_core::NodeApi> {
        self.node.api()
    }

    /// Closes the port, and lets calls in flight finish.
    pub async fn stop(self) -> Result<(), StartError> {
        self.stop.send_replace(true);
        match self.server.await {
            Ok(result) => Ok(result?),
            // The task is never aborted; a panic in it was reported by tokio.
            Err(_) => Ok(()),
        }
    }
}

fn read(path: &Path) -> Result<String, ProjectError> {
    std::fs::read_to_string(path).map_err(|source| ProjectError::Unreadable {
        path: path.to_owned(),
        source,
    })
}
