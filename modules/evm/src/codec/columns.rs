//! What the columns hold, between their bytes and encoded transactions.

use super::shape::Kind;
use alloc::vec::Vec;
use alloy_primitives::{Address, U256};
use core::ops::Range;

/// A block of a batch, its transactions counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockColumn {
    pub(super) timestamp: u64,
    pub(super) origin: u64,
    pub(super) fee_recipient: Address,
    pub(super) transactions: usize,
}

/// A transaction as its columns describe it; large fields are borrowed.
#[derive(Clone, Debug)]
pub(super) struct Plan<'a> {
    pub(super) kind: Kind,
    pub(super) slot: u32,
    pub(super) nonce: u64,
    pub(super) gas_limit: u64,
    /// `gasPrice` or `maxFeePerGas`.
    pub(super) price: u128,
    pub(super) tip: u128,
    pub(super) to: Option<Address>,
    pub(super) value: U256,
    pub(super) input: Input<'a>,
    /// Range of [`Columns::accesses`].
    pub(super) accesses: Range<usize>,
    /// Range of [`Columns::authorisations`].
    pub(super) authorisations: Range<usize>,
}

/// RLP of an access list's entry without keys: two list headers and an address.
const ACCESS_BYTES: u64 = 23;

impl Plan<'_> {
    /// A lower bound of the encoded length: what can be many times as long as
    /// its columns.
    pub(super) fn least_len(&self) -> u64 {
        (self.input.len() as u64).saturating_add(ACCESS_BYTES * self.accesses.len() as u64)
    }
}

/// Calldata.
#[derive(Clone, Copy, Debug)]
pub(super) enum Input<'a> {
    Bytes(&'a [u8]),
    /// Words lie `stride` apart in [`Columns::words`], from `first` on.
    Abi {
        selector: [u8; 4],
        first: usize,
        stride: usize,
        words: usize,
    },
}

impl Input<'_> {
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Abi { words, .. } => 4 + 32 * *words,
        }
    }
}

/// An entry of an access list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access<'a> {
    pub(super) address: Address,
    /// Storage keys, 32 bytes each.
    pub(super) keys: &'a [u8],
}

/// An EIP-7702 authorisation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Authorisation<'a> {
    pub(super) chain_id: U256,
    pub(super) address: Address,
    pub(super) nonce: u64,
    pub(super) y_parity: u8,
    /// `r ‖ s`.
    pub(super) signature: &'a [u8],
}

/// All columns of a batch.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    pub(super) blocks: Vec<BlockColumn>,
    /// In batch order.
    pub(super) plans: Vec<Plan<'a>>,
    pub(super) words: Vec<[u8; 32]>,
    pub(super) accesses: Vec<Access<'a>>,
    pub(super) authorisations: Vec<Authorisation<'a>>,
    /// Number of sender slots.
    pub(super) slots: usize,
}
