//! One fault for each reason of FORMAT.md to refuse a payload.

use super::{
    Written,
    pack::{Frame, Packed},
    parts::{numbers, words},
};
use crate::{Refusal, scene::pieces::ORDER};
use alloy_primitives::{B256, Signature, U256};
use rollwright_derive::CodecId;

/// The codec that a fault belongs to.
pub(super) const fn codec(fault: Refusal, otherwise: CodecId) -> CodecId {
    match fault {
        Refusal::Length => CodecId::NONE,
        Refusal::ZstdMagic
        | Refusal::ZstdDescriptor
        | Refusal::ZstdSize
        | Refusal::ZstdWindow
        | Refusal::ZstdStream
        | Refusal::ZstdRest => CodecId::ZSTD,
        Refusal::BrotliStream | Refusal::BrotliRest => CodecId::BROTLI,
        _ => otherwise,
    }
}

/// Puts a first entry into a column that has one.
fn first(written: &mut Written, column: &str, byte: u8) {
    if let Some(first) = written.column(column).and_then(|it| it.first_mut()) {
        *first = byte;
    }
}

/// Faults of the columns themselves.
pub(super) fn in_columns(written: &mut Written, fault: Refusal, salt: u8, chain_id: u64) {
    let count = written.signatures.len();
    let odd = salt % 2 == 1;
    match fault {
        Refusal::CodeBound => first(written, "fee recipients", 0xff),
        Refusal::DictionaryTurn => first(written, "fee recipients", 1),
        Refusal::DictionaryTwice | Refusal::DictionaryUnused => {
            if let Some(table) = written.column("addresses") {
                let twice = table[1..21].to_vec();
                let fresh = B256::repeat_byte(0x5c)[..20].to_vec();
                let is_twice = fault == Refusal::DictionaryTwice;
                table[0] += 1;
                table.extend(if is_twice { twice } else { fresh });
            }
        }
        Refusal::NumberLength => first(written, "values", 40),
        Refusal::MantissaZero => odd_value(written, count, 0, 0),
        Refusal::ExponentSmall => odd_value(written, count, 0, 10),
        Refusal::ExponentLarge => odd_value(written, count, 39, 1),
        Refusal::BlockCounts => first(written, "counts", count as u8 + 1),
        Refusal::BlockTransactions => {
            if let Some(counts) = written.column("counts") {
                counts.fill(0);
                counts[0] = count as u8;
            }
        }
        Refusal::FeeWide => {
            if let Some(prices) = written.column("prices") {
                let mut table = vec![U256::from(1) << 130];
                table.extend((1..prices[0]).map(U256::from));
                prices.truncate(1);
                prices.extend(numbers(&table));
            }
        }
        Refusal::CalldataLength => first(written, "lengths", if odd { 0 } else { 36 }),
        Refusal::WordForm => {
            // Words of 17 or 20 bytes that are numbers; addresses of 16 bytes.
            let bits = if odd { 159 } else { 128 };
            let numbers = words(&vec![Some(U256::from(1) << bits); written.words]);
            let short = salt % 3 == 2;
            let column = if short { "addresses" } else { "words" };
            if let Some(column) = written.column(column) {
                if short {
                    let entries = column[1..].chunks_mut(20);
                    entries.for_each(|entry| entry[..4].fill(0));
                } else {
                    *column = numbers;
                }
            }
        }
        Refusal::AccessEmpty => first(written, "access lists", 0),
        Refusal::AuthorisationEmpty => first(written, "authorisation lists", 0),
        Refusal::AuthorisationCount => written.authorisations.push([U256::ZERO; 2]),
        Refusal::AuthorisationChain => {
            if let Some(chains) = written.column("chains") {
                chains.fill(3);
            }
            if let Some(others) = written.column("other chains") {
                others.clear();
            }
        }
        Refusal::AuthorisationOther => {
            if let Some(others) = written.column("other chains") {
                let ours = if odd {
                    U256::from(chain_id)
                } else {
                    U256::ZERO
                };
                *others = numbers(&[ours, ours]);
            }
        }
        Refusal::HighS | Refusal::Recovery => {
            if let Some(signature) = written.signatures.first_mut() {
                let (r, s, v) = (signature.r(), signature.s(), signature.v());
                *signature = match fault {
                    Refusal::HighS => Signature::new(r, ORDER - s, !v),
                    _ => Signature::new(if odd { ORDER } else { U256::ZERO }, s, v),
                };
            }
        }
        _ => in_shapes(written, fault, salt),
    }
}

/// A first value of one byte, the others zero.
fn odd_value(written: &mut Written, count: usize, exponent: u8, mantissa: u8) {
    if let Some(values) = written.column("values") {
        *values = vec![0; count];
        values[0] = 1;
        values.extend([exponent, mantissa]);
    }
}

fn in_shapes(written: &mut Written, fault: Refusal, salt: u8) {
    let (shape, more): (Option<u8>, &[u8]) = match fault {
        Refusal::ShapeKind => (Some(5 + salt % 3), &[]),
        // Bit 7; a creation of kind 4; a list of kind 0 or 1; calldata 3.
        Refusal::ShapeForm => (
            Some([0x83, 0x0c, 0x10, 0x11, 0x63][usize::from(salt % 5)]),
            &[],
        ),
        // Another shape than any that is used.
        Refusal::ShapeUnused => (None, &[0x42, 0xde, 0xad, 0xbe, 0xef, 0]),
        _ => (None, &[]),
    };
    if let (Some(shape), Some(table)) = (shape, written.column("shapes")) {
        table[1] = shape;
    }
    if let (false, Some(table)) = (more.is_empty(), written.column("shapes")) {
        table[0] += 1;
        table.extend(more);
    }
    match fault {
        Refusal::ShapeMissing => {
            for name in ["shapes", "shape codes"] {
                if let Some(column) = written.column(name) {
                    column.clear();
                }
            }
            if let Some(table) = written.column("shapes") {
                table.push(0);
            }
        }
        Refusal::ShapeTwice => {
            if let Some(table) = written.column("shapes") {
                // All shapes a second time.
                let again = table[1..].to_vec();
                table[0] *= 2;
                table.extend(again);
            }
        }
        Refusal::ShapeOrder => first(written, "shape codes", 1),
        _ => {}
    }
}

/// Faults around the columns.
pub(super) fn around(frame: &mut Frame, fault: Refusal, transactions: usize) {
    match fault {
        Refusal::VarintForm => {
            if let Some(last) = frame.authorisations.last_mut() {
                *last |= 0x80;
            }
            frame.authorisations.push(0);
        }
        Refusal::VarintWide => frame.authorisations = vec![0xff; 10],
        Refusal::ParityBits if !transactions.is_multiple_of(8) => {
            if let Some(last) = frame.parities.last_mut() {
                *last |= 0x80;
            }
        }
        Refusal::Ends => {
            frame.columns.pop();
        }
        Refusal::Rest => frame.columns.push(0),
        _ => {}
    }
}

/// Faults of the compressed columns, and of what is said of them.
pub(super) fn in_stream(packed: &mut Packed, fault: Refusal, salt: u8) {
    let stream = &mut packed.payload;
    match fault {
        Refusal::LengthShort => packed.decompressed_len = u32::from(salt % 2),
        Refusal::Length => packed.decompressed_len += 1,
        Refusal::ZstdMagic => stream[0] ^= 1,
        // Dictionary id, checksum, reserved, unused.
        Refusal::ZstdDescriptor => stream[4] |= 1 << (salt % 5),
        Refusal::ZstdSize if salt.is_multiple_of(2) => packed.decompressed_len += 1,
        // No content size: neither its flag nor a single segment.
        Refusal::ZstdSize => stream[4] = 0,
        Refusal::ZstdWindow => stream[5] = (23 - 10) << 3 | 1,
        Refusal::ZstdStream if salt.is_multiple_of(3) => stream.truncate(stream.len() - 1),
        // A reserved kind of block; one byte in all.
        Refusal::ZstdStream if salt % 3 == 1 => stream[10] |= 3 << 1,
        Refusal::ZstdStream => {
            stream.truncate(10);
            stream.extend([1 << 3 | 1, 0, 0, 1]);
        }
        Refusal::BrotliStream if salt.is_multiple_of(3) => stream.truncate(stream.len() - 1),
        Refusal::BrotliStream if salt % 3 == 1 => {
            let columns = &stream[3..stream.len() - 1];
            let block = (columns.len() as u64 - 1) << 3 | 1 << 19;
            let header = (0x11 | 0x1e << 8 | block << 14).to_le_bytes();
            *stream = [&header[..5], columns, &[3]].concat();
        }
        // A shorter stream than was said; above, a large window of 2^30 bytes.
        Refusal::BrotliStream => packed.decompressed_len += 1,
        Refusal::ZstdRest | Refusal::BrotliRest => stream.push(0),
        _ => {}
    }
}
