//! Merkle-Patricia tries: in memory where they are hot, stored by path where
//! they are not, each version sharing with the one before what did not change.
//!
//! - A *version* is a root [`Child`]. Nodes are immutable, so a version stays
//!   valid while others are made from it: a block that is discarded, or several
//!   that compete, disturb nothing.
//! - [`update`] takes a whole block's changes at once, sorted, and visits each
//!   branch on their paths once: that is the dirty tracking. It returns the new
//!   root with all hashes, and the stored branches that differ.
//! - *Stored* are branches only, by path, each with the extension above it.
//!   Leaves stand in the flat state, and branches over few of them, *twigs*, are
//!   made again from them: they are most of a trie's branches, and a random
//!   block changes one and more for each key. A branch knows how many leaves
//!   each child has, up to where that is many. What is read back is compared
//!   with the hash in its parent.
//! - [`sweep`] drops what is cold and stored, so memory follows a budget.
//!
//! Ages order the versions of a store: a version is older than those made from
//! it, so a node's age says whether the stored state holds it.
//!
//! Keys are 32-byte hashes. Assumed of a caller: [`Update::exists`] is right,
//! and a version's [`NodeSource`] shows the stored state that it grew from.

mod codec;
mod error;
mod meter;
mod node;
mod prove;
mod source;
mod sweep;
mod update;
mod verify;

pub use codec::{MOST_BYTES as MOST_BRANCH_BYTES, encode as encode_branch, node_key};
pub use error::TrieError;
pub use meter::Meter;
pub use node::{Branch, Child, Leaf, root_hash};
pub use prove::prove;
pub use source::{NodeSource, stored_root};
pub use sweep::{Sweep, sweep};
pub use update::{NodeWrites, Pass, Update, update};
pub use verify::{Counts, verify};

#[cfg(test)]
mod tests;
