use alloy_primitives::{Address, B256, Bytes, map::AddressMap};
use rollwright_core::{Admission, PoolEntry, PoolStatus, SubmitError};
use std::collections::BTreeMap;

/// Most transactions that wait.
const MOST: usize = 10_000;

/// What waits, by sender and nonce.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    senders: BTreeMap<Address, BTreeMap<u64, Waiting>>,
    count: usize,
}

#[derive(Clone, Debug)]
struct Waiting {
    hash: B256,
    bytes: Bytes,
    cap: u128,
    tip: u128,
}

impl Pool {
    /// Takes a transaction in; one with the same nonce is replaced where the
    /// new one pays a tenth more.
    pub(super) fn add(&mut self, admitted: &Admission, bytes: Bytes) -> Result<(), SubmitError> {
        if self.get(&admitted.hash).is_some() {
            return Err(SubmitError::AlreadyKnown(admitted.hash));
        }
        if self.count >= MOST {
            return Err(SubmitError::PoolFull(format!(
                "{MOST} transactions wait; mine them first"
            )));
        }
        let waiting = Waiting {
            hash: admitted.hash,
            bytes,
            cap: admitted.max_fee_per_gas,
            tip: admitted.max_priority_fee_per_gas,
        };
        let own = self.senders.entry(admitted.sender).or_default();
        if let Some(old) = own.get(&admitted.nonce) {
            let required = old.cap.saturating_add(old.cap.div_ceil(10));
            if waiting.cap < required {
                return Err(SubmitError::Underpriced { required });
            }
        }
        if own.insert(admitted.nonce, waiting).is_none() {
            self.count += 1;
        }
        Ok(())
    }

    pub(super) fn get(&self, hash: &B256) -> Option<Bytes> {
        let mut all = self.senders.values().flat_map(BTreeMap::values);
        all.find(|waiting| waiting.hash == *hash)
            .map(|waiting| waiting.bytes.clone())
    }

    pub(super) fn remove(&mut self, hash: &B256) -> bool {
        let mut found = false;
        for own in self.senders.values_mut() {
            let before = own.len();
            own.retain(|_, waiting| waiting.hash != *hash);
            self.count -= before - own.len();
            found |= before > own.len();
        }
        self.senders.retain(|_, own| !own.is_empty());
        found
    }

    /// Forgets nonces that are used.
    pub(super) fn forget_used(&mut self, nonce: impl Fn(&Address) -> u64) {
        for (sender, own) in &mut self.senders {
            let next = nonce(sender);
            let before = own.len();
            own.retain(|used, _| *used >= next);
            self.count -= before - own.len();
        }
        self.senders.retain(|_, own| !own.is_empty());
    }

    /// What can be included: each sender's in the order of nonces without a
    /// gap, the best tip first among senders.
    pub(super) fn ready(&self, nonce: impl Fn(&Address) -> u64) -> Vec<Bytes> {
        let mut next: AddressMap<u64> = AddressMap::default();
        for sender in self.senders.keys() {
            next.insert(*sender, nonce(sender));
        }
        let mut ready = Vec::new();
        loop {
            let heads = self.senders.iter().filter_map(|(sender, own)| {
                let waiting = own.get(next.get(sender)?)?;
                Some((waiting.tip, sender, waiting))
            });
            let Some((_, sender, waiting)) = heads.max_by_key(|(tip, ..)| *tip) else {
                return ready;
            };
            ready.push(waiting.bytes.clone());
            if let Some(nonce) = next.get_mut(sender) {
                *nonce += 1;
            }
        }
    }

    /// The nonce after those that wait without a gap; `None` where none does.
    pub(super) fn nonce(&self, sender: &Address, account: u64) -> Option<u64> {
        let own = self.senders.get(sender)?;
        let mut next = account;
        while own.contains_key(&next) {
            next += 1;
        }
        (next > account).then_some(next)
    }

    pub(super) fn content(&self, limit: usize, nonce: impl Fn(&Address) -> u64) -> Vec<PoolEntry> {
        let mut content = Vec::new();
        for (sender, own) in &self.senders {
            let mut expected = nonce(sender);
            for (nonce, waiting) in own {
                if content.len() >= limit {
                    return content;
                }
                let ready = *nonce == expected;
                expected += u64::from(ready);
                content.push(PoolEntry {
                    hash: waiting.hash,
                    sender: *sender,
                    nonce: *nonce,
                    bytes: waiting.bytes.clone(),
                    ready,
                });
            }
        }
        content
    }

    pub(super) fn status(&self, nonce: impl Fn(&Address) -> u64) -> PoolStatus {
        let mut status = PoolStatus::default();
        for entry in self.content(usize::MAX, nonce) {
            match entry.ready {
                true => status.pending += 1,
                false => status.queued += 1,
            }
            status.bytes += entry.bytes.len() as u64;
        }
        status
    }
}
