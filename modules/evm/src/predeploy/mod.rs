//! Contracts that stand in the genesis state.
