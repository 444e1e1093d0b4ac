//! 256-bit numbers in columns: people write round decimal amounts, so numbers
//! below 2^128 are split into a mantissa and a power of ten.

use super::{malformed, reader::Reader};
use alloc::vec::Vec;
use alloy_primitives::U256;
use rollwright_derive::CodecError;

/// `len` of a word that is coded through the address dictionary.
pub(super) const ADDRESS: u8 = 33;
/// Longest mantissa that has an exponent.
const SCALED: u8 = 16;

/// Number columns under construction.
#[derive(Debug, Default)]
pub(super) struct NumberWriter {
    lens: Vec<u8>,
    exponents: Vec<u8>,
    mantissas: Vec<u8>,
}

impl NumberWriter {
    pub(super) fn push(&mut self, number: U256) {
        let (mantissa, exponent) = match u128::try_from(number) {
            Ok(0) => {
                self.lens.push(0);
                return;
            }
            Ok(small) => {
                let (mantissa, exponent) = scale(small);
                (U256::from(mantissa), Some(exponent))
            }
            Err(_) => (number, None),
        };
        let bytes = mantissa.to_be_bytes::<32>();
        let len = mantissa.byte_len();
        self.lens.push(len as u8);
        self.exponents.extend(exponent);
        self.mantissas.extend_from_slice(&bytes[32 - len..]);
    }

    /// A word that is an address code.
    pub(super) fn push_address(&mut self) {
        self.lens.push(ADDRESS);
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.lens);
        out.extend_from_slice(&self.exponents);
        out.extend_from_slice(&self.mantissas);
    }
}

/// Number columns being read.
#[derive(Debug)]
pub(super) struct NumberReader<'a> {
    lens: &'a [u8],
    exponents: &'a [u8],
    mantissas: &'a [u8],
}

/// What a number column holds at one place.
#[derive(Debug)]
pub(super) enum Number {
    /// The number itself.
    Value(U256),
    /// The next address code.
    Address,
}

impl<'a> NumberReader<'a> {
    /// Takes the three columns of `count` numbers; `longest` is the largest
    /// `len` allowed.
    pub(super) fn take(
        reader: &mut Reader<'a>,
        count: usize,
        longest: u8,
    ) -> Result<Self, CodecError> {
        let lens = reader.bytes(count)?;
        let (mut scaled, mut total) = (0, 0usize);
        for len in lens {
            match *len {
                len if len > longest => return Err(malformed("a number is too long")),
                ADDRESS => {}
                len => {
                    scaled += usize::from((1..=SCALED).contains(&len));
                    total += usize::from(len);
                }
            }
        }
        Ok(Self {
            lens,
            exponents: reader.bytes(scaled)?,
            mantissas: reader.bytes(total)?,
        })
    }

    /// How many address codes there are.
    pub(super) fn addresses(&self) -> usize {
        self.lens.iter().filter(|len| **len == ADDRESS).count()
    }

    pub(super) fn next(&mut self) -> Result<Number, CodecError> {
        let end = || malformed("columns end early");
        let (len, lens) = self.lens.split_first().ok_or_else(end)?;
        self.lens = lens;
        if *len == ADDRESS {
            return Ok(Number::Address);
        }
        let (mantissa, rest) = self
            .mantissas
            .split_at_checked(usize::from(*len))
            .ok_or_else(end)?;
        self.mantissas = rest;
        if *len == 0 {
            return Ok(Number::Value(U256::ZERO));
        }
        if mantissa.first() == Some(&0) {
            return Err(malformed("a number is not in its shortest form"));
        }
        if *len > SCALED {
            return Ok(Number::Value(U256::from_be_slice(mantissa)));
        }
        let (exponent, rest) = self.exponents.split_first().ok_or_else(end)?;
        self.exponents = rest;
        let mantissa = mantissa
            .iter()
            .fold(0u128, |value, byte| value << 8 | u128::from(*byte));
        if mantissa.is_multiple_of(10) {
            return Err(malformed("a number's exponent is not the largest"));
        }
        10u128
            .checked_pow(u32::from(*exponent))
            .and_then(|power| mantissa.checked_mul(power))
            .map(|value| Number::Value(U256::from(value)))
            .ok_or_else(|| malformed("a number exceeds 128 bits"))
    }

    /// The next number, where address codes are not allowed.
    pub(super) fn value(&mut self) -> Result<U256, CodecError> {
        match self.next()? {
            Number::Value(value) => Ok(value),
            Number::Address => Err(malformed("a number is too long")),
        }
    }
}

/// `number = mantissa × 10^exponent` with the largest exponent.
fn scale(number: u128) -> (u128, u8) {
    let (mut mantissa, mut exponent) = (number, 0);
    // 10^k divides only what 2^k divides: odd numbers need no division.
    while mantissa.trailing_zeros() > 0 && mantissa.is_multiple_of(10) {
        mantissa /= 10;
        exponent += 1;
    }
    (mantissa, exponent)
}

/// True where a word is coded through the address dictionary.
pub(super) fn is_address_word(word: U256) -> bool {
    (17..=20).contains(&word.byte_len())
}
