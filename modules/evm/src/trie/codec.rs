//! How a branch is stored. Leaves are not: the flat state holds them.
//!
//! `extension length (1) ‖ extension nibbles, packed ‖ mask (2, LE) ‖ which
//! children are leaves (2, LE) ‖ the same inverted (2, LE) ‖ children's RLP
//! references, ascending`.
//!
//! All of it goes into the node's hash, which the parent vouches for, but
//! for which children are leaves: that stands there twice.

use super::{Branch, Child, Meter};
use alloy_rlp::Header;
use alloy_trie::{Nibbles, TrieMask, nodes::RlpNode};

/// Key of the branch that hangs at `path`: packed nibbles, then their count.
pub fn node_key(path: &Nibbles) -> Vec<u8> {
    let mut key = path.pack().to_vec();
    // A path has at most 64 nibbles.
    key.push(path.len() as u8);
    key
}

/// The stored form of a branch.
pub fn encode(branch: &Branch) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + branch.children.len() * 33);
    out.push(branch.prefix.len() as u8);
    out.extend_from_slice(&branch.prefix.pack());
    let mut leaves = 0u16;
    for (nibble, child) in branch.entries() {
        if child.is_leaf() {
            leaves |= 1 << nibble;
        }
    }
    out.extend_from_slice(&branch.mask.get().to_le_bytes());
    out.extend_from_slice(&leaves.to_le_bytes());
    out.extend_from_slice(&(!leaves).to_le_bytes());
    for child in &branch.children {
        out.extend_from_slice(child.node().as_slice());
    }
    out
}

/// Reads what [`encode`] wrote. The caller compares the node's reference with
/// the one that the parent holds.
pub(super) fn decode(bytes: &[u8], born: u64, meter: &Meter) -> Result<Branch, &'static str> {
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
    let mut word = || -> Result<u16, &'static str> {
        let bytes = rest.split_off(..2).ok_or(SHORT)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    };
    let mask = TrieMask::new(word()?);
    let leaves = word()?;
    if word()? != !leaves {
        return Err("what it says of its leaves is not what was written");
    }
    let leaves = TrieMask::new(leaves);
    let mut children = Vec::with_capacity(usize::from(mask.count_bits()));
    for nibble in mask.iter() {
        let node = reference(&mut rest)?;
        children.push(if leaves.is_bit_set(nibble) {
            Child::StoredLeaf(node)
        } else {
            Child::StoredBranch(node)
        });
    }
    if !rest.is_empty() {
        return Err("bytes follow it");
    }
    if children.len() < 2 || !leaves.is_subset_of(mask) {
        return Err("its masks do not fit");
    }
    let children = children.into_boxed_slice();
    Ok(Branch::from_parts(prefix, mask, children, born, meter))
}

/// One RLP item of at most 33 bytes.
fn reference(rest: &mut &[u8]) -> Result<RlpNode, &'static str> {
    let mut peek = *rest;
    let header = Header::decode(&mut peek).map_err(|_| "a reference is not RLP")?;
    let length = rest.len() - peek.len() + header.payload_length;
    let item = rest.split_off(..length).ok_or("it ends early")?;
    RlpNode::from_raw(item).ok_or("a reference is too long")
}
