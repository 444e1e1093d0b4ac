//! Proofs for contracts: a transaction stands in a block of the L1, against
//! the transactions root that a rollup's anchor holds as its data root.
//!
//! The Rust counterpart of `contracts/EthereumProof.sol`. Whether a blob has a
//! versioned hash is decided by KZG, off chain; that a block's transaction
//! names the hash, so that the L1 kept the blob available, is what is proved.

#[cfg(feature = "onchain")]
pub mod abi;

use crate::{BlockBody, Transaction};
use alloy_consensus::Transaction as _;
use alloy_eips::eip2718::{Decodable2718 as _, Encodable2718 as _};
use alloy_primitives::{Address, B256, Bytes};
use alloy_trie::{
    HashBuilder, Nibbles,
    proof::{ProofRetainer, verify_proof},
    root::adjust_index_for_rlp,
};

/// A transaction's place in its block, with the trie's nodes from the root to
/// its leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionProof {
    /// Index in the block.
    pub index: u64,
    /// The transaction after EIP-2718, as it stands in the block.
    pub transaction: Bytes,
    /// RLP of the nodes, from the root.
    pub nodes: Vec<Bytes>,
}

/// Why a contract refuses a proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OnchainError {
    /// The nodes do not lead from the root to the transaction.
    #[error("the nodes do not lead from the transactions root to the transaction: {0}")]
    Path(String),
    /// The transaction does not read.
    #[error("the transaction does not read")]
    Malformed,
    /// It goes to another address.
    #[error("the transaction goes to {0:?}")]
    OtherRecipient(Option<Address>),
    /// It carries no such blob.
    #[error("the transaction carries no blob {0}")]
    NoSuchBlob(usize),
    /// The blob has another versioned hash.
    #[error("the blob's versioned hash is {0}")]
    OtherBlob(B256),
    /// The call data is not what is claimed.
    #[error("the transaction has other call data")]
    OtherData,
}

impl TransactionProof {
    /// Proves a transaction of a list whose root the L1 names; `None` where
    /// there is none of that index.
    pub fn new(transactions: &[Transaction], index: usize) -> Option<Self> {
        let transaction = transactions.get(index)?.encoded_2718().into();
        let retainer = ProofRetainer::new(vec![key(index as u64)]);
        let mut builder = HashBuilder::default().with_proof_retainer(retainer);
        // The builder takes keys in their order, which that of RLP is not.
        for position in 0..transactions.len() {
            let at = adjust_index_for_rlp(position, transactions.len());
            builder.add_leaf(key(at as u64), &transactions.get(at)?.encoded_2718());
        }
        builder.root();
        let nodes = builder.take_proof_nodes().into_nodes_sorted();
        Some(Self {
            index: index as u64,
            transaction,
            nodes: nodes.into_iter().map(|(_, node)| node).collect(),
        })
    }

    /// Checks that the transaction stands in the block with that root, and
    /// reads it.
    pub fn open(&self, transactions_root: B256) -> Result<Transaction, OnchainError> {
        let value = self.transaction.to_vec();
        verify_proof(transactions_root, key(self.index), Some(value), &self.nodes)
            .map_err(|error| OnchainError::Path(error.to_string()))?;
        Transaction::decode_2718_exact(&self.transaction).map_err(|_| OnchainError::Malformed)
    }

    fn open_to(&self, root: B256, to: Address) -> Result<Transaction, OnchainError> {
        let transaction = self.open(root)?;
        match transaction.to() {
            Some(found) if found == to => Ok(transaction),
            found => Err(OnchainError::OtherRecipient(found)),
        }
    }

    /// Checks that a transaction to `to` carries, as its blob with that index,
    /// one with this versioned hash.
    pub fn verify_blob(
        &self,
        transactions_root: B256,
        to: Address,
        blob: usize,
        versioned_hash: B256,
    ) -> Result<(), OnchainError> {
        let transaction = self.open_to(transactions_root, to)?;
        let hashes = transaction.blob_versioned_hashes().unwrap_or_default();
        match hashes.get(blob) {
            Some(found) if *found == versioned_hash => Ok(()),
            Some(found) => Err(OnchainError::OtherBlob(*found)),
            None => Err(OnchainError::NoSuchBlob(blob)),
        }
    }

    /// Checks that a transaction to `to` has exactly this call data.
    pub fn verify_calldata(
        &self,
        transactions_root: B256,
        to: Address,
        data: &[u8],
    ) -> Result<(), OnchainError> {
        let transaction = self.open_to(transactions_root, to)?;
        if transaction.input().as_ref() == data {
            Ok(())
        } else {
            Err(OnchainError::OtherData)
        }
    }
}

/// RLP of an index, in nibbles.
fn key(index: u64) -> Nibbles {
    Nibbles::unpack(alloy_rlp::encode(index))
}

impl BlockBody {
    /// Proves the transaction with that hash for contracts, by the block's data
    /// root; `None` where the block has none, or where its transactions were
    /// not needed.
    pub fn prove_for_contract(&self, transaction: B256) -> Option<TransactionProof> {
        let transactions = self.transactions()?;
        let index = transactions
            .iter()
            .position(|found| *found.tx_hash() == transaction)?;
        TransactionProof::new(transactions, index)
    }
}
