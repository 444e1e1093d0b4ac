use alloy_primitives::{Address, B256, Bytes};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// A transaction that was in a block which is no longer in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Orphan {
    /// Transaction hash.
    pub(crate) hash: B256,
    /// Encoded transaction.
    pub(crate) bytes: Bytes,
}

/// Orphaned transactions in the order of the blocks that they were in. They go
/// into the next blocks before everything else, in this order: their order was
/// promised.
#[derive(Debug)]
pub(super) struct Replay {
    /// The lowest row given so far. Rows are not given twice, since a removal
    /// may still be under way.
    lowest: u64,
    /// Ascending by row.
    queue: VecDeque<(u64, Orphan)>,
    /// Rows by hash.
    known: HashMap<B256, u64>,
    /// Whose they are, as far as the engine has said.
    named: HashMap<B256, (Address, u64)>,
    /// The same by sender and nonce.
    nonces: BTreeMap<(Address, u64), B256>,
    /// Those about which the engine was not asked yet.
    nameless: BTreeSet<B256>,
    /// True from when orphans were put in until their blocks have left.
    moving: bool,
    bytes: u64,
}

/// Rows of orphans count down from here, so that those of a later
/// reorganisation, which were in older blocks, stand in front.
pub(super) const REPLAY_BASE: u64 = 1 << 62;

impl Default for Replay {
    fn default() -> Self {
        Self {
            lowest: REPLAY_BASE,
            queue: VecDeque::new(),
            known: HashMap::new(),
            named: HashMap::new(),
            nonces: BTreeMap::new(),
            nameless: BTreeSet::new(),
            moving: false,
            bytes: 0,
        }
    }
}

impl Replay {
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn contains(&self, hash: &B256) -> bool {
        self.known.contains_key(hash)
    }

    pub(super) fn get(&self, hash: &B256) -> Option<Bytes> {
        let index = self.place(self.row(hash)?)?;
        self.at(index).map(|orphan| orphan.bytes.clone())
    }

    /// The journal row of an orphan.
    pub(super) fn row(&self, hash: &B256) -> Option<u64> {
        self.known.get(hash).copied()
    }

    fn place(&self, row: u64) -> Option<usize> {
        self.queue.binary_search_by_key(&row, |(row, _)| *row).ok()
    }

    pub(super) fn at(&self, index: usize) -> Option<&Orphan> {
        self.queue.get(index).map(|(_, orphan)| orphan)
    }

    /// Puts orphans in front, keeping their order; those known already keep
    /// their place. Returns the rows that were given to them.
    pub(super) fn push_front(&mut self, orphans: Vec<Orphan>) -> Vec<(u64, Orphan)> {
        let mut rows = Vec::with_capacity(orphans.len());
        for orphan in orphans.into_iter().rev() {
            if self.contains(&orphan.hash) {
                continue;
            }
            self.lowest = self.lowest.saturating_sub(1);
            self.known.insert(orphan.hash, self.lowest);
            self.nameless.insert(orphan.hash);
            self.bytes += orphan.bytes.len() as u64;
            self.queue.push_front((self.lowest, orphan.clone()));
            rows.push((self.lowest, orphan));
        }
        rows.reverse();
        rows
    }

    /// Puts back a row that was read after a restart; rows come ascending.
    pub(super) fn restore(&mut self, row: u64, orphan: Orphan) {
        self.lowest = self.lowest.min(row);
        if !self.contains(&orphan.hash) {
            self.known.insert(orphan.hash, row);
            self.nameless.insert(orphan.hash);
            self.bytes += orphan.bytes.len() as u64;
            self.queue.push_back((row, orphan));
        }
    }

    /// Sets whether blocks are leaving: the engine's answers are those of the
    /// chain with them until they have.
    pub(super) const fn set_moving(&mut self, moving: bool) {
        self.moving = moving;
    }

    pub(super) const fn is_moving(&self) -> bool {
        self.moving
    }

    /// Up to `limit` orphans whose senders are not known yet.
    pub(super) fn nameless(&self, limit: usize) -> Vec<(B256, Bytes)> {
        let found = self.nameless.iter().take(limit);
        found
            .filter_map(|hash| Some((*hash, self.get(hash)?)))
            .collect()
    }

    /// Sets whose an orphan is, with its nonce; nobody's where the engine does
    /// not admit it any more.
    pub(super) fn name(&mut self, hash: &B256, whose: Option<(Address, u64)>) {
        if !self.nameless.remove(hash) {
            return;
        }
        if let Some(whose) = whose {
            self.named.insert(*hash, whose);
            self.nonces.insert(whose, *hash);
        }
    }

    /// The orphan that a sender's nonce belongs to.
    pub(super) fn holder(&self, sender: Address, nonce: u64) -> Option<B256> {
        self.nonces.get(&(sender, nonce)).copied()
    }

    /// The nonce behind a sender's last orphan; `None` without any.
    pub(super) fn next_nonce(&self, sender: Address) -> Option<u64> {
        let mut all = self.nonces.range((sender, 0)..=(sender, u64::MAX));
        all.next_back()
            .map(|((_, nonce), _)| nonce.saturating_add(1))
    }

    /// Takes one out; its row is returned.
    pub(super) fn remove(&mut self, hash: &B256) -> Option<u64> {
        let row = self.known.remove(hash)?;
        self.nameless.remove(hash);
        if let Some(whose) = self.named.remove(hash) {
            self.nonces.remove(&whose);
        }
        let (row, orphan) = self.queue.remove(self.place(row)?)?;
        self.bytes -= orphan.bytes.len() as u64;
        Some(row)
    }
}
