//! The namespaced Merkle tree over a block's blobs.

use crate::Namespace;
use alloy_primitives::{B256, Keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use std::ops::Range;

/// A subtree, with the range of namespaces below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Node {
    pub(crate) min: Namespace,
    pub(crate) max: Namespace,
    pub(crate) hash: B256,
}

impl Node {
    /// keccak256(0x00 ‖ namespace ‖ index in namespace as u32 LE ‖ commitment).
    pub(crate) fn leaf(namespace: Namespace, index: u32, commitment: B256) -> Self {
        let mut hasher = Keccak256::new();
        hasher.update([0]);
        hasher.update(namespace.0);
        hasher.update(index.to_le_bytes());
        hasher.update(commitment);
        Self {
            min: namespace,
            max: namespace,
            hash: hasher.finalize(),
        }
    }

    /// keccak256(0x01 ‖ left ‖ right), a child being min ‖ max ‖ hash. `None`
    /// where the children are out of order.
    pub(crate) fn inner(left: Self, right: Self) -> Option<Self> {
        if left.min > left.max || left.max > right.min || right.min > right.max {
            return None;
        }
        let mut hasher = Keccak256::new();
        hasher.update([1]);
        for child in [&left, &right] {
            hasher.update(child.min.0);
            hasher.update(child.max.0);
            hasher.update(child.hash);
        }
        Some(Self {
            min: left.min,
            max: right.max,
            hash: hasher.finalize(),
        })
    }
}

/// keccak256("rollwright-da-local/data/1" ‖ salt as u64 LE ‖ number of leaves
/// as u32 LE ‖ root as min ‖ max ‖ hash, where there is one).
///
/// The salt is different for every block that a layer ever made, so that a
/// block and its replacement never have one hash.
pub(crate) fn data_root(salt: u64, count: u32, root: Option<&Node>) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update("rollwright-da-local/data/1");
    hasher.update(salt.to_le_bytes());
    hasher.update(count.to_le_bytes());
    if let Some(root) = root {
        hasher.update(root.min.0);
        hasher.update(root.max.0);
        hasher.update(root.hash);
    }
    hasher.finalize()
}

/// The left child of a subtree of `n` ≥ 2 leaves holds the largest power of
/// two below `n`.
fn split(n: u32) -> u32 {
    1 << (31 - (n - 1).leading_zeros())
}

/// The root over leaves in order; `None` for no leaves, or for leaves that are
/// not in order of their namespaces.
pub(crate) fn root(leaves: &[Node]) -> Option<Node> {
    match leaves {
        [] => None,
        [leaf] => Some(*leaf),
        _ => {
            let middle = split(u32::try_from(leaves.len()).ok()?) as usize;
            let (left, right) = leaves.split_at(middle);
            Node::inner(root(left)?, root(right)?)
        }
    }
}

/// The subtrees that lie wholly outside of `range`, left to right: what a
/// verifier who has the leaves of the range needs besides.
pub(crate) fn outside(leaves: &[Node], range: &Range<u32>) -> Option<Vec<Node>> {
    let mut nodes = Vec::new();
    let count = u32::try_from(leaves.len()).ok()?;
    if count > 0 {
        collect(leaves, 0..count, range, &mut nodes)?;
    }
    Some(nodes)
}

fn is_outside(subtree: &Range<u32>, range: &Range<u32>) -> bool {
    subtree.end <= range.start || subtree.start >= range.end
}

fn collect(
    leaves: &[Node],
    subtree: Range<u32>,
    range: &Range<u32>,
    nodes: &mut Vec<Node>,
) -> Option<()> {
    if is_outside(&subtree, range) {
        nodes.push(root(
            leaves.get(subtree.start as usize..subtree.end as usize)?,
        )?);
    } else if subtree.end - subtree.start > 1 {
        let middle = subtree.start + split(subtree.end - subtree.start);
        collect(leaves, subtree.start..middle, range, nodes)?;
        collect(leaves, middle..subtree.end, range, nodes)?;
    }
    Some(())
}

/// A verifier's walk over a tree of `count` leaves: the leaves of a range are
/// its own, everything else comes from a proof.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    /// First leaf of the range.
    pub(crate) start: u32,
    /// The range's leaves.
    pub(crate) leaves: &'a [Node],
    /// Subtrees outside of the range, left to right; consumed.
    pub(crate) nodes: std::slice::Iter<'a, Node>,
    /// Called with each subtree outside and whether it lies on the left.
    pub(crate) accept: fn(&Node, bool, &Namespace) -> bool,
    /// Handed to `accept`.
    pub(crate) namespace: Namespace,
}

impl Walk<'_> {
    /// The root of the subtree; `None` where the proof does not fit the shape.
    ///
    /// Work is bounded by the number of leaves in the range and of nodes in
    /// the proof, depth by 33.
    pub(crate) fn root(&mut self, subtree: Range<u32>) -> Option<Node> {
        let end = self
            .start
            .checked_add(u32::try_from(self.leaves.len()).ok()?)?;
        let range = self.start..end;
        if is_outside(&subtree, &range) {
            let node = *self.nodes.next()?;
            let is_left = subtree.end <= range.start;
            return (self.accept)(&node, is_left, &self.namespace).then_some(node);
        }
        if subtree.end - subtree.start == 1 {
            return self
                .leaves
                .get((subtree.start - self.start) as usize)
                .copied();
        }
        let middle = subtree.start + split(subtree.end - subtree.start);
        let left = self.root(subtree.start..middle)?;
        let right = self.root(middle..subtree.end)?;
        Node::inner(left, right)
    }
}
