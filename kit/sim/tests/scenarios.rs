//! Every case that derivation has to stand, by name, with whole nodes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a scenario that cannot go on has failed"
)]

mod common;

#[path = "scenarios/batches.rs"]
mod batches;
#[path = "scenarios/forced.rs"]
mod forced;
#[path = "scenarios/layer.rs"]
mod layer;
#[path = "scenarios/parts.rs"]
mod parts;
#[path = "scenarios/rules.rs"]
mod rules;
#[path = "scenarios/silence.rs"]
mod silence;
