//! Hashes of rows, from a run of shares and the nodes beside it.

use super::{OnchainError, TreeNode};
use crate::SHARE_BYTES;
use alloy_primitives::B256;
use celestia_types::nmt::{NS_SIZE, Namespace};
use sha2::{Digest, Sha256};

/// Prefixes of leaves and of inner nodes.
const LEAF: [u8; 1] = [0];
const INNER: [u8; 1] = [1];

/// The part of a run of shares that lies in one row.
pub(super) struct Range<'a> {
    pub(super) namespace: Namespace,
    /// The shares of this row.
    pub(super) shares: &'a [u8],
    /// Shares of the run in rows before.
    pub(super) behind: usize,
    /// Columns.
    pub(super) start: u64,
    pub(super) end: u64,
    /// Siblings that were not read yet.
    pub(super) siblings: &'a [TreeNode],
}

/// The node over `width` leaves from `low` on; a width is a power of two.
pub(super) fn subtree(
    range: &mut Range<'_>,
    low: u64,
    width: u64,
) -> Result<TreeNode, OnchainError> {
    if low >= range.end || low + width <= range.start {
        let (node, rest) = range
            .siblings
            .split_first()
            .ok_or(OnchainError::WrongShape)?;
        range.siblings = rest;
        return Ok(*node);
    }
    if width == 1 {
        let index = (low - range.start) as usize;
        let share = range.shares.chunks_exact(SHARE_BYTES).nth(index);
        let share = share.ok_or(OnchainError::WrongShape)?;
        if !share.starts_with(range.namespace.as_bytes()) {
            return Err(OnchainError::OtherNamespace(range.behind + index));
        }
        let hash = Sha256::new_with_prefix(LEAF)
            .chain_update(range.namespace.as_bytes())
            .chain_update(share)
            .finalize();
        let name = range.namespace.as_bytes();
        return Ok(node(name, name, hash.into()));
    }
    let left = subtree(range, low, width / 2)?;
    let right = subtree(range, low + width / 2, width / 2)?;
    let ((left_min, left_max), (right_min, right_max)) = (ends(&left), ends(&right));
    if left_min > left_max || right_min > right_max || left_max > right_min {
        return Err(OnchainError::WrongOrder);
    }
    // Parity does not count for the greatest namespace, unless there is nothing
    // else.
    let max = if right_min == Namespace::PARITY_SHARE.as_bytes() {
        left_max
    } else {
        right_max
    };
    let hash = Sha256::new_with_prefix(INNER)
        .chain_update(left)
        .chain_update(right)
        .finalize();
    Ok(node(left_min, max, hash.into()))
}

/// Least and greatest namespace of a node.
fn ends(node: &TreeNode) -> (&[u8], &[u8]) {
    let (min, rest) = node.split_at(NS_SIZE);
    (min, rest.get(..NS_SIZE).unwrap_or_default())
}

fn node(min: &[u8], max: &[u8], hash: [u8; 32]) -> TreeNode {
    let mut node = [0; 2 * NS_SIZE + 32];
    for (to, from) in node.iter_mut().zip(min.iter().chain(max).chain(&hash)) {
        *to = *from;
    }
    node
}

/// A row's root as a leaf of the data root's tree.
pub(super) fn leaf_hash(root: &TreeNode) -> B256 {
    let hash: [u8; 32] = Sha256::new_with_prefix(LEAF)
        .chain_update(root)
        .finalize()
        .into();
    hash.into()
}

/// From a leaf's hash to the root of a tree whose leaves are a power of two.
pub(super) fn climb(leaf: B256, index: u64, path: &[B256]) -> B256 {
    path.iter().enumerate().fold(leaf, |hash, (level, beside)| {
        let (left, right) = match index >> level & 1 {
            0 => (hash, *beside),
            _ => (*beside, hash),
        };
        let hash: [u8; 32] = Sha256::new_with_prefix(INNER)
            .chain_update(left)
            .chain_update(right)
            .finalize()
            .into();
        hash.into()
    })
}
