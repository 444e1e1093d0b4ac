//! Which batch carried which block: rows that commit with the safe head.

use crate::{NodeError, records};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{BatchInfo, BlobRef, ChainStore, DaOrdinal, DaPoint, Fee, RecordChange};
use rollwright_derive::AppliedBatch;

/// Rows that one roll-back step reads at once.
const PAGE: usize = 256;
/// Most rows of one kind that one applied batch removes.
const FORGET: usize = 16;

#[derive(Debug, BorshSerialize, BorshDeserialize)]
struct Row {
    number: u64,
    id: B256,
    first_block: u64,
    last_block: u64,
    bytes: u64,
    applied: DaPoint,
    ordinal: DaOrdinal,
    blobs: Vec<BlobRef>,
}

/// The row of an applied batch; none where no block of it stays.
pub(crate) fn row(batch: &AppliedBatch) -> Option<RecordChange> {
    let info = batch.info()?;
    let row = Row {
        number: info.number,
        id: info.id,
        first_block: info.first_block,
        last_block: info.last_block,
        bytes: info.bytes,
        applied: batch.point,
        ordinal: batch.ordinal,
        blobs: info.blobs,
    };
    Some(records::put(
        records::numbered(records::BATCHES, row.last_block),
        &row,
    ))
}

/// Removes the rows of batches that end above a block: they are derived no
/// more.
pub(crate) fn remove_above<S: ChainStore>(
    store: &S,
    number: u64,
) -> Result<Vec<RecordChange>, NodeError> {
    let mut changes = Vec::new();
    let mut from = number.checked_add(1);
    while let Some(start) = from {
        let start = records::numbered(records::BATCHES, start);
        let page = store
            .records(records::BATCHES, &start, PAGE)
            .map_err(NodeError::execution)?;
        let last = page
            .last()
            .and_then(|(key, _)| records::number_of(records::BATCHES, key));
        from = (page.len() == PAGE).then(|| last?.checked_add(1)).flatten();
        changes.extend(page.into_iter().map(|(key, _)| RecordChange::delete(key)));
    }
    Ok(changes)
}

/// Removes some rows of final batches numbered `keep` and more below `newest`,
/// and what is known of their cost.
pub(crate) fn forget_old<S: ChainStore>(
    store: &S,
    newest: u64,
    keep: u64,
    finalized: u64,
) -> Result<Vec<RecordChange>, NodeError> {
    let Some(oldest) = newest.checked_sub(keep) else {
        return Ok(Vec::new());
    };
    let batches = records::range::<_, Row>(store, records::BATCHES, 0, FORGET)?;
    let fees = records::range::<_, Fee>(store, records::FEES, 0, FORGET)?;
    let batches = batches
        .into_iter()
        .take_while(|(last, row)| row.number <= oldest && *last <= finalized)
        .map(|(last, _)| records::numbered(records::BATCHES, last));
    let fees = fees
        .into_iter()
        .map(|(number, _)| number)
        .take_while(|number| *number <= oldest)
        .map(|number| records::numbered(records::FEES, number));
    Ok(batches.chain(fees).map(RecordChange::delete).collect())
}

/// The batch that carried a block, where one did.
pub(crate) fn find<S: ChainStore>(
    store: &S,
    number: u64,
    finalized: u64,
) -> Result<Option<BatchInfo>, NodeError> {
    let rows = records::range::<_, Row>(store, records::BATCHES, number, 1)?;
    let Some((_, row)) = rows.into_iter().next() else {
        return Ok(None);
    };
    if row.first_block > number {
        return Ok(None);
    }
    let fee = records::get(store, &records::numbered(records::FEES, row.number))?;
    Ok(Some(BatchInfo {
        number: row.number,
        id: row.id,
        first_block: row.first_block,
        last_block: row.last_block,
        bytes: row.bytes,
        applied: Some(row.applied),
        ordinal: Some(row.ordinal),
        blobs: row.blobs,
        fee,
        finalized: row.last_block <= finalized,
    }))
}

/// Notes what posting a batch cost.
pub(crate) fn fee_row(number: u64, fee: &Fee) -> RecordChange {
    records::put(records::numbered(records::FEES, number), fee)
}
