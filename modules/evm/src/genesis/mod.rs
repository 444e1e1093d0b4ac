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
mod error;
mod file;
mod forks;
mod keys;
mod number;
mod quick;

pub use block::GenesisBlock;
pub use config::{BlobSchedule, ChainConfig, Ethash};
#[cfg(feature = "std")]
pub use dev::{DEV_CHAIN_ID, DEV_GAS_LIMIT, DEV_MNEMONIC, DevAccount, DevGenesis, dev_account};
pub use error::GenesisError;
pub use file::Genesis;
pub use forks::Fork;

#[cfg(test)]
mod tests;
