//! Shares, gas and fees of Celestia, in integers throughout.

use std::{fmt, num::ParseIntError, str::FromStr};

/// Bytes of one share.
pub const SHARE_BYTES: usize = 512;

/// Content of a blob's first share without a signer.
pub const FIRST_SHARE_BYTES: u64 = 478;

/// Content of each further share of a blob.
pub const NEXT_SHARE_BYTES: u64 = 482;

/// What a signer takes of the first share of an authored blob.
pub const SIGNER_BYTES: u64 = 20;

/// Above this many subtree roots a commitment's subtrees grow.
const SUBTREE_ROOT_THRESHOLD: u64 = 64;

/// Gas of one share: 8 for each of its 512 bytes.
const GAS_PER_SHARE: u64 = 4_096;

/// Gas of one blob: 10 for each of 70 bytes that its transaction says of it.
const GAS_PER_BLOB: u64 = 700;

/// Gas of a transaction that pays for blobs, before the blobs.
const GAS_PER_TRANSACTION: u64 = 75_000;

/// Shares that a blob of `bytes` bytes takes; 1 for an empty one, which
/// Celestia refuses.
pub const fn shares_needed(bytes: u64, authored: bool) -> u64 {
    let first = if authored {
        FIRST_SHARE_BYTES - SIGNER_BYTES
    } else {
        FIRST_SHARE_BYTES
    };
    match bytes.checked_sub(first) {
        None => 1,
        Some(rest) => 1 + rest.div_ceil(NEXT_SHARE_BYTES),
    }
}

/// The largest blob without signer that fits `shares` shares; 0 for none.
pub const fn bytes_in(shares: u64) -> u64 {
    match shares.checked_sub(1) {
        None => 0,
        Some(more) => FIRST_SHARE_BYTES.saturating_add(more.saturating_mul(NEXT_SHARE_BYTES)),
    }
}

/// Width of the first subtree of the commitment to a blob of `shares` shares,
/// which is also what its start in the square is aligned to:
/// min(pow2(⌈shares / 64⌉), pow2(⌈√shares⌉)) with pow2 the next power of two.
///
/// Source: celestia-app, ADR 13; with an integer square root, since nodes of
/// different machines must agree.
pub const fn subtree_width(shares: u64) -> u64 {
    let by_roots = shares.div_ceil(SUBTREE_ROOT_THRESHOLD);
    let floor = shares.isqrt();
    let root = if floor * floor < shares {
        floor + 1
    } else {
        floor
    };
    let (a, b) = (power_of_two(by_roots), power_of_two(root));
    if a < b { a } else { b }
}

/// The smallest power of two not below `n`; 2^63 where there is none.
const fn power_of_two(n: u64) -> u64 {
    match n.checked_next_power_of_two() {
        Some(power) => power,
        None => 1 << 63,
    }
}

/// Gas of one transaction with `blobs` blobs that take `shares` shares
/// together. Saturates.
pub const fn gas(shares: u64, blobs: u64) -> u64 {
    shares
        .saturating_mul(GAS_PER_SHARE)
        .saturating_add(blobs.saturating_mul(GAS_PER_BLOB))
        .saturating_add(GAS_PER_TRANSACTION)
}

/// Gas of one transaction with blobs of these lengths in bytes, none authored.
pub fn gas_of(lengths: impl IntoIterator<Item = u64>) -> u64 {
    let (mut shares, mut blobs) = (0u64, 0u64);
    for length in lengths {
        shares = shares.saturating_add(shares_needed(length, false));
        blobs = blobs.saturating_add(1);
    }
    gas(shares, blobs)
}

/// A price in millionths of a utia per unit of gas.
///
/// Spelled as a decimal number of utia with at most six places, with or
/// without the unit: `0.004`, `0.01utia`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GasPrice {
    micro: u64,
}

impl GasPrice {
    /// The default of a node: 0.004 utia.
    pub const NODE_DEFAULT: Self = Self::from_micro(4_000);

    /// From millionths of a utia per gas.
    pub const fn from_micro(micro: u64) -> Self {
        Self { micro }
    }

    /// Millionths of a utia per gas.
    pub const fn micro(self) -> u64 {
        self.micro
    }

    /// `numerator / denominator` of this price, rounded up; unchanged where
    /// the denominator is 0.
    #[must_use]
    pub const fn times(self, numerator: u64, denominator: u64) -> Self {
        if denominator == 0 {
            return self;
        }
        Self::from_micro(self.micro.saturating_mul(numerator).div_ceil(denominator))
    }

    /// The price at which `gas` costs at least `utia`, rounded up.
    pub fn for_fee(utia: u64, gas: u64) -> Self {
        let micro = (u128::from(utia) * 1_000_000).div_ceil(u128::from(gas.max(1)));
        Self::from_micro(u64::try_from(micro).unwrap_or(u64::MAX))
    }

    /// What `gas` costs in utia, rounded up.
    pub const fn fee(self, gas: u64) -> u128 {
        (gas as u128 * self.micro as u128).div_ceil(1_000_000)
    }

    /// The price as the node's interface takes it. Not for calculating.
    pub fn as_f64(self) -> f64 {
        self.micro as f64 / 1e6
    }

    /// A price that a node stated, rounded up to a millionth; `None` for what
    /// is no price.
    pub fn from_f64(price: f64) -> Option<Self> {
        let micro = (price * 1e6 - 1e-6).ceil();
        // Below 2^53 the conversion is exact.
        (0.0..9e15)
            .contains(&micro)
            .then_some(Self::from_micro(micro as u64))
    }
}

/// Why a text is no gas price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a gas price: a decimal number of utia with at most six places, such as `0.004utia`"
)]
pub struct GasPriceError(String);

impl FromStr for GasPrice {
    type Err = GasPriceError;

    fn from_str(text: &str) -> Result<Self, GasPriceError> {
        let refuse = || GasPriceError(text.chars().take(40).collect());
        let number = text.strip_suffix("utia").unwrap_or(text).trim();
        let (whole, places) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(places) || places.len() > 6 {
            return Err(refuse());
        }
        let micro = || -> Result<Option<u64>, ParseIntError> {
            let whole: u64 = whole.parse()?;
            let places: u64 = format!("{places:0<6}").parse()?;
            Ok(whole
                .checked_mul(1_000_000)
                .and_then(|whole| whole.checked_add(places)))
        };
        micro()
            .ok()
            .flatten()
            .map(Self::from_micro)
            .ok_or_else(refuse)
    }
}

impl fmt::Display for GasPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, places) = (self.micro / 1_000_000, self.micro % 1_000_000);
        let places = format!("{places:06}");
        let places = places.trim_end_matches('0');
        if places.is_empty() {
            write!(f, "{whole}utia")
        } else {
            write!(f, "{whole}.{places}utia")
        }
    }
}

#[cfg(test)]
mod tests;
