//! Blocks, canonical and beside the chain: how they are stored and found.

use super::{
    NewBlock, StoreError, StoredBlock, TransactionLocation,
    base::{Canonical, Inner},
    delta::to_borsh,
    kv::{Batch, Column, KvRead},
};
use alloy_consensus::ReceiptEnvelope;
use alloy_eips::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::{Decodable, Encodable};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{BlockId, BlockRecord, EngineLog, Header};
use std::sync::Arc;

/// What is stored of a block besides header and receipts.
#[derive(BorshSerialize, BorshDeserialize)]
struct Body {
    record: BlockRecord,
    transaction_hashes: Vec<B256>,
    senders: Vec<Address>,
    outbox_root: B256,
    mailbox_events: Vec<EngineLog>,
}

/// Checks that the parts of a new block fit each other, and decodes its
/// receipts.
pub(super) fn assemble(block: NewBlock) -> Result<StoredBlock, StoreError> {
    let number = block.header.number;
    let refused = |reason: String| StoreError::BadBlock { number, reason };
    let record = &block.record;
    let hash = block.header.hash_slow();
    if record.block.hash != hash || record.block.number != number {
        return Err(refused(format!(
            "its header has the hash {hash}, its record says {}",
            record.block.hash
        )));
    }
    if record.parent.hash != block.header.parent_hash {
        return Err(refused("header and record name different parents".into()));
    }
    let count = record.forced_included.len() + record.transactions.len();
    let parts = [
        block.transaction_hashes.len(),
        block.senders.len(),
        block.effects.receipts.len(),
    ];
    if parts != [count; 3] {
        return Err(refused(format!(
            "{count} transactions, but {} hashes, {} senders and {} receipts",
            parts[0], parts[1], parts[2]
        )));
    }
    let receipts = decode_receipts(&block.effects.receipts)
        .map_err(|error| refused(format!("a receipt cannot be decoded: {error}")))?;
    Ok(StoredBlock {
        header: block.header,
        record: block.record,
        transaction_hashes: block.transaction_hashes,
        senders: block.senders,
        receipts,
        outbox_root: block.effects.outbox_root,
        mailbox_events: block.effects.mailbox_events,
    })
}

fn decode_receipts(receipts: &[Bytes]) -> Result<Vec<ReceiptEnvelope>, String> {
    receipts
        .iter()
        .map(|bytes| {
            let mut rest = bytes.as_ref();
            let receipt = ReceiptEnvelope::decode_2718(&mut rest).map_err(|e| e.to_string())?;
            if rest.is_empty() {
                Ok(receipt)
            } else {
                Err("bytes follow it".into())
            }
        })
        .collect()
}

/// Stages everything of a block but its state.
pub(super) fn stage(batch: &mut Batch, block: &StoredBlock) {
    let number = block.header.number.to_be_bytes();
    let hash = block.record.block.hash;
    let mut header = hash.to_vec();
    block.header.encode(&mut header);
    batch.put(Column::Headers, number, header);
    let body = Body {
        record: block.record.clone(),
        transaction_hashes: block.transaction_hashes.clone(),
        senders: block.senders.clone(),
        outbox_root: block.outbox_root,
        mailbox_events: block.mailbox_events.clone(),
    };
    batch.put(Column::Bodies, number, to_borsh(&body));
    let receipts: Vec<Bytes> = block
        .receipts
        .iter()
        .map(|receipt| receipt.encoded_2718().into())
        .collect();
    batch.put(Column::Receipts, number, to_borsh(&receipts));
    batch.put(Column::Numbers, hash.0, number);
    if !block.record.input_hash.is_zero() {
        batch.put(Column::Inputs, block.record.input_hash.0, number);
    }
    for (index, hash) in (0u32..).zip(&block.transaction_hashes) {
        let mut place = number.to_vec();
        place.extend_from_slice(&index.to_be_bytes());
        batch.put(Column::Transactions, hash.0, place);
    }
    super::logs::stage(batch, block, true);
}

/// Stages the removal of what [`stage`] wrote.
pub(super) fn unstage(batch: &mut Batch, block: &StoredBlock) {
    let number = block.header.number.to_be_bytes();
    for column in [Column::Headers, Column::Bodies, Column::Receipts] {
        batch.delete(column, number);
    }
    batch.delete(Column::Numbers, block.record.block.hash.0);
    batch.delete(Column::Inputs, block.record.input_hash.0);
    for hash in &block.transaction_hashes {
        batch.delete(Column::Transactions, hash.0);
    }
    super::logs::stage(batch, block, false);
}

/// Hash and header of the canonical block of that number.
pub(super) fn stored_header(
    snapshot: &dyn KvRead,
    number: u64,
) -> Result<Option<(B256, Header)>, StoreError> {
    let Some(bytes) = snapshot.get(Column::Headers, &number.to_be_bytes())? else {
        return Ok(None);
    };
    let damaged = || StoreError::corrupt(format!("the header of block {number}"));
    let (hash, mut rlp) = bytes.split_at_checked(32).ok_or_else(damaged)?;
    let header = Header::decode(&mut rlp).map_err(|_| damaged())?;
    Ok(Some((B256::from_slice(hash), header)))
}

/// Hash of the canonical block of that number.
pub(super) fn canonical_hash(
    canonical: &Canonical,
    number: u64,
) -> Result<Option<B256>, StoreError> {
    let latest = canonical.heads.latest;
    if number == latest.number {
        return Ok(Some(latest.hash));
    }
    if number > latest.number {
        return Ok(None);
    }
    let bytes = canonical
        .snapshot
        .get(Column::Headers, &number.to_be_bytes())?;
    Ok(bytes.and_then(|bytes| bytes.get(..32).map(B256::from_slice)))
}

/// The canonical number of a block hash.
pub(super) fn canonical_number(
    canonical: &Canonical,
    hash: &B256,
) -> Result<Option<u64>, StoreError> {
    if *hash == canonical.heads.latest.hash {
        return Ok(Some(canonical.heads.latest.number));
    }
    number_at(&*canonical.snapshot, Column::Numbers, hash)
}

fn number_at(snapshot: &dyn KvRead, column: Column, key: &B256) -> Result<Option<u64>, StoreError> {
    snapshot
        .get(column, key.as_slice())?
        .map(|bytes| {
            bytes
                .try_into()
                .map(u64::from_be_bytes)
                .map_err(|_| StoreError::corrupt(format!("the number of block {key}")))
        })
        .transpose()
}

/// A header: of a canonical block, or by hash of a pending one.
pub(super) fn header(inner: &Inner, id: BlockId) -> Result<Option<Header>, StoreError> {
    let canonical = inner.canonical()?;
    let number = match id {
        BlockId::Number(number) => number,
        BlockId::Hash(hash) => {
            if let Some(pending) = inner.tree.read().get(&hash) {
                return Ok(Some(pending.block.header.clone()));
            }
            if let Some(block) = inner.recent.lock().get(&hash) {
                return Ok(Some(block.header.clone()));
            }
            match canonical_number(&canonical, &hash)? {
                Some(number) => number,
                None => return Ok(None),
            }
        }
    };
    if let BlockId::Number(_) = id
        && let Some(hash) = canonical_hash(&canonical, number)?
        && let Some(block) = inner.recent.lock().get(&hash)
    {
        return Ok(Some(block.header.clone()));
    }
    Ok(stored_header(&*canonical.snapshot, number)?.map(|(_, header)| header))
}

/// A block: canonical, or by hash a pending one.
pub(super) fn block(inner: &Inner, id: BlockId) -> Result<Option<Arc<StoredBlock>>, StoreError> {
    let canonical = inner.canonical()?;
    let number = match id {
        BlockId::Number(number) => number,
        BlockId::Hash(hash) => {
            if let Some(pending) = inner.tree.read().get(&hash) {
                return Ok(Some(Arc::clone(&pending.block)));
            }
            match canonical_number(&canonical, &hash)? {
                Some(number) => number,
                None => return Ok(None),
            }
        }
    };
    block_at(inner, &canonical, number)
}

/// The canonical block of that number.
pub(super) fn block_at(
    inner: &Inner,
    canonical: &Canonical,
    number: u64,
) -> Result<Option<Arc<StoredBlock>>, StoreError> {
    let Some(hash) = canonical_hash(canonical, number)? else {
        return Ok(None);
    };
    if let Some(block) = inner.recent.lock().get(&hash) {
        return Ok(Some(block));
    }
    let Some(block) = read(&*canonical.snapshot, number)? else {
        return Ok(None);
    };
    let block = Arc::new(block);
    let mut recent = inner.recent.lock();
    recent.put(Arc::clone(&block), inner.options.block_bytes);
    Ok(Some(block))
}

/// `None` where only the header is known, as below an imported snapshot.
fn read(snapshot: &dyn KvRead, number: u64) -> Result<Option<StoredBlock>, StoreError> {
    let Some((_, header)) = stored_header(snapshot, number)? else {
        return Ok(None);
    };
    let key = number.to_be_bytes();
    let Some(body) = snapshot.get(Column::Bodies, &key)? else {
        return Ok(None);
    };
    let damaged = |what: &str| StoreError::corrupt(format!("{what} of block {number}"));
    let body: Body = borsh::from_slice(&body).map_err(|_| damaged("the body"))?;
    let receipts = snapshot
        .get(Column::Receipts, &key)?
        .ok_or_else(|| damaged("the missing receipts"))?;
    let receipts: Vec<Bytes> = borsh::from_slice(&receipts).map_err(|_| damaged("the receipts"))?;
    let receipts = decode_receipts(&receipts).map_err(|_| damaged("a receipt"))?;
    Ok(Some(StoredBlock {
        header,
        record: body.record,
        transaction_hashes: body.transaction_hashes,
        senders: body.senders,
        receipts,
        outbox_root: body.outbox_root,
        mailbox_events: body.mailbox_events,
    }))
}

/// Checks rows that came from elsewhere against their header; says what does
/// not fit.
pub(super) fn check_rows(header: &Header, body: &[u8], receipts: &[u8]) -> Result<(), String> {
    let body: Body = borsh::from_slice(body).map_err(|_| "a body cannot be decoded")?;
    let receipts: Vec<Bytes> =
        borsh::from_slice(receipts).map_err(|_| "receipts cannot be decoded")?;
    let receipts = decode_receipts(&receipts)?;
    let record = &body.record;
    let transactions: Vec<&Bytes> = record
        .forced_included
        .iter()
        .chain(&record.transactions)
        .collect();
    let count = transactions.len();
    if body.transaction_hashes.len() != count || body.senders.len() != count {
        return Err("a body does not fit itself".into());
    }
    let root = alloy_consensus::proofs::ordered_trie_root_with_encoder(&transactions, |tx, out| {
        out.extend_from_slice(tx);
    });
    if root != header.transactions_root {
        return Err("transactions do not give their header's root".into());
    }
    if alloy_consensus::proofs::calculate_receipt_root(&receipts) != header.receipts_root {
        return Err("receipts do not give their header's root".into());
    }
    if record.block.hash != header.hash_slow()
        || record.block.number != header.number
        || record.parent.hash != header.parent_hash
        || record.state_root != header.state_root
        || record.timestamp != header.timestamp
    {
        return Err("a block's record does not fit its header".into());
    }
    let hashes = transactions.iter().map(alloy_primitives::keccak256);
    if !hashes.eq(body.transaction_hashes.iter().copied()) {
        return Err("transaction hashes do not fit".into());
    }
    Ok(())
}

/// The block that an input of that hash made.
pub(super) fn of_input(
    inner: &Inner,
    input: &B256,
) -> Result<Option<Arc<StoredBlock>>, StoreError> {
    if let Some(pending) = inner.tree.read().of_input(input) {
        return Ok(Some(Arc::clone(&pending.block)));
    }
    let canonical = inner.canonical()?;
    match number_at(&*canonical.snapshot, Column::Inputs, input)? {
        Some(number) => block_at(inner, &canonical, number),
        None => Ok(None),
    }
}

/// Where a canonical transaction stands.
pub(super) fn transaction(
    inner: &Inner,
    hash: &B256,
) -> Result<Option<TransactionLocation>, StoreError> {
    let canonical = inner.canonical()?;
    let Some(bytes) = canonical
        .snapshot
        .get(Column::Transactions, hash.as_slice())?
    else {
        return Ok(None);
    };
    let damaged = || StoreError::corrupt(format!("the place of transaction {hash}"));
    let (number, index) = bytes.split_at_checked(8).ok_or_else(damaged)?;
    let number = number.try_into().map_err(|_| damaged())?;
    let index = index.try_into().map_err(|_| damaged())?;
    Ok(Some(TransactionLocation {
        number: u64::from_be_bytes(number),
        index: u32::from_be_bytes(index),
    }))
}
