//! The common parts of columns.

use super::super::Refusal;
use alloy_primitives::U256;

/// Reads from the front of bytes.
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn left(&self) -> usize {
        self.0.len()
    }

    pub(super) const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Refusal::Ends)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Refusal> {
        Ok(self.take(1)?[0])
    }

    /// A little-endian base-128 number in its shortest form.
    pub(super) fn varint(&mut self) -> Result<u64, Refusal> {
        let mut value: u128 = 0;
        for place in 0..10 {
            let byte = self.byte()?;
            value |= u128::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                if byte == 0 && place > 0 {
                    return Err(Refusal::VarintForm);
                }
                return u64::try_from(value).map_err(|_| Refusal::VarintWide);
            }
        }
        Err(Refusal::VarintWide)
    }

    pub(super) fn zigzag(&mut self) -> Result<u64, Refusal> {
        let coded = self.varint()?;
        let sign = if coded & 1 == 1 { u64::MAX } else { 0 };
        Ok((coded >> 1) ^ sign)
    }

    /// A number of things that follow, each of which takes a byte at least.
    pub(super) fn count(&mut self) -> Result<usize, Refusal> {
        let count = self.varint()?;
        if count > self.left() as u64 {
            return Err(Refusal::Ends);
        }
        Ok(count as usize)
    }

    pub(super) fn varints(&mut self, count: usize) -> Result<Vec<u64>, Refusal> {
        (0..count).map(|_| self.varint()).collect()
    }

    /// `count` codes below `bound`.
    pub(super) fn codes(&mut self, count: usize, bound: usize) -> Result<Vec<usize>, Refusal> {
        if bound <= 1 {
            return Ok(vec![0; count]);
        }
        let low = self.take(count)?;
        let mut codes: Vec<usize> = Vec::new();
        for byte in low {
            let high = if bound > 256 { self.varint()? } else { 0 };
            let code = u128::from(high) << 8 | u128::from(*byte);
            if code >= bound as u128 {
                return Err(Refusal::CodeBound);
            }
            codes.push(code as usize);
        }
        Ok(codes)
    }

    /// The exponents and mantissas of numbers, after their `len` bytes.
    pub(super) fn numbers_of(&mut self, lens: &[u8]) -> Result<Vec<U256>, Refusal> {
        let small = |len: &&u8| (1..=16).contains(*len);
        let exponents = self.take(lens.iter().filter(small).count())?;
        let mut exponents = exponents.iter();
        let mut numbers = Vec::new();
        for len in lens {
            if *len > 32 {
                return Err(Refusal::NumberLength);
            }
            let mantissa = self.take(usize::from(*len))?;
            if mantissa.first() == Some(&0) {
                return Err(Refusal::MantissaZero);
            }
            let mut number = U256::from_be_slice(mantissa);
            if (1..=16).contains(len) {
                if (number % U256::from(10)).is_zero() {
                    return Err(Refusal::ExponentSmall);
                }
                let exponent = exponents.next().copied().unwrap_or_default();
                for _ in 0..exponent {
                    number *= U256::from(10);
                    if number >> 128 != U256::ZERO {
                        return Err(Refusal::ExponentLarge);
                    }
                }
            }
            numbers.push(number);
        }
        Ok(numbers)
    }

    /// A number column.
    pub(super) fn numbers(&mut self, count: usize) -> Result<Vec<U256>, Refusal> {
        let lens = self.take(count)?;
        self.numbers_of(lens)
    }
}

/// A table whose entries are taken one after the other as they are first used.
pub(super) struct Dictionary<T> {
    table: Vec<T>,
    used: usize,
}

impl<T: Copy + PartialEq> Dictionary<T> {
    pub(super) fn new(table: Vec<T>) -> Result<Self, Refusal> {
        let repeated = (1..table.len()).any(|at| table[..at].contains(&table[at]));
        if repeated {
            return Err(Refusal::DictionaryTwice);
        }
        Ok(Self { table, used: 0 })
    }

    /// `count` entries by their codes.
    pub(super) fn take(
        &mut self,
        cursor: &mut Cursor<'_>,
        count: usize,
    ) -> Result<Vec<T>, Refusal> {
        let codes = cursor.codes(count, self.table.len() + 1)?;
        let mut entries = Vec::new();
        for code in codes {
            let at = match code.checked_sub(1) {
                None => {
                    self.used += 1;
                    self.used - 1
                }
                Some(at) if at < self.used => at,
                Some(_) => return Err(Refusal::DictionaryTurn),
            };
            entries.push(*self.table.get(at).ok_or(Refusal::DictionaryTurn)?);
        }
        Ok(entries)
    }

    pub(super) fn finish(&self) -> Result<(), Refusal> {
        if self.used == self.table.len() {
            Ok(())
        } else {
            Err(Refusal::DictionaryUnused)
        }
    }
}
