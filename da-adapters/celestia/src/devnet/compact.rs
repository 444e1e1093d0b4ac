//! Compact shares: transactions one after the other, over share boundaries.
//!
//! Source: celestia-app specification, "Shares", compact shares.

use crate::SHARE_BYTES;
use celestia_types::nmt::{NS_SIZE, Namespace};

/// Content of the first compact share: 512 less namespace, info byte, sequence
/// length and reserved bytes.
const FIRST: usize = SHARE_BYTES - NS_SIZE - 1 - 4 - 4;

/// Content of each further one, which names no length.
const NEXT: usize = FIRST + 4;

/// Shares that a stream of `bytes` bytes takes.
pub(crate) fn shares_for(bytes: usize) -> usize {
    match bytes.checked_sub(FIRST) {
        None if bytes == 0 => 0,
        None => 1,
        Some(rest) => 1 + rest.div_ceil(NEXT),
    }
}

/// Bytes of a unit with the length before it.
pub(crate) fn unit_bytes(unit: usize) -> usize {
    let bits = usize::BITS - (unit | 1).leading_zeros();
    unit + bits.div_ceil(7) as usize
}

/// Units of one namespace, as they are written to its compact shares.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Stream {
    /// Appends a unit with its length as an unsigned varint before it.
    pub(crate) fn push(&mut self, unit: &[u8]) {
        self.starts.push(self.bytes.len());
        let mut length = unit.len();
        while length >= 0x80 {
            self.bytes.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        self.bytes.push(length as u8);
        self.bytes.extend_from_slice(unit);
    }

    /// Appends the shares to `square`, and returns their number.
    pub(crate) fn write(&self, namespace: Namespace, square: &mut Vec<u8>) -> usize {
        let mut at = 0;
        let mut count = 0;
        while at < self.bytes.len() {
            let first = at == 0;
            let room = if first { FIRST } else { NEXT };
            let end = (at + room).min(self.bytes.len());
            let header = SHARE_BYTES - room;
            // Offset in this share of the first unit that begins in it.
            let reserved = self
                .starts
                .get(self.starts.partition_point(|&start| start < at))
                .filter(|&&start| start < end)
                .map_or(0, |start| header + start - at);
            square.extend_from_slice(namespace.as_bytes());
            square.push(u8::from(first));
            if first {
                square.extend_from_slice(&(self.bytes.len() as u32).to_be_bytes());
            }
            square.extend_from_slice(&(reserved as u32).to_be_bytes());
            square.extend_from_slice(self.bytes.get(at..end).unwrap_or_default());
            square.resize(square.len() + room - (end - at), 0);
            at = end;
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests;
