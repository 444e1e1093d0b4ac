//! Transactions that wait for a block.
//!
//! [`Pool`] is the pure rule book: nonce order per sender, replacement,
//! limits, eviction, expiry. `PoolService` is what the node runs: it asks the
//! engine to admit, journals what it takes, and reloads it after a restart.

mod candidates;
mod config;
mod core;
mod journal;
mod replay;
mod sender;
mod service;

pub(crate) use candidates::{BuildReport, PoolCandidates, Taken};
pub use config::{PoolConfig, PoolOrder};
pub use core::{Inserted, Pool};
pub(crate) use replay::Orphan;
pub use sender::PoolTx;
pub(crate) use service::PoolService;

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;
