#![doc = include_str!("../README.md")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a target reports what it finds by a panic"
)]

mod check;
pub mod corpus;
mod evm;
mod node;
mod seeds;
mod target;
mod targets;
mod world;

pub use check::{check, check_hook, warm};
pub use target::{Memory, Seed, Target};
pub use targets::{RpcMethod, TARGETS, rpc_call, rpc_methods, target};

/// Counts what the crate's programs and tests hold, so that a target's
/// [`Memory`] bound can be checked.
#[global_allocator]
static HEAP: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;
