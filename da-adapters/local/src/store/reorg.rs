//! How blocks are replaced.

use super::{
    Store,
    records::{BLOBS, BODIES, HEADERS, Queued, State, UNITS, unit_key},
};
use crate::Error;
use redb::WriteTransaction;
use rollwright_core::DaHeader;

impl Store {
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
        let mut places = vec![None; units.len()];
        for (place, index) in kept.iter().enumerate() {
            if let Some(found) = places.get_mut(*index) {
                *found = arrivals.get(place).copied();
            }
        }
        for ((_, unit), place) in units.iter().zip(places) {
            let key = unit_key(unit.namespace, unit.id);
            let Some(arrival) = place else {
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
            self.enqueue(transaction, state, arrival, unit)?;
        }
        Ok(())
    }

    fn remove_block(
        &self,
        transaction: &WriteTransaction,
        height: u64,
    ) -> Result<(DaHeader, Vec<(u64, Queued)>), Error> {
        // One table at a time: the database may panic while it opens one over
        // a damaged file, and a table that is open then panics once more as it
        // is dropped, which would end the process.
        let header = {
            let mut headers = self.table(transaction, HEADERS)?;
            let header = self.header_in(&headers, height)?;
            headers.remove(height).map_err(|e| self.writing(e))?;
            header
        };
        let body = {
            let mut bodies = self.table(transaction, BODIES)?;
            let body = self.body_in(&bodies, height)?;
            bodies.remove(height).map_err(|e| self.writing(e))?;
            body
        };
        let mut blobs = self.table(transaction, BLOBS)?;
        let mut units = Vec::with_capacity(body.units.len());
        for placed in body.units {
            let mut contents = Vec::with_capacity(placed.positions.len());
            for position in placed.positions {
                let (_, commitment) = body.leaves.get(position as usize).ok_or_else(|| {
                    self.corrupt(format!("block {height} has no blob {position}"))
                })?;
                contents.push(self.blob_in(&blobs, height, position, *commitment)?);
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
}
