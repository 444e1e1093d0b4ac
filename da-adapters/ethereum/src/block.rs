//! An L1 block whose header and transactions were checked against its hash.

use alloy_consensus::EthereumTxEnvelope;
use alloy_consensus::{Header, TxEip4844};
use alloy_primitives::B256;
use rollwright_core::{DaHeader, DaHeight};

/// A signed transaction as it stands in a block: without sidecar.
pub type Transaction = EthereumTxEnvelope<TxEip4844>;

/// How a block contradicts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// The header is not the hash's preimage.
    #[error("the header hashes to {computed}, the block was given as {given}")]
    Hash {
        /// Of the header.
        computed: B256,
        /// As given.
        given: B256,
    },
    /// The list of transactions is not the header's.
    #[error("the transactions have the root {computed}, the header names {named}")]
    TransactionsRoot {
        /// Of the list.
        computed: B256,
        /// In the header.
        named: B256,
    },
    /// The block asked for is another one.
    #[error("block {found} was answered where {asked} was asked for")]
    Height {
        /// As asked.
        asked: u64,
        /// In the header.
        found: u64,
    },
}

/// A header with its hash, which was computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedHeader {
    hash: B256,
    header: Header,
}

impl SealedHeader {
    /// Computes a header's hash, and compares it with what was said.
    pub fn check(header: Header, given: B256) -> Result<Self, BlockError> {
        let computed = header.hash_slow();
        if computed == given {
            Ok(Self {
                hash: computed,
                header,
            })
        } else {
            Err(BlockError::Hash { computed, given })
        }
    }

    /// The block's hash.
    pub const fn hash(&self) -> B256 {
        self.hash
    }

    /// Ethereum's header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What derivation uses of it. The data root is the transactions root.
    pub const fn facts(&self) -> DaHeader {
        DaHeader {
            height: DaHeight(self.header.number),
            hash: self.hash,
            parent_hash: self.header.parent_hash,
            time: self.header.timestamp,
            data_root: self.header.transactions_root,
        }
    }

    /// True where the header alone shows that there is no blob transaction.
    pub fn is_without_blobs(&self) -> bool {
        self.header.blob_gas_used.unwrap_or_default() == 0
    }
}
