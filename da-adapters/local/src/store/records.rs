//! What stands in the file: tables, records and their encoding.

use crate::{Namespace, NetworkId};
use alloy_primitives::{B256, Bytes, Keccak256, hex};
use borsh::{BorshDeserialize, BorshSerialize};
use redb::TableDefinition;
use rollwright_core::{BlobRef, DaHeader, UnitId};
use std::fmt;

/// Version of the whole file.
pub(crate) const FORMAT: u16 = 2;
/// First byte of each record.
const RECORD_VERSION: u8 = 2;
/// Bytes of the record's hash that follow the version.
const CHECK_BYTES: usize = 8;

/// `format` → u16 LE with [`MAGIC`] before it; `state` → [`State`].
pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Height → header, canonical blocks only, never pruned.
pub(super) const HEADERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("headers");
/// Height → [`Body`].
pub(super) const BODIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("bodies");
/// Height and position in the block → content alone: its commitment stands in
/// the body, by which it is checked.
pub(super) const BLOBS: TableDefinition<'_, (u64, u32), &[u8]> = TableDefinition::new("blobs");
/// Namespace ‖ unit id → [`Unit`], for ever: a unit is known after its block
/// has been pruned.
pub(super) const UNITS: TableDefinition<'_, [u8; 64], &[u8]> = TableDefinition::new("units");
/// Order of arrival → [`Queued`].
pub(super) const QUEUE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("queue");

/// Tells our files from other redb files.
pub(super) const MAGIC: &[u8] = b"rollwright-da-local";

/// The layer as of its newest block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct State {
    pub(crate) network: NetworkId,
    pub(crate) head: DaHeader,
    /// Never moves backwards, whatever depth the file is opened with.
    pub(crate) finalized: Option<DaHeader>,
    /// The lowest height whose blobs are kept.
    pub(crate) oldest: u64,
    /// Blocks ever made, replaced ones included.
    pub(crate) seals: u64,
    /// The next arrival's number.
    pub(crate) next_arrival: u64,
    pub(crate) pending_units: u64,
    pub(crate) pending_bytes: u64,
}

impl State {
    /// Blocks that a reorganisation may replace.
    pub(crate) fn reversible(&self) -> u64 {
        let fixed = self.finalized.map_or(1, |header| header.height.0);
        self.head.height.0.saturating_sub(fixed)
    }
}

/// What a block holds besides the blobs' contents.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Body {
    /// See `tree::data_root`.
    pub(super) salt: u64,
    /// Namespace and commitment of each blob, in the tree's order.
    pub(super) leaves: Vec<(Namespace, B256)>,
    /// The units that the block holds, in order of arrival.
    pub(super) units: Vec<Placed>,
}

/// A unit's place in a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Placed {
    pub(super) namespace: Namespace,
    pub(super) id: UnitId,
    /// Its place in the queue, to which a reorganisation returns it.
    pub(super) arrival: u64,
    /// Positions of its blobs in the block, in the unit's order.
    pub(super) positions: Vec<u32>,
}

/// A unit that waits for a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Queued {
    pub(super) namespace: Namespace,
    pub(super) id: UnitId,
    pub(super) blobs: Vec<Bytes>,
}

impl Queued {
    pub(super) fn len_bytes(&self) -> u64 {
        self.blobs.iter().map(|blob| blob.len() as u64).sum()
    }
}

/// What became of a unit.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Unit {
    /// keccak256 of the borsh encoding of its blobs.
    pub(super) contents: B256,
    /// Where it stands; empty while it waits.
    pub(super) blobs: Vec<BlobRef>,
}

pub(super) fn unit_key(namespace: Namespace, id: UnitId) -> [u8; 64] {
    let mut key = [0; 64];
    key[..32].copy_from_slice(namespace.0.as_slice());
    key[32..].copy_from_slice(id.0.as_slice());
    key
}

/// Where a record stands, which its hash covers: a record that is read from
/// another place than it was written to does not read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    table: &'static str,
    key: &'a [u8],
}

/// The place of [`State`].
pub(super) const STATE: Place<'static> = Place {
    table: "meta",
    key: b"state",
};

impl<'a> Place<'a> {
    /// A record by its height or its order of arrival, little-endian.
    pub(super) const fn numbered(table: &'static str, key: &'a [u8; 8]) -> Self {
        Self { table, key }
    }

    /// A unit's.
    pub(super) const fn unit(key: &'a [u8; 64]) -> Self {
        Self {
            table: "units",
            key,
        }
    }

    /// First bytes of the hash of place and content.
    fn check(self, content: &[u8]) -> [u8; CHECK_BYTES] {
        let mut hasher = Keccak256::new();
        hasher.update(self.table);
        hasher.update([0]);
        hasher.update(self.key);
        hasher.update(content);
        let mut check = [0; CHECK_BYTES];
        check.copy_from_slice(&hasher.finalize()[..CHECK_BYTES]);
        check
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match <[u8; 8]>::try_from(self.key) {
            Ok(number) => write!(
                f,
                "record {} of `{}`",
                u64::from_le_bytes(number),
                self.table
            ),
            Err(_) if self.key.is_ascii() => {
                let key = String::from_utf8_lossy(self.key);
                write!(f, "record `{key}` of `{}`", self.table)
            }
            Err(_) => write!(f, "record {} of `{}`", hex::encode(self.key), self.table),
        }
    }
}

/// Version byte, hash and borsh.
pub(super) fn encode<T: BorshSerialize>(place: Place<'_>, record: &T) -> Vec<u8> {
    let mut bytes = vec![0; 1 + CHECK_BYTES];
    // Writing into a vector cannot fail.
    let _ = borsh::to_writer(&mut bytes, record);
    let check = place.check(&bytes[1 + CHECK_BYTES..]);
    bytes[0] = RECORD_VERSION;
    bytes[1..=CHECK_BYTES].copy_from_slice(&check);
    bytes
}

/// What is wrong with the bytes, where they do not read.
pub(super) fn decode<T: BorshDeserialize>(place: Place<'_>, bytes: &[u8]) -> Result<T, String> {
    let (version, rest) = bytes
        .split_first()
        .ok_or_else(|| format!("{place} is empty"))?;
    if *version != RECORD_VERSION {
        return Err(format!("{place} has version {version}"));
    }
    let (check, content) = rest
        .split_first_chunk::<CHECK_BYTES>()
        .ok_or_else(|| format!("{place} is cut off"))?;
    if *check != place.check(content) {
        return Err(format!("{place} is not what was written"));
    }
    borsh::from_slice(content).map_err(|error| format!("{place}: {error}"))
}
