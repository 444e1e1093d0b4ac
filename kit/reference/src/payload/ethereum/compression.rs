//! The three codecs.

use super::super::Refusal;
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use std::io::Read as _;

const MAX_WINDOW: u64 = 8 << 20;

/// Decompresses to exactly `wanted` bytes, with nothing left over.
pub(super) fn decompress(codec: u8, bytes: &[u8], wanted: usize) -> Result<Vec<u8>, Refusal> {
    let columns = match codec {
        0 => bytes.to_vec(),
        1 => zstd(bytes, wanted)?,
        2 => brotli(bytes, wanted)?,
        _ => return Err("no such codec".into()),
    };
    if columns.len() == wanted {
        Ok(columns)
    } else {
        Err("another length than was said".into())
    }
}

/// One frame of RFC 8878, whose header is read here.
fn zstd(bytes: &[u8], wanted: usize) -> Result<Vec<u8>, Refusal> {
    let rest = bytes
        .strip_prefix(&[0x28, 0xb5, 0x2f, 0xfd])
        .ok_or("no zstd frame")?;
    let (descriptor, rest) = rest.split_first().ok_or("no frame header")?;
    let single_segment = descriptor & 0b0010_0000 != 0;
    // Unused and reserved bit, checksum, dictionary id.
    if descriptor & 0b0001_1111 != 0 {
        return Err("a frame with a checksum, a dictionary or reserved bits".into());
    }
    let (window, rest) = if single_segment {
        (None, rest)
    } else {
        let (byte, rest) = rest.split_first().ok_or("no window descriptor")?;
        let base = 1u64 << (10 + (byte >> 3));
        (Some(base + base / 8 * u64::from(byte & 7)), rest)
    };
    let size_bytes = match (descriptor >> 6, single_segment) {
        (0, false) => return Err("no content size".into()),
        (0, true) => 1,
        (1, _) => 2,
        (2, _) => 4,
        _ => 8,
    };
    let size = rest.get(..size_bytes).ok_or("no content size")?;
    let mut size = size
        .iter()
        .rev()
        .fold(0u64, |size, byte| size << 8 | u64::from(*byte));
    if size_bytes == 2 {
        size += 256;
    }
    if size != wanted as u64 || window.unwrap_or(size) > MAX_WINDOW {
        return Err("content size or window".into());
    }
    let mut source = bytes;
    let mut decoder =
        ruzstd::decoding::StreamingDecoder::new(&mut source).map_err(|error| error.to_string())?;
    let mut columns = Vec::new();
    decoder
        .by_ref()
        .take(wanted as u64 + 1)
        .read_to_end(&mut columns)
        .map_err(|error| error.to_string())?;
    drop(decoder);
    if source.is_empty() {
        Ok(columns)
    } else {
        Err("something follows the frame".into())
    }
}

/// One stream of RFC 7932.
fn brotli(bytes: &[u8], wanted: usize) -> Result<Vec<u8>, Refusal> {
    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new(alloc(), alloc(), alloc());
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
    if !matches!(result, BrotliResult::ResultSuccess) || bytes_left != 0 {
        return Err("no brotli stream, or something follows it".into());
    }
    columns.truncate(written);
    Ok(columns)
}
