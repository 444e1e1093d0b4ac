//! How a branch is stored. Leaves and twigs are not: the flat state holds them.
//!
//! `extension length (1) ‖ extension nibbles, packed ‖ mask (2, LE) ‖ of each
//! child, ascending: the number of its leaves (1), one above the most that a
//! twig has where it is a stored branch ‖ these numbers inverted ‖ the
//! children's RLP references`.
//!
//! All of it goes into the node's hash, which the parent vouches for, but
//! for the numbers of leaves: they stand there twice.

use super::{Branch, Child, Meter, node::MANY};
use alloy_rlp::Header;
use alloy_trie::{Nibbles, TrieMask, nodes::RlpNode};

/// Key of the branch that hangs at `path`: packed nibbles, then their count.
pub fn node_key(path: &Nibbles) -> Vec<u8> {
    let mut key = path.pack().to_vec();
    // A path has at most 64 nibbles.
    key.push(path.len() as u8);
    key
}

/// Bytes that the stored form of a branch has at most: a prefix of 64 nibbles,
/// a mask, 16 children.
pub const MOST_BYTES: usize = 1 + 32 + 2 + 16 * (1 + 1 + 33);

/// Appends the stored form of a branch that is no twig.
pub fn encode(branch: &Branch, out: &mut Vec<u8>) {
    out.push(branch.prefix.len() as u8);
    out.extend_from_slice(&branch.prefix.pack());
    out.extend_from_slice(&branch.mask.get().to_le_bytes());
    let leaves = branch.children.iter().map(Child::leaves);
    out.extend(leaves.clone());
    out.extend(leaves.map(|leaves| !leaves));
    for child in &branch.children {
        out.extend_from_slice(child.node().as_slice());
    }
}

/// Reads what [`encode`] wrote. The caller compares the node's reference with
/// the one that the parent holds.
pub(super) fn decode(
    bytes: &[u8],
    born: u64,
    meter: &Meter,
) -> Result<(RlpNode, Branch), &'static str> {
    const SHORT: &str = "it ends early";
    let (&length, mut rest) = bytes.split_first().ok_or(SHORT)?;
    if length > 64 {
        return Err("its extension is too long");
    }
    let packed = rest
        .split_off(..usize::from(length).div_ceil(2))
        .ok_or(SHORT)?;
    let mut prefix = Nibbles::unpack(packed);
    prefix.truncate(length.into());
    let mask = rest.split_off(..2).ok_or(SHORT)?;
    let mask = TrieMask::new(u16::from_le_bytes([mask[0], mask[1]]));
    let count = usize::from(mask.count_bits());
    let leaves = rest.split_off(..count).ok_or(SHORT)?;
    let inverted = rest.split_off(..count).ok_or(SHORT)?;
    if leaves.iter().zip(inverted).any(|(a, b)| *a != !b) {
        return Err("what it says of its children's leaves is not what was written");
    }
    if count < 2 || leaves.iter().any(|leaves| !(1..=MANY).contains(leaves)) {
        return Err("its children cannot be these");
    }
    let mut children = Vec::with_capacity(count);
    for leaves in leaves {
        children.push(Child::stored(reference(&mut rest)?, *leaves));
    }
    if !rest.is_empty() {
        return Err("bytes follow it");
    }
    let children = children.into_boxed_slice();
    let (node, branch) = Branch::from_parts(prefix, mask, children, born, meter);
    if !branch.is_stored() {
        return Err("it has too few leaves to be stored");
    }
    Ok((node, branch))
}

/// One RLP item of at most 33 bytes.
fn reference(rest: &mut &[u8]) -> Result<RlpNode, &'static str> {
    let mut peek = *rest;
    let header = Header::decode(&mut peek).map_err(|_| "a reference is not RLP")?;
    let length = rest.len() - peek.len() + header.payload_length;
    let item = rest.split_off(..length).ok_or("it ends early")?;
    RlpNode::from_raw(item).ok_or("a reference is too long")
}
