//! A Merkle-Patricia trie of which only some nodes are known.
//!
//! Keys are 32-byte hashes, so values stand in leaves only. Every step down
//! consumes at least one nibble, so no recursion is deeper than 64.

use super::WitnessError;
use alloc::{boxed::Box, vec::Vec};
use alloy_primitives::{B256, Bytes, keccak256, map::B256Map};
use alloy_rlp::Decodable;
use alloy_trie::{
    EMPTY_ROOT_HASH, Nibbles, TrieMask,
    nodes::{BranchNode, ExtensionNode, LeafNode, RlpNode, TrieNode},
};

/// Trie nodes by their hash.
pub(super) type Nodes<'a> = B256Map<&'a Bytes>;

/// A trie that loads its nodes when it needs them.
#[derive(Debug)]
pub(super) struct Trie {
    root: Option<Node>,
}

/// A node, and how its parent refers to it; `None` once it has changed.
#[derive(Debug)]
struct Node {
    reference: Option<RlpNode>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Known by its hash alone.
    Blind(B256),
    Leaf(Nibbles, Vec<u8>),
    Extension(Nibbles, Box<Node>),
    Branch(Box<[Option<Node>; 16]>),
}

impl Trie {
    /// The trie with that root.
    pub(super) fn at(root: B256) -> Self {
        Self {
            root: (root != EMPTY_ROOT_HASH).then(|| Node::blind(root)),
        }
    }

    /// The value under `key`.
    pub(super) fn get(
        &mut self,
        key: B256,
        nodes: &Nodes<'_>,
    ) -> Result<Option<&[u8]>, WitnessError> {
        let mut path = Nibbles::unpack(key);
        let mut next = self.root.as_mut();
        while let Some(node) = next {
            node.resolve(nodes)?;
            next = match &mut node.kind {
                Kind::Blind(hash) => return Err(WitnessError::MissingWitness { hash: *hash }),
                Kind::Leaf(rest, value) => {
                    return Ok((*rest == path).then_some(value.as_slice()));
                }
                Kind::Extension(prefix, child) => {
                    if !path.starts_with(prefix) {
                        return Ok(None);
                    }
                    path = path.slice(prefix.len()..);
                    Some(&mut **child)
                }
                Kind::Branch(children) => {
                    let Some(nibble) = path.first() else {
                        return Ok(None);
                    };
                    path = path.slice(1..);
                    children[usize::from(nibble)].as_mut()
                }
            };
        }
        Ok(None)
    }

    /// Sets `key` to a value that is not empty.
    pub(super) fn insert(
        &mut self,
        key: B256,
        value: Vec<u8>,
        nodes: &Nodes<'_>,
    ) -> Result<(), WitnessError> {
        let path = Nibbles::unpack(key);
        self.root = Some(match self.root.take() {
            Some(root) => root.insert(path, value, nodes)?,
            None => Node::new(Kind::Leaf(path, value)),
        });
        Ok(())
    }

    /// Removes `key`, if it is there.
    pub(super) fn remove(&mut self, key: B256, nodes: &Nodes<'_>) -> Result<(), WitnessError> {
        // A key that is absent changes nothing, not even which nodes are loaded.
        if self.get(key, nodes)?.is_some()
            && let Some(root) = self.root.take()
        {
            self.root = root.remove(Nibbles::unpack(key), nodes)?;
        }
        Ok(())
    }

    /// The root hash.
    pub(super) fn root(&mut self) -> B256 {
        let Some(root) = &mut self.root else {
            return EMPTY_ROOT_HASH;
        };
        let reference = root.reference();
        // A root is named by its hash however short it is.
        reference
            .as_hash()
            .unwrap_or_else(|| keccak256(reference.as_slice()))
    }
}

impl Node {
    const fn new(kind: Kind) -> Self {
        Self {
            reference: None,
            kind,
        }
    }

    fn blind(hash: B256) -> Self {
        Self {
            reference: Some(RlpNode::word_rlp(&hash)),
            kind: Kind::Blind(hash),
        }
    }

    /// The node that a parent refers to: by hash, or in place.
    fn referred(reference: RlpNode, within: B256) -> Result<Self, WitnessError> {
        if let Some(hash) = reference.as_hash() {
            return Ok(Self::blind(hash));
        }
        let kind = Kind::decode(reference.as_slice(), within)?;
        Ok(Self {
            reference: Some(reference),
            kind,
        })
    }

    /// Loads the node where it is known by its hash alone.
    fn resolve(&mut self, nodes: &Nodes<'_>) -> Result<(), WitnessError> {
        if let Kind::Blind(hash) = self.kind {
            let bytes = nodes
                .get(&hash)
                .ok_or(WitnessError::MissingWitness { hash })?;
            self.kind = Kind::decode(bytes, hash)?;
        }
        Ok(())
    }

    fn insert(
        mut self,
        path: Nibbles,
        value: Vec<u8>,
        nodes: &Nodes<'_>,
    ) -> Result<Self, WitnessError> {
        self.resolve(nodes)?;
        Ok(match self.kind {
            Kind::Blind(hash) => return Err(WitnessError::MissingWitness { hash }),
            Kind::Leaf(rest, _) if rest == path => Self::new(Kind::Leaf(rest, value)),
            Kind::Leaf(rest, old) => {
                let shared = rest.common_prefix_length(&path);
                let mut children = Box::<[Option<Self>; 16]>::default();
                for (rest, value) in [(rest, old), (path, value)] {
                    place(&mut children, &rest, shared, |rest| {
                        Self::new(Kind::Leaf(rest, value))
                    });
                }
                Self::below(path.slice(..shared), children)
            }
            Kind::Extension(prefix, child) => {
                let shared = prefix.common_prefix_length(&path);
                if shared == prefix.len() {
                    let child = child.insert(path.slice(shared..), value, nodes)?;
                    Self::new(Kind::Extension(prefix, Box::new(child)))
                } else {
                    let mut children = Box::<[Option<Self>; 16]>::default();
                    place(&mut children, &prefix, shared, |rest| {
                        match rest.is_empty() {
                            true => *child,
                            false => Self::new(Kind::Extension(rest, child)),
                        }
                    });
                    place(&mut children, &path, shared, |rest| {
                        Self::new(Kind::Leaf(rest, value))
                    });
                    Self::below(prefix.slice(..shared), children)
                }
            }
            Kind::Branch(mut children) => {
                let slot = &mut children[usize::from(path.first().unwrap_or_default())];
                let rest = path.slice(1.min(path.len())..);
                *slot = Some(match slot.take() {
                    Some(child) => child.insert(rest, value, nodes)?,
                    None => Self::new(Kind::Leaf(rest, value)),
                });
                Self::new(Kind::Branch(children))
            }
        })
    }

    /// Removes a key that is present.
    fn remove(mut self, path: Nibbles, nodes: &Nodes<'_>) -> Result<Option<Self>, WitnessError> {
        self.resolve(nodes)?;
        match self.kind {
            Kind::Blind(hash) => Err(WitnessError::MissingWitness { hash }),
            Kind::Leaf(..) => Ok(None),
            Kind::Extension(prefix, child) => {
                let rest = path.slice(prefix.len().min(path.len())..);
                match child.remove(rest, nodes)? {
                    Some(child) => child.lengthen(prefix, nodes).map(Some),
                    None => Ok(None),
                }
            }
            Kind::Branch(mut children) => {
                let slot = &mut children[usize::from(path.first().unwrap_or_default())];
                if let Some(child) = slot.take() {
                    *slot = child.remove(path.slice(1.min(path.len())..), nodes)?;
                }
                Self::collapse(children, nodes)
            }
        }
    }

    /// A branch, or what is left of it with fewer than two children.
    fn collapse(
        mut children: Box<[Option<Self>; 16]>,
        nodes: &Nodes<'_>,
    ) -> Result<Option<Self>, WitnessError> {
        let mut present = (0u8..16).filter(|nibble| children[usize::from(*nibble)].is_some());
        match (present.next(), present.next()) {
            (None, _) => Ok(None),
            (Some(only), None) => match children[usize::from(only)].take() {
                Some(child) => child
                    .lengthen(Nibbles::from_nibbles([only]), nodes)
                    .map(Some),
                None => Ok(None),
            },
            _ => Ok(Some(Self::new(Kind::Branch(children)))),
        }
    }

    /// The node under a prefix: leaves and extensions absorb it.
    fn lengthen(mut self, prefix: Nibbles, nodes: &Nodes<'_>) -> Result<Self, WitnessError> {
        self.resolve(nodes)?;
        Ok(match self.kind {
            Kind::Blind(hash) => return Err(WitnessError::MissingWitness { hash }),
            Kind::Leaf(rest, value) => Self::new(Kind::Leaf(prefix.join(&rest), value)),
            Kind::Extension(rest, child) => Self::new(Kind::Extension(prefix.join(&rest), child)),
            Kind::Branch(_) => Self::new(Kind::Extension(prefix, Box::new(self))),
        })
    }

    fn below(prefix: Nibbles, children: Box<[Option<Self>; 16]>) -> Self {
        let branch = Self::new(Kind::Branch(children));
        match prefix.is_empty() {
            true => branch,
            false => Self::new(Kind::Extension(prefix, Box::new(branch))),
        }
    }

    /// How a parent refers to the node.
    fn reference(&mut self) -> RlpNode {
        if let Some(reference) = &self.reference {
            return reference.clone();
        }
        let node = match &mut self.kind {
            Kind::Blind(hash) => return RlpNode::word_rlp(hash),
            Kind::Leaf(path, value) => TrieNode::Leaf(LeafNode::new(*path, value.clone())),
            Kind::Extension(path, child) => {
                TrieNode::Extension(ExtensionNode::new(*path, child.reference()))
            }
            Kind::Branch(children) => {
                let mut stack = Vec::with_capacity(16);
                let mut mask = TrieMask::default();
                for (nibble, child) in (0u8..).zip(children.iter_mut()) {
                    if let Some(child) = child {
                        stack.push(child.reference());
                        mask.set_bit(nibble);
                    }
                }
                TrieNode::Branch(BranchNode::new(stack, mask))
            }
        };
        let reference = node.rlp(&mut Vec::new());
        self.reference = Some(reference.clone());
        reference
    }
}

impl Kind {
    fn decode(mut bytes: &[u8], hash: B256) -> Result<Self, WitnessError> {
        let malformed = WitnessError::Malformed { hash };
        match TrieNode::decode(&mut bytes).map_err(|_| malformed)? {
            TrieNode::EmptyRoot => Err(malformed),
            TrieNode::Leaf(leaf) => Ok(Self::Leaf(leaf.key, leaf.value)),
            TrieNode::Extension(extension) if extension.key.is_empty() => Err(malformed),
            TrieNode::Extension(extension) => {
                let child = Node::referred(extension.child, hash)?;
                Ok(Self::Extension(extension.key, Box::new(child)))
            }
            TrieNode::Branch(branch) => {
                let mut children = Box::<[Option<Node>; 16]>::default();
                let mut stack = branch.stack.into_iter();
                for nibble in 0u8..16 {
                    if branch.state_mask.is_bit_set(nibble) {
                        let child = stack.next().ok_or(malformed)?;
                        children[usize::from(nibble)] = Some(Node::referred(child, hash)?);
                    }
                }
                Ok(Self::Branch(children))
            }
        }
    }
}

/// Puts a node under the nibble at which its path leaves the shared prefix.
fn place(
    children: &mut [Option<Node>; 16],
    path: &Nibbles,
    shared: usize,
    node: impl FnOnce(Nibbles) -> Node,
) {
    if let Some(nibble) = path.get(shared) {
        children[usize::from(nibble)] = Some(node(path.slice(shared + 1..)));
    }
}
