use super::{Orphan, replay::REPLAY_BASE};
use crate::records;
use alloy_primitives::{Bytes, keccak256};
use parking_lot::Mutex;
use rollwright_core::{ChainStore, RecordChange};
use tokio::sync::{Notify, oneshot};

/// Rows below this hold waiting transactions, rows above it orphans.
const ORPHANS_FROM: u64 = REPLAY_BASE / 2;

/// How many rows are read or written at once.
pub(super) const PAGE: usize = 4_096;

/// A stored row.
pub(super) enum Row {
    Waiting(u64, Bytes),
    Orphan(u64, Orphan),
}

/// Rows to write, gathered so that many writers share one sync.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pending: Mutex<Pending>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    changes: Vec<RecordChange>,
    waiters: Vec<oneshot::Sender<Result<(), String>>>,
}

/// What one sync writes, and who waits for it.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) changes: Vec<RecordChange>,
    waiters: Vec<oneshot::Sender<Result<(), String>>>,
}

impl Group {
    /// Tells everybody who waits.
    pub(super) fn done(self, result: &Result<(), String>) {
        for waiter in self.waiters {
            // Whoever has gone away does not want to know.
            let _ = waiter.send(result.clone());
        }
    }
}

impl Journal {
    /// Queues a row; the receiver hears once it is durable.
    pub(super) fn put(&self, seq: u64, bytes: Bytes) -> oneshot::Receiver<Result<(), String>> {
        let (sender, receiver) = oneshot::channel();
        let mut pending = self.pending.lock();
        pending.changes.push(put(seq, bytes));
        pending.waiters.push(sender);
        drop(pending);
        self.wake.notify_one();
        receiver
    }

    /// Queues removals without waking anybody: they go with the next rows.
    pub(super) fn release(&self, rows: &[u64]) {
        if !rows.is_empty() {
            self.pending
                .lock()
                .changes
                .extend(rows.iter().map(|row| delete(*row)));
        }
    }

    /// What there is to write now.
    pub(super) fn take(&self) -> Group {
        let pending = std::mem::take(&mut *self.pending.lock());
        Group {
            changes: pending.changes,
            waiters: pending.waiters,
        }
    }

    /// Completes once a row was queued.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }
}

/// Writes a row.
pub(super) fn put(seq: u64, bytes: Bytes) -> RecordChange {
    RecordChange::put(records::numbered(records::POOL, seq), bytes)
}

/// Removes a row.
pub(super) fn delete(seq: u64) -> RecordChange {
    RecordChange::delete(records::numbered(records::POOL, seq))
}

/// Reads a page of rows from `from` on, and where the next page begins.
pub(super) fn read<S: ChainStore>(
    store: &S,
    from: u64,
) -> Result<(Vec<Row>, Option<u64>), S::Error> {
    let start = records::numbered(records::POOL, from);
    let page = store.records(records::POOL, &start, PAGE)?;
    let mut next = None;
    let full = page.len() == PAGE;
    let mut rows = Vec::with_capacity(page.len());
    for (key, bytes) in page {
        let Some(seq) = records::number_of(records::POOL, &key) else {
            continue;
        };
        next = seq.checked_add(1);
        rows.push(if seq < ORPHANS_FROM {
            Row::Waiting(seq, bytes)
        } else {
            let hash = keccak256(&bytes);
            Row::Orphan(seq, Orphan { hash, bytes })
        });
    }
    Ok((rows, next.filter(|_| full)))
}
