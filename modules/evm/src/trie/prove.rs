use super::{Child, Meter, NodeSource, TrieError, node::EMPTY_RLP, source::Reader};
use alloy_primitives::B256;
use alloy_trie::Nibbles;

/// The RLP nodes from the root to `key`, or to where the trie shows that there
/// is no such key. One node of an empty string for an empty trie.
///
/// Nodes shorter than a hash are part of their parent and not listed.
pub fn prove(
    source: &dyn NodeSource,
    stored: u64,
    root: Option<&Child>,
    key: &B256,
) -> Result<Vec<Vec<u8>>, TrieError> {
    // What a proof reads is gone when it returns.
    let meter = Meter::default();
    let reader = Reader {
        source,
        meter: &meter,
        stored,
    };
    let key = Nibbles::unpack_array(&key.0);
    let mut proof = Vec::new();
    let mut path = Nibbles::new();
    let mut next = match root {
        None => return Ok(vec![EMPTY_RLP.to_vec()]),
        Some(root) => Some(root.clone()),
    };
    while let Some(child) = next.take() {
        let branch = match child {
            Child::StoredLeaf(_) | Child::Leaf(..) => {
                append(&mut proof, reader.rlp(&path, &child)?);
                break;
            }
            Child::StoredBranch(_) | Child::StoredTwig(..) => reader.load(&path, &child)?,
            Child::Branch(_, _, branch) => branch,
        };
        let whole = path.join(&branch.prefix);
        let rlp = branch.rlp();
        if !key.starts_with(&whole) {
            // The extension alone shows where the key would have left.
            append(&mut proof, rlp.into_iter().take(1).collect());
            break;
        }
        append(&mut proof, rlp);
        let nibble = key.get_unchecked(whole.len());
        next = branch.child(nibble).cloned();
        path = whole;
        path.push(nibble);
    }
    Ok(proof)
}

/// The root node is listed whatever its length, others only if hashed.
fn append(proof: &mut Vec<Vec<u8>>, nodes: Vec<Vec<u8>>) {
    for node in nodes {
        if proof.is_empty() || node.len() >= 32 {
            proof.push(node);
        }
    }
}
