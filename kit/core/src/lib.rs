#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "std")]
pub mod boxed;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod da;
#[cfg(feature = "std")]
pub mod decorators;
mod error;
mod execution;
mod machine;
#[cfg(feature = "std")]
pub mod memory;
mod messaging;
#[cfg(feature = "std")]
mod node;
mod rollup;
mod settlement;
mod types;

pub use clock::Clock;
#[cfg(feature = "std")]
pub use clock::ManualClock;
pub use da::DataAvailability;
pub use error::{ErrorKind, LayerError};
pub use execution::{ChainStore, Execution};
pub use machine::{Applied, ApplyError, StateAccess, StateMachine};
pub use messaging::Messaging;
#[cfg(feature = "std")]
pub use node::*;
pub use rollup::{Layers, Rollup};
pub use settlement::{ProofSystem, Settlement};
pub use types::*;

pub use alloy_consensus::Header;
pub use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
