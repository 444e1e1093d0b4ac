//! The node's own records, which commit with the chain.

use super::{
    StoreError,
    base::Inner,
    kv::{Batch, Column, prefix_end},
};
use alloy_primitives::Bytes;
use rollwright_core::RecordChange;

/// Longest key in bytes.
const MAX_KEY: usize = 128;

/// Refuses keys that are too long.
pub(super) fn check(changes: &[RecordChange]) -> Result<(), StoreError> {
    match changes.iter().find(|change| change.key.len() > MAX_KEY) {
        Some(change) => Err(StoreError::RecordKey {
            length: change.key.len(),
        }),
        None => Ok(()),
    }
}

/// Stages changes in order.
pub(super) fn stage(batch: &mut Batch, changes: &[RecordChange]) {
    for change in changes {
        let value = change.value.as_ref().map(|value| value.to_vec());
        batch.write(Column::Records, &change.key, value);
    }
}

impl Inner {
    pub(super) fn record(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let value = self.kv.snapshot().get(Column::Records, key)?;
        Ok(value.map(Bytes::from))
    }

    pub(super) fn records(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        let snapshot = self.kv.snapshot();
        let end = prefix_end(prefix);
        let start = if from > prefix { from } else { prefix };
        snapshot
            .range(Column::Records, start, end.as_deref(), false)
            .take(limit)
            .map(|pair| {
                let (key, value) = pair?;
                Ok((key.into(), value.into()))
            })
            .collect()
    }

    pub(super) fn put_records(&self, changes: &[RecordChange]) -> Result<(), StoreError> {
        check(changes)?;
        if changes.is_empty() {
            return Ok(());
        }
        let _writer = self.writer.lock();
        let mut batch = Batch::default();
        stage(&mut batch, changes);
        self.write(batch)
    }
}
