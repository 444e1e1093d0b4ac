//! Bytes in blobs, and back: the layout of OP Stack's encoding version 0.

#[cfg(test)]
mod tests;

/// Bytes of a blob: 4,096 field elements of 32 bytes.
pub const BLOB_BYTES: usize = 131_072;

/// Largest payload of one blob in bytes.
pub const MAX_PAYLOAD_BYTES: usize = STREAM_BYTES - HEADER_BYTES;

/// 1,024 rounds of 127 bytes: version, length, payload, zeros.
const STREAM_BYTES: usize = ROUNDS * STREAM_ROUND;
const HEADER_BYTES: usize = 4;
const ROUNDS: usize = 1_024;
const STREAM_ROUND: usize = 127;
const BLOB_ROUND: usize = 128;
const VERSION: u8 = 0;

/// Why bytes are not the blob of any payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// A blob has another length.
    #[error("a blob has {BLOB_BYTES} bytes, not {bytes}")]
    BlobLength {
        /// Bytes found.
        bytes: usize,
    },
    /// A payload does not fit.
    #[error("a payload has at most {MAX_PAYLOAD_BYTES} bytes, not {bytes}")]
    TooLong {
        /// Bytes found, or claimed by a blob.
        bytes: usize,
    },
    /// The two top bits of a field element are used.
    #[error("field element {index} uses one of its two top bits")]
    FieldElement {
        /// Which of the 4,096.
        index: usize,
    },
    /// Another encoding.
    #[error("encoding version {0} is not known")]
    Version(u8),
    /// Something stands behind the payload.
    #[error("a bit is set behind the payload of {bytes} bytes")]
    Trailing {
        /// Length of the payload.
        bytes: usize,
    },
}

/// Packs a payload into a blob, which is a function: one payload, one blob.
pub fn encode(payload: &[u8]) -> Result<Box<[u8]>, CodecError> {
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(CodecError::TooLong {
            bytes: payload.len(),
        });
    }
    let mut blob = vec![0; BLOB_BYTES];
    let mut round = [0; STREAM_ROUND];
    let mut rest = payload;
    for (number, out) in blob.chunks_exact_mut(BLOB_ROUND).enumerate() {
        let header = if number == 0 { HEADER_BYTES } else { 0 };
        if rest.is_empty() && number > 0 {
            break;
        }
        let (now, later) = rest.split_at(rest.len().min(STREAM_ROUND - header));
        round.fill(0);
        if number == 0 {
            round[0] = VERSION;
            // The length is below 2^24.
            round[1..4].copy_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
        }
        round[header..header + now.len()].copy_from_slice(now);
        rest = later;
        pack(&round, out);
    }
    Ok(blob.into_boxed_slice())
}

/// One round: 127 bytes of the stream become four field elements.
fn pack(round: &[u8; STREAM_ROUND], out: &mut [u8]) {
    let (x, y, z) = (round[31], round[63], round[95]);
    out[0] = x & 0x3f;
    out[32] = (y & 0x0f) | ((x & 0xc0) >> 2);
    out[64] = z & 0x3f;
    out[96] = ((z & 0xc0) >> 2) | ((y & 0xf0) >> 4);
    out[1..32].copy_from_slice(&round[..31]);
    out[33..64].copy_from_slice(&round[32..63]);
    out[65..96].copy_from_slice(&round[64..95]);
    out[97..128].copy_from_slice(&round[96..]);
}

/// The reverse of [`pack`]; `None` where a top bit is set.
fn unpack(four: &[u8], round: &mut [u8]) -> Option<()> {
    let (a, b, c, d) = (four[0], four[32], four[64], four[96]);
    if (a | b | c | d) & 0xc0 != 0 {
        return None;
    }
    round[..31].copy_from_slice(&four[1..32]);
    round[31] = a | ((b & 0x30) << 2);
    round[32..63].copy_from_slice(&four[33..64]);
    round[63] = (b & 0x0f) | ((d & 0x0f) << 4);
    round[64..95].copy_from_slice(&four[65..96]);
    round[95] = c | ((d & 0x30) << 2);
    round[96..].copy_from_slice(&four[97..]);
    Some(())
}

/// The payload of a blob.
///
/// Strict, so that it is the inverse of [`encode`] and nothing else decodes.
/// Memory is taken once, after the length was checked.
pub fn decode(blob: &[u8]) -> Result<Vec<u8>, CodecError> {
    if blob.len() != BLOB_BYTES {
        return Err(CodecError::BlobLength { bytes: blob.len() });
    }
    if let Some(index) = blob.chunks_exact(32).position(|fe| fe[0] & 0xc0 != 0) {
        return Err(CodecError::FieldElement { index });
    }
    if blob[1] != VERSION {
        return Err(CodecError::Version(blob[1]));
    }
    let length = u32::from_be_bytes([0, blob[2], blob[3], blob[4]]) as usize;
    if length > MAX_PAYLOAD_BYTES {
        return Err(CodecError::TooLong { bytes: length });
    }
    // Whole rounds are unpacked, what is too much is cut off again.
    let rounds = (HEADER_BYTES + length).div_ceil(STREAM_ROUND);
    let mut stream = vec![0; rounds * STREAM_ROUND];
    let (used, unused) = blob.split_at(rounds * BLOB_ROUND);
    let fours = used.chunks_exact(BLOB_ROUND).enumerate();
    for ((number, four), round) in fours.zip(stream.chunks_exact_mut(STREAM_ROUND)) {
        unpack(four, round).ok_or(CodecError::FieldElement { index: number * 4 })?;
    }
    let behind = &stream[HEADER_BYTES + length..];
    if behind.iter().any(|byte| *byte != 0) || unused.iter().any(|byte| *byte != 0) {
        return Err(CodecError::Trailing { bytes: length });
    }
    stream.truncate(HEADER_BYTES + length);
    stream.drain(..HEADER_BYTES);
    Ok(stream)
}
