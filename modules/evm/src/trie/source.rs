use super::{Branch, Child, Leaf, Meter, TrieError, codec};
use alloy_primitives::B256;
use alloy_trie::{Nibbles, nodes::RlpNode};

/// Where a trie reads what is not in memory: the stored branches, and the
/// flat state for leaves. Of one trie, at one stored state.
pub trait NodeSource: Sync {
    /// The stored branch that hangs at `path`, in its stored form.
    fn branch(&self, path: &Nibbles) -> Result<Option<Vec<u8>>, TrieError>;

    /// The first hashed key that starts with `path`, with the RLP of its
    /// value. Called only where exactly one such key exists.
    fn leaf(&self, path: &Nibbles) -> Result<Option<(B256, Vec<u8>)>, TrieError>;

    /// keccak256 of the account's address; `None` for the account trie. Names
    /// the trie in errors.
    fn owner(&self) -> Option<B256>;

    /// Called with each node that an update needed beside the keys' own paths.
    fn visited(&self, rlp: &[u8]) {
        let _ = rlp;
    }
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
        let branch = codec::decode(&bytes, self.stored, self.meter)
            .map_err(|reason| self.damaged(path, reason))?;
        if branch.node != *expected {
            return Err(self.damaged(path, "its hash is not the one in its parent"));
        }
        Ok(branch)
    }

    pub(super) fn load_leaf(&self, path: &Nibbles, expected: &RlpNode) -> Result<Leaf, TrieError> {
        let (key, value) = self.source.leaf(path)?.ok_or_else(|| self.missing(path))?;
        let key = Nibbles::unpack_array(&key.0);
        if !key.starts_with(path) {
            return Err(self.missing(path));
        }
        let suffix = key.slice(path.len()..);
        let leaf = Leaf::new(suffix, value.into(), self.stored, self.meter);
        if leaf.node != *expected {
            return Err(self.damaged(path, "the flat state does not fit it"));
        }
        Ok(leaf)
    }

    /// RLP of the nodes of `child`: one, or an extension and its branch.
    pub(super) fn rlp(&self, path: &Nibbles, child: &Child) -> Result<Vec<Vec<u8>>, TrieError> {
        Ok(match child {
            Child::StoredLeaf(node) => vec![self.load_leaf(path, node)?.rlp()],
            Child::Leaf(leaf) => vec![leaf.rlp()],
            Child::StoredBranch(node) => self.load_branch(path, node)?.rlp(),
            Child::Branch(branch) => branch.rlp(),
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

fn text(path: &Nibbles) -> String {
    path.to_vec().iter().map(|n| format!("{n:x}")).collect()
}
