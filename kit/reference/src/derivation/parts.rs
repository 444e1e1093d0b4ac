//! Parts as they are stored (§4.1).

use super::Reference;
use crate::{Payloads, Reason, wire::Part};
use alloy_primitives::{Address, B256};
use rollwright_core::BlobRef;

/// What a stored part counts besides its bytes.
const PART_OVERHEAD: u64 = 256;

/// How many batches of one number a key may have stored.
const BATCHES_OF_A_NUMBER: usize = 8;

/// Whose parts belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BatchName {
    pub(super) number: u64,
    pub(super) key: Address,
    pub(super) attempt: u64,
    pub(super) id: B256,
}

/// A part, with the place where it stood.
#[derive(Clone, Debug)]
pub(super) struct StoredPart {
    pub(super) name: BatchName,
    pub(super) index: u32,
    pub(super) count: u32,
    pub(super) total_len: u32,
    pub(super) piece: Vec<u8>,
    /// Ordinal and position of the blob.
    pub(super) at: (u64, u32),
    pub(super) blob: BlobRef,
}

/// All parts with one name.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) name: BatchName,
    /// In the order in which they came; never empty.
    pub(super) parts: Vec<StoredPart>,
}

impl Batch {
    pub(super) fn first(&self) -> &StoredPart {
        &self.parts[0]
    }

    /// Where its last part stood, if none is missing.
    pub(super) fn completed(&self) -> Option<(u64, u32)> {
        let all = self.parts.len() as u64 == u64::from(self.first().count);
        self.parts.last().map(|part| part.at).filter(|_| all)
    }

    /// Its parts by index.
    pub(super) fn in_order(&self) -> Vec<&StoredPart> {
        let mut parts: Vec<&StoredPart> = self.parts.iter().collect();
        parts.sort_by_key(|part| part.index);
        parts
    }

    pub(super) fn joined(&self) -> Vec<u8> {
        let parts = self.in_order();
        parts.iter().flat_map(|part| part.piece.clone()).collect()
    }
}

impl<P: Payloads> Reference<'_, P> {
    /// The batches that parts are stored of, ascending by name.
    pub(super) fn batches(&self) -> Vec<Batch> {
        let mut names: Vec<BatchName> = self.parts.iter().map(|part| part.name).collect();
        names.sort();
        names.dedup();
        let of = |name| self.parts.iter().filter(move |part| part.name == name);
        names
            .into_iter()
            .map(|name| Batch {
                name,
                parts: of(name).cloned().collect(),
            })
            .collect()
    }

    /// Removes a batch with all of its parts.
    pub(super) fn remove(&mut self, batch: &Batch, reason: Reason) {
        self.forget(batch.name);
        self.drop(reason, None, Some((batch.name.number, batch.name.id)));
    }

    /// Forgets everything that is kept under a name.
    pub(super) fn forget(&mut self, name: BatchName) {
        self.parts.retain(|part| part.name != name);
    }

    /// Stores a part, or says by which rule it is dropped: the first of these
    /// that holds.
    pub(super) fn store_part(
        &mut self,
        i: u64,
        place: u32,
        blob: BlobRef,
        part: Part,
    ) -> Result<(), Reason> {
        let config = self.chain.config_at(i);
        let limits = config.limits;
        let (entry, keys) = self.chain.keys_at(i);
        let head = &part.head;
        if head.key_entry != entry {
            return Err(Reason::PartKeyEntry);
        }
        if head.number < self.next || head.number - self.next >= limits.batch_lookahead {
            return Err(Reason::PartNumber);
        }
        if head.count > limits.batch_parts || head.total_len > limits.batch_bytes {
            return Err(Reason::PartBound);
        }
        if self.rejected.contains(&head.batch_id) {
            return Err(Reason::PartRejected);
        }
        let stored_already = self.parts.iter().any(|stored| {
            stored.name.number == head.number
                && stored.name.attempt == head.attempt
                && stored.name.id == head.batch_id
                && stored.index == head.index
                && stored.piece == part.piece
        });
        if stored_already {
            return Err(Reason::PartKnown);
        }
        let key = part
            .signer(self.chain.rollup_id())
            .ok_or(Reason::PartSignature)?;
        if !keys.contains(&key) {
            return Err(Reason::PartSigner);
        }
        let highest = self.attempts.get(&key).copied().unwrap_or(0);
        if head.attempt < highest {
            return Err(Reason::PartAttempt);
        }
        if head.attempt > highest {
            for batch in self.batches() {
                if batch.name.key == key {
                    self.remove(&batch, Reason::Superseded);
                }
            }
            self.attempts.insert(key, head.attempt);
        }
        let name = BatchName {
            number: head.number,
            key,
            attempt: head.attempt,
            id: head.batch_id,
        };
        let batches = self.batches();
        let known = batches.iter().find(|batch| batch.name == name);
        if let Some(batch) = known {
            if batch.parts.iter().any(|stored| stored.index == head.index) {
                return Err(Reason::PartIndex);
            }
            let first = batch.first();
            if (head.count, head.total_len) != (first.count, first.total_len) {
                return Err(Reason::PartShape);
            }
            let stored: usize = batch.parts.iter().map(|part| part.piece.len()).sum();
            if (stored + part.piece.len()) as u64 > u64::from(head.total_len) {
                return Err(Reason::PartLength);
            }
        }
        let size = |piece: &Vec<u8>| piece.len() as u64 + PART_OVERHEAD;
        let of_key = self.parts.iter().filter(|stored| stored.name.key == key);
        let held: u64 = of_key.map(|stored| size(&stored.piece)).sum();
        let one_batch =
            u64::from(limits.batch_bytes) + PART_OVERHEAD * u64::from(limits.batch_parts);
        if held + size(&part.piece) > limits.batch_lookahead * one_batch {
            return Err(Reason::PartCapacity);
        }
        let of_number = |batch: &&Batch| batch.name.key == key && batch.name.number == head.number;
        if known.is_none() && batches.iter().filter(of_number).count() >= BATCHES_OF_A_NUMBER {
            return Err(Reason::PartBatches);
        }
        self.parts.push(StoredPart {
            name,
            index: head.index,
            count: head.count,
            total_len: head.total_len,
            piece: part.piece,
            at: (i, place),
            blob,
        });
        Ok(())
    }
}
