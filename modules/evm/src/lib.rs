#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod codec;
#[cfg(feature = "std")]
pub mod engine;
pub mod ethereum;
#[cfg(feature = "fixtures")]
pub mod fixtures;
pub mod genesis;
#[cfg(feature = "std")]
pub mod import;
pub mod machine;
pub mod precompile;
pub mod predeploy;
#[cfg(feature = "rpc")]
pub mod rpc;
#[cfg(feature = "rpc")]
pub mod sandbox;
pub mod senders;
#[cfg(feature = "std")]
pub mod store;
#[cfg(feature = "std")]
pub mod trie;
