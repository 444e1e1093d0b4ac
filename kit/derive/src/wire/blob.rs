use super::{ForcedBlob, Part, WireError, reader::Reader};
use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes};

/// The first bytes of every blob of ours.
pub const MAGIC: [u8; 4] = *b"\xd7rwb";

/// Version of the blob formats.
pub const WIRE_VERSION: u8 = 1;

/// Length of what every blob begins with: magic, version, kind, rollup id.
pub const BLOB_HEADER_BYTES: usize = 4 + 1 + 1 + 32;

/// What a blob holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum BlobKind {
    /// A numbered piece of a batch envelope.
    Part = 0,
    /// Transactions for the forced lane.
    Forced = 1,
}

/// A blob that is ours and well formed. Nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireBlob {
    /// A piece of a batch.
    Part(Part),
    /// Forced transactions.
    Forced(ForcedBlob),
}

/// Reads a blob. Costs a few comparisons where the blob is not for
/// `rollup_id`; copies and hashes nothing in any case.
pub fn parse_blob(data: &Bytes, rollup_id: &B256) -> Result<WireBlob, WireError> {
    let mut reader = Reader::new(data);
    if reader.take(4).map_err(|_| WireError::NotOurs)? != MAGIC {
        return Err(WireError::NotOurs);
    }
    let version = reader.u8()?;
    if version != WIRE_VERSION {
        return Err(WireError::Version(version));
    }
    let kind = reader.u8()?;
    if reader.take(32)? != rollup_id.as_slice() {
        return Err(WireError::OtherRollup);
    }
    match kind {
        0 => Part::read(&mut reader).map(WireBlob::Part),
        1 => ForcedBlob::read(&mut reader).map(WireBlob::Forced),
        // 2: open transactions, 3: superblocks; both reserved.
        other => Err(WireError::Kind(other)),
    }
}

pub(super) fn header(kind: BlobKind, rollup_id: &B256, body: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(BLOB_HEADER_BYTES + body);
    out.extend_from_slice(&MAGIC);
    out.push(WIRE_VERSION);
    out.push(kind as u8);
    out.extend_from_slice(rollup_id.as_slice());
    out
}
