use super::{Announcement, WireError, reader::Reader};
use crate::{CodecId, EncodedFacts};
use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{DaHeight, DaPoint};

/// Version of the envelope format.
pub const ENVELOPE_VERSION: u8 = 2;

/// Most bytes of an envelope without its payload.
pub const ENVELOPE_OVERHEAD_BYTES: usize =
    1 + 32 + 32 + 8 + 8 + 32 + 8 + 32 + (4 + 8 + 32) + 4 + 4 + 1 + 4 + 4 + Announcement::MOST_BYTES;

/// A batch: which blocks, on what, under which rules, and their columns.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Envelope {
    /// [`ENVELOPE_VERSION`].
    pub version: u8,
    /// Genesis hash.
    pub rollup_id: B256,
    /// Digest of the configuration with the amendments active at application.
    pub config_digest: B256,
    /// Fences processes of one sequencer; never falls within a key-schedule
    /// entry.
    pub term: u64,
    /// Batch number; the first is 0.
    pub number: u64,
    /// Id of the batch before; zero for the first.
    pub previous: B256,
    /// Number of the first block.
    pub first_block: u64,
    /// Parent hash of the first block.
    pub parent: B256,
    /// Origin of the last block.
    pub last_origin: DaPoint,
    /// Number of blocks.
    pub blocks: u32,
    /// Number of ordinary transactions.
    pub transactions: u32,
    /// Codec of the payload.
    pub codec: CodecId,
    /// Length of the payload's columns before compression.
    pub decompressed_len: u32,
    /// The next amendment that the sequencer holds.
    pub announced: Option<Announcement>,
    /// The compressed columns.
    pub payload: Bytes,
}

impl Envelope {
    /// The encoding whose keccak256 is the batch id.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(ENVELOPE_OVERHEAD_BYTES + self.payload.len());
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut out, self);
        out.into()
    }

    /// The batch id of an encoded envelope.
    pub fn id(encoded: &[u8]) -> B256 {
        keccak256(encoded)
    }

    /// Reads an envelope; the payload shares the buffer.
    pub fn decode(encoded: &Bytes) -> Result<Self, WireError> {
        let mut reader = Reader::new(encoded);
        let version = reader.u8()?;
        if version != ENVELOPE_VERSION {
            return Err(WireError::Version(version));
        }
        let envelope = Self {
            version,
            rollup_id: reader.b256()?,
            config_digest: reader.b256()?,
            term: reader.u64()?,
            number: reader.u64()?,
            previous: reader.b256()?,
            first_block: reader.u64()?,
            parent: reader.b256()?,
            last_origin: DaPoint {
                epoch: reader.u32()?,
                height: DaHeight(reader.u64()?),
                hash: reader.b256()?,
            },
            blocks: reader.u32()?,
            transactions: reader.u32()?,
            codec: CodecId(reader.u8()?),
            decompressed_len: reader.u32()?,
            announced: Announcement::read(&mut reader)?,
            payload: reader.bytes()?,
        };
        reader.finish()?;
        Ok(envelope)
    }

    /// What the decoder of the payload must find.
    pub const fn facts(&self) -> EncodedFacts {
        EncodedFacts {
            codec: self.codec,
            decompressed_len: self.decompressed_len,
            blocks: self.blocks,
            transactions: self.transactions,
        }
    }
}
