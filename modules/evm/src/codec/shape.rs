//! What transactions have in common with others: columns are grouped by it.

use super::{
    malformed,
    reader::{Reader, put_varint},
};
use crate::machine::TxEnvelope;
use alloc::vec::Vec;
use alloy_consensus::Transaction;
use rollwright_derive::CodecError;

/// Type of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Legacy,
    LegacyUnprotected,
    Eip2930,
    Eip1559,
    Eip7702,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Legacy,
        Self::LegacyUnprotected,
        Self::Eip2930,
        Self::Eip1559,
        Self::Eip7702,
    ];

    /// The EIP-2718 type byte; `None` for legacy transactions.
    pub(super) const fn type_byte(self) -> Option<u8> {
        match self {
            Self::Legacy | Self::LegacyUnprotected => None,
            Self::Eip2930 => Some(1),
            Self::Eip1559 => Some(2),
            Self::Eip7702 => Some(4),
        }
    }

    /// True where a tip stands beside the price.
    pub(super) const fn has_tip(self) -> bool {
        matches!(self, Self::Eip1559 | Self::Eip7702)
    }
}

/// How calldata is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Calldata {
    Empty,
    Bytes,
    Abi { selector: [u8; 4], words: u32 },
}

impl Calldata {
    pub(super) fn of(input: &[u8]) -> Self {
        match input.split_first_chunk::<4>() {
            Some((selector, words)) if words.len() % 32 == 0 => Self::Abi {
                selector: *selector,
                words: (words.len() / 32) as u32,
            },
            _ if input.is_empty() => Self::Empty,
            _ => Self::Bytes,
        }
    }

    /// Number of ABI words.
    pub(super) const fn words(self) -> usize {
        match self {
            Self::Abi { words, .. } => words as usize,
            _ => 0,
        }
    }
}

/// What transactions of one group share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) create: bool,
    pub(super) access_list: bool,
    pub(super) calldata: Calldata,
}

const CREATE: u8 = 1 << 3;
const ACCESS_LIST: u8 = 1 << 4;
const CALLDATA_SHIFT: u8 = 5;

impl Shape {
    /// The shape of a transaction; `None` for a type that a rollup refuses.
    pub(super) fn of(transaction: &TxEnvelope) -> Option<Self> {
        let kind = match transaction {
            TxEnvelope::Legacy(signed) if signed.tx().chain_id.is_none() => Kind::LegacyUnprotected,
            TxEnvelope::Legacy(_) => Kind::Legacy,
            TxEnvelope::Eip2930(_) => Kind::Eip2930,
            TxEnvelope::Eip1559(_) => Kind::Eip1559,
            TxEnvelope::Eip7702(_) => Kind::Eip7702,
            TxEnvelope::Eip4844(_) => return None,
        };
        Some(Self {
            kind,
            create: transaction.to().is_none(),
            access_list: transaction
                .access_list()
                .is_some_and(|list| !list.is_empty()),
            calldata: Calldata::of(transaction.input()),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut byte = Kind::ALL
            .iter()
            .position(|kind| *kind == self.kind)
            .unwrap_or(0) as u8;
        if self.create {
            byte |= CREATE;
        }
        if self.access_list {
            byte |= ACCESS_LIST;
        }
        let calldata = match self.calldata {
            Calldata::Empty => 0,
            Calldata::Bytes => 1,
            Calldata::Abi { .. } => 2,
        };
        out.push(byte | calldata << CALLDATA_SHIFT);
        if let Calldata::Abi { selector, words } = self.calldata {
            out.extend_from_slice(&selector);
            put_varint(out, u64::from(words));
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let byte = reader.byte()?;
        let kind = *Kind::ALL
            .get(usize::from(byte & 7))
            .ok_or_else(|| malformed("a transaction type is unknown"))?;
        let calldata = match byte >> CALLDATA_SHIFT {
            0 => Calldata::Empty,
            1 => Calldata::Bytes,
            2 => {
                let selector = reader.bytes(4)?;
                Calldata::Abi {
                    selector: [selector[0], selector[1], selector[2], selector[3]],
                    words: u32::try_from(reader.varint()?)
                        .map_err(|_| malformed("calldata is too long"))?,
                }
            }
            _ => return Err(malformed("a kind of calldata is unknown")),
        };
        let shape = Self {
            kind,
            create: byte & CREATE != 0,
            access_list: byte & ACCESS_LIST != 0,
            calldata,
        };
        let legacy = shape.kind.type_byte().is_none();
        if legacy && shape.access_list || shape.kind == Kind::Eip7702 && shape.create {
            return Err(malformed("a transaction has a field that its type lacks"));
        }
        Ok(shape)
    }
}

/// Positions `0..codes.len()` by shape, then by place in the batch.
pub(super) fn grouped(codes: &[u32], shapes: usize) -> Vec<u32> {
    let mut starts = alloc::vec![0usize; shapes + 1];
    for code in codes {
        starts[*code as usize + 1] += 1;
    }
    for place in 1..starts.len() {
        starts[place] += starts[place - 1];
    }
    let mut order = alloc::vec![0u32; codes.len()];
    for (position, code) in codes.iter().enumerate() {
        order[starts[*code as usize]] = position as u32;
        starts[*code as usize] += 1;
    }
    order
}
