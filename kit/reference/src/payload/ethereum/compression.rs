//! The three codecs.

use super::super::Refusal;
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use std::io::Read as _;

const MAX_WINDOW: u64 = 8 << 20;

/// Decompresses to exactly `wanted` bytes, with nothing left over.
pub(super) fn decompress(codec: u8, bytes: &[u8], wanted: usize) -> Result<Vec<u8>, Refusal> {
    let fails = match codec {
        1 => Refusal::ZstdStream,
        2 => Refusal::BrotliStream,
        _ => Refusal::Length,
    };
    // A decoder that panics has refused.
    let read = std::panic::catch_unwind(|| match codec {
        1 => zstd(bytes, wanted),
        2 => brotli(bytes, wanted),
        _ => Ok(bytes.to_vec()),
    });
    let columns = read.unwrap_or(Err(fails))?;
    if columns.len() == wanted {
        Ok(columns)
    } else {
        Err(fails)
    }
}

/// One frame of RFC 8878, whose header is read here.
fn zstd(bytes: &[u8], wanted: usize) -> Result<Vec<u8>, Refusal> {
    let rest = bytes
        .strip_prefix(&[0x28, 0xb5, 0x2f, 0xfd])
        .ok_or(Refusal::ZstdMagic)?;
    let (descriptor, rest) = rest.split_first().ok_or(Refusal::Ends)?;
    let single_segment = descriptor & 0b0010_0000 != 0;
    // Unused and reserved bit, checksum, dictionary id.
    if descriptor & 0b0001_1111 != 0 {
        return Err(Refusal::ZstdDescriptor);
    }
    let (window, rest) = if single_segment {
        (None, rest)
    } else {
        let (byte, rest) = rest.split_first().ok_or(Refusal::Ends)?;
        let base = 1u64 << (10 + (byte >> 3));
        (Some(base + base / 8 * u64::from(byte & 7)), rest)
    };
    let size_bytes = match (descriptor >> 6, single_segment) {
        (0, false) => return Err(Refusal::ZstdSize),
        (0, true) => 1,
        (1, _) => 2,
        (2, _) => 4,
        _ => 8,
    };
    let size = rest.get(..size_bytes).ok_or(Refusal::Ends)?;
    let mut size = size
        .iter()
        .rev()
        .fold(0u64, |size, byte| size << 8 | u64::from(*byte));
    if size_bytes == 2 {
        size += 256;
    }
    if size != wanted as u64 {
        return Err(Refusal::ZstdSize);
    }
    if window.unwrap_or(size) > MAX_WINDOW {
        return Err(Refusal::ZstdWindow);
    }
    let mut source = bytes;
    let decoder = ruzstd::decoding::StreamingDecoder::new(&mut source);
    let mut decoder = decoder.map_err(|_| Refusal::ZstdStream)?;
    let mut columns = Vec::new();
    decoder
        .by_ref()
        .take(wanted as u64 + 1)
        .read_to_end(&mut columns)
        .map_err(|_| Refusal::ZstdStream)?;
    drop(decoder);
    if columns.len() == wanted && !source.is_empty() {
        return Err(Refusal::ZstdRest);
    }
    Ok(columns)
}

/// One stream of RFC 7932, whose large windows are none.
fn brotli(bytes: &[u8], wanted: usize) -> Result<Vec<u8>, Refusal> {
    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new_strict(alloc(), alloc(), alloc());
    let mut columns = vec![0; wanted + 1];
    let (mut bytes_left, mut bytes_read) = (bytes.len(), 0);
    let (mut room, mut written, mut total) = (columns.len(), 0, 0);
    let result = BrotliDecompressStream(
        &mut bytes_left,
        &mut bytes_read,
        bytes,
        &mut room,
        &mut written,
        &mut columns,
        &mut total,
        &mut state,
    );
    if !matches!(result, BrotliResult::ResultSuccess) {
        return Err(Refusal::BrotliStream);
    }
    if bytes_left != 0 {
        return Err(Refusal::BrotliRest);
    }
    columns.truncate(written);
    Ok(columns)
}
