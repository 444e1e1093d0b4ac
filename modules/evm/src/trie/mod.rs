//! Merkle-Patricia tries in memory with dirty tracking.
