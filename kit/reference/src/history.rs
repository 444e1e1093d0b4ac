//! The DA blocks that a chain is derived from.

use rollwright_core::DaBlock;

/// DA blocks from ordinal 0 on, each the child of the one before, and how far
/// they are final.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// In order, none left out.
    pub blocks: Vec<DaBlock>,
    /// How many of them, counted from the first, can no longer be undone.
    pub finalized: usize,
}
