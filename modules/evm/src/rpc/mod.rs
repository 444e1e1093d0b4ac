//! The `eth_` methods as a jsonrpsee module.
//!
//! Shapes are those of ethereum/execution-apis by way of `alloy-rpc-types`;
//! where that text is silent, answers and errors are geth's.
//!
//! What differs from a node of Ethereum's mainnet:
//!
//! - the block tag `pending` means the latest block, with two exceptions: the
//!   nonce of an account counts its waiting transactions, and transactions are
//!   found by hash while they wait;
//! - `safe` and `finalized` are the heads that are derived from observed and
//!   from final DA; `latest` is what the sequencer preconfirmed;
//! - there are no uncles, no blobs and no mining.
//!
//! Calls, estimates and log queries that are brief are answered at once, as are
//! reads from memory or by one look-up. Longer ones, traces and proofs run on
//! threads of their own, so many at a time as
//! [`EthConfig::concurrent_calls`] says. What finds no room is refused with
//! −32005, as is a transaction that the pool has no room for: clients that know
//! the code try again.

mod access_list;
mod api;
mod args;
mod blobs;
mod call;
mod config;
mod dev;
mod error;
mod fees;
mod fill;
mod filters;
mod journal;
mod logs;
mod otterscan;
mod reads;
mod replay;
mod request;
mod sandbox;
mod send;
mod shapes;
mod sign;
mod simulate;
mod subscribe;
mod trace;
mod transaction;
mod txpool;
mod view;

#[cfg(test)]
mod tests;

pub use config::EthConfig;
pub use sandbox::sandbox_methods;

use crate::{engine::EvmEngine, store::StoreError};
use api::EthApi;
use jsonrpsee::{Methods, RpcModule, core::RegisterMethodError};
use rollwright_core::NodeApi;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Why the module could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EthModuleError {
    /// The store could not be read: it needs at least its genesis block.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A method was registered twice.
    #[error(transparent)]
    Methods(#[from] RegisterMethodError),
    /// A development key is no secret key of secp256k1.
    #[error("development key {index} is not a valid secp256k1 secret key")]
    DevKey {
        /// Its place in [`EthConfig::dev_keys`].
        index: usize,
    },
}

impl rollwright_core::LayerError for EthModuleError {
    fn kind(&self) -> rollwright_core::ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Methods(_) | Self::DevKey { .. } => rollwright_core::ErrorKind::Fatal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Methods(_) => "RW-EVM-901",
            Self::DevKey { .. } => "RW-EVM-902",
        }
    }
}

/// All `eth_` methods over an engine that has its genesis block, and over the
/// node that drives it.
///
/// Must be called within a tokio runtime: a task follows the node's events
/// until the methods are dropped.
pub fn eth_module(
    engine: &EvmEngine,
    node: Arc<dyn NodeApi>,
    config: EthConfig,
) -> Result<Methods, EthModuleError> {
    let store = engine.store().clone();
    let accounts = dev::accounts(&config.dev_keys)?;
    let is_sandbox = config.sandbox.is_some();
    let journal = journal::Journal::follow(store.clone(), Arc::clone(&node))?;
    let api = Arc::new(EthApi {
        engine: engine.clone(),
        store,
        chain: Arc::clone(engine.chain_config()),
        node,
        journal,
        filters: filters::Filters::default(),
        heavy: Arc::new(Semaphore::new(config.concurrent_calls.max(1))),
        queue: Semaphore::new(config.max_waiting_calls.min(Semaphore::MAX_PERMITS)),
        distrust: std::sync::atomic::AtomicU32::new(0),
        config,
    });
    let mut module = RpcModule::new(api);
    reads::register(&mut module)?;
    fees::register(&mut module)?;
    call::register(&mut module)?;
    send::register(&mut module)?;
    logs::register(&mut module)?;
    txpool::register(&mut module)?;
    trace::register(&mut module)?;
    otterscan::register(&mut module)?;
    access_list::register(&mut module)?;
    simulate::register(&mut module)?;
    fill::register(&mut module)?;
    filters::register(&mut module)?;
    subscribe::register(&mut module)?;
    dev::register(&mut module, accounts, is_sandbox)?;
    sandbox::register(&mut module)?;
    Ok(module.into())
}
