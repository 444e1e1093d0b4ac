use crate::machine::MemoryState;
use alloy_primitives::B256;
use core::convert::Infallible;
use rollwright_core::{Changes, StateAccess};

/// A state access that can say what a block's changes would make of the root.
/// Verifying a block needs it: the root is compared before anything is
/// committed, and before Byzantium each receipt holds one.
pub trait StateRoot: StateAccess {
    /// The state root if `changes`, all of them since the parent's state, were
    /// committed. Nothing is.
    fn root_with(&mut self, changes: &Changes) -> Result<B256, Self::Error>;
}

impl StateRoot for MemoryState {
    fn root_with(&mut self, changes: &Changes) -> Result<B256, Infallible> {
        Ok(self.clone().apply(changes))
    }
}

#[cfg(feature = "std")]
impl StateRoot for crate::store::BlockState {
    fn root_with(&mut self, changes: &Changes) -> Result<B256, Self::Error> {
        self.try_changes(changes)
    }
}
