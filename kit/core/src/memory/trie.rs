use crate::{B256, Bytes};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, proof::ProofRetainer};

/// Leaves of a trie, ascending by key.
pub(super) type Leaves = Vec<(B256, Vec<u8>)>;

/// Root of a trie of ascending leaves, and the nodes on the way to `targets`,
/// root first; none of them for an empty trie.
pub(super) fn trie(leaves: &Leaves, targets: Option<&[B256]>) -> (B256, Vec<Bytes>) {
    if leaves.is_empty() {
        return (EMPTY_ROOT_HASH, Vec::new());
    }
    let targets: Vec<Nibbles> = targets
        .unwrap_or_default()
        .iter()
        .map(Nibbles::unpack)
        .collect();
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(targets));
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    let root = builder.root();
    let nodes = builder
        .take_proof_nodes()
        .into_nodes_sorted()
        .into_iter()
        .map(|(_, node)| node)
        .collect();
    (root, nodes)
}
