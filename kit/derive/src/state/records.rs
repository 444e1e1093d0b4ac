use super::{DeriverState, RowKey, StateError};
use alloc::vec::Vec;
use alloy_primitives::Bytes;
use rollwright_core::{DaOrdinal, RecordChange};

/// Prefix of the keys of all records of this crate. Rows of the state follow
/// with `s`, undo records with `u`, the batcher's with `b`.
pub const RECORD_PREFIX: &[u8] = b"derive/";

const ROW: u8 = b's';
const UNDO: u8 = b'u';

pub(crate) fn row_changes<'a>(
    rows: impl IntoIterator<Item = (&'a RowKey, &'a Option<Bytes>)>,
) -> Vec<RecordChange> {
    rows.into_iter()
        .map(|(key, value)| RecordChange {
            key: record_key(ROW, &key.encode()),
            value: value.clone(),
        })
        .collect()
}

pub(crate) fn undo_key(ordinal: DaOrdinal) -> Bytes {
    record_key(UNDO, &ordinal.0.to_be_bytes())
}

/// The ordinal of an undo record's key.
pub(crate) fn undo_ordinal(key: &[u8]) -> Option<DaOrdinal> {
    let rest = key.strip_prefix(RECORD_PREFIX)?.strip_prefix(&[UNDO])?;
    Some(DaOrdinal(u64::from_be_bytes(rest.try_into().ok()?)))
}

fn record_key(kind: u8, rest: &[u8]) -> Bytes {
    let mut key = RECORD_PREFIX.to_vec();
    key.push(kind);
    key.extend_from_slice(rest);
    key.into()
}

impl DeriverState {
    /// All rows as records: for a node that starts from a snapshot.
    pub fn to_records(&self) -> Vec<RecordChange> {
        self.row_keys()
            .filter_map(|key| {
                let value = self.encode_row(&key)?;
                Some(RecordChange::put(record_key(ROW, &key.encode()), value))
            })
            .collect()
    }

    /// The state in a node's records, which may be given in any order and
    /// with others among them; `None` where there is none.
    pub fn from_records(
        records: impl IntoIterator<Item = (Bytes, Bytes)>,
    ) -> Result<Option<Self>, StateError> {
        let mut rows = Vec::new();
        for (key, value) in records {
            let Some([ROW, rest @ ..]) = key.strip_prefix(RECORD_PREFIX) else {
                continue;
            };
            let tag = rest.first().copied().unwrap_or_default();
            rows.push((RowKey::decode(rest).ok_or(StateError::Row { tag })?, value));
        }
        if rows.is_empty() {
            return Ok(None);
        }
        rows.sort_unstable_by_key(|(key, _)| *key);
        Self::from_rows(rows).map(Some)
    }
}
