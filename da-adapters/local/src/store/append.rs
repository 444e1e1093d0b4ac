//! How blocks are made, become final and are pruned.

use super::{
    Store,
    records::{BLOBS, BODIES, Body, HEADERS, Place, Placed, Queued, State, encode, unit_key},
};
use crate::{Error, Namespace, proof::BlockTree, proof::header_hash};
use alloy_primitives::{B256, Bytes, keccak256};
use redb::WriteTransaction;
use rollwright_core::{BlobRef, DaHeader, DaHeight};

/// A blob of a block that is being made.
struct Entry {
    namespace: Namespace,
    unit: usize,
    data: Bytes,
    commitment: B256,
}

impl Store {
    /// Makes the next block of what waits, as much as fits.
    ///
    /// Its time is `time`, in Unix seconds, or the parent's where that is
    /// later.
    pub(crate) fn seal(&self, time: u64) -> Result<State, Error> {
        self.write(|transaction| {
            let mut state = self.state_of(transaction)?;
            self.append_queued(transaction, &mut state, time)?;
            self.put_state(transaction, &state)?;
            Ok(state)
        })
    }

    pub(super) fn append_queued(
        &self,
        transaction: &WriteTransaction,
        state: &mut State,
        time: u64,
    ) -> Result<(), Error> {
        let units = self.dequeue(transaction, state)?;
        self.append(transaction, state, time, units)
    }

    /// Makes a block of `units` on the head and moves finality and pruning on.
    pub(super) fn append(
        &self,
        transaction: &WriteTransaction,
        state: &mut State,
        time: u64,
        units: Vec<(u64, Queued)>,
    ) -> Result<(), Error> {
        let mut placed = Vec::with_capacity(units.len());
        let mut entries = Vec::new();
        for (index, (arrival, unit)) in units.into_iter().enumerate() {
            placed.push(Placed {
                namespace: unit.namespace,
                id: unit.id,
                arrival,
                positions: Vec::with_capacity(unit.blobs.len()),
            });
            entries.extend(unit.blobs.into_iter().map(|data| Entry {
                namespace: unit.namespace,
                unit: index,
                commitment: keccak256(&data),
                data,
            }));
        }
        // Stable: within a namespace the order of posting stays.
        entries.sort_by_key(|entry| entry.namespace);
        let leaves: Vec<_> = entries
            .iter()
            .map(|e| (e.namespace, e.commitment))
            .collect();
        let salt = state.seals;
        let data_root = BlockTree::new(salt, leaves.iter().copied())
            .data_root()
            .ok_or_else(|| self.corrupt("a block's blobs are out of order"))?;
        let mut header = DaHeader {
            height: DaHeight(state.head.height.0 + 1),
            hash: B256::ZERO,
            parent_hash: state.head.hash,
            time: time.max(state.head.time),
            data_root,
        };
        header.hash = header_hash(state.network, &header);
        let references = self.put_blobs(transaction, &header, &entries, &mut placed)?;
        self.place_units(transaction, &placed, &references)?;
        self.put_block(
            transaction,
            &header,
            &Body {
                salt,
                leaves,
                units: placed,
            },
        )?;
        state.head = header;
        state.seals += 1;
        self.finalize(transaction, state)?;
        self.prune_expired(transaction, state)
    }

    /// Writes the contents; the result is each blob's reference by position.
    fn put_blobs(
        &self,
        transaction: &WriteTransaction,
        header: &DaHeader,
        entries: &[Entry],
        placed: &mut [Placed],
    ) -> Result<Vec<BlobRef>, Error> {
        let mut blobs = self.table(transaction, BLOBS)?;
        let mut references: Vec<BlobRef> = Vec::with_capacity(entries.len());
        let mut previous = None;
        let mut index = 0;
        for (position, entry) in (0_u32..).zip(entries) {
            index = if previous == Some(entry.namespace) {
                index + 1
            } else {
                0
            };
            previous = Some(entry.namespace);
            blobs
                .insert((header.height.0, position), entry.data.as_ref())
                .map_err(|e| self.writing(e))?;
            placed[entry.unit].positions.push(position);
            references.push(BlobRef {
                block: header.id(),
                index,
                commitment: entry.commitment,
            });
        }
        Ok(references)
    }

    fn place_units(
        &self,
        transaction: &WriteTransaction,
        placed: &[Placed],
        references: &[BlobRef],
    ) -> Result<(), Error> {
        for unit in placed {
            let key = unit_key(unit.namespace, unit.id);
            let mut record = self
                .unit_in(transaction, &key)?
                .ok_or_else(|| self.corrupt(format!("the unknown unit {:?} waits", unit.id)))?;
            record.blobs = unit
                .positions
                .iter()
                .map(|position| references[*position as usize])
                .collect();
            self.put_unit(transaction, &key, &record)?;
        }
        Ok(())
    }

    fn put_block(
        &self,
        transaction: &WriteTransaction,
        header: &DaHeader,
        body: &Body,
    ) -> Result<(), Error> {
        let key = header.height.0.to_le_bytes();
        let record = encode(Place::numbered("headers", &key), header);
        self.table(transaction, HEADERS)?
            .insert(header.height.0, record.as_slice())
            .map_err(|e| self.writing(e))?;
        let record = encode(Place::numbered("bodies", &key), body);
        self.table(transaction, BODIES)?
            .insert(header.height.0, record.as_slice())
            .map_err(|e| self.writing(e))?;
        Ok(())
    }

    fn finalize(&self, transaction: &WriteTransaction, state: &mut State) -> Result<(), Error> {
        let height = state
            .head
            .height
            .0
            .saturating_sub(self.limits.finality_depth);
        if height > state.finalized.map_or(0, |header| header.height.0) {
            let headers = self.table(transaction, HEADERS)?;
            state.finalized = Some(self.header_in(&headers, height)?);
        }
        Ok(())
    }

    /// Drops the blobs of all blocks below a height; headers stay.
    pub(crate) fn prune(&self, below: u64) -> Result<State, Error> {
        self.write(|transaction| {
            let mut state = self.state_of(transaction)?;
            let max = state.finalized.map_or(1, |header| header.height.0);
            if below > max {
                return Err(Error::PruneTooHigh {
                    below: DaHeight(below),
                    max: DaHeight(max),
                });
            }
            self.prune_to(transaction, &mut state, below)?;
            self.put_state(transaction, &state)?;
            Ok(state)
        })
    }

    fn prune_expired(
        &self,
        transaction: &WriteTransaction,
        state: &mut State,
    ) -> Result<(), Error> {
        let Some(kept) = self.limits.kept_blocks else {
            return Ok(());
        };
        let below = state.head.height.0.saturating_add(1).saturating_sub(kept);
        let fixed = state.finalized.map_or(0, |header| header.height.0);
        self.prune_to(transaction, state, below.min(fixed))
    }

    fn prune_to(
        &self,
        transaction: &WriteTransaction,
        state: &mut State,
        below: u64,
    ) -> Result<(), Error> {
        if below <= state.oldest {
            return Ok(());
        }
        self.table(transaction, BODIES)?
            .retain_in(state.oldest..below, |_, _| false)
            .map_err(|e| self.writing(e))?;
        self.table(transaction, BLOBS)?
            .retain_in((state.oldest, 0)..(below, 0), |_, _| false)
            .map_err(|e| self.writing(e))?;
        state.oldest = below;
        Ok(())
    }
}
