//! Proofs for contracts: data stands in a block of Celestia, against the data
//! root that a rollup's anchor holds.
//!
//! The Rust counterpart of `contracts/CelestiaProof.sol`: [`SharesProof`] is
//! made from what a node answers, checked here by the same steps as on chain,
//! and encoded for the call ([`abi`]).

#[cfg(feature = "onchain")]
pub mod abi;
#[cfg(feature = "rpc")]
mod fetch;
mod header;
mod tree;

use crate::{FIRST_SHARE_BYTES, NEXT_SHARE_BYTES, SHARE_BYTES, SIGNER_BYTES};
use alloy_primitives::B256;
use celestia_types::{
    ShareProof,
    hash::Hash,
    nmt::{NAMESPACED_HASH_SIZE, Namespace, NamespacedHashExt},
};
use tree::{Range, climb, leaf_hash, subtree};

#[cfg(feature = "rpc")]
pub use fetch::PublishedBlob;
pub use header::{HeaderWay, ParentField};

/// A node of a row's tree: least namespace, greatest namespace, hash.
pub type TreeNode = [u8; NAMESPACED_HASH_SIZE];

/// The longest path from a row to the data root: a square of 512, extended to
/// 1,024, and its columns.
const MAX_DEPTH: usize = 11;

/// Where a run of shares stands, and what leads from it to the data root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharesProof {
    /// Index of the first share in the original square, row by row.
    pub start: u64,
    /// For each row that the run touches, the nodes beside it, left to right.
    pub siblings: Vec<Vec<TreeNode>>,
    /// For each of these rows, the hashes from its root to the data root, from
    /// below.
    pub path: Vec<Vec<B256>>,
}

/// Why a contract refuses a proof. The variants are the library's errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OnchainError {
    /// No rollup's data stands in that namespace.
    #[error("no rollup's data stands in that namespace: its version is not 0, or it is reserved")]
    WrongNamespace,
    /// Nothing, or no whole shares.
    #[error("{0} bytes are nothing, or no whole shares")]
    WrongLength(usize),
    /// A share is of another namespace.
    #[error("share {0} of the run is of another namespace")]
    OtherNamespace(usize),
    /// Rows, nodes or paths are missing or left over.
    #[error("rows, nodes or paths are missing or left over")]
    WrongShape,
    /// The run does not lie in the original square.
    #[error("the run ends at {end} in a square of {size} shares")]
    OutOfSquare {
        /// Index behind the run.
        end: u64,
        /// Shares in the original square.
        size: u64,
    },
    /// Nodes of a tree are not in the order of their namespaces.
    #[error("nodes are not in the order of their namespaces")]
    WrongOrder,
    /// What the row and its path hash to is not the data root.
    #[error("row {row} leads to {found}, which is not the data root")]
    WrongRoot {
        /// The row.
        row: u64,
        /// What it leads to.
        found: B256,
    },
    /// A field does not belong to its header.
    #[error("block {0} of the way: the field does not belong to the header with that hash")]
    WrongField(usize),
    /// The encoding of a parent does not begin with a hash.
    #[error("block {0} of the way: the parent's encoding does not begin with a hash")]
    WrongParent(usize),
    /// A node's proof does not hold to begin with.
    #[error("the node's proof does not hold: {0}")]
    Celestia(String),
}

impl SharesProof {
    /// From a node's proof, such as `share.GetRange` gives, once it holds
    /// against the data root.
    pub fn from_share_proof(data_root: B256, proof: &ShareProof) -> Result<Self, OnchainError> {
        let covered = proof
            .covered_range(Hash::Sha256(data_root.0))
            .map_err(|error| OnchainError::Celestia(error.to_string()))?;
        let node = |siblings: &celestia_types::nmt::NamespaceProof| {
            siblings
                .siblings()
                .iter()
                .map(NamespacedHashExt::to_array)
                .collect()
        };
        Ok(Self {
            start: covered.start,
            siblings: proof.share_proofs.iter().map(node).collect(),
            path: proof
                .row_proof
                .proofs()
                .iter()
                .map(|proof| proof.aunts.iter().map(|&hash| hash.into()).collect())
                .collect(),
        })
    }

    /// Checks that these shares, of one namespace, stand one after the other in
    /// the block with that data root. What they mean is left to the caller.
    ///
    /// Source: celestia-app specification, "Namespace Merkle Tree", "Data
    /// Availability Header"; RFC 6962, §2.1. `shares` are whole shares of 512
    /// bytes.
    pub fn verify_shares(
        &self,
        data_root: B256,
        namespace: Namespace,
        shares: &[u8],
    ) -> Result<(), OnchainError> {
        if namespace.is_reserved() || namespace.version() != 0 {
            return Err(OnchainError::WrongNamespace);
        }
        if shares.is_empty() || !shares.len().is_multiple_of(SHARE_BYTES) {
            return Err(OnchainError::WrongLength(shares.len()));
        }
        let depth = self.path.first().map_or(0, Vec::len);
        let shaped = self.siblings.len() == self.path.len()
            && self.path.iter().all(|path| path.len() == depth)
            && (2..=MAX_DEPTH).contains(&depth);
        if !shaped {
            return Err(OnchainError::WrongShape);
        }
        // The leaves of the data root's tree are the roots of all rows, then of
        // all columns.
        let original = 1u64 << (depth - 2);
        let (count, size) = ((shares.len() / SHARE_BYTES) as u64, original * original);
        let end = self.start.saturating_add(count);
        if end > size {
            return Err(OnchainError::OutOfSquare { end, size });
        }
        let (first_row, last_row) = (self.start / original, (end - 1) / original);
        if self.path.len() as u64 != last_row - first_row + 1 {
            return Err(OnchainError::WrongShape);
        }
        let mut rest = shares;
        let mut behind = 0;
        for ((row, siblings), path) in (first_row..).zip(&self.siblings).zip(&self.path) {
            let from = self.start.max(row * original) - row * original;
            let to = end.min((row + 1) * original) - row * original;
            let (now, later) = rest.split_at(((to - from) as usize * SHARE_BYTES).min(rest.len()));
            rest = later;
            let mut range = Range {
                namespace,
                shares: now,
                behind,
                start: from,
                end: to,
                siblings,
            };
            let root = subtree(&mut range, 0, original * 2)?;
            if !range.siblings.is_empty() {
                return Err(OnchainError::WrongShape);
            }
            behind += (to - from) as usize;
            let found = climb(leaf_hash(&root), row, path);
            if found != data_root {
                return Err(OnchainError::WrongRoot { row, found });
            }
        }
        Ok(())
    }

    /// Checks that `data` is a whole blob of the namespace in the block with
    /// that data root; with a signer, one of share version 1 that it paid for.
    ///
    /// The shares are rebuilt from the data: the first one says where a blob
    /// begins and how long it is.
    pub fn verify_blob(
        &self,
        data_root: B256,
        namespace: Namespace,
        signer: Option<[u8; SIGNER_BYTES as usize]>,
        data: &[u8],
    ) -> Result<(), OnchainError> {
        let shares = shares_of(namespace, signer, data)?;
        self.verify_shares(data_root, namespace, &shares)
    }
}

/// The shares of a blob as Celestia lays them out, version 0 or, with a signer,
/// 1.
pub fn shares_of(
    namespace: Namespace,
    signer: Option<[u8; SIGNER_BYTES as usize]>,
    data: &[u8],
) -> Result<Vec<u8>, OnchainError> {
    let length = u32::try_from(data.len())
        .ok()
        .filter(|length| *length > 0)
        .ok_or(OnchainError::WrongLength(data.len()))?;
    let version = u8::from(signer.is_some());
    let mut shares = namespace.as_bytes().to_vec();
    shares.push(version << 1 | 1);
    shares.extend_from_slice(&length.to_be_bytes());
    let first = match signer {
        Some(signer) => {
            shares.extend_from_slice(&signer);
            (FIRST_SHARE_BYTES - SIGNER_BYTES) as usize
        }
        None => FIRST_SHARE_BYTES as usize,
    };
    let (now, later) = data.split_at(first.min(data.len()));
    shares.extend_from_slice(now);
    for part in later.chunks(NEXT_SHARE_BYTES as usize) {
        shares.extend_from_slice(namespace.as_bytes());
        shares.push(version << 1);
        shares.extend_from_slice(part);
    }
    shares.resize(shares.len().next_multiple_of(SHARE_BYTES), 0);
    Ok(shares)
}
