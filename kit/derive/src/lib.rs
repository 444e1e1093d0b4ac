#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod batcher;
mod codec;
mod config;
mod deriver;
mod engine;
mod epochs;
#[cfg(feature = "std")]
mod memory;
mod rules;
mod schedule;
mod state;
mod wire;

pub use batcher::*;
pub use codec::*;
pub use config::*;
pub use deriver::*;
pub use engine::Derivable;
pub use epochs::{DaEpoch, EpochStart};
#[cfg(feature = "std")]
pub use memory::{MemoryCodec, memory_genesis};
pub use rules::{BlockRoom, RuleSet, Rules};
pub use schedule::{PlaceError, Position, consumed_entries, due_entries};
pub use state::{
    BatchKey, Core, DeriverState, PendingBatch, RECORD_PREFIX, SignerState, StateError,
};
pub use wire::*;
