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
    /// A twig that is not in memory, and the number of its leaves, from which
    /// it is made again.
    StoredTwig(RlpNode, u8),
    /// A leaf in memory.
    Leaf(RlpNode, Arc<Leaf>),
    /// A branch in memory, and the number of leaves below it, counted to one
    /// above a twig's. What a parent needs of it stands
    /// here: to be hashed, a parent touches none of the children's memory.
    Branch(RlpNode, u8, Arc<Branch>),
}

/// Leaves up to which a branch is a *twig*: so few that it is made again from
/// them, and not stored.
///
/// The more, the fewer branches a block writes, and the longer it takes to read
/// one that is not in memory: about a microsecond for each leaf. Part of the
/// stored format. Tests have it small, so that small tries have all kinds.
pub(super) const TWIG_LEAVES: u8 = if cfg!(test) { 3 } else { 80 };

/// What is counted of the leaves below a branch that is no twig.
pub(super) const MANY: u8 = TWIG_LEAVES + 1;

/// A leaf in memory.
#[derive(Debug)]
pub struct Leaf {
    /// The rest of the key below the place where the leaf hangs.
    pub(super) suffix: Nibbles,
    /// RLP of the value.
    pub(super) value: Box<[u8]>,
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
    /// Age of the version that made it.
    pub(super) born: u64,
    /// Leaves below it, at most [`MANY`].
    leaves: u8,
    _charge: Charge,
}

/// The children of a branch by nibble, while it is being changed.
pub(super) type Slots = [Option<Child>; 16];

impl Child {
    /// The reference that a parent holds: hash, or the node itself where that
    /// is shorter.
    pub(super) fn node(&self) -> &RlpNode {
        match self {
            Self::StoredLeaf(node)
            | Self::StoredBranch(node)
            | Self::StoredTwig(node, _)
            | Self::Leaf(node, _)
            | Self::Branch(node, ..) => node,
        }
    }

    /// Leaves that it holds, at most [`MANY`].
    pub(super) fn leaves(&self) -> u8 {
        match self {
            Self::StoredLeaf(_) | Self::Leaf(..) => 1,
            Self::StoredTwig(_, leaves) | Self::Branch(_, leaves, _) => *leaves,
            Self::StoredBranch(_) => MANY,
        }
    }

    /// The child that is not in memory, by the number of its leaves.
    pub(super) fn stored(node: RlpNode, leaves: u8) -> Self {
        match leaves {
            1 => Self::StoredLeaf(node),
            ..=TWIG_LEAVES => Self::StoredTwig(node, leaves),
            MANY.. => Self::StoredBranch(node),
        }
    }

    /// A leaf in memory, as [`Leaf::new`] made it.
    pub(super) fn leaf((node, leaf): (RlpNode, Leaf)) -> Self {
        Self::Leaf(node, Arc::new(leaf))
    }

    /// A branch in memory, with the reference to it.
    pub(super) fn branch(node: RlpNode, branch: Arc<Branch>) -> Self {
        Self::Branch(node, branch.leaves, branch)
    }

    /// What remains of this child in memory once it is stored.
    pub(super) fn unload(&self) -> Self {
        Self::stored(self.node().clone(), self.leaves())
    }

    /// Age of the version that made it; `None` where it is not in memory.
    pub(super) fn born(&self) -> Option<u64> {
        match self {
            Self::StoredLeaf(_) | Self::StoredBranch(_) | Self::StoredTwig(..) => None,
            Self::Leaf(_, leaf) => Some(leaf.born),
            Self::Branch(_, _, branch) => Some(branch.born),
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
    /// A leaf, and the reference to it.
    pub(super) fn new(
        suffix: Nibbles,
        value: Box<[u8]>,
        born: u64,
        meter: &Meter,
    ) -> (RlpNode, Self) {
        let mut rlp = Vec::with_capacity(value.len() + 48);
        let node = LeafNodeRef::new(&suffix, &value).rlp(&mut rlp);
        let charge = meter.charge(size_of::<Self>() + 16 + value.len());
        let leaf = Self {
            suffix,
            value,
            born,
            _charge: charge,
        };
        (node, leaf)
    }

    /// The same leaf hung elsewhere.
    pub(super) fn moved(&self, suffix: Nibbles, born: u64, meter: &Meter) -> (RlpNode, Self) {
        Self::new(suffix, self.value.clone(), born, meter)
    }

    pub(super) fn rlp(&self) -> Vec<u8> {
        let mut rlp = Vec::new();
        LeafNodeRef::new(&self.suffix, &self.value).rlp(&mut rlp);
        rlp
    }
}

impl Branch {
    /// A branch, and the reference to the outer node: the extension, or the
    /// branch itself.
    pub(super) fn new(
        prefix: Nibbles,
        slots: &mut Slots,
        born: u64,
        meter: &Meter,
    ) -> (RlpNode, Self) {
        let mut mask = TrieMask::default();
        let mut children = Vec::with_capacity(slots.iter().flatten().count());
        for (nibble, child) in (0u8..).zip(slots) {
            if let Some(child) = child.take() {
                mask.set_bit(nibble);
                children.push(child);
            }
        }
        Self::from_parts(prefix, mask, children.into_boxed_slice(), born, meter)
    }

    /// As [`new`](Self::new).
    pub(super) fn from_parts(
        prefix: Nibbles,
        mask: TrieMask,
        children: Box<[Child]>,
        born: u64,
        meter: &Meter,
    ) -> (RlpNode, Self) {
        let charge = meter.charge(size_of::<Self>() + 16 + children.len() * size_of::<Child>());
        let leaves = children.iter().map(Child::leaves);
        let leaves = leaves.fold(0u8, u8::saturating_add).min(MANY);
        let branch = Self {
            prefix,
            mask,
            children,
            born,
            leaves,
            _charge: charge,
        };
        let mut rlp = Vec::with_capacity(544);
        (branch.encode(&mut rlp, None), branch)
    }

    /// The same branch with another extension above it.
    pub(super) fn moved(&self, prefix: Nibbles, born: u64, meter: &Meter) -> (RlpNode, Self) {
        Self::from_parts(prefix, self.mask, self.children.clone(), born, meter)
    }

    /// The same node with its children held otherwise; no hash changes.
    pub(super) fn with_children(&self, children: Box<[Child]>, meter: &Meter) -> Self {
        let bytes = size_of::<Self>() + 16 + children.len() * size_of::<Child>();
        Self {
            prefix: self.prefix,
            mask: self.mask,
            children,
            born: self.born,
            leaves: self.leaves,
            _charge: meter.charge(bytes),
        }
    }

    /// True unless it is a twig.
    pub(super) fn is_stored(&self) -> bool {
        self.leaves > TWIG_LEAVES
    }

    /// Leaves below it, at most [`MANY`].
    pub(super) fn leaves(&self) -> u8 {
        self.leaves
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
        touch(&self.children);
        let mut slots = Slots::default();
        for (nibble, child) in self.mask.iter().zip(&self.children) {
            slots[nibble as usize] = Some(match child {
                Child::Leaf(node, leaf) if leaf.born <= stored => Child::StoredLeaf(node.clone()),
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

impl Drop for Branch {
    fn drop(&mut self) {
        touch(&self.children);
    }
}

/// Reads the counters of all children that are shared. They lie apart in
/// memory: asked for together they arrive together, whereas each change of one
/// waits for the one before.
fn touch(children: &[Child]) {
    let count = |child: &Child| match child {
        Child::Branch(_, _, branch) => Arc::strong_count(branch),
        _ => 0,
    };
    std::hint::black_box(children.iter().map(count).fold(0, usize::wrapping_add));
}

/// RLP of an empty trie's root.
pub(super) const EMPTY_RLP: [u8; 1] = [EMPTY_STRING_CODE];
