//! The persistent store of blocks and state.
