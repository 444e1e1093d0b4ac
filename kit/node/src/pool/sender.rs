use alloy_primitives::{Address, B256, Bytes};
use rollwright_core::Admission;
use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

/// A waiting transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolTx {
    /// Transaction hash.
    pub hash: B256,
    /// Its signer.
    pub sender: Address,
    /// Its nonce.
    pub nonce: u64,
    /// Highest price per gas, in wei.
    pub max_fee_per_gas: u128,
    /// Highest tip per gas, in wei.
    pub max_priority_fee_per_gas: u128,
    /// Gas limit.
    pub gas_limit: u64,
    /// Encoded transaction.
    pub bytes: Bytes,
}

impl PoolTx {
    /// Joins what the engine said with the bytes that it was asked about.
    pub const fn new(admission: &Admission, bytes: Bytes) -> Self {
        Self {
            hash: admission.hash,
            sender: admission.sender,
            nonce: admission.nonce,
            max_fee_per_gas: admission.max_fee_per_gas,
            max_priority_fee_per_gas: admission.max_priority_fee_per_gas,
            gas_limit: admission.gas_limit,
            bytes,
        }
    }

    /// What a block builder earns per gas at this base fee; `None` below it.
    pub fn effective_tip(&self, base_fee: u128) -> Option<u128> {
        let above = self.max_fee_per_gas.checked_sub(base_fee)?;
        Some(above.min(self.max_priority_fee_per_gas))
    }

    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// A transaction with its place in the order of arrival.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) tx: Arc<PoolTx>,
    /// Place in the order of arrival, and key of its row in the journal.
    pub(super) seq: u64,
    pub(super) arrived_ms: u64,
}

/// Where a sender's first ready transaction stands among the others; lowest
/// first. The bid is an upper bound of its effective tip, 0 by arrival.
pub(super) type OrderKey = (Reverse<u128>, u64);

/// How well a sender's last transaction deserves its place; the lowest is
/// evicted first: behind a gap before ready, low fee caps before high ones,
/// late ones before early ones.
pub(super) type WorthKey = (bool, u128, Reverse<u64>);

/// One sender's transactions by nonce.
#[derive(Debug, Default)]
pub(super) struct SenderQueue {
    account_nonce: u64,
    waiting: BTreeMap<u64, Waiting>,
    ready: usize,
    /// The keys under which the pool has indexed this sender.
    pub(super) indexed: (Option<OrderKey>, Option<WorthKey>),
    /// How many of its ready transactions the pool's total contains.
    pub(super) counted_ready: usize,
}

impl SenderQueue {
    pub(super) fn new(account_nonce: u64) -> Self {
        Self {
            account_nonce,
            ..Self::default()
        }
    }

    pub(super) const fn account_nonce(&self) -> u64 {
        self.account_nonce
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many transactions could go into a block without a gap.
    pub(super) const fn ready(&self) -> usize {
        self.ready
    }

    pub(super) fn get(&self, nonce: u64) -> Option<&Waiting> {
        self.waiting.get(&nonce)
    }

    pub(super) fn is_ready(&self, nonce: u64) -> bool {
        nonce >= self.account_nonce && nonce - self.account_nonce < self.ready as u64
    }

    /// True where a transaction with this nonce would be ready.
    pub(super) fn would_be_ready(&self, nonce: u64) -> bool {
        nonce >= self.account_nonce && nonce - self.account_nonce <= self.ready as u64
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.values()
    }

    pub(super) fn first_ready(&self) -> Option<&Waiting> {
        if self.ready == 0 {
            return None;
        }
        self.waiting.get(&self.account_nonce)
    }

    pub(super) fn last(&self) -> Option<&Waiting> {
        self.waiting.values().next_back()
    }

    /// The account's nonce with the ready transactions counted.
    pub(super) const fn next_nonce(&self) -> u64 {
        self.account_nonce.saturating_add(self.ready as u64)
    }

    /// Puts a transaction in; the one that it replaces comes back.
    pub(super) fn put(&mut self, waiting: Waiting) -> Option<Waiting> {
        let replaced = self.waiting.insert(waiting.tx.nonce, waiting);
        self.extend_ready();
        replaced
    }

    /// Takes one out. Those with higher nonces stay, now behind a gap.
    pub(super) fn remove(&mut self, nonce: u64) -> Option<Waiting> {
        let removed = self.waiting.remove(&nonce)?;
        if self.is_ready(nonce) {
            self.ready = usize::try_from(nonce - self.account_nonce).unwrap_or(usize::MAX);
        }
        Some(removed)
    }

    /// Moves to what the state says; those below come back.
    pub(super) fn set_account_nonce(&mut self, nonce: u64) -> Vec<Waiting> {
        let mut dropped = Vec::new();
        if nonce == self.account_nonce {
            return dropped;
        }
        let kept_ready = self
            .next_nonce()
            .checked_sub(nonce)
            .filter(|_| nonce > self.account_nonce);
        self.account_nonce = nonce;
        while let Some(entry) = self.waiting.first_entry() {
            if *entry.key() >= nonce {
                break;
            }
            dropped.push(entry.remove());
        }
        self.ready = kept_ready
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(0);
        self.extend_ready();
        dropped
    }

    fn extend_ready(&mut self) {
        while self.waiting.contains_key(&self.next_nonce()) {
            self.ready += 1;
        }
    }
}
