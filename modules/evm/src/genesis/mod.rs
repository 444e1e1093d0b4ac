//! The chain configuration, `genesis.json` and the genesis block.
//!
//! ```text
//! genesis.json ── Genesis::from_json ──▶ Genesis ── block ──▶ GenesisBlock
//!                 (keys, forks, sizes)                        header, state, config
//! ```
//!
//! The file has the shape that geth reads; a rollup adds one object,
//! `config.rollwright`. The genesis block's `extra_data` is the hash of the
//! whole `config` object, so the genesis hash names chain, DA layer and
//! configuration together.

mod block;
mod config;
#[cfg(feature = "std")]
mod dev;
mod eips;
mod error;
mod file;
mod forks;
mod keys;
mod link;
mod number;
mod quick;
#[cfg(feature = "std")]
mod report;

pub use block::GenesisBlock;
pub use config::{BlobSchedule, ChainConfig, Ethash};
#[cfg(feature = "std")]
pub use dev::{DEV_CHAIN_ID, DEV_GAS_LIMIT, DEV_MNEMONIC, DevAccount, DevGenesis, dev_account};
pub use eips::{Eip, Eips};
pub use error::GenesisError;
pub use file::Genesis;
pub use forks::Fork;
pub use link::Linked;
#[cfg(feature = "std")]
pub use report::{ChainReport, Difference, Predeploy, ScheduledEip, ScheduledPrecompile};

#[cfg(test)]
mod tests;
