mod admit;

use super::{
    PoolConfig, PoolOrder, PoolTx,
    replay::Replay,
    sender::{OrderKey, SenderQueue, Waiting, WorthKey},
};
use alloy_primitives::{Address, B256, Bytes};
use rollwright_core::{Admission, PoolEntry, PoolStatus, SubmitError};
use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

/// What became of an accepted transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inserted {
    /// Its hash.
    pub hash: B256,
    /// Place in the order of arrival; a replacement keeps the old one.
    pub seq: u64,
    /// True where it could go into the next block.
    pub ready: bool,
    /// The transaction whose place it took.
    pub replaced: Option<B256>,
    /// Transactions that had to leave for it.
    pub evicted: Vec<B256>,
}

/// How many heads back changed account nonces are remembered, for those whose
/// admission began before.
const RECENT_HEADS: usize = 64;

/// Waiting transactions and their order. Pure: no I/O, no clock.
#[derive(Debug)]
pub struct Pool {
    config: PoolConfig,
    senders: HashMap<Address, SenderQueue>,
    by_hash: HashMap<B256, (Address, u64)>,
    pub(super) order: BTreeSet<(OrderKey, Address)>,
    worth: BTreeSet<(WorthKey, Address)>,
    pub(super) replay: Replay,
    next_seq: u64,
    bytes: u64,
    ready: usize,
    /// Nonces that recent blocks gave to accounts, and which block it was.
    recent: HashMap<Address, (u64, u64)>,
    /// Whose nonces those blocks changed; newest block last.
    recent_heads: VecDeque<Vec<Address>>,
    /// Counts blocks.
    head: u64,
    /// Journal rows that are of no use any more.
    pub(super) released: Vec<u64>,
}

impl Pool {
    /// An empty pool.
    pub fn new(config: PoolConfig) -> Self {
        Self {
            config,
            senders: HashMap::new(),
            by_hash: HashMap::new(),
            order: BTreeSet::new(),
            worth: BTreeSet::new(),
            replay: Replay::default(),
            next_seq: 0,
            bytes: 0,
            ready: 0,
            recent: HashMap::new(),
            recent_heads: VecDeque::new(),
            head: 0,
            released: Vec::new(),
        }
    }

    /// Its limits.
    pub const fn config(&self) -> &PoolConfig {
        &self.config
    }

    /// Takes a transaction that the engine has admitted.
    ///
    /// Refused where it is known, below the account's nonce or the minimum
    /// fee, unaffordable, a replacement that does not pay enough more, where
    /// its nonce belongs to a transaction of a block that is being made again,
    /// or where the pool is full of better ones. A refusal changes nothing.
    pub fn insert(
        &mut self,
        admission: &Admission,
        bytes: Bytes,
        now_ms: u64,
    ) -> Result<Inserted, SubmitError> {
        let seq = self.next_seq;
        let inserted = self.insert_at(admission, bytes, now_ms, seq)?;
        self.next_seq = self.next_seq.max(inserted.seq.saturating_add(1));
        Ok(inserted)
    }

    /// A journal row was found after a restart: its place is not given again,
    /// whatever becomes of it, since its removal may still be under way.
    pub(super) fn saw_row(&mut self, seq: u64) {
        self.next_seq = self.next_seq.max(seq.saturating_add(1));
    }

    /// Puts back what waited at a place before a restart.
    pub(super) fn restore(
        &mut self,
        admission: &Admission,
        bytes: Bytes,
        now_ms: u64,
        seq: u64,
    ) -> Result<(), SubmitError> {
        let inserted = self.insert_at(admission, bytes, now_ms, seq)?;
        if inserted.seq != seq {
            self.released.push(seq);
        }
        Ok(())
    }

    fn insert_at(
        &mut self,
        admission: &Admission,
        bytes: Bytes,
        now_ms: u64,
        seq: u64,
    ) -> Result<Inserted, SubmitError> {
        let tx = Arc::new(PoolTx::new(admission, bytes));
        self.check_alone(admission, &tx)?;
        let account_nonce = self
            .recent
            .get(&tx.sender)
            .map_or(admission.account_nonce, |(recent, _)| {
                admission.account_nonce.max(*recent)
            });
        if tx.nonce < account_nonce {
            return Err(SubmitError::NonceTooLow {
                account: account_nonce,
                transaction: tx.nonce,
            });
        }
        if let Some(orphan) = self.replay.holder(tx.sender, tx.nonce) {
            return Err(SubmitError::Invalid(format!(
                "nonce {} of {} belongs to transaction {orphan}, whose block is being made \
                 again: go on with the next nonce",
                tx.nonce, tx.sender
            )));
        }
        let mut seq = seq;
        let replaces = self
            .senders
            .get(&tx.sender)
            .and_then(|queue| queue.get(tx.nonce));
        if let Some(old) = replaces {
            self.check_replacement(&old.tx, &tx)?;
            seq = old.seq;
        }
        let evicted = self.make_room(&tx, account_nonce)?;

        let queue = self
            .senders
            .entry(tx.sender)
            .or_insert_with(|| SenderQueue::new(account_nonce));
        // The engine's view may be older or, after a reorganisation, newer.
        let passed = if account_nonce > queue.account_nonce() {
            queue.set_account_nonce(account_nonce)
        } else {
            Vec::new()
        };
        let replaced = queue.put(Waiting {
            tx: tx.clone(),
            seq,
            arrived_ms: now_ms,
        });
        let ready = queue.is_ready(tx.nonce);
        self.by_hash.insert(tx.hash, (tx.sender, tx.nonce));
        self.bytes += tx.len();
        let replaced = replaced.map(|old| {
            self.by_hash.remove(&old.tx.hash);
            self.bytes -= old.tx.len();
            old.tx.hash
        });
        for old in passed {
            self.forget(&old);
        }
        self.reindex(tx.sender);
        Ok(Inserted {
            hash: tx.hash,
            seq,
            ready,
            replaced,
            evicted,
        })
    }

    /// Applies a new latest block: these transactions of the pool are in it.
    /// Returns how many were not those of a known sender.
    pub fn included(&mut self, hashes: &[B256]) -> usize {
        let mut unknown = 0;
        let mut touched = Vec::new();
        for hash in hashes {
            if let Some(row) = self.replay.remove(hash) {
                self.released.push(row);
                // Whose it was is not known here: the caller asks the engine.
                unknown += 1;
                continue;
            }
            let Some(&(sender, nonce)) = self.by_hash.get(hash) else {
                unknown += 1;
                continue;
            };
            touched.push((sender, nonce.saturating_add(1)));
        }
        self.head += 1;
        let mut changed = Vec::with_capacity(touched.len());
        for (sender, nonce) in touched {
            self.account_is_at(sender, nonce);
            let before = self.recent.insert(sender, (nonce, self.head));
            if before.is_none_or(|(_, head)| head != self.head) {
                changed.push(sender);
            }
        }
        self.recent_heads.push_back(changed);
        if self.recent_heads.len() > RECENT_HEADS
            && let Some(old) = self.recent_heads.pop_front()
        {
            let oldest = self.head - self.recent_heads.len() as u64;
            for sender in old {
                let last = self.recent.get(&sender).map(|(_, head)| *head);
                if last.is_some_and(|head| head <= oldest) {
                    self.recent.remove(&sender);
                }
            }
        }
        unknown
    }

    /// Forgets what is known of accounts: the chain went back.
    pub fn reorganised(&mut self) {
        self.recent.clear();
        self.recent_heads.clear();
    }

    /// Sets what the state says of a sender; its passed transactions leave.
    pub fn account_is_at(&mut self, sender: Address, nonce: u64) {
        let Some(queue) = self.senders.get_mut(&sender) else {
            return;
        };
        for passed in queue.set_account_nonce(nonce) {
            self.forget(&passed);
        }
        self.reindex(sender);
    }

    /// Takes a transaction out. Those behind it stay, behind a gap.
    pub fn remove(&mut self, hash: &B256) -> Option<Arc<PoolTx>> {
        let &(sender, nonce) = self.by_hash.get(hash)?;
        self.take_out(sender, nonce).map(|waiting| waiting.tx)
    }

    /// Removes what has waited too long; returns the hashes.
    pub fn expire(&mut self, now_ms: u64) -> Vec<B256> {
        let lifetime = |ready: bool| {
            let lifetime = if ready {
                self.config.ready_lifetime
            } else {
                self.config.gap_lifetime
            };
            u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX)
        };
        let stale: Vec<_> = self
            .senders
            .values()
            .flat_map(|queue| {
                queue.iter().filter(|waiting| {
                    now_ms.saturating_sub(waiting.arrived_ms)
                        > lifetime(queue.is_ready(waiting.tx.nonce))
                })
            })
            .map(|waiting| waiting.tx.hash)
            .collect();
        for hash in &stale {
            self.remove(hash);
        }
        stale
    }

    /// A waiting transaction.
    pub fn get(&self, hash: &B256) -> Option<Bytes> {
        match self.by_hash.get(hash) {
            Some((sender, nonce)) => {
                let waiting = self.senders.get(sender)?.get(*nonce)?;
                Some(waiting.tx.bytes.clone())
            }
            None => self.replay.get(hash),
        }
    }

    /// True where the transaction waits.
    pub fn contains(&self, hash: &B256) -> bool {
        self.by_hash.contains_key(hash) || self.replay.contains(hash)
    }

    /// The sender's next nonce with its ready transactions counted, and those
    /// of blocks that are being made again; `None` without any.
    pub fn next_nonce(&self, sender: &Address) -> Option<u64> {
        let queue = self.senders.get(sender);
        let ready = queue
            .filter(|queue| queue.ready() > 0)
            .map(SenderQueue::next_nonce);
        let Some(mut next) = self.replay.next_nonce(*sender) else {
            return ready;
        };
        while queue.is_some_and(|queue| queue.get(next).is_some()) {
            next = next.saturating_add(1);
        }
        Some(ready.unwrap_or(0).max(next))
    }

    /// How full it is. Transactions that wait to be rebuilt count as pending.
    pub fn status(&self) -> PoolStatus {
        PoolStatus {
            pending: self.ready + self.replay.len(),
            queued: self.by_hash.len() - self.ready,
            bytes: self.bytes + self.replay.bytes(),
        }
    }

    /// True where a block could be made of something.
    pub fn has_ready(&self) -> bool {
        self.ready > 0 || self.replay.len() > 0
    }

    /// Waiting transactions, by sender in block order, at most `limit`.
    pub fn content(&self, limit: usize) -> Vec<PoolEntry> {
        let entry = |queue: &SenderQueue, waiting: &Waiting| PoolEntry {
            hash: waiting.tx.hash,
            sender: waiting.tx.sender,
            nonce: waiting.tx.nonce,
            bytes: waiting.tx.bytes.clone(),
            ready: queue.is_ready(waiting.tx.nonce),
        };
        let ready = self
            .order
            .iter()
            .filter_map(|(_, sender)| self.senders.get(sender));
        let gaps = self.senders.values().filter(|queue| queue.ready() == 0);
        ready
            .chain(gaps)
            .flat_map(|queue| queue.iter().map(move |waiting| entry(queue, waiting)))
            .take(limit)
            .collect()
    }

    /// A ready transaction of the sender.
    pub(super) fn ready_tx(&self, sender: &Address, nonce: u64) -> Option<&Waiting> {
        let queue = self.senders.get(sender)?;
        queue.is_ready(nonce).then(|| queue.get(nonce)).flatten()
    }

    pub(super) fn first_ready_tx(&self, sender: &Address) -> Option<&Waiting> {
        self.senders.get(sender)?.first_ready()
    }

    /// The first transaction of up to `limit` senders that have none ready.
    pub(super) fn gapped(&self, limit: usize) -> Vec<Arc<PoolTx>> {
        self.worth
            .iter()
            .filter_map(|(_, sender)| self.senders.get(sender))
            .filter(|queue| queue.ready() == 0)
            .filter_map(|queue| queue.iter().next())
            .take(limit)
            .map(|waiting| waiting.tx.clone())
            .collect()
    }

    /// How many senders have something waiting.
    pub(super) fn senders(&self) -> usize {
        self.senders.len()
    }

    /// The first transaction of a sender, ready or not.
    pub(super) fn first_of(&self, sender: &Address) -> Option<Arc<PoolTx>> {
        Some(self.senders.get(sender)?.iter().next()?.tx.clone())
    }

    pub(super) fn order_key(&self, waiting: &Waiting) -> OrderKey {
        let bid = match self.config.order {
            PoolOrder::Arrival => 0,
            PoolOrder::Tip => waiting
                .tx
                .max_priority_fee_per_gas
                .min(waiting.tx.max_fee_per_gas),
        };
        (Reverse(bid), waiting.seq)
    }

    fn take_out(&mut self, sender: Address, nonce: u64) -> Option<Waiting> {
        let removed = self.senders.get_mut(&sender)?.remove(nonce)?;
        self.forget(&removed);
        self.reindex(sender);
        Some(removed)
    }

    fn forget(&mut self, waiting: &Waiting) {
        self.by_hash.remove(&waiting.tx.hash);
        self.bytes -= waiting.tx.len();
        self.released.push(waiting.seq);
    }

    /// Brings the pool's indexes in line with a sender's queue.
    fn reindex(&mut self, sender: Address) {
        let Some(queue) = self.senders.get(&sender) else {
            return;
        };
        let order = queue.first_ready().map(|first| self.order_key(first));
        let worth = queue.last().map(|last| {
            (
                queue.is_ready(last.tx.nonce),
                last.tx.max_fee_per_gas,
                Reverse(last.seq),
            )
        });
        let Some(queue) = self.senders.get_mut(&sender) else {
            return;
        };
        let (old_order, old_worth) = std::mem::replace(&mut queue.indexed, (order, worth));
        let ready = queue.ready();
        let was_ready = std::mem::replace(&mut queue.counted_ready, ready);
        self.ready = self.ready + ready - was_ready;
        if old_order != order {
            if let Some(key) = old_order {
                self.order.remove(&(key, sender));
            }
            if let Some(key) = order {
                self.order.insert((key, sender));
            }
        }
        if old_worth != worth {
            if let Some(key) = old_worth {
                self.worth.remove(&(key, sender));
            }
            if let Some(key) = worth {
                self.worth.insert((key, sender));
            }
        }
        if worth.is_none() {
            self.senders.remove(&sender);
        }
    }
}
