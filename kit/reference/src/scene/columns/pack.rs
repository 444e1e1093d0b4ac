//! Columns and signatures in one payload, compressed by hand: stored blocks
//! only, which are the whole of what the formats' frames need.

use super::{Slots, fault, write};
use crate::Refusal;
use alloy_primitives::U256;
use rollwright_derive::{BatchBlock, CodecId};

/// A payload by hand, and what an envelope says of it.
#[derive(Clone, Debug)]
pub struct Packed {
    /// How it is compressed.
    pub codec: CodecId,
    /// The payload.
    pub payload: Vec<u8>,
    /// Its length in bytes once it is decompressed.
    pub decompressed_len: u32,
    /// Number of blocks.
    pub blocks: u32,
    /// Number of transactions.
    pub transactions: u32,
}

/// What is written around the columns, before it is joined.
pub(super) struct Frame {
    pub(super) authorisations: Vec<u8>,
    pub(super) signatures: Vec<u8>,
    pub(super) parities: Vec<u8>,
    pub(super) columns: Vec<u8>,
}

/// Writes a batch, with a fault where one is asked for that these blocks can
/// have; `salt` chooses among a fault's forms. `None` where a transaction is
/// none that a batch holds.
pub(in crate::scene) fn pack(
    blocks: &[BatchBlock],
    chain_id: u64,
    codec: CodecId,
    fault: Option<Refusal>,
    salt: u8,
) -> Option<Packed> {
    let slots = match fault {
        Some(Refusal::SlotSenders) => Slots::One,
        Some(Refusal::SenderSlots) => Slots::Each,
        _ => Slots::BySender,
    };
    let mut written = write(blocks, chain_id, slots)?;
    if let Some(fault) = fault {
        fault::in_columns(&mut written, fault, salt, chain_id);
    }
    let mut frame = Frame {
        authorisations: super::varints([written.authorisations.len() as u64]),
        signatures: Vec::new(),
        parities: vec![0; written.signatures.len().div_ceil(8)],
        columns: Vec::new(),
    };
    let scalars = |r: U256, s: U256| [r.to_be_bytes::<32>(), s.to_be_bytes::<32>()].concat();
    for (signature, at) in written.signatures.iter().zip(0..) {
        let (r, s) = (signature.r(), signature.s());
        frame.signatures.extend(scalars(r, s));
        frame.parities[at / 8] |= u8::from(signature.v()) << (at % 8);
    }
    for [r, s] in &written.authorisations {
        frame.signatures.extend(scalars(*r, *s));
    }
    for (_, column) in &written.columns {
        frame.columns.extend_from_slice(column);
    }
    if let Some(fault) = fault {
        fault::around(&mut frame, fault, written.signatures.len());
    }
    let raw = [frame.authorisations, frame.signatures, frame.parities].concat();
    let decompressed_len = (raw.len() + frame.columns.len()) as u32;
    let codec = fault.map_or(codec, |fault| fault::codec(fault, codec));
    let compressed = match codec {
        CodecId::ZSTD => zstd(&frame.columns),
        CodecId::BROTLI => brotli(&frame.columns),
        _ => frame.columns,
    };
    let mut packed = Packed {
        codec,
        payload: compressed,
        decompressed_len,
        blocks: blocks.len() as u32,
        transactions: written.signatures.len() as u32,
    };
    if let Some(fault) = fault {
        fault::in_stream(&mut packed, fault, salt);
    }
    packed.payload = [raw, packed.payload].concat();
    Some(packed)
}

/// The most that one stored block holds here.
const BLOCK: usize = 1 << 16;

/// A frame that is not a single segment, with a window of 128 KiB.
fn zstd(columns: &[u8]) -> Vec<u8> {
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 2 << 6, 7 << 3];
    out.extend((columns.len() as u32).to_le_bytes());
    let chunks = columns.chunks(BLOCK);
    let last = chunks.len();
    for (chunk, at) in chunks.zip(1..) {
        let header = (chunk.len() as u32) << 3 | u32::from(at == last);
        out.extend_from_slice(&header.to_le_bytes()[..3]);
        out.extend_from_slice(chunk);
    }
    out
}

/// Meta-blocks that are not compressed, then an empty one that is the last.
fn brotli(columns: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (chunk, at) in columns.chunks(BLOCK).zip(0..) {
        // Of the first byte of a stream, bit 0 is the window, of 64 KiB.
        let header = (chunk.len() as u32 - 1) << 3 | 1 << 19;
        let header = if at == 0 { header << 1 } else { header };
        out.extend_from_slice(&header.to_le_bytes()[..3]);
        out.extend_from_slice(chunk);
    }
    out.push(3);
    out
}
