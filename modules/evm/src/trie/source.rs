use super::{Branch, Child, Leaf, Meter, TrieError, codec, node::TWIG_LEAVES};
use alloy_primitives::B256;
use alloy_trie::{
    Nibbles, TrieMask,
    nodes::{LeafNodeRef, RlpNode},
};
use std::sync::Arc;

/// Where a trie reads what is not in memory: the stored branches, and the
/// flat state for leaves. Of one trie, at one stored state.
pub trait NodeSource: Sync {
    /// The stored branch that hangs at `path`, in its stored form.
    fn branch(&self, path: &Nibbles) -> Result<Option<Vec<u8>>, TrieError>;

    /// Hashed keys that start with `path`, ascending, with the RLP of their
    /// values: the first `most`, or as many as there are.
    fn leaves(&self, path: &Nibbles, most: usize) -> Result<Vec<(B256, Vec<u8>)>, TrieError>;

    /// keccak256 of the account's address; `None` for the account trie. Names
    /// the trie in errors.
    fn owner(&self) -> Option<B256>;

    /// Called with each node that an update needed beside the keys' own paths.
    fn visited(&self, rlp: &[u8]) {
        let _ = rlp;
    }
}

/// The root of a stored trie that is not empty, by its hash.
pub fn stored_root(source: &dyn NodeSource, hash: B256) -> Result<Child, TrieError> {
    let node = RlpNode::word_rlp(&hash);
    let path = Nibbles::new();
    if source.branch(&path)?.is_some() {
        return Ok(Child::StoredBranch(node));
    }
    Ok(match source.leaves(&path, 2)?.len() {
        0 | 1 => Child::StoredLeaf(node),
        // No parent asks a root for the number of its leaves.
        _ => Child::StoredTwig(node, TWIG_LEAVES),
    })
}

/// A trie in one version: how to read it, and what to charge.
pub(super) struct Reader<'a> {
    pub(super) source: &'a dyn NodeSource,
    pub(super) meter: &'a Meter,
    /// Age of the version whose state the source holds.
    pub(super) stored: u64,
}

impl Reader<'_> {
    pub(super) fn load_branch(
        &self,
        path: &Nibbles,
        expected: &RlpNode,
    ) -> Result<Branch, TrieError> {
        let bytes = self
            .source
            .branch(path)?
            .ok_or_else(|| self.missing(path))?;
        let (node, branch) = codec::decode(&bytes, self.stored, self.meter)
            .map_err(|reason| self.damaged(path, reason))?;
        if node != *expected {
            return Err(self.damaged(path, "its hash is not the one in its parent"));
        }
        Ok(branch)
    }

    /// A twig, made again from the flat state: its branches are in memory, its
    /// leaves are not.
    pub(super) fn load_twig(
        &self,
        path: &Nibbles,
        expected: &RlpNode,
    ) -> Result<Branch, TrieError> {
        let most = usize::from(TWIG_LEAVES);
        let leaves = self.source.leaves(path, most + 1)?;
        if leaves.len() < 2 || leaves.len() > most {
            // Too few, or so many that a branch was stored here, and is gone.
            return Err(self.missing(path));
        }
        let leaves: Vec<(Nibbles, Vec<u8>)> = leaves
            .into_iter()
            .map(|(key, value)| (Nibbles::unpack_array(&key.0), value))
            .collect();
        let (node, branch) = self.twig(*path, &leaves);
        if node != *expected {
            return Err(self.damaged(path, "the flat state does not fit it"));
        }
        Ok(branch)
    }

    /// A branch over two leaves and more, whose keys start with `path`.
    fn twig(&self, path: Nibbles, leaves: &[(Nibbles, Vec<u8>)]) -> (RlpNode, Branch) {
        let common = match (leaves.first(), leaves.last()) {
            (Some((first, _)), Some((last, _))) => first.common_prefix_length(last),
            _ => path.len(),
        };
        let mut mask = TrieMask::default();
        let mut children = Vec::with_capacity(16);
        let mut rest = leaves;
        while let Some((first, value)) = rest.first() {
            let nibble = first.get_unchecked(common);
            let count = rest.partition_point(|(key, _)| key.get_unchecked(common) == nibble);
            let (these, others) = rest.split_at(count);
            mask.set_bit(nibble);
            children.push(if count == 1 {
                Child::StoredLeaf(leaf_node(&first.slice(common + 1..), value))
            } else {
                let (node, branch) = self.twig(first.slice(..=common), these);
                Child::branch(node, Arc::new(branch))
            });
            rest = others;
        }
        let prefix = leaves[0].0.slice(path.len()..common);
        let children = children.into_boxed_slice();
        Branch::from_parts(prefix, mask, children, self.stored, self.meter)
    }

    /// A branch that is not in memory.
    pub(super) fn load(&self, path: &Nibbles, child: &Child) -> Result<Arc<Branch>, TrieError> {
        match child {
            Child::Branch(_, _, branch) => Ok(Arc::clone(branch)),
            Child::StoredBranch(node) => Ok(Arc::new(self.load_branch(path, node)?)),
            Child::StoredTwig(node, _) => Ok(Arc::new(self.load_twig(path, node)?)),
            Child::StoredLeaf(_) | Child::Leaf(..) => {
                Err(self.damaged(path, "a leaf stands where a branch is expected"))
            }
        }
    }

    pub(super) fn load_leaf(&self, path: &Nibbles, expected: &RlpNode) -> Result<Leaf, TrieError> {
        let first = self.source.leaves(path, 1)?.into_iter().next();
        let (key, value) = first.ok_or_else(|| self.missing(path))?;
        let key = Nibbles::unpack_array(&key.0);
        let suffix = key.slice(path.len()..);
        let (node, leaf) = Leaf::new(suffix, value.into(), self.stored, self.meter);
        if node != *expected {
            return Err(self.damaged(path, "the flat state does not fit it"));
        }
        Ok(leaf)
    }

    /// RLP of the nodes of `child`: one, or an extension and its branch.
    pub(super) fn rlp(&self, path: &Nibbles, child: &Child) -> Result<Vec<Vec<u8>>, TrieError> {
        Ok(match child {
            Child::StoredLeaf(node) => vec![self.load_leaf(path, node)?.rlp()],
            Child::Leaf(_, leaf) => vec![leaf.rlp()],
            Child::StoredBranch(_) | Child::StoredTwig(..) => self.load(path, child)?.rlp(),
            Child::Branch(_, _, branch) => branch.rlp(),
        })
    }

    pub(super) fn missing(&self, path: &Nibbles) -> TrieError {
        TrieError::Missing {
            owner: self.source.owner(),
            path: text(path),
        }
    }

    pub(super) fn damaged(&self, path: &Nibbles, reason: &'static str) -> TrieError {
        TrieError::Damaged {
            owner: self.source.owner(),
            path: text(path),
            reason,
        }
    }
}

/// What a parent holds of a leaf.
fn leaf_node(suffix: &Nibbles, value: &[u8]) -> RlpNode {
    let mut rlp = Vec::with_capacity(value.len() + 48);
    LeafNodeRef::new(suffix, value).rlp(&mut rlp)
}

fn text(path: &Nibbles) -> String {
    path.to_vec().iter().map(|n| format!("{n:x}")).collect()
}
