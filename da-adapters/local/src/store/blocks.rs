use super::{
    Store,
    records::{BLOBS, BODIES, Body, HEADERS, Placed, Queued, State, UNITS, encode, unit_key},
};
use crate::{Error, Namespace, proof::BlockTree, proof::header_hash};
use alloy_primitives::{B256, Bytes, keccak256};
use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use rollwright_core::{BlobRef, DaBlock, DaHeader, DaHeight, DaLane, PostedBlob, Proof};

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

    /// Replaces the newest `depth` blocks by as many empty ones of the same
    /// times, and makes one more, of what waits if `fill`, else empty.
    ///
    /// The replaced blocks' units wait for a block again, at the place in the
    /// queue where they were; of those, `survivors` picks the ones that are
    /// not forgotten, by position, in the order that they take.
    pub(crate) fn reorganise(
        &self,
        depth: u64,
        time: u64,
        fill: bool,
        survivors: impl FnOnce(u64, usize) -> Vec<usize>,
    ) -> Result<State, Error> {
        self.write(|transaction| {
            let mut state = self.state_of(transaction)?;
            let max = state.reversible();
            if depth > max {
                return Err(Error::ReorgTooDeep { depth, max });
            }
            let base = state.head.height.0 - depth;
            let mut units = Vec::new();
            let mut times = Vec::new();
            for height in base + 1..=state.head.height.0 {
                let (header, removed) = self.remove_block(transaction, height)?;
                times.push(header.time);
                units.extend(removed);
            }
            state.head = {
                let headers = self.table(transaction, HEADERS)?;
                self.header_in(&headers, base)?
            };
            let kept = survivors(state.seals, units.len());
            self.return_units(transaction, &mut state, &units, &kept)?;
            for time in times {
                self.append(transaction, &mut state, time, Vec::new())?;
            }
            if fill {
                self.append_queued(transaction, &mut state, time)?;
            } else {
                self.append(transaction, &mut state, time, Vec::new())?;
            }
            self.put_state(transaction, &state)?;
            Ok(state)
        })
    }

    /// Puts `kept` units back into the queue, forgets the others.
    fn return_units(
        &self,
        transaction: &WriteTransaction,
        state: &mut State,
        units: &[(u64, Queued)],
        kept: &[usize],
    ) -> Result<(), Error> {
        let mut arrivals: Vec<u64> = kept
            .iter()
            .filter_map(|index| units.get(*index))
            .map(|(arrival, _)| *arrival)
            .collect();
        arrivals.sort_unstable();
        for (index, (_, unit)) in units.iter().enumerate() {
            let key = unit_key(unit.namespace, unit.id);
            let Some(place) = kept.iter().position(|kept| *kept == index) else {
                self.table(transaction, UNITS)?
                    .remove(&key)
                    .map_err(|e| self.writing(e))?;
                continue;
            };
            let mut record = self.unit_in(transaction, &key)?.ok_or_else(|| {
                self.corrupt(format!("a block holds the unknown unit {:?}", unit.id))
            })?;
            record.blobs.clear();
            self.put_unit(transaction, &key, &record)?;
            self.enqueue(transaction, state, arrivals[place], unit)?;
        }
        Ok(())
    }

    fn remove_block(
        &self,
        transaction: &WriteTransaction,
        height: u64,
    ) -> Result<(DaHeader, Vec<(u64, Queued)>), Error> {
        let mut headers = self.table(transaction, HEADERS)?;
        let header = self.header_in(&headers, height)?;
        headers.remove(height).map_err(|e| self.writing(e))?;
        let mut bodies = self.table(transaction, BODIES)?;
        let body = self.body_in(&bodies, height)?;
        bodies.remove(height).map_err(|e| self.writing(e))?;
        let mut blobs = self.table(transaction, BLOBS)?;
        let mut units = Vec::with_capacity(body.units.len());
        for placed in body.units {
            let mut contents = Vec::with_capacity(placed.positions.len());
            for position in placed.positions {
                contents.push(self.blob_in(&blobs, height, position)?);
            }
            let unit = Queued {
                namespace: placed.namespace,
                id: placed.id,
                blobs: contents,
            };
            units.push((placed.arrival, unit));
        }
        blobs
            .retain_in((height, 0)..(height.saturating_add(1), 0), |_, _| false)
            .map_err(|e| self.writing(e))?;
        Ok((header, units))
    }

    fn append_queued(
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
        self.table(transaction, HEADERS)?
            .insert(header.height.0, encode(header).as_slice())
            .map_err(|e| self.writing(e))?;
        self.table(transaction, BODIES)?
            .insert(header.height.0, encode(body).as_slice())
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

    fn header_in(
        &self,
        headers: &impl ReadableTable<u64, &'static [u8]>,
        height: u64,
    ) -> Result<DaHeader, Error> {
        self.record(headers, "headers", height)?
            .ok_or_else(|| self.corrupt(format!("it has no header at height {height}")))
    }

    fn body_in(
        &self,
        bodies: &impl ReadableTable<u64, &'static [u8]>,
        height: u64,
    ) -> Result<Body, Error> {
        self.record(bodies, "bodies", height)?
            .ok_or_else(|| self.corrupt(format!("it has no body at height {height}")))
    }

    fn blob_in(
        &self,
        blobs: &impl ReadableTable<(u64, u32), &'static [u8]>,
        height: u64,
        position: u32,
    ) -> Result<Bytes, Error> {
        let found = blobs.get((height, position)).map_err(|e| self.reading(e))?;
        found
            .map(|bytes| Bytes::copy_from_slice(bytes.value()))
            .ok_or_else(|| self.corrupt(format!("it has no blob {position} at height {height}")))
    }

    /// The canonical header at a height, of a pruned block too, with the state
    /// that it was read in.
    pub(crate) fn header(&self, height: DaHeight) -> Result<(State, DaHeader), Error> {
        self.header_at(&self.read()?, height)
    }

    fn header_at(
        &self,
        transaction: &ReadTransaction,
        height: DaHeight,
    ) -> Result<(State, DaHeader), Error> {
        let meta = transaction
            .open_table(super::records::META)
            .map_err(|e| self.reading(e))?;
        let state = self.state_in(&meta)?;
        if height > state.head.height {
            return Err(Error::NotYet {
                height,
                head: state.head.height,
            });
        }
        if height.0 == 0 {
            return Err(Error::Pruned {
                height,
                oldest: DaHeight(state.oldest),
            });
        }
        let headers = transaction
            .open_table(HEADERS)
            .map_err(|e| self.reading(e))?;
        let header = self.header_in(&headers, height.0)?;
        Ok((state, header))
    }

    /// Header and body of a block that is served.
    fn body_at(
        &self,
        transaction: &ReadTransaction,
        height: DaHeight,
        hash: Option<B256>,
    ) -> Result<(DaHeader, Body), Error> {
        let (state, header) = self.header_at(transaction, height)?;
        if let Some(asked) = hash.filter(|hash| *hash != header.hash) {
            return Err(Error::NotCanonical {
                height,
                asked,
                canonical: header.hash,
            });
        }
        if height.0 < state.oldest {
            return Err(Error::Pruned {
                height,
                oldest: DaHeight(state.oldest),
            });
        }
        let bodies = transaction
            .open_table(BODIES)
            .map_err(|e| self.reading(e))?;
        Ok((header, self.body_in(&bodies, height.0)?))
    }

    /// A namespace's blobs in a block, with proof of completeness.
    pub(crate) fn block(
        &self,
        namespace: Namespace,
        height: DaHeight,
        hash: Option<B256>,
    ) -> Result<DaBlock, Error> {
        let transaction = self.read()?;
        let (header, body) = self.body_at(&transaction, height, hash)?;
        let tree = BlockTree::new(body.salt, body.leaves.iter().copied());
        let table = transaction.open_table(BLOBS).map_err(|e| self.reading(e))?;
        let mut blobs = Vec::new();
        for (index, position) in (0..).zip(tree.range(namespace)) {
            blobs.push(PostedBlob {
                reference: BlobRef {
                    block: header.id(),
                    index,
                    commitment: body.leaves[position as usize].1,
                },
                lane: DaLane::Batch,
                poster: None,
                data: self.blob_in(&table, height.0, position)?,
            });
        }
        let completeness = tree
            .prove_complete(namespace)
            .ok_or_else(|| self.corrupt(format!("block {height} is out of order")))?;
        Ok(DaBlock {
            header,
            blobs,
            completeness,
        })
    }

    /// A proof that a blob stands in its block.
    pub(crate) fn prove(&self, namespace: Namespace, blob: &BlobRef) -> Result<Proof, Error> {
        let height = blob.block.height;
        let (_, body) = self.body_at(&self.read()?, height, Some(blob.block.hash))?;
        let tree = BlockTree::new(body.salt, body.leaves.iter().copied());
        let position = tree.range(namespace).start as usize + blob.index as usize;
        let missing = || Error::NoSuchBlob {
            height,
            index: blob.index,
            commitment: blob.commitment,
        };
        match body.leaves.get(position) {
            Some((found, commitment)) if *found == namespace && *commitment == blob.commitment => {
                tree.prove_included(namespace, blob.index)
                    .ok_or_else(missing)
            }
            _ => Err(missing()),
        }
    }

    /// Checks every block from the oldest kept one on against its header.
    ///
    /// Used by tests and by whoever suspects a file.
    #[cfg(test)]
    pub(crate) fn check(&self) -> Result<(), Error> {
        let state = self.state()?;
        let transaction = self.read()?;
        let mut parent = B256::ZERO;
        for height in 1..=state.head.height.0 {
            let (_, header) = self.header_at(&transaction, DaHeight(height))?;
            assert_eq!(header.hash, header_hash(state.network, &header));
            assert_eq!(header.parent_hash, parent);
            parent = header.hash;
            if height >= state.oldest {
                let (_, body) = self.body_at(&transaction, DaHeight(height), None)?;
                let tree = BlockTree::new(body.salt, body.leaves);
                assert_eq!(tree.data_root(), Some(header.data_root));
            }
        }
        Ok(())
    }
}
