//! Finding logs: which, and by which index.
//!
//! The index has an entry per block for each emitter and each topic at its
//! position: `kind (1) ‖ value ‖ block (8, BE)`, where the kind is 0 for an
//! emitter (20 bytes) and 1 to 4 for a topic (32 bytes); 5 belongs to
//! [`appearances`](super::appearances). A query walks the
//! entries of its rarest condition and reads only blocks that meet all of them.

mod query;
mod search;

pub use query::{LogHit, LogPage, LogQuery};
pub(super) use search::search;

use super::{
    StoredBlock, flat,
    kv::{Batch, Column},
};
use std::collections::BTreeSet;

/// Stages a block's entries, or their removal.
pub(super) fn stage(batch: &mut Batch, block: &StoredBlock, present: bool) {
    let mut keys = BTreeSet::new();
    for log in block.receipts.iter().flat_map(|receipt| receipt.logs()) {
        keys.insert(index_key(0, log.address.as_slice()));
        for (kind, topic) in (1..).zip(log.topics()) {
            keys.insert(index_key(kind, topic.as_slice()));
        }
    }
    for key in keys {
        let value = present.then(Vec::new);
        batch.write(
            Column::Logs,
            flat::at_block(&key, block.header.number),
            value,
        );
    }
}

pub(super) fn index_key(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(41);
    key.push(kind);
    key.extend_from_slice(value);
    key
}
