use super::{Meter, meter::Charge};
use alloy_primitives::B256;
use alloy_rlp::{EMPTY_STRING_CODE, Header};
use alloy_trie::{
    EMPTY_ROOT_HASH, Nibbles, TrieMask,
    nodes::{ExtensionNodeRef, LeafNodeRef, RlpNode},
};
use std::sync::Arc;

/// What hangs below a branch, or at the root: known by its hash, and in memory
/// where it was needed lately.
///
/// Immutable: a changed trie shares what did not change with the one before.
#[derive(Clone, Debug)]
pub enum Child {
    /// A leaf that stands in the flat state.
    StoredLeaf(RlpNode),
    /// A branch that is stored, and not in memory.
    StoredBranch(RlpNode),
    /// A twig that is not in memory, and its height: made again from its leaves.
    StoredTwig(RlpNode, u8),
    /// A leaf in memory.
    Leaf(Arc<Leaf>),
    /// A branch in memory.
    Branch(Arc<Branch>),
}

/// The height up to which a branch is a *twig*: small enough to be made again
/// from its leaves, and so not stored. A leaf has height 0, a branch one more
/// than its highest child.
pub(super) const TWIG_HEIGHT: u8 = 2;

/// Leaves that a twig has at most.
pub(super) const TWIG_LEAVES: usize = 16usize.pow(TWIG_HEIGHT as u32);

/// A leaf in memory.
#[derive(Debug)]
pub struct Leaf {
    /// The rest of the key below the place where the leaf hangs.
    pub(super) suffix: Nibbles,
    /// RLP of the value.
    pub(super) value: Box<[u8]>,
    pub(super) node: RlpNode,
    pub(super) born: u64,
    _charge: Charge,
}

/// A branch in memory, with the extension above it where there is one.
#[derive(Debug)]
pub struct Branch {
    /// Path of the extension node; empty without one.
    pub(super) prefix: Nibbles,
    pub(super) mask: TrieMask,
    /// As many as `mask` has bits, ascending by nibble.
    pub(super) children: Box<[Child]>,
    /// Reference to the outer node: the extension, or the branch itself.
    pub(super) node: RlpNode,
    /// Age of the version that made it.
    pub(super) born: u64,
    /// At most one above [`TWIG_HEIGHT`].
    height: u8,
    _charge: Charge,
}

/// The children of a branch by nibble, while it is being changed.
pub(super) type Slots = [Option<Child>; 16];

impl Child {
    /// The reference that a parent holds: hash, or the node itself where that
    /// is shorter.
    pub(super) fn node(&self) -> &RlpNode {
        match self {
            Self::StoredLeaf(node) | Self::StoredBranch(node) | Self::StoredTwig(node, _) => node,
            Self::Leaf(leaf) => &leaf.node,
            Self::Branch(branch) => &branch.node,
        }
    }

    /// See [`TWIG_HEIGHT`], above which all heights are the same.
    pub(super) fn height(&self) -> u8 {
        match self {
            Self::StoredLeaf(_) | Self::Leaf(_) => 0,
            Self::StoredTwig(_, height) => *height,
            Self::StoredBranch(_) => TWIG_HEIGHT + 1,
            Self::Branch(branch) => branch.height,
        }
    }

    /// The child that is not in memory, by its height.
    pub(super) fn stored(node: RlpNode, height: u8) -> Self {
        match height {
            0 => Self::StoredLeaf(node),
            1..=TWIG_HEIGHT => Self::StoredTwig(node, height),
            _ => Self::StoredBranch(node),
        }
    }

    /// What remains of this child in memory once it is stored.
    pub(super) fn unload(&self) -> Self {
        Self::stored(self.node().clone(), self.height())
    }

    /// Age of the version that made it; `None` where it is not in memory.
    pub(super) fn born(&self) -> Option<u64> {
        match self {
            Self::StoredLeaf(_) | Self::StoredBranch(_) | Self::StoredTwig(..) => None,
            Self::Leaf(leaf) => Some(leaf.born),
            Self::Branch(branch) => Some(branch.born),
        }
    }
}

/// Root hash of the trie below `root`.
pub fn root_hash(root: Option<&Child>) -> B256 {
    match root {
        None => EMPTY_ROOT_HASH,
        Some(child) => {
            let node = child.node();
            // A root shorter than a hash is hashed all the same.
            node.as_hash()
                .unwrap_or_else(|| alloy_primitives::keccak256(node.as_slice()))
        }
    }
}

impl Leaf {
    pub(super) fn new(suffix: Nibbles, value: Box<[u8]>, born: u64, meter: &Meter) -> Self {
        let mut rlp = Vec::with_capacity(value.len() + 48);
        let node = LeafNodeRef::new(&suffix, &value).rlp(&mut rlp);
        let charge = meter.charge(size_of::<Self>() + 16 + value.len());
        Self {
            suffix,
            value,
            node,
            born,
            _charge: charge,
        }
    }

    /// The same leaf hung elsewhere.
    pub(super) fn moved(&self, suffix: Nibbles, born: u64, meter: &Meter) -> Self {
        Self::new(suffix, self.value.clone(), born, meter)
    }

    pub(super) fn rlp(&self) -> Vec<u8> {
        let mut rlp = Vec::new();
        LeafNodeRef::new(&self.suffix, &self.value).rlp(&mut rlp);
        rlp
    }
}

impl Branch {
    pub(super) fn new(prefix: Nibbles, slots: Slots, born: u64, meter: &Meter) -> Self {
        let mut mask = TrieMask::default();
        let mut children = Vec::with_capacity(slots.iter().flatten().count());
        for (nibble, child) in (0u8..).zip(slots) {
            if let Some(child) = child {
                mask.set_bit(nibble);
                children.push(child);
            }
        }
        Self::from_parts(prefix, mask, children.into_boxed_slice(), born, meter)
    }

    pub(super) fn from_parts(
        prefix: Nibbles,
        mask: TrieMask,
        children: Box<[Child]>,
        born: u64,
        meter: &Meter,
    ) -> Self {
        let charge = meter.charge(size_of::<Self>() + 16 + children.len() * size_of::<Child>());
        let highest = children.iter().map(Child::height).max().unwrap_or_default();
        let mut branch = Self {
            prefix,
            mask,
            children,
            node: RlpNode::default(),
            born,
            height: highest.min(TWIG_HEIGHT) + 1,
            _charge: charge,
        };
        let mut rlp = Vec::with_capacity(544);
        branch.node = branch.encode(&mut rlp, None);
        branch
    }

    /// The same branch with another extension above it.
    pub(super) fn moved(&self, prefix: Nibbles, born: u64, meter: &Meter) -> Self {
        Self::from_parts(prefix, self.mask, self.children.clone(), born, meter)
    }

    /// The same node with its children held otherwise; no hash changes.
    pub(super) fn with_children(&self, children: Box<[Child]>, meter: &Meter) -> Self {
        let bytes = size_of::<Self>() + 16 + children.len() * size_of::<Child>();
        Self {
            prefix: self.prefix,
            mask: self.mask,
            children,
            node: self.node.clone(),
            born: self.born,
            height: self.height,
            _charge: meter.charge(bytes),
        }
    }

    /// True unless it is a twig.
    pub(super) fn is_stored(&self) -> bool {
        self.height > TWIG_HEIGHT
    }

    /// Leaves below a branch that was made of nothing else.
    pub(super) fn leaves(&self) -> u64 {
        let below = |child: &Child| match child {
            Child::Branch(branch) => branch.leaves(),
            _ => 1,
        };
        self.children.iter().map(below).sum()
    }

    /// The child at `nibble`.
    pub(super) fn child(&self, nibble: u8) -> Option<&Child> {
        if !self.mask.is_bit_set(nibble) {
            return None;
        }
        let below = self.mask.get() & ((1u16 << nibble) - 1);
        self.children.get(below.count_ones() as usize)
    }

    /// The children by nibble; what `stored` says can be read again is not
    /// carried along.
    pub(super) fn slots(&self, stored: u64) -> Slots {
        let mut slots = Slots::default();
        for (nibble, child) in self.mask.iter().zip(&self.children) {
            slots[nibble as usize] = Some(match child {
                Child::Leaf(leaf) if leaf.born <= stored => Child::StoredLeaf(leaf.node.clone()),
                child => child.clone(),
            });
        }
        slots
    }

    /// Nibbles with their children, ascending.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u8, &Child)> {
        self.mask.iter().zip(&self.children)
    }

    /// RLP of the branch node and, with an extension above it, of that.
    pub(super) fn rlp(&self) -> Vec<Vec<u8>> {
        let mut inner = Vec::with_capacity(544);
        let mut outer = Vec::new();
        self.encode(&mut inner, Some(&mut outer));
        if self.prefix.is_empty() {
            vec![inner]
        } else {
            vec![outer, inner]
        }
    }

    /// Appends the RLP of the branch node to `inner` and that of the extension
    /// to `outer`; returns the reference to the outermost.
    fn encode(&self, inner: &mut Vec<u8>, outer: Option<&mut Vec<u8>>) -> RlpNode {
        let nodes = self.children.iter().map(|child| child.node().len());
        let payload_length = nodes.sum::<usize>() + 17 - self.children.len();
        let header = Header {
            list: true,
            payload_length,
        };
        header.encode(inner);
        let mut children = self.children.iter();
        for nibble in 0..16 {
            match self.mask.is_bit_set(nibble).then(|| children.next()) {
                Some(Some(child)) => inner.extend_from_slice(child.node()),
                _ => inner.push(EMPTY_STRING_CODE),
            }
        }
        // No key ends at a branch: it has no value.
        inner.push(EMPTY_STRING_CODE);
        let branch = RlpNode::from_rlp(inner);
        if self.prefix.is_empty() {
            return branch;
        }
        let mut own = Vec::new();
        ExtensionNodeRef::new(&self.prefix, &branch).rlp(outer.unwrap_or(&mut own))
    }
}

/// RLP of an empty trie's root.
pub(super) const EMPTY_RLP: [u8; 1] = [EMPTY_STRING_CODE];
