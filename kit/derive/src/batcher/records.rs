use super::{Batcher, BatcherError, BatcherSettings, flight::Flight};
use crate::{DeriverState, RECORD_PREFIX, Rules, StateError};
use alloc::{sync::Arc, vec::Vec};
use alloy_primitives::Bytes;
use rollwright_core::RecordChange;

const HEADER: u8 = b'h';
const FLIGHT: u8 = b'f';

/// Version of both records.
const VERSION: u8 = 1;

pub(super) fn put_header(attempt: u64) -> RecordChange {
    let mut value = Vec::from([VERSION]);
    value.extend_from_slice(&attempt.to_le_bytes());
    RecordChange::put(key(HEADER, &[]), value)
}

pub(super) fn put(flight: &Flight) -> RecordChange {
    let mut value = Vec::from([VERSION]);
    // Writing into a vector cannot fail.
    let _ = borsh::to_writer(&mut value, flight);
    RecordChange::put(key(FLIGHT, &flight.number.to_be_bytes()), value)
}

pub(super) fn delete(number: u64) -> RecordChange {
    RecordChange::delete(key(FLIGHT, &number.to_be_bytes()))
}

fn key(kind: u8, rest: &[u8]) -> Bytes {
    let mut key = RECORD_PREFIX.to_vec();
    key.extend_from_slice(&[b'b', kind]);
    key.extend_from_slice(rest);
    key.into()
}

impl Batcher {
    /// The batcher in a node's records (those under [`RECORD_PREFIX`], in any
    /// order); a new one where there are none. The driver then pushes the
    /// preconfirmed blocks above [`tip`](Self::tip) and calls
    /// [`follow`](Self::follow).
    pub fn load(
        rules: Arc<Rules>,
        settings: BatcherSettings,
        state: &DeriverState,
        records: impl IntoIterator<Item = (Bytes, Bytes)>,
    ) -> Result<Self, BatcherError> {
        let mut batcher = Self::new(rules, settings, state);
        let mut attempt = None;
        let mut flights: Vec<Flight> = Vec::new();
        for (key, value) in records {
            let Some([b'b', kind, ..]) = key.strip_prefix(RECORD_PREFIX) else {
                continue;
            };
            match *kind {
                HEADER => attempt = Some(read_header(&value)?),
                FLIGHT => flights.push(read_flight(&value)?),
                tag => return Err(StateError::Row { tag }.into()),
            }
        }
        flights.sort_unstable_by_key(|flight| flight.number);
        if let Some(attempt) = attempt {
            let seen = state.attempt_of(&batcher.settings.signer);
            batcher.attempt = attempt.max(seen);
        } else {
            batcher.changes.push(put_header(batcher.attempt));
        }
        let chained = |pair: &[Flight]| pair[1].previous == pair[0].id;
        if !flights.windows(2).all(chained) {
            return Err(StateError::Inconsistent("batches in flight").into());
        }
        batcher.flights = flights.into();
        Ok(batcher)
    }
}

fn read_header(value: &[u8]) -> Result<u64, StateError> {
    let damaged = StateError::Row { tag: HEADER };
    match value.split_first() {
        Some((&VERSION, rest)) => {
            let bytes = rest.try_into().map_err(|_| damaged)?;
            Ok(u64::from_le_bytes(bytes))
        }
        Some((version, _)) => Err(StateError::Version(*version)),
        None => Err(damaged),
    }
}

fn read_flight(value: &[u8]) -> Result<Flight, StateError> {
    let damaged = StateError::Row { tag: FLIGHT };
    match value.split_first() {
        Some((&VERSION, rest)) => borsh::from_slice(rest).map_err(|_| damaged),
        Some((version, _)) => Err(StateError::Version(*version)),
        None => Err(damaged),
    }
}
