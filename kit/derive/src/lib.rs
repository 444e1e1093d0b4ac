#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod codec;
mod config;
mod engine;

pub use codec::*;
pub use config::*;
pub use engine::Derivable;
