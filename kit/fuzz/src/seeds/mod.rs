//! What seeds are made of: real values through the real encoders.

mod chain;
mod derive;
mod transactions;
mod values;

pub(crate) use chain::{DEV_KEY, WRITER, amendments, genesis, json, rollup, small_genesis, tomls};
pub(crate) use derive::{batcher_records, empty_world, worlds};
pub(crate) use transactions::{batches, transactions, transfer, write};
pub(crate) use values::{signed_block, values};

/// Chain id of all seeds.
pub(crate) const CHAIN_ID: u64 = 42069;
