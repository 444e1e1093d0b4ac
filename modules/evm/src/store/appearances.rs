//! In which blocks an address appears.
//!
//! No index of its own repeats what others say: the history of accounts names
//! the blocks that changed an account (senders, whoever was paid, contracts
//! whose storage changed), the index of logs those in which it emitted one.
//! What is left is stored in the column of logs under the kind 5: the recipient
//! of a transaction that neither changed it nor made it emit anything.

use super::{
    StoreError, StoredBlock,
    base::Inner,
    delta::Delta,
    flat,
    kv::{Batch, Column},
    logs::index_key,
};
use alloy_primitives::{Address, keccak256};
use alloy_rlp::{Decodable as _, Header};
use std::collections::BTreeSet;

/// The kind of a recipient among the keys of the column of logs.
const RECIPIENT: u8 = 5;

/// Stages the recipients that the block's other indexes do not name.
pub(super) fn stage(batch: &mut Batch, block: &StoredBlock, delta: &Delta) {
    let recipients: BTreeSet<Address> = block
        .transactions()
        .filter_map(|bytes| recipient(bytes))
        .filter(|address| delta.account(address).is_none())
        .collect();
    for address in recipients {
        batch.put(Column::Logs, key(&address, block.header.number), []);
    }
}

/// Stages the removal of what [`stage`] wrote.
pub(super) fn unstage(batch: &mut Batch, block: &StoredBlock) {
    let recipients: BTreeSet<Address> = block
        .transactions()
        .filter_map(|bytes| recipient(bytes))
        .collect();
    for address in recipients {
        batch.delete(Column::Logs, key(&address, block.header.number));
    }
}

fn key(address: &Address, number: u64) -> Vec<u8> {
    flat::at_block(&index_key(RECIPIENT, address.as_slice()), number)
}

/// The recipient of an encoded transaction; `None` where it creates a
/// contract, or cannot be read.
fn recipient(bytes: &[u8]) -> Option<Address> {
    // Fields before the recipient, by type.
    let (before, mut rest) = match *bytes.first()? {
        0x01 => (4, &bytes[1..]),
        0x02..=0x04 => (5, &bytes[1..]),
        _ => (3, bytes),
    };
    let list = Header::decode_bytes(&mut rest, true).ok()?;
    let mut fields = list;
    for _ in 0..before {
        Header::decode_bytes(&mut fields, false).ok()?;
    }
    Address::decode(&mut fields).ok()
}

/// Canonical blocks from `from` to `to` in which the address appears: at most
/// `limit`, ascending, or descending from the newest.
pub(super) fn search(
    inner: &Inner,
    address: &Address,
    (from, to): (u64, u64),
    newest_first: bool,
    limit: usize,
) -> Result<Vec<u64>, StoreError> {
    let canonical = inner.canonical()?;
    let to = to.min(canonical.heads.latest.number);
    let places = [
        (Column::AccountHistory, keccak256(address).to_vec()),
        (Column::Logs, index_key(0, address.as_slice())),
        (Column::Logs, index_key(RECIPIENT, address.as_slice())),
    ];
    let mut found = BTreeSet::new();
    for (column, key) in places {
        let start = flat::at_block(&key, from);
        let end = flat::at_block(&key, to.saturating_add(1));
        let pairs = canonical
            .snapshot
            .range(column, &start, Some(&end), newest_first);
        for pair in pairs.take(limit) {
            let (stored, _) = pair?;
            let number = stored.get(key.len()..).unwrap_or_default();
            let number = number
                .try_into()
                .map_err(|_| StoreError::corrupt("an index key has a wrong length"))?;
            found.insert(u64::from_be_bytes(number));
        }
    }
    let ascending = found.into_iter();
    Ok(match newest_first {
        true => ascending.rev().take(limit).collect(),
        false => ascending.take(limit).collect(),
    })
}
