//! What happened lately, in order, for everybody who wants to be told:
//! subscriptions and polled filters read the same journal at their own pace.

use crate::store::{Store, StoreError, StoredBlock};
use alloy_primitives::{B256, map::B256Map};
use futures_util::StreamExt;
use parking_lot::Mutex;
use rollwright_core::{BlockId, BlockRef, NodeApi, NodeEvent};
use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};
use tokio::{sync::watch, task::AbortHandle};

/// Entries that readers may be behind.
const ENTRIES: usize = 16_384;
/// Canonical blocks that a reorganisation is recognised by.
const TAIL: usize = 1_024;
/// Bytes of recent blocks kept for the logs of those that are removed.
const RECENT_BYTES: usize = 64 << 20;

/// Something that a reader is told.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// The block became canonical.
    New(Arc<StoredBlock>),
    /// The block became canonical some time ago; its contents are in the store.
    Old(BlockRef),
    /// The block left the canonical chain.
    Removed(Arc<StoredBlock>),
    /// The transaction entered the pool.
    Pending(B256),
    /// The node began (`true`) or ended catching up.
    Syncing(bool),
}

/// Entries with consecutive numbers; the oldest are forgotten.
#[derive(Debug)]
pub(crate) struct Journal {
    state: Arc<Mutex<State>>,
    end: watch::Receiver<u64>,
    // The task holds node and store: it must not outlive the readers.
    task: AbortHandle,
}

#[derive(Debug)]
struct State {
    entries: VecDeque<Entry>,
    /// Number of the first entry that is kept.
    first: u64,
    tail: VecDeque<BlockRef>,
    recent: VecDeque<Arc<StoredBlock>>,
    recent_bytes: usize,
    syncing: bool,
}

/// The reader was behind by more than the journal keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Behind;

impl Journal {
    /// Follows the node from its present head on, until the journal is
    /// dropped. Must be called within a tokio runtime.
    pub(crate) fn follow(store: Store, node: Arc<dyn NodeApi>) -> Result<Self, StoreError> {
        let (sender, end) = watch::channel(0);
        let state = Arc::new(Mutex::new(State::new(&store, !node.status().synced)?));
        // Subscribed before the head is looked at again: nothing is missed.
        let mut events = node.events();
        let shared = Arc::downgrade(&state);
        let task = tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if !record(&shared, &sender, &store, &node, &event) {
                    return;
                }
            }
        })
        .abort_handle();
        Ok(Self { state, end, task })
    }

    /// The number that the next entry will have.
    pub(crate) fn end(&self) -> u64 {
        self.state.lock().end()
    }

    /// A channel that changes whenever there is something new.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.end.clone()
    }

    /// Entries from `from` on, at most `limit`.
    pub(crate) fn read(&self, from: u64, limit: usize) -> Result<Vec<Entry>, Behind> {
        let state = self.state.lock();
        let skip = from.checked_sub(state.first).ok_or(Behind)?;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        Ok(state
            .entries
            .iter()
            .skip(skip)
            .take(limit)
            .cloned()
            .collect())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Writes down what an event means; false once nobody reads any more.
fn record(
    shared: &Weak<Mutex<State>>,
    sender: &watch::Sender<u64>,
    store: &Store,
    node: &Arc<dyn NodeApi>,
    event: &NodeEvent,
) -> bool {
    let Some(state) = shared.upgrade() else {
        return false;
    };
    let mut state = state.lock();
    match event {
        NodeEvent::Pending(hash) => state.push(Entry::Pending(*hash)),
        _ => {
            if let Err(error) = state.follow_chain(store) {
                tracing::warn!(target: "rpc", %error, "the journal could not follow the chain");
            }
            let syncing = !node.status().synced;
            if syncing != state.syncing {
                state.syncing = syncing;
                state.push(Entry::Syncing(syncing));
            }
        }
    }
    let end = state.end();
    drop(state);
    sender.send_replace(end);
    true
}

impl State {
    fn new(store: &Store, syncing: bool) -> Result<Self, StoreError> {
        let latest = store.heads()?.latest;
        let from = latest.number.saturating_sub(TAIL as u64 - 1);
        let mut tail = VecDeque::new();
        for number in from..=latest.number {
            if let Some(hash) = store.canonical_hash(number)? {
                tail.push_back(BlockRef { number, hash });
            }
        }
        Ok(Self {
            entries: VecDeque::new(),
            first: 0,
            tail,
            recent: VecDeque::new(),
            recent_bytes: 0,
            syncing,
        })
    }

    fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    fn push(&mut self, entry: Entry) {
        if self.entries.len() == ENTRIES {
            self.entries.pop_front();
            self.first += 1;
        }
        self.entries.push_back(entry);
    }

    /// Compares the chain that was written down with the store's, whatever
    /// the events said: missed or repeated events change nothing.
    fn follow_chain(&mut self, store: &Store) -> Result<(), StoreError> {
        let latest = store.heads()?.latest;
        while let Some(block) = self.tail.back().copied() {
            if store.canonical_hash(block.number)? == Some(block.hash) {
                break;
            }
            self.tail.pop_back();
            if let Some(removed) = self.removed(store, block.hash)? {
                self.push(Entry::Removed(removed));
            }
        }
        let next = self
            .tail
            .back()
            .map_or(latest.number, |block| block.number + 1);
        for number in next..=latest.number {
            let Some(block) = store.block(BlockId::Number(number))? else {
                // Reorganised meanwhile: the next event looks again.
                return Ok(());
            };
            if self
                .tail
                .back()
                .is_some_and(|parent| parent.hash != block.header.parent_hash)
            {
                return Ok(());
            }
            self.tail.push_back(block.record.block);
            if self.tail.len() > TAIL {
                self.tail.pop_front();
            }
            self.keep(&block);
            self.push(Entry::New(block));
        }
        Ok(())
    }

    fn removed(&self, store: &Store, hash: B256) -> Result<Option<Arc<StoredBlock>>, StoreError> {
        let recent = self.recent.iter().rev();
        match recent
            .into_iter()
            .find(|block| block.record.block.hash == hash)
        {
            Some(block) => Ok(Some(Arc::clone(block))),
            None => store.block(BlockId::Hash(hash)),
        }
    }

    /// Keeps the block's contents while there is room; entries of blocks that
    /// fall out keep their names alone.
    fn keep(&mut self, block: &Arc<StoredBlock>) {
        self.recent.push_back(Arc::clone(block));
        self.recent_bytes += weight(block);
        let mut forgotten = B256Map::default();
        while self.recent_bytes > RECENT_BYTES && self.recent.len() > 1 {
            let Some(oldest) = self.recent.pop_front() else {
                break;
            };
            self.recent_bytes -= weight(&oldest);
            forgotten.insert(oldest.record.block.hash, oldest.record.block);
        }
        if forgotten.is_empty() {
            return;
        }
        for entry in &mut self.entries {
            if let Entry::New(block) = entry
                && let Some(name) = forgotten.get(&block.record.block.hash)
            {
                *entry = Entry::Old(*name);
            }
        }
    }
}

/// About the bytes that a block holds in memory.
fn weight(block: &StoredBlock) -> usize {
    let transactions: usize = block.transactions().map(|bytes| bytes.len() + 64).sum();
    let logs: usize = block
        .receipts
        .iter()
        .flat_map(|receipt| receipt.logs())
        .map(|log| log.data.data.len() + 192)
        .sum();
    1_024 + transactions + logs + 400 * block.receipts.len()
}
