use super::{
    Pool, PoolTx,
    sender::{OrderKey, Waiting},
};
use alloy_primitives::{Address, B256};
use parking_lot::Mutex;
use rollwright_core::{Attributes, Candidate, CandidateOutcome, CandidateSource};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
    ops::Bound,
    sync::Arc,
};

/// After this many candidates in a row that do not fit, the block is full.
const MISFITS: usize = 64;

/// Whose transactions a block has taken that is not in the chain yet, with the
/// next nonce of each. The pool holds those transactions until the block is
/// durable; the next block passes them over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken(HashMap<Address, u64>);

impl Taken {
    /// True where the pool has something ready besides.
    pub(super) fn leaves_ready(&self, pool: &Pool) -> bool {
        // One entry for each sender who has something ready.
        pool.order.len() > self.0.len()
            || pool
                .order
                .iter()
                .any(|(_, sender)| match self.0.get(sender) {
                    Some(next) => pool.ready_tx(sender, *next).is_some(),
                    None => true,
                })
    }
}

/// What building a block said about the pool's transactions. Nothing of it is
/// applied to the pool until the block is in the chain.
#[derive(Debug, Default)]
pub(crate) struct BuildReport {
    /// In the block.
    pub(crate) included: usize,
    /// Whose, of those that are no orphans.
    pub(crate) taken: Taken,
    /// Never valid again, with the reason.
    pub(crate) invalid: Vec<(B256, String)>,
    /// Senders whose first transaction did not go in.
    pub(crate) later: Vec<Address>,
    /// Orphans that could not be rebuilt in their place, with the reason.
    pub(crate) displaced: Vec<(B256, String)>,
}

/// The most that one transaction may take of a block that holds nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Gas limit of the block.
    gas: u64,
    /// Encoded bytes.
    bytes: u64,
    /// Encoded bytes that the block's forced entries may have taken of it.
    forced_bytes: u64,
}

impl Room {
    pub(crate) fn of(attributes: &Attributes) -> Self {
        let forced = attributes.forced.iter();
        Self {
            gas: attributes.gas_limit,
            bytes: attributes.max_bytes,
            forced_bytes: forced.map(|entry| entry.bytes.len() as u64).sum(),
        }
    }

    /// The builder begins with this many bytes.
    fn begin(&mut self, bytes_left: u64) {
        let all = bytes_left.saturating_add(self.forced_bytes);
        self.bytes = self.bytes.min(all);
    }

    /// Why nothing so large is ever included; `None` where it may be.
    fn excludes(&self, bytes: u64, gas: u64) -> Option<String> {
        if bytes > self.bytes {
            let most = self.bytes;
            return Some(format!(
                "its {bytes} bytes are more than the {most} of a block"
            ));
        }
        (gas > self.gas).then(|| {
            let most = self.gas;
            format!("its gas limit of {gas} is above the {most} of a block")
        })
    }
}

/// Hands the pool's transactions to a block builder, lazily and best first:
/// orphans in their old order, then each sender's transactions by nonce.
pub(crate) struct PoolCandidates {
    pool: Arc<Mutex<Pool>>,
    base_fee: Option<u128>,
    room: Room,
    begun: bool,
    report: BuildReport,
    phase: Phase,
    /// The last head taken from the pool's order.
    cursor: Option<(OrderKey, Address)>,
    /// Senders that were offered in this block.
    seen: HashSet<Address>,
    /// Later transactions of senders whose earlier ones are in the block, and
    /// heads whose exact bid is below their bound; best on top.
    open: BinaryHeap<Reverse<(OrderKey, Address, u64)>>,
    misfits: usize,
}

/// What was offered last.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// An orphan, at this index of the queue.
    Orphans(usize),
    /// A transaction of the pool.
    Pool(Option<(Address, u64)>),
}

impl PoolCandidates {
    /// `base_fee` is a lower bound of the block's base fee: what cannot pay it
    /// is passed over.
    pub(crate) fn new(pool: Arc<Mutex<Pool>>, base_fee: Option<u128>, room: Room) -> Self {
        Self {
            pool,
            base_fee,
            room,
            begun: false,
            report: BuildReport::default(),
            phase: Phase::Orphans(0),
            cursor: None,
            seen: HashSet::new(),
            open: BinaryHeap::new(),
            misfits: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn unbounded(pool: Arc<Mutex<Pool>>, base_fee: Option<u128>) -> Self {
        let room = Room {
            gas: u64::MAX,
            bytes: u64::MAX,
            forced_bytes: 0,
        };
        Self::new(pool, base_fee, room)
    }

    /// Passes over what an earlier block has taken that is not in the chain yet.
    pub(crate) fn beyond(mut self, taken: &Taken) -> Self {
        let pool = self.pool.clone();
        let pool = pool.lock();
        for (sender, next) in &taken.0 {
            self.seen.insert(*sender);
            self.open_at(&pool, *sender, *next);
        }
        drop(pool);
        self
    }

    pub(crate) fn finish(self) -> BuildReport {
        self.report
    }

    /// The key by its exact bid; `None` where the base fee is not paid.
    fn exact(&self, pool: &Pool, waiting: &Waiting) -> Option<OrderKey> {
        let (Reverse(bound), seq) = pool.order_key(waiting);
        match self.base_fee {
            None => Some((Reverse(bound), seq)),
            Some(base_fee) => {
                let tip = waiting.tx.effective_tip(base_fee)?;
                Some((Reverse(bound.min(tip)), seq))
            }
        }
    }

    /// The best transaction among the pool's heads and what is open.
    fn take_best(&mut self) -> Option<Arc<PoolTx>> {
        let pool = self.pool.clone();
        let pool = pool.lock();
        loop {
            let lower = self.cursor.map_or(Bound::Unbounded, Bound::Excluded);
            let head = pool.order.range((lower, Bound::Unbounded)).next().copied();
            let head_is_best = match (&head, self.open.peek()) {
                (Some((bound, _)), Some(Reverse((open, _, _)))) => bound < open,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if head_is_best {
                let Some((bound, sender)) = head else {
                    continue;
                };
                self.cursor = Some((bound, sender));
                if !self.seen.insert(sender) {
                    continue;
                }
                let Some(waiting) = pool.first_ready_tx(&sender) else {
                    continue;
                };
                match self.exact(&pool, waiting) {
                    Some(key) if key == bound => return Some(waiting.tx.clone()),
                    Some(key) => self.open.push(Reverse((key, sender, waiting.tx.nonce))),
                    None => {}
                }
                continue;
            }
            let Reverse((_, sender, nonce)) = self.open.pop()?;
            if let Some(waiting) = pool.ready_tx(&sender, nonce) {
                return Some(waiting.tx.clone());
            }
        }
    }

    fn open_successor(&mut self, sender: Address, nonce: u64) {
        let pool = self.pool.clone();
        let pool = pool.lock();
        self.open_at(&pool, sender, nonce.saturating_add(1));
    }

    fn open_at(&mut self, pool: &Pool, sender: Address, nonce: u64) {
        if let Some(waiting) = pool.ready_tx(&sender, nonce)
            && let Some(key) = self.exact(pool, waiting)
        {
            self.open.push(Reverse((key, sender, nonce)));
        }
    }
}

impl CandidateSource for PoolCandidates {
    fn next(&mut self, gas_left: u64, bytes_left: u64) -> Option<Candidate> {
        if !std::mem::replace(&mut self.begun, true) {
            self.room.begin(bytes_left);
        }
        while let Phase::Orphans(index) = self.phase {
            let Some(orphan) = self.pool.lock().replay.at(index).cloned() else {
                self.phase = Phase::Pool(None);
                break;
            };
            let bytes = orphan.bytes.len() as u64;
            if let Some(reason) = self.room.excludes(bytes, 0) {
                // Blocks have become smaller: it must not bar those behind it.
                self.report.displaced.push((orphan.hash, reason));
                self.phase = Phase::Orphans(index + 1);
                continue;
            }
            if bytes > bytes_left {
                return None;
            }
            return Some(Candidate {
                hash: orphan.hash,
                bytes: orphan.bytes,
            });
        }
        while self.misfits < MISFITS {
            let tx = self.take_best()?;
            if let Some(reason) = self.room.excludes(tx.len(), tx.gas_limit) {
                self.report.invalid.push((tx.hash, reason));
                continue;
            }
            if tx.gas_limit > gas_left || tx.len() > bytes_left {
                self.misfits += 1;
                continue;
            }
            self.phase = Phase::Pool(Some((tx.sender, tx.nonce)));
            return Some(Candidate {
                hash: tx.hash,
                bytes: tx.bytes.clone(),
            });
        }
        None
    }

    fn report(&mut self, candidate: &Candidate, outcome: CandidateOutcome) {
        match (self.phase, outcome) {
            (Phase::Orphans(index), CandidateOutcome::Included) => {
                self.report.included += 1;
                self.phase = Phase::Orphans(index + 1);
            }
            (Phase::Orphans(index), CandidateOutcome::Invalid(reason)) => {
                self.report.displaced.push((candidate.hash, reason));
                self.phase = Phase::Orphans(index + 1);
            }
            (Phase::Orphans(index), CandidateOutcome::Later) => {
                if self.report.included == 0 {
                    // Not for want of room, so it would bar those behind it.
                    let reason = "not valid in its place any more".to_owned();
                    self.report.displaced.push((candidate.hash, reason));
                    self.phase = Phase::Orphans(index + 1);
                } else {
                    // Nothing overtakes an orphan: it leads the next block.
                    self.misfits = MISFITS;
                    self.phase = Phase::Pool(None);
                }
            }
            (Phase::Pool(Some((sender, nonce))), outcome) => match outcome {
                CandidateOutcome::Included => {
                    self.report.included += 1;
                    let next = nonce.saturating_add(1);
                    self.report.taken.0.insert(sender, next);
                    self.misfits = 0;
                    self.open_successor(sender, nonce);
                }
                CandidateOutcome::Invalid(reason) => {
                    self.report.invalid.push((candidate.hash, reason));
                }
                CandidateOutcome::Later => self.report.later.push(sender),
            },
            (Phase::Pool(None), _) => {}
        }
    }
}
