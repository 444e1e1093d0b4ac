//! The DA blocks that a chain is derived from.

use rollwright_core::{DaBlock, DaHeader};
use std::collections::BTreeMap;

/// DA blocks from ordinal 0 on, each the child of the one before unless it
/// begins a DA epoch, and how far they are final.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// In order, none left out.
    pub blocks: Vec<DaBlock>,
    /// How many of them, counted from the first, can no longer be undone.
    pub finalized: usize,
    /// By the ordinal of an epoch's first block: the header one height below
    /// it, which shows that it is the first. Not needed for a block of the
    /// epoch's least height.
    pub below: BTreeMap<u64, DaHeader>,
}
