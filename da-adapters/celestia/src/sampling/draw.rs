//! Which shares are asked for, and what it says that they were given.

use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, fmt};

/// Domain of the stream that places are taken from.
const DOMAIN: &[u8] = b"rollwright-da-celestia/sample/1";

/// The place of a share in an extended square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// From the top.
    pub row: u16,
    /// From the left.
    pub column: u16,
}

/// What a node's choice of shares follows from. It stays with the node: who
/// knows it knows which shares to give.
#[derive(Clone, PartialEq, Eq)]
pub struct SampleSecret([u8; 32]);

impl SampleSecret {
    /// From 32 random bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be kept where only the node reads them.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SampleSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SampleSecret(…)")
    }
}

/// Distinct places in an extended square, each equally likely: `samples` of
/// them, or all where there are no more.
///
/// They follow from secret and height alone and never change, so whoever
/// withholds cannot wait for a luckier draw. `width` is a power of two; of
/// anything else nothing is drawn.
pub fn draw(secret: &SampleSecret, height: u64, width: u16, samples: u16) -> Vec<Place> {
    if !width.is_power_of_two() {
        return Vec::new();
    }
    let total = u32::from(width) * u32::from(width);
    let wanted = u32::from(samples).min(total) as usize;
    let (mut seen, mut places) = (BTreeSet::new(), Vec::with_capacity(wanted));
    let mut counter = 0u64;
    while places.len() < wanted {
        let block: [u8; 32] = Sha256::new_with_prefix(DOMAIN)
            .chain_update(secret.0)
            .chain_update(height.to_le_bytes())
            .chain_update(counter.to_le_bytes())
            .finalize()
            .into();
        counter += 1;
        for word in block.chunks_exact(4) {
            let word = word
                .iter()
                .fold(0, |word, &byte| word << 8 | u32::from(byte));
            // The number of shares is a power of two: no share is favoured.
            let at = word & (total - 1);
            if places.len() < wanted && seen.insert(at) {
                let (row, column) = (at / u32::from(width), at % u32::from(width));
                places.push(Place {
                    row: row as u16,
                    column: column as u16,
                });
            }
        }
    }
    places
}

/// The chance that one of `samples` distinct random shares would have been
/// missing, had just enough shares been withheld that the square cannot be
/// recovered: the part of a row and a column more than half, squared.
///
/// Never below the usual bound of 1 - (3/4)^samples. A square of one share is
/// recovered from any of its four, so that one sample settles it.
pub fn confidence(width: u16, samples: usize) -> f64 {
    let total = f64::from(width) * f64::from(width);
    let half = f64::from(width / 2) + 1.0;
    let present = total - half * half;
    let mut missed = 1.0;
    for index in 0..samples {
        let index = index as f64;
        if index >= present {
            return if samples == 0 { 0.0 } else { 1.0 };
        }
        missed *= (present - index) / (total - index);
    }
    1.0 - missed
}

#[cfg(test)]
mod tests;
