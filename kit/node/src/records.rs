//! Keys of the node's own records in the execution layer's store.
//!
//! One prefix per kind; numbers are big-endian, so that ranges are in order.
//! Values that are structures begin with a version byte and are borsh.

use crate::NodeError;
use alloy_primitives::{Bytes, hex};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{ChainStore, RecordChange};

/// Waiting and orphaned transactions by place: the encoded transaction.
pub(crate) const POOL: &[u8] = b"node/pool/";
/// Batches by their last block's number.
pub(crate) const BATCHES: &[u8] = b"node/batch/";
/// Which layers and which chain the records belong to.
pub(crate) const IDENTITY: &[u8] = b"node/identity";
/// What posting a batch cost, by batch number.
pub(crate) const FEES: &[u8] = b"node/fee/";
/// What the feed needs besides the engine's blocks, by block number.
pub(crate) const FEED: &[u8] = b"node/feed/";
/// Contradictions between the feed and DA, by block number.
pub(crate) const EVIDENCE: &[u8] = b"node/evidence/";
/// From which block on the chain's end is a DA block in the works.
pub(crate) const LED: &[u8] = b"node/led";
/// An amendment that was announced and is not held here.
pub(crate) const LACKING: &[u8] = b"node/lacking";
/// The snapshot that the store was filled from.
pub(crate) const SNAPSHOT: &[u8] = b"node/snapshot";

/// Format of every structured value.
const VERSION: u8 = 1;

/// A key with a number behind its prefix.
pub(crate) fn numbered(prefix: &[u8], number: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(prefix.len() + 8);
    key.extend_from_slice(prefix);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The number behind the prefix; `None` for any other key.
pub(crate) fn number_of(prefix: &[u8], key: &[u8]) -> Option<u64> {
    let number = key.strip_prefix(prefix)?;
    Some(u64::from_be_bytes(number.try_into().ok()?))
}

/// Writes a structured value.
pub(crate) fn encode<T: BorshSerialize>(value: &T) -> Bytes {
    let mut out = vec![VERSION];
    // Writing into a vector cannot fail.
    let _ = borsh::to_writer(&mut out, value);
    out.into()
}

/// Reads a structured value.
pub(crate) fn decode<T: BorshDeserialize>(key: &[u8], bytes: &[u8]) -> Result<T, NodeError> {
    let damaged = |reason: String| NodeError::Records {
        key: printable(key),
        reason,
    };
    match bytes.split_first() {
        Some((&VERSION, body)) => {
            borsh::from_slice(body).map_err(|error| damaged(error.to_string()))
        }
        Some((version, _)) => Err(damaged(format!(
            "format {version} is newer than this binary, which knows {VERSION}"
        ))),
        None => Err(damaged("it is empty".into())),
    }
}

/// A put of a structured value.
pub(crate) fn put<T: BorshSerialize>(key: impl Into<Bytes>, value: &T) -> RecordChange {
    RecordChange::put(key, encode(value))
}

/// Reads one structured value; `None` where there is none.
pub(crate) fn get<S: ChainStore, T: BorshDeserialize>(
    store: &S,
    key: &[u8],
) -> Result<Option<T>, NodeError> {
    match store.record(key).map_err(NodeError::execution)? {
        Some(bytes) => decode(key, &bytes).map(Some),
        None => Ok(None),
    }
}

/// Structured values under a numbered prefix from a number on.
pub(crate) fn range<S: ChainStore, T: BorshDeserialize>(
    store: &S,
    prefix: &[u8],
    from: u64,
    limit: usize,
) -> Result<Vec<(u64, T)>, NodeError> {
    store
        .records(prefix, &numbered(prefix, from), limit)
        .map_err(NodeError::execution)?
        .into_iter()
        .filter_map(|(key, bytes)| number_of(prefix, &key).map(|number| (number, key, bytes)))
        .map(|(number, key, bytes)| Ok((number, decode(&key, &bytes)?)))
        .collect()
}

fn printable(key: &[u8]) -> String {
    match key.iter().position(|byte| !(32..127).contains(byte)) {
        None => String::from_utf8_lossy(key).into_owned(),
        Some(end) => format!(
            "{}0x{}",
            String::from_utf8_lossy(&key[..end]),
            hex::encode(&key[end..])
        ),
    }
}
