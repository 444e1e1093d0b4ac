//! The pure state transition: one Ethereum block over a state access.
