//! How a branch is stored. Leaves and twigs are not: the flat state holds them.
//!
//! `extension length (1) ‖ extension nibbles, packed ‖ mask (2, LE) ‖ which
//! children are leaves (2, LE) ‖ twigs of height 1 (2, LE) ‖ twigs of height 2
//! (2, LE) ‖ the last three inverted (6) ‖ children's RLP references, ascending`.
//!
//! All of it goes into the node's hash, which the parent vouches for, but
//! for the heights of the children: they stand there twice.

use super::{Branch, Child, Meter, node::TWIG_HEIGHT};
use alloy_rlp::Header;
use alloy_trie::{Nibbles, TrieMask, nodes::RlpNode};

/// A mask for each height that is told apart from that of a stored branch.
const HEIGHTS: usize = TWIG_HEIGHT as usize + 1;

/// Key of the branch that hangs at `path`: packed nibbles, then their count.
pub fn node_key(path: &Nibbles) -> Vec<u8> {
    let mut key = path.pack().to_vec();
    // A path has at most 64 nibbles.
    key.push(path.len() as u8);
    key
}

/// Bytes that the stored form of a branch has at most: masks, a prefix of 64
/// nibbles, 16 references.
pub const MOST_BYTES: usize = 3 + 32 + 4 * HEIGHTS + 16 * 33;

/// Appends the stored form of a branch that is no twig.
pub fn encode(branch: &Branch, out: &mut Vec<u8>) {
    out.push(branch.prefix.len() as u8);
    out.extend_from_slice(&branch.prefix.pack());
    let mut heights = [0u16; HEIGHTS];
    for (nibble, child) in branch.entries() {
        if let Some(mask) = heights.get_mut(usize::from(child.height())) {
            *mask |= 1 << nibble;
        }
    }
    out.extend_from_slice(&branch.mask.get().to_le_bytes());
    for mask in heights.iter().copied().chain(heights.map(|mask| !mask)) {
        out.extend_from_slice(&mask.to_le_bytes());
    }
    for child in &branch.children {
        out.extend_from_slice(child.node().as_slice());
    }
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
    let mut heights = [0u16; HEIGHTS];
    for mask in &mut heights {
        *mask = word()?;
    }
    for mask in heights {
        if word()? != !mask {
            return Err("what it says of its children's heights is not what was written");
        }
    }
    let mut children = Vec::with_capacity(usize::from(mask.count_bits()));
    for nibble in mask.iter() {
        let node = reference(&mut rest)?;
        let height = heights.iter().position(|mask| mask >> nibble & 1 == 1);
        let height = height.map_or(TWIG_HEIGHT + 1, |height| height as u8);
        children.push(Child::stored(node, height));
    }
    if !rest.is_empty() {
        return Err("bytes follow it");
    }
    let named: u32 = heights.iter().map(|mask| mask.count_ones()).sum();
    let all = heights.iter().fold(0, |all, mask| all | mask);
    if children.len() < 2 || all & !mask.get() != 0 || all.count_ones() != named {
        return Err("its masks do not fit");
    }
    let children = children.into_boxed_slice();
    let branch = Branch::from_parts(prefix, mask, children, born, meter);
    if !branch.is_stored() {
        return Err("it is too low to be stored");
    }
    Ok(branch)
}

/// One RLP item of at most 33 bytes.
fn reference(rest: &mut &[u8]) -> Result<RlpNode, &'static str> {
    let mut peek = *rest;
    let header = Header::decode(&mut peek).map_err(|_| "a reference is not RLP")?;
    let length = rest.len() - peek.len() + header.payload_length;
    let item = rest.split_off(..length).ok_or("it ends early")?;
    RlpNode::from_raw(item).ok_or("a reference is too long")
}
