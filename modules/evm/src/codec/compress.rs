//! Compression of columns, and its strict reversal.

use super::malformed;
use alloc::{borrow::Cow, string::ToString, vec, vec::Vec};
use rollwright_derive::{CodecError, CodecId};

/// Largest window of a zstd frame, in bytes.
const MAX_WINDOW: u64 = 8 << 20;

/// The columns of `payload`, whose length must be `len`.
pub(super) fn decompress<'a>(
    codec: CodecId,
    payload: &'a [u8],
    len: usize,
) -> Result<Cow<'a, [u8]>, CodecError> {
    match codec {
        CodecId::NONE if payload.len() == len => Ok(Cow::Borrowed(payload)),
        CodecId::NONE => Err(broken("the payload is not as long as stated")),
        CodecId::ZSTD => {
            check_frame(payload, len)?;
            guarded(|| zstd(payload, len)).map(Cow::Owned)
        }
        CodecId::BROTLI => guarded(|| brotli(payload, len)).map(Cow::Owned),
        other => Err(CodecError::UnknownCodec(other)),
    }
}

fn broken(reason: &str) -> CodecError {
    CodecError::Compression(reason.to_string())
}

/// A fault in a decompressor is a verdict on its input, never the node's end.
///
/// Without `std` nobody can catch one: there the verdict would be the end of a
/// proof. No input is known that leads to one, and `tests/panics.rs` looks for
/// one, without this guard in between.
#[cfg(feature = "std")]
fn guarded<T>(
    decompress: impl FnOnce() -> Result<T, CodecError> + std::panic::UnwindSafe,
) -> Result<T, CodecError> {
    std::panic::catch_unwind(decompress).unwrap_or_else(|_| Err(broken("the stream is malformed")))
}

#[cfg(not(feature = "std"))]
fn guarded<T>(decompress: impl FnOnce() -> Result<T, CodecError>) -> Result<T, CodecError> {
    decompress()
}

/// Checks that `payload` is exactly one zstd frame of the form that batches
/// use, by RFC 8878, 3.1.1, without decompressing anything.
pub(super) fn check_frame(payload: &[u8], len: usize) -> Result<(), CodecError> {
    let short = || broken("the frame ends early");
    let rest = payload
        .strip_prefix(&[0x28, 0xb5, 0x2f, 0xfd])
        .ok_or_else(|| broken("the payload does not begin with a zstd frame"))?;
    let (descriptor, mut rest) = rest.split_first().ok_or_else(short)?;
    // Bits: 7-6 size of the content size, 5 single segment, 4 unused,
    // 3 reserved, 2 checksum, 1-0 dictionary id.
    if descriptor & 0b0001_1111 != 0 {
        return Err(broken(
            "the frame has a checksum, a dictionary or reserved bits",
        ));
    }
    let single_segment = descriptor & 0x20 != 0;
    let mut window = None;
    if !single_segment {
        let (byte, after) = rest.split_first().ok_or_else(short)?;
        rest = after;
        let base = 1u64 << (10 + (byte >> 3));
        window = Some(base + base / 8 * u64::from(byte & 7));
    }
    let size_len = match descriptor >> 6 {
        0 if single_segment => 1,
        0 => return Err(broken("the frame does not state its content size")),
        flag => 1usize << flag,
    };
    let (size, mut rest) = rest.split_at_checked(size_len).ok_or_else(short)?;
    let mut content = size
        .iter()
        .rev()
        .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    if size_len == 2 {
        content += 256;
    }
    if content != len as u64 {
        return Err(broken("the frame's content size is not the stated length"));
    }
    if window.unwrap_or(content) > MAX_WINDOW {
        return Err(broken("the frame's window exceeds 8 MiB"));
    }
    loop {
        let (header, after) = rest.split_at_checked(3).ok_or_else(short)?;
        let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let size = match header >> 1 & 3 {
            0 | 2 => header >> 3,
            1 => 1,
            _ => return Err(broken("a block of the frame has a reserved type")),
        };
        let (_, after) = after.split_at_checked(size as usize).ok_or_else(short)?;
        rest = after;
        if header & 1 == 1 {
            break;
        }
    }
    match rest.is_empty() {
        true => Ok(()),
        false => Err(broken("bytes follow the frame")),
    }
}

/// Decompresses a checked frame; never writes more than `len` bytes.
pub(super) fn zstd(payload: &[u8], len: usize) -> Result<Vec<u8>, CodecError> {
    let mut out = vec![0; len];
    let mut decoder = ruzstd::decoding::FrameDecoder::new();
    decoder.set_max_window_size(MAX_WINDOW);
    match decoder.decode_all(payload, &mut out) {
        Ok(written) if written == len => Ok(out),
        Ok(_) => Err(broken("the frame is shorter than stated")),
        Err(_) => Err(broken("the zstd stream is malformed")),
    }
}

/// Decompresses one brotli stream; never writes more than `len` bytes.
pub(super) fn brotli(payload: &[u8], len: usize) -> Result<Vec<u8>, CodecError> {
    use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState};
    let mut out = vec![0; len];
    let (mut left_in, mut at_in) = (payload.len(), 0);
    let (mut left_out, mut at_out, mut written) = (len, 0, 0);
    let mut state = BrotliState::new_strict(Memory, Memory, Memory);
    let result = BrotliDecompressStream(
        &mut left_in,
        &mut at_in,
        payload,
        &mut left_out,
        &mut at_out,
        &mut out,
        &mut written,
        &mut state,
    );
    match result {
        BrotliResult::ResultSuccess if at_in != payload.len() => {
            Err(broken("bytes follow the brotli stream"))
        }
        BrotliResult::ResultSuccess if at_out == len => Ok(out),
        BrotliResult::ResultSuccess => Err(broken("the brotli stream is shorter than stated")),
        BrotliResult::NeedsMoreOutput => Err(broken("the brotli stream is longer than stated")),
        _ => Err(broken("the brotli stream is malformed")),
    }
}

/// The global allocator, as the brotli decoder asks for it.
#[derive(Clone, Copy, Debug, Default)]
struct Memory;

/// Memory given to the brotli decoder.
#[derive(Debug)]
struct Cells<T>(Vec<T>);

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> brotli_decompressor::SliceWrapper<T> for Cells<T> {
    fn slice(&self) -> &[T] {
        &self.0
    }
}

impl<T> brotli_decompressor::SliceWrapperMut<T> for Cells<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T: Clone + Default> brotli_decompressor::Allocator<T> for Memory {
    type AllocatedMemory = Cells<T>;

    fn alloc_cell(&mut self, len: usize) -> Cells<T> {
        Cells(vec![T::default(); len])
    }

    fn free_cell(&mut self, _: Cells<T>) {}
}

/// Compresses columns. Builds without `std` write [`CodecId::NONE`] only.
pub(super) fn compress(codec: CodecId, columns: Vec<u8>) -> Result<Vec<u8>, CodecError> {
    match codec {
        CodecId::NONE => Ok(columns),
        #[cfg(feature = "std")]
        CodecId::ZSTD => compress_zstd(&columns),
        #[cfg(feature = "std")]
        CodecId::BROTLI => Ok(compress_brotli(&columns)),
        other => Err(CodecError::UnknownCodec(other)),
    }
}

/// Level that costs about as much as the rest of encoding.
#[cfg(feature = "std")]
const ZSTD_LEVEL: i32 = 9;
#[cfg(feature = "std")]
const BROTLI_QUALITY: i32 = 5;
/// 2^23 bytes, the largest window allowed.
#[cfg(feature = "std")]
const ZSTD_WINDOW_LOG: u32 = 23;

#[cfg(feature = "std")]
fn compress_zstd(columns: &[u8]) -> Result<Vec<u8>, CodecError> {
    use zstd::zstd_safe::CParameter;
    let attempt = || {
        let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
        compressor.set_parameter(CParameter::ChecksumFlag(false))?;
        compressor.set_parameter(CParameter::ContentSizeFlag(true))?;
        compressor.set_parameter(CParameter::WindowLog(ZSTD_WINDOW_LOG))?;
        compressor.compress(columns)
    };
    attempt().map_err(|error: std::io::Error| CodecError::Compression(error.to_string()))
}

#[cfg(feature = "std")]
fn compress_brotli(columns: &[u8]) -> Vec<u8> {
    use brotli::enc::BrotliEncoderParams;
    let params = BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        lgwin: 22,
        size_hint: columns.len(),
        large_window: false,
        ..Default::default()
    };
    let mut out = Vec::new();
    // Reading from a slice and writing to a vector cannot fail.
    let _ = brotli::BrotliCompress(&mut { columns }, &mut out, &params);
    out
}

/// Splits a payload into its signatures and the rest.
pub(super) struct Split<'a> {
    pub(super) transaction_signatures: &'a [u8],
    pub(super) authorisation_signatures: &'a [u8],
    pub(super) parities: &'a [u8],
    pub(super) compressed: &'a [u8],
    /// Length of everything before `compressed`.
    pub(super) raw_len: usize,
}

impl<'a> Split<'a> {
    pub(super) fn of(payload: &'a [u8], transactions: usize) -> Result<Self, CodecError> {
        let mut reader = super::reader::Reader::new(payload);
        let authorisations = reader.count()?;
        let transaction_signatures = reader.items(transactions, 64)?;
        let authorisation_signatures = reader.items(authorisations, 64)?;
        let parities = reader.bytes(transactions.div_ceil(8))?;
        let unused = parities.len() * 8 - transactions;
        if unused > 0
            && parities
                .last()
                .is_some_and(|byte| byte >> (8 - unused) != 0)
        {
            return Err(malformed("unused parity bits are set"));
        }
        let compressed = reader.rest();
        Ok(Self {
            transaction_signatures,
            authorisation_signatures,
            parities,
            compressed,
            raw_len: payload.len() - compressed.len(),
        })
    }

    /// `r`, `s` and the parity of transaction `index`.
    pub(super) fn signature(&self, index: usize) -> alloy_primitives::Signature {
        let bytes = &self.transaction_signatures[64 * index..64 * (index + 1)];
        let parity = self.parities[index / 8] >> (index % 8) & 1 == 1;
        alloy_primitives::Signature::from_bytes_and_parity(bytes, parity)
    }
}
