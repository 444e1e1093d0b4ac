use super::{Branch, Child, Meter};
use std::sync::Arc;

/// Which nodes leave memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Age of the stored version: nothing younger may go.
    pub stored: u64,
    /// Nodes of this age or older go.
    pub cold: u64,
}

impl Sweep {
    fn takes(self, born: u64) -> bool {
        born <= self.stored && born <= self.cold
    }
}

/// Drops cold nodes below `child`. With `partition`, a branch looks only at the
/// child of that nibble, so that the work of a large trie is spread out.
///
/// A parent is at least as young as its children, so the walk ends at the first
/// cold node.
pub fn sweep(child: &Child, rule: Sweep, partition: Option<u8>, meter: &Meter) -> Child {
    match child {
        Child::StoredLeaf(_) | Child::StoredBranch(_) | Child::StoredTwig(..) => child.clone(),
        // A stored leaf costs one look-up in the flat state: it goes first.
        Child::Leaf(_, leaf) if leaf.born <= rule.stored => child.unload(),
        Child::Leaf(..) => child.clone(),
        Child::Branch(_, _, branch) if rule.takes(branch.born) => child.unload(),
        Child::Branch(node, _, branch) => thin(branch, rule, partition, meter).map_or_else(
            || child.clone(),
            |branch| Child::branch(node.clone(), Arc::new(branch)),
        ),
    }
}

/// The branch without its cold children; `None` if none of them goes.
fn thin(branch: &Branch, rule: Sweep, partition: Option<u8>, meter: &Meter) -> Option<Branch> {
    let mut changed = false;
    let children: Box<[Child]> = branch
        .entries()
        .map(|(nibble, child)| {
            if partition.is_some_and(|partition| partition != nibble) {
                return child.clone();
            }
            let swept = sweep(child, rule, None, meter);
            changed |= !same(child, &swept);
            swept
        })
        .collect();
    changed.then(|| branch.with_children(children, meter))
}

fn same(a: &Child, b: &Child) -> bool {
    match (a, b) {
        (Child::Leaf(_, a), Child::Leaf(_, b)) => Arc::ptr_eq(a, b),
        (Child::Branch(_, _, a), Child::Branch(_, _, b)) => Arc::ptr_eq(a, b),
        (Child::StoredLeaf(_), Child::StoredLeaf(_)) => true,
        (Child::StoredBranch(_), Child::StoredBranch(_)) => true,
        (Child::StoredTwig(..), Child::StoredTwig(..)) => true,
        _ => false,
    }
}
