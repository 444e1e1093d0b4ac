use super::{
    Batcher, BatcherError, BatcherSettings,
    flight::{Content, Flight},
};
use crate::{DeriverState, RECORD_PREFIX, Rules, StateError};
use alloc::{sync::Arc, vec::Vec};
use alloy_primitives::Bytes;
use rollwright_core::RecordChange;

const HEADER: u8 = b'h';
const FLIGHT: u8 = b'f';

/// Prefix of the keys of the records that hold the bytes of batches. They are
/// read one at a time, where [`Batcher::wanted`] names them.
pub const POSTING_PREFIX: &[u8] = b"posting/";

/// Version of the record of the attempt.
const VERSION: u8 = 1;
/// Version of a batch's records.
const FLIGHT_VERSION: u8 = 2;

pub(super) fn put_header(attempt: u64) -> RecordChange {
    let mut value = Vec::from([VERSION]);
    value.extend_from_slice(&attempt.to_le_bytes());
    RecordChange::put(key(HEADER, &[]), value)
}

/// The facts of a batch.
pub(super) fn put(flight: &Flight) -> RecordChange {
    RecordChange::put(key(FLIGHT, &flight.number.to_be_bytes()), versioned(flight))
}

/// The bytes of a batch, where they are in memory.
pub(super) fn put_content(flight: &Flight) -> Option<RecordChange> {
    let content = flight.content.as_ref()?;
    Some(RecordChange::put(
        content_key(flight.number),
        versioned(content),
    ))
}

/// Both records of a batch.
pub(super) fn delete(number: u64) -> [RecordChange; 2] {
    [
        RecordChange::delete(key(FLIGHT, &number.to_be_bytes())),
        RecordChange::delete(content_key(number)),
    ]
}

pub(super) fn content_key(number: u64) -> Bytes {
    [POSTING_PREFIX, &number.to_be_bytes()].concat().into()
}

fn versioned<T: borsh::BorshSerialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::from([FLIGHT_VERSION]);
    // Writing into a vector cannot fail.
    let _ = borsh::to_writer(&mut out, value);
    out
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
    /// preconfirmed blocks above [`tip`](Self::tip), calls
    /// [`follow`](Self::follow), and supplies what is [`wanted`](Self::wanted).
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
    read_versioned(value)
}

/// Reads the bytes of a batch.
pub(super) fn read_content(value: &[u8]) -> Result<Content, StateError> {
    read_versioned(value)
}

fn read_versioned<T: borsh::BorshDeserialize>(value: &[u8]) -> Result<T, StateError> {
    let damaged = StateError::Row { tag: FLIGHT };
    match value.split_first() {
        Some((&FLIGHT_VERSION, rest)) => borsh::from_slice(rest).map_err(|_| damaged),
        Some((version, _)) => Err(StateError::Version(*version)),
        None => Err(damaged),
    }
}
