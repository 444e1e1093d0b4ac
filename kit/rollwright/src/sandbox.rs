//! A chain for test suites: snapshots, pretended balances, mining on demand.
//! It has no DA layer and leaves nothing on disk, so that no other node can
//! follow it and no `verify` can be asked of it.

use crate::{StartError, config::BlockTimeSetting, metrics, running};
use rollwright_core::{Address, Clock, NodeApi};
use rollwright_derive::{DevChain, RollupConfig};
use rollwright_evm::{
    engine::{EvmConfig, EvmEngine},
    genesis::{DEV_CHAIN_ID, DevAccount, DevGenesis},
    rpc::{EthConfig, eth_module},
    sandbox::{Sandbox, SandboxError},
    store::{History, StoreOptions},
};
use rollwright_node::SystemClock;
use rollwright_rpc::{RpcError, Server, ServerConfig};
use std::{future::Future, net::SocketAddr, sync::Arc};
use tokio::{sync::watch, task::JoinHandle};

/// What a sandbox can be told.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// Chain id.
    pub chain_id: u64,
    /// Funded accounts.
    pub accounts: u32,
    /// Time between blocks; `auto` mines each transaction at once.
    pub block_time: BlockTimeSetting,
    /// Where JSON-RPC listens.
    pub listen: SocketAddr,
}

impl Default for SandboxOptions {
    /// Chain 42069 with ten accounts, which mines on demand at 127.0.0.1:8545.
    fn default() -> Self {
        Self {
            chain_id: DEV_CHAIN_ID,
            accounts: 10,
            block_time: BlockTimeSetting::Auto,
            listen: SocketAddr::from(([127, 0, 0, 1], 8545)),
        }
    }
}

/// A sandbox that serves. Dropping it stops it.
#[derive(Debug)]
pub struct RunningSandbox {
    rpc: SocketAddr,
    sandbox: Sandbox,
    accounts: Vec<DevAccount>,
    stop: watch::Sender<bool>,
    server: JoinHandle<Result<(), RpcError>>,
    mining: JoinHandle<()>,
}

impl SandboxOptions {
    /// Opens the port and starts the chain.
    pub async fn start(self) -> Result<RunningSandbox, StartError> {
        let server = Server::bind(ServerConfig {
            listen: self.listen,
            cors: vec!["*".to_owned()],
            client_version: format!("rollwright/v{}", env!("CARGO_PKG_VERSION")),
            metrics: metrics::recorder(),
            ..ServerConfig::default()
        })
        .await?;
        let rpc = server.local_addr();
        let sandbox = self.chain(SystemClock.now_ms() / 1000)?;
        if let BlockTimeSetting::Every(period) = self.block_time {
            sandbox.set_interval(period.0);
        }
        let accounts = crate::dev::accounts(self.accounts);
        let config = EthConfig {
            dev_keys: accounts.iter().map(|account| account.key).collect(),
            sandbox: Some(sandbox.clone()),
            ..EthConfig::default()
        };
        let api: Arc<dyn NodeApi> = Arc::new(sandbox.clone());
        let methods = eth_module(sandbox.engine(), Arc::clone(&api), config)?;
        let (stop, mut stopping) = watch::channel(false);
        let server = tokio::spawn(server.serve(methods, api, axum::Router::new(), async move {
            // The sender is dropped with the sandbox, which stops it too.
            let _ = stopping.wait_for(|stop| *stop).await;
        }));
        let miner = sandbox.clone();
        Ok(RunningSandbox {
            rpc,
            sandbox,
            accounts,
            stop,
            server,
            mining: tokio::spawn(async move { miner.run().await }),
        })
    }

    /// The chain alone, with a genesis block of that time in Unix seconds.
    pub(crate) fn chain(&self, now: u64) -> Result<Sandbox, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Sandbox::new(self.engine(now)?, clock)?)
    }

    fn engine(&self, now: u64) -> Result<EvmEngine, StartError> {
        let rollup = RollupConfig::dev(DevChain {
            network: "none".to_owned(),
            address: "sandbox".to_owned(),
            // Nobody signs batches: there are none.
            sequencer: Address::with_last_byte(1),
            fee_vault: Address::with_last_byte(1),
            ..DevChain::default()
        });
        let genesis = DevGenesis {
            chain_id: self.chain_id,
            accounts: self.accounts,
            ..DevGenesis::new(now, rollup)
        };
        let engine = EvmEngine::open(EvmConfig {
            store: StoreOptions {
                history: History::Archive,
                ..StoreOptions::default()
            },
            ..EvmConfig::in_memory(genesis.genesis())
        })
        .and_then(|engine| {
            engine.init()?;
            Ok(engine)
        });
        engine.map_err(|error| SandboxError::from(error).into())
    }
}

impl RunningSandbox {
    /// Where JSON-RPC listens, with the port that was chosen.
    pub const fn rpc_address(&self) -> SocketAddr {
        self.rpc
    }

    /// The chain.
    pub const fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Its funded accounts.
    pub fn accounts(&self) -> &[DevAccount] {
        &self.accounts
    }

    /// Runs until `wish` completes, then closes the port.
    pub async fn until(mut self, wish: impl Future<Output = ()>) -> Result<(), StartError> {
        tokio::select! {
            () = wish => {}
            ended = &mut self.server => return Ok(ended.unwrap_or(Ok(()))?),
        }
        self.stop.send_replace(true);
        let ended = (&mut self.server).await;
        Ok(ended.unwrap_or(Ok(()))?)
    }

    /// Runs until Ctrl-C or a termination signal.
    pub async fn until_stopped(self) -> Result<(), StartError> {
        self.until(running::signal()).await
    }
}

impl Drop for RunningSandbox {
    fn drop(&mut self) {
        self.mining.abort();
    }
}
