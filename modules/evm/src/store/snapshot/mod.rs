//! The state at one block as a file that another node can check.

mod error;

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
