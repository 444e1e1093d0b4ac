//! The common parts of columns.

use alloy_primitives::U256;

pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn varints(values: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        varint(&mut out, value);
    }
    out
}

pub(super) fn zigzag(out: &mut Vec<u8>, delta: u64) {
    let delta = delta.cast_signed();
    varint(out, (delta << 1 ^ delta >> 63).cast_unsigned());
}

/// A dictionary in the making.
#[derive(Default)]
pub(super) struct Codes<T> {
    pub(super) table: Vec<T>,
}

impl<T: PartialEq> Codes<T> {
    pub(super) fn code(&mut self, entry: T) -> usize {
        match self.table.iter().position(|known| *known == entry) {
            Some(at) => at + 1,
            None => {
                self.table.push(entry);
                0
            }
        }
    }

    pub(super) const fn bound(&self) -> usize {
        self.table.len() + 1
    }
}

/// Table, codes and bound of a dictionary of its own.
pub(super) fn dictionary(values: Vec<U256>) -> (Vec<U256>, Vec<usize>, usize) {
    let mut dictionary = Codes::default();
    let codes = values.into_iter().map(|value| dictionary.code(value));
    let codes = codes.collect();
    let bound = dictionary.bound();
    (dictionary.table, codes, bound)
}

/// An index column.
pub(super) fn coded(codes: &[usize], bound: usize) -> Vec<u8> {
    let mut out = Vec::new();
    if bound > 1 {
        out.extend(codes.iter().map(|code| *code as u8));
    }
    if bound > 256 {
        out.extend(varints(codes.iter().map(|code| *code as u64 / 256)));
    }
    out
}

pub(super) fn numbers(values: &[U256]) -> Vec<u8> {
    words(&values.iter().copied().map(Some).collect::<Vec<_>>())
}

/// A number column, in which `None` is an address code.
pub(super) fn words(values: &[Option<U256>]) -> Vec<u8> {
    let ten = U256::from(10);
    let (mut lens, mut exponents, mut mantissas) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        let Some(mut mantissa) = *value else {
            lens.push(33);
            continue;
        };
        if !mantissa.is_zero() && mantissa >> 128 == U256::ZERO {
            let mut exponent = 0;
            while (mantissa % ten).is_zero() {
                mantissa /= ten;
                exponent += 1;
            }
            exponents.push(exponent);
        }
        lens.push(mantissa.byte_len() as u8);
        mantissas.extend(mantissa.to_be_bytes_trimmed_vec());
    }
    [lens, exponents, mantissas].concat()
}
