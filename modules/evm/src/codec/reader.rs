//! Reading columns: a cursor that never reads beyond its end.

use super::malformed;
use alloc::vec::Vec;
use rollwright_derive::CodecError;

/// A cursor over the decompressed columns.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `len` bytes.
    pub(super) fn bytes(&mut self, len: usize) -> Result<&'a [u8], CodecError> {
        if len > self.rest.len() {
            return Err(malformed("columns end early"));
        }
        let (head, tail) = self.rest.split_at(len);
        self.rest = tail;
        Ok(head)
    }

    /// `count` items of `size` bytes.
    pub(super) fn items(&mut self, count: usize, size: usize) -> Result<&'a [u8], CodecError> {
        let len = count
            .checked_mul(size)
            .ok_or_else(|| malformed("a count is too large"))?;
        self.bytes(len)
    }

    pub(super) fn byte(&mut self) -> Result<u8, CodecError> {
        let [byte] = *self.bytes(1)? else {
            return Err(malformed("columns end early"));
        };
        Ok(byte)
    }

    /// A varint in its shortest form.
    pub(super) fn varint(&mut self) -> Result<u64, CodecError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(malformed("a varint exceeds 64 bits"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift != 0 {
                    return Err(malformed("a varint is not in its shortest form"));
                }
                return Ok(value);
            }
        }
        Err(malformed("a varint exceeds ten bytes"))
    }

    /// A signed delta.
    pub(super) fn zigzag(&mut self) -> Result<u64, CodecError> {
        let raw = self.varint()?;
        Ok((raw >> 1) ^ (raw & 1).wrapping_neg())
    }

    /// A count of things of which each takes at least one byte further on.
    pub(super) fn count(&mut self) -> Result<usize, CodecError> {
        let count = self.varint()?;
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= self.rest.len())
            .ok_or_else(|| malformed("a count exceeds what follows"))
    }

    /// `count` varints.
    pub(super) fn varints(&mut self, count: usize) -> Result<Vec<u64>, CodecError> {
        self.at_least(count)?;
        (0..count).map(|_| self.varint()).collect()
    }

    /// An index column of `count` codes below `bound`.
    pub(super) fn indices(&mut self, count: usize, bound: usize) -> Result<Vec<u32>, CodecError> {
        if bound <= 1 {
            return Ok(alloc::vec![0; count]);
        }
        let low = self.bytes(count)?;
        let mut codes: Vec<u32> = low.iter().map(|byte| u32::from(*byte)).collect();
        if bound > 256 {
            self.at_least(count)?;
            for code in &mut codes {
                let high = self.varint()?;
                let high = u32::try_from(high)
                    .ok()
                    .filter(|high| *high < 1 << 24)
                    .ok_or_else(|| malformed("an index exceeds 32 bits"))?;
                *code |= high << 8;
            }
        }
        match codes.iter().all(|code| (*code as usize) < bound) {
            true => Ok(codes),
            false => Err(malformed("an index exceeds its table")),
        }
    }

    /// Fails unless at least `len` bytes are left: asked before allocating.
    pub(super) fn at_least(&self, len: usize) -> Result<(), CodecError> {
        match len <= self.rest.len() {
            true => Ok(()),
            false => Err(malformed("columns end early")),
        }
    }
}

/// Appends a varint in its shortest form.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed delta.
pub(super) fn put_zigzag(out: &mut Vec<u8>, delta: u64) {
    put_varint(out, (delta << 1) ^ (((delta as i64) >> 63) as u64));
}

/// Appends an index column of codes below `bound`.
pub(super) fn put_indices(out: &mut Vec<u8>, codes: &[u32], bound: usize) {
    if bound > 1 {
        out.extend(codes.iter().map(|code| *code as u8));
    }
    if bound > 256 {
        for code in codes {
            put_varint(out, u64::from(code >> 8));
        }
    }
}
