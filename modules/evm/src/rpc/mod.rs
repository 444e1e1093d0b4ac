//! The `eth_` methods.
