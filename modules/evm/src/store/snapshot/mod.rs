//! The state at one block as a file that another node can check.
//!
//! A snapshot holds the whole state after a block, the block itself, the
//! genesis block, up to 256 headers before it, and records of the node (the
//! deriver's state among them). Chunks carry their index and hash, the end a
//! hash over all. Whoever imports it computes both tries anew and compares the
//! state root with the block's header before anything becomes visible. That
//! the block is the chain's own is not in the file: compare its hash.

mod error;
mod export;
mod format;
mod import;

pub(super) use export::export;
pub(super) use import::import;

pub use error::SnapshotError;

use rollwright_core::{B256, BlockRef, RecordChange};
use std::io;

/// What a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Genesis hash of the chain.
    pub genesis: B256,
    /// The block whose state it holds.
    pub block: BlockRef,
    /// State root of that block.
    pub state_root: B256,
    /// Accounts in it.
    pub accounts: u64,
    /// Storage slots in it.
    pub slots: u64,
    /// Records of the node that came with it.
    pub records: Vec<RecordChange>,
}

/// Checks a snapshot without keeping it: reads it into a store in memory, with
/// every check of an import. `genesis` is the chain that is expected, if it is
/// known. Takes as much memory as the state.
pub fn check(
    genesis: Option<B256>,
    input: &mut dyn io::Read,
) -> Result<SnapshotInfo, super::StoreError> {
    let mut start = Vec::new();
    let genesis = match genesis {
        Some(genesis) => genesis,
        None => format::peek(input, &mut start)?,
    };
    let kv = std::sync::Arc::new(super::kv::MemoryKv::new());
    let store = super::Store::open(kv, super::StoreOptions::default())?;
    let mut whole = io::Read::chain(start.as_slice(), input);
    store.import(genesis, &mut whole)
}
