//! The state at one block as a file that another node can check.
//!
//! A snapshot holds the whole state after a block, the block itself, the
//! genesis block, up to 256 headers before it, and records of the node (the
//! deriver's state among them). Chunks carry their index and hash, the end a
//! hash over all. Whoever imports it computes both tries anew and compares the
//! state root with the block's header before anything becomes visible. That
//! the block is the chain's own is not in the file: compare its hash.
//!
//! Export, import and [`check()`] stream: they hold a chunk or two, and 32 bytes
//! for each distinct code. An import that was interrupted, or met a damaged
//! copy, goes on where it stopped when the file is imported again; an export
//! begins anew.

mod check;
mod error;
mod export;
mod format;
mod import;
mod walk;

pub(super) use export::export;
pub(super) use import::import;

pub use check::check;
pub use error::SnapshotError;

use rollwright_core::{B256, BlockRef, RecordChange};

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

/// What a snapshot is of, as its first chunk says: nothing is checked but that
/// chunk, and nothing is counted.
pub fn manifest(input: &mut dyn std::io::Read) -> Result<SnapshotInfo, SnapshotError> {
    let mut reader = format::Reader::new(input)?;
    match reader.next()? {
        Some(format::Chunk::Manifest(manifest)) => Ok(manifest.info()),
        _ => Err(reader.damaged("it is not the manifest")),
    }
}
