//! EIP-7934: how large a block's RLP is.

use super::rules::MAX_BLOCK_RLP_BYTES;
use alloy_consensus::Header;
use alloy_rlp::{Encodable, length_of_length};

/// Running length of a block's RLP.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockSize {
    /// RLP of the header at its longest: with all gas used.
    header: usize,
    /// Sum of the transactions' encodings as items of the body.
    transactions: usize,
    /// False before Osaka, where any size is allowed.
    limited: bool,
}

impl BlockSize {
    pub(super) fn new(header: &Header, limited: bool) -> Self {
        let longest = Header {
            gas_used: header.gas_limit,
            ..header.clone()
        };
        // `requests_hash` is set at the end: one RLP string of 32 bytes.
        let requests = usize::from(header.requests_hash.is_none()) * 33;
        Self {
            header: longest.length() + requests,
            transactions: 0,
            limited,
        }
    }

    /// Bytes that one more transaction's encoding may have.
    pub(super) fn left(&self) -> u64 {
        if !self.limited {
            return u64::MAX;
        }
        // Five bytes are the longest prefix of a transaction of this size, and
        // of the list that holds it.
        let used = Self::block(self.header, self.transactions) as u64;
        MAX_BLOCK_RLP_BYTES.saturating_sub(used + 10)
    }

    /// Bytes that a transaction may have in an empty block.
    pub(super) fn left_when_empty(&self) -> u64 {
        Self {
            transactions: 0,
            ..*self
        }
        .left()
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.transactions += item(bytes);
    }

    /// The exact length with the finished header; `Err` with it where it is
    /// above the limit.
    pub(super) fn check(&self, header: &Header) -> Result<(), u64> {
        let length = Self::block(header.length(), self.transactions) as u64;
        match self.limited && length > MAX_BLOCK_RLP_BYTES {
            true => Err(length),
            false => Ok(()),
        }
    }

    /// Header, transactions, no ommers, no withdrawals.
    const fn block(header: usize, transactions: usize) -> usize {
        let payload = header + list(transactions) + 1 + 1;
        list(payload)
    }
}

const fn list(payload: usize) -> usize {
    length_of_length(payload) + payload
}

/// A legacy transaction stands as a list, a typed one as a string.
fn item(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(first) if *first >= 0xc0 => bytes.len(),
        _ => bytes.length(),
    }
}
