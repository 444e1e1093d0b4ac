//! Signed blocks that a node keeps for its feed: what the engine does not keep
//! of them, in one small row per block: those above the finalized head, and
//! some older ones for whoever was away.

use crate::{
    NodeError,
    feed::{FeedSource, SignedBlock},
    records,
};
use alloy_primitives::Bytes;
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{
    BlockId, BlockInput, BlockRef, Execution, ForcedBudget, ForcedTx, Heads, RecordChange,
};

/// Most rows that one commit removes.
const FORGET: usize = 64;

/// What, with the engine's record and header, gives a signed block again.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
struct Row {
    hash: alloy_primitives::B256,
    term: u64,
    signature: [u8; 65],
    forced: Vec<ForcedTx>,
    forced_budget: ForcedBudget,
    ticks: Vec<Bytes>,
    inbox: Vec<Bytes>,
}

/// The row of a block, to be committed with it.
pub(crate) fn row(block: &SignedBlock) -> RecordChange {
    let row = Row {
        hash: block.hash,
        term: block.term,
        signature: block.signature,
        forced: block.input.forced.clone(),
        forced_budget: block.input.forced_budget,
        ticks: block.input.ticks.clone(),
        inbox: block.input.inbox.clone(),
    };
    records::put(records::numbered(records::FEED, block.input.number()), &row)
}

/// Removes some rows at or below the finalized head, and more than `keep`
/// below the latest.
pub(crate) fn forget_old<E: Execution>(
    execution: &E,
    heads: &Heads,
    keep: u64,
) -> Result<Vec<RecordChange>, NodeError> {
    let old = heads.latest.number.saturating_sub(keep);
    let old = old.min(heads.finalized.number);
    let rows = |limit| {
        execution
            .records(records::FEED, records::FEED, limit)
            .map_err(NodeError::execution)
    };
    let useless =
        |key: &Bytes| records::number_of(records::FEED, key).is_some_and(|number| number <= old);
    if !rows(1)?.first().is_some_and(|(key, _)| useless(key)) {
        return Ok(Vec::new());
    }
    let keys = rows(FORGET)?.into_iter().map(|(key, _)| key);
    Ok(keys.take_while(useless).map(RecordChange::delete).collect())
}

/// Reads signed blocks back from an engine's store.
pub(crate) struct StoredFeed<E>(pub(crate) E);

impl<E: Execution> FeedSource for StoredFeed<E> {
    fn latest(&self) -> BlockRef {
        self.0.heads().map(|heads| heads.latest).unwrap_or_default()
    }

    fn signed(&self, number: u64) -> Result<Option<SignedBlock>, NodeError> {
        let key = records::numbered(records::FEED, number);
        let Some(row) = records::get::<_, Row>(&self.0, &key)? else {
            return Ok(None);
        };
        let id = BlockId::Hash(row.hash);
        let record = self.0.block(id).map_err(NodeError::execution)?;
        let header = self.0.header(id).map_err(NodeError::execution)?;
        let canonical = self
            .0
            .block(BlockId::Number(number))
            .map_err(NodeError::execution)?;
        let (Some(record), Some(header)) = (record, header) else {
            return Ok(None);
        };
        if canonical.is_none_or(|block| block.block.hash != row.hash) {
            return Ok(None);
        }
        let Some(anchor) = record.anchor else {
            return Ok(None);
        };
        let input = BlockInput {
            parent: record.parent,
            timestamp: record.timestamp,
            fee_recipient: record.fee_recipient,
            gas_limit: header.gas_limit,
            anchor,
            forced: row.forced,
            forced_budget: row.forced_budget,
            transactions: record.transactions,
            ticks: row.ticks,
            inbox: row.inbox,
        };
        if input.hash() != record.input_hash {
            return Err(NodeError::Invariant {
                what: format!("the stored parts of block {number} do not make its input"),
            });
        }
        Ok(Some(SignedBlock {
            hash: row.hash,
            term: row.term,
            input,
            signature: row.signature,
        }))
    }

    fn next_kept(&self, number: u64) -> u64 {
        let from = records::numbered(records::FEED, number.saturating_add(1));
        let rows = self.0.records(records::FEED, &from, 1);
        rows.ok()
            .and_then(|rows| records::number_of(records::FEED, &rows.first()?.0))
            .unwrap_or_else(|| self.latest().number.saturating_add(1))
    }
}
