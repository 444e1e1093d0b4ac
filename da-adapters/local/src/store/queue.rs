use super::{
    Store,
    records::{Place, QUEUE, Queued, State, UNITS, Unit, encode, unit_key},
};
use crate::{Error, Namespace};
use alloy_primitives::keccak256;
use redb::{ReadableTable, WriteTransaction};
use rollwright_core::{Fee, PostingUnit, Submission, SubmissionStatus, UnitId};

impl Store {
    /// Takes a unit into the queue, or says how far it is.
    pub(crate) fn submit(
        &self,
        namespace: Namespace,
        unit: &PostingUnit,
    ) -> Result<Submission, Error> {
        self.check_size(unit)?;
        let mut contents = Vec::with_capacity(unit.len_bytes() as usize);
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut contents, &unit.blobs);
        let contents = keccak256(contents);
        let known = |found: Option<Unit>| match found {
            Some(found) if found.contents != contents => Err(Error::UnitConflict { unit: unit.id }),
            found => Ok(found),
        };
        if let Some(found) = known(self.unit(namespace, unit.id)?)? {
            return Ok(submission(unit.id, found));
        }
        self.write(|transaction| {
            let key = unit_key(namespace, unit.id);
            // Another caller may have been first.
            if let Some(found) = known(self.unit_in(transaction, &key)?)? {
                return Ok(submission(unit.id, found));
            }
            let mut state = self.state_of(transaction)?;
            let pending_bytes = state.pending_bytes.saturating_add(unit.len_bytes());
            if pending_bytes > self.limits.max_pending_bytes {
                return Err(Error::Full {
                    pending_bytes: state.pending_bytes,
                    max_bytes: self.limits.max_pending_bytes,
                });
            }
            let queued = Queued {
                namespace,
                id: unit.id,
                blobs: unit.blobs.iter().map(|blob| blob.data.clone()).collect(),
            };
            let arrival = state.next_arrival;
            state.next_arrival += 1;
            self.enqueue(transaction, &mut state, arrival, &queued)?;
            let waiting = Unit {
                contents,
                blobs: Vec::new(),
            };
            self.put_unit(transaction, &key, &waiting)?;
            self.put_state(transaction, &state)?;
            Ok(submission(unit.id, waiting))
        })
    }

    fn check_size(&self, unit: &PostingUnit) -> Result<(), Error> {
        let max = self.limits.max_block_blobs;
        if unit.blobs.is_empty() || unit.blobs.len() > max {
            return Err(Error::BlobCount {
                count: unit.blobs.len() as u64,
                max: max as u64,
            });
        }
        let too_large = |what, bytes, max_bytes| {
            if bytes <= max_bytes {
                return Ok(());
            }
            Err(Error::TooLarge {
                what,
                bytes,
                max_bytes,
            })
        };
        for blob in &unit.blobs {
            too_large("a blob", blob.data.len() as u64, self.limits.max_blob_bytes)?;
        }
        too_large(
            "a posting unit",
            unit.len_bytes(),
            self.limits.max_block_bytes,
        )
    }

    fn unit(&self, namespace: Namespace, id: UnitId) -> Result<Option<Unit>, Error> {
        let transaction = self.read()?;
        let units = transaction.open_table(UNITS).map_err(|e| self.reading(e))?;
        let key = unit_key(namespace, id);
        let found = units.get(key).map_err(|e| self.reading(e))?;
        found
            .map(|bytes| self.decoded(Place::unit(&key), bytes.value()))
            .transpose()
    }

    pub(super) fn unit_in(
        &self,
        transaction: &WriteTransaction,
        key: &[u8; 64],
    ) -> Result<Option<Unit>, Error> {
        let units = self.table(transaction, UNITS)?;
        let found = units.get(key).map_err(|e| self.reading(e))?;
        found
            .map(|bytes| self.decoded(Place::unit(key), bytes.value()))
            .transpose()
    }

    pub(super) fn put_unit(
        &self,
        transaction: &WriteTransaction,
        key: &[u8; 64],
        unit: &Unit,
    ) -> Result<(), Error> {
        self.table(transaction, UNITS)?
            .insert(key, encode(Place::unit(key), unit).as_slice())
            .map_err(|e| self.writing(e))?;
        Ok(())
    }

    /// Puts a unit into the queue at its place and counts it.
    pub(super) fn enqueue(
        &self,
        transaction: &WriteTransaction,
        state: &mut State,
        arrival: u64,
        queued: &Queued,
    ) -> Result<(), Error> {
        let key = arrival.to_le_bytes();
        let record = encode(Place::numbered("queue", &key), queued);
        self.table(transaction, QUEUE)?
            .insert(arrival, record.as_slice())
            .map_err(|e| self.writing(e))?;
        state.pending_units += 1;
        state.pending_bytes = state.pending_bytes.saturating_add(queued.len_bytes());
        Ok(())
    }

    fn first_queued(
        &self,
        queue: &impl ReadableTable<u64, &'static [u8]>,
    ) -> Result<Option<(u64, Queued)>, Error> {
        let Some((arrival, record)) = queue.first().map_err(|e| self.reading(e))? else {
            return Ok(None);
        };
        let arrival = arrival.value();
        let key = arrival.to_le_bytes();
        let unit = self.decoded(Place::numbered("queue", &key), record.value())?;
        Ok(Some((arrival, unit)))
    }

    /// Takes units off the front of the queue, as many as fit in a block.
    pub(super) fn dequeue(
        &self,
        transaction: &WriteTransaction,
        state: &mut State,
    ) -> Result<Vec<(u64, Queued)>, Error> {
        let mut queue = self.table(transaction, QUEUE)?;
        let mut units = Vec::new();
        let (mut bytes, mut blobs) = (0_u64, 0_usize);
        while let Some((arrival, unit)) = self.first_queued(&queue)? {
            bytes = bytes.saturating_add(unit.len_bytes());
            blobs += unit.blobs.len();
            let fits = bytes <= self.limits.max_block_bytes && blobs <= self.limits.max_block_blobs;
            // A unit that was taken under larger limits goes alone.
            if !fits && !units.is_empty() {
                break;
            }
            queue.remove(arrival).map_err(|e| self.writing(e))?;
            state.pending_units = state.pending_units.saturating_sub(1);
            state.pending_bytes = state.pending_bytes.saturating_sub(unit.len_bytes());
            units.push((arrival, unit));
        }
        Ok(units)
    }
}

fn submission(unit: UnitId, found: Unit) -> Submission {
    let status = if found.blobs.is_empty() {
        SubmissionStatus::Accepted
    } else {
        SubmissionStatus::Included { blobs: found.blobs }
    };
    Submission {
        unit,
        status,
        fee: Some(Fee {
            amount: 0,
            unit: "local".into(),
        }),
    }
}
