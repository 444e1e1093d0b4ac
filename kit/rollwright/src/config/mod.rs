//! `rollup.toml`: what a node may choose for itself.
//!
//! Consensus settings are not here but in `genesis.json` under
//! `config.rollwright`. Authority, from weak to strong: defaults, the file,
//! `ROLLWRIGHT_*` environment variables, flags. Nested keys of variables are
//! joined by two underscores (`ROLLWRIGHT_DA__LOCAL__PATH`); `ROLLWRIGHT_DA`
//! is short for `da.use`.

mod error;
mod load;
mod schema;
mod secret;
mod show;
mod units;

pub use error::ConfigError;
pub use load::{Layers, Loaded};
pub use schema::*;
pub use secret::{Endpoint, Endpoints, Secret};
pub use show::{Entry, KEYS, KeyDoc, explain};
pub use units::{ByteSize, Period, UtiaPerDay, UtiaPerGas, Wei, WeiPerDay};

#[cfg(test)]
mod tests;
