//! What of a node goes with a snapshot of its engine's state.
//!
//! The engine writes and checks the state itself; this module says at which
//! block a snapshot is taken and which records belong to it.

use crate::{
    NodeError,
    derivation::{load_deriver, rules},
    identity, records as stored,
};
use alloy_primitives::Bytes;
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{BlockRef, ChainStore, DaBlockId, RecordChange};
use rollwright_derive::{Amendment, Derivable, DeriverState};

/// The node's side of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSnapshot {
    /// The block whose state belongs to it: derived from final DA.
    pub block: BlockRef,
    /// The last DA block that was read for it; `None` before the first.
    pub da: Option<DaBlockId>,
    /// Records to write when the snapshot is imported.
    pub records: Vec<RecordChange>,
}

/// The newest snapshot that no reorganisation of DA can make wrong: the
/// derived state after the last final DA block.
///
/// Reads the store of a node that is not running, and changes nothing. A node
/// that starts from the result goes on with the DA block above
/// [`NodeSnapshot::da`]. Pool, posting journal and feed stay behind.
pub async fn take_snapshot<E: Derivable>(
    execution: &E,
    amendments: Vec<Amendment>,
) -> Result<NodeSnapshot, NodeError> {
    let genesis = execution.genesis().await.map_err(NodeError::execution)?;
    let count = amendments.len();
    let rules = rules(execution, genesis, amendments)?;
    let mut deriver = load_deriver(execution, rules, genesis)?;
    // Nothing of this reaches the store.
    let least = deriver.final_below();
    if least < deriver.state().next_ordinal() {
        deriver.rollback(least).map_err(NodeError::derive)?;
    }
    let state = deriver.state();
    let mut records = state.to_records();
    records.push(identity::record(count));
    let block = state.head().block;
    records.push(stored::put(stored::SNAPSHOT, &Origin { block }));
    Ok(NodeSnapshot {
        block,
        da: state.last_da_block(),
        records,
    })
}

/// Checks that records which came with the state of `block` are a deriver's
/// state that ends in that block, and returns the last DA block read for it.
///
/// Whether the block is the chain's own, and whether the deriver's state is
/// the one that DA gives, is not in the records: compare the block's hash with
/// a node that derived it, and trust the source for the rest, or derive.
pub fn check_snapshot(
    block: BlockRef,
    records: &[RecordChange],
) -> Result<Option<DaBlockId>, NodeError> {
    let refused = |reason: String| NodeError::Snapshot { reason };
    let rows = records
        .iter()
        .filter_map(|change| Some((change.key.clone(), change.value.clone()?)));
    let rows: Vec<(Bytes, Bytes)> = rows.collect();
    let state = DeriverState::from_records(rows)
        .map_err(|error| refused(error.to_string()))?
        .ok_or_else(|| refused("it holds no state of the deriver".into()))?;
    let head = state.head().block;
    if head != block {
        return Err(refused(format!(
            "its deriver ends in block {} {}, and its state is of block {} {}",
            head.number, head.hash, block.number, block.hash
        )));
    }
    Ok(state.last_da_block())
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Origin {
    block: BlockRef,
}

/// The block of the snapshot that a store was filled from: of older blocks it
/// keeps little or nothing. `None` where it derived all of its blocks itself.
pub fn snapshot_origin<S: ChainStore>(store: &S) -> Result<Option<BlockRef>, NodeError> {
    let origin: Option<Origin> = stored::get(store, stored::SNAPSHOT)?;
    Ok(origin.map(|origin| origin.block))
}
