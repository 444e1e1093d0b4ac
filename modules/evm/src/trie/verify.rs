use super::{Child, Meter, NodeSource, TrieError, source::Reader, stored_root};
use alloy_primitives::B256;
use alloy_trie::Nibbles;

/// What a stored trie is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Stored branches: all but twigs.
    pub branches: u64,
    /// Leaves.
    pub leaves: u64,
}

/// Reads a whole stored trie, whose root has this hash and is not the empty
/// one: each branch and leaf must be what its parent says. `leaf` is called
/// after each leaf, ascending by key.
///
/// Memory does not grow with the trie.
pub fn verify(
    source: &dyn NodeSource,
    root: B256,
    leaf: &mut dyn FnMut(),
) -> Result<Counts, TrieError> {
    let meter = Meter::default();
    let reader = Reader {
        source,
        meter: &meter,
        stored: 0,
    };
    let child = stored_root(source, root)?;
    let mut counts = Counts::default();
    below(&reader, Nibbles::new(), &child, &mut counts, leaf)?;
    Ok(counts)
}

/// At most 64 calls deep: each goes down by a nibble.
fn below(
    reader: &Reader<'_>,
    path: Nibbles,
    child: &Child,
    counts: &mut Counts,
    leaf: &mut dyn FnMut(),
) -> Result<(), TrieError> {
    let branch = match child {
        Child::StoredLeaf(node) => {
            reader.load_leaf(&path, node)?;
            counts.leaves += 1;
            leaf();
            return Ok(());
        }
        Child::StoredTwig(node, _) => {
            let leaves = u64::from(reader.load_twig(&path, node)?.leaves());
            counts.leaves += leaves;
            (0..leaves).for_each(|_| leaf());
            return Ok(());
        }
        Child::StoredBranch(node) => reader.load_branch(&path, node)?,
        Child::Leaf(..) | Child::Branch(..) => return Ok(()),
    };
    counts.branches += 1;
    let whole = path.join(&branch.prefix);
    for (nibble, child) in branch.entries() {
        let mut at = whole;
        at.push(nibble);
        below(reader, at, child, counts, leaf)?;
    }
    Ok(())
}
