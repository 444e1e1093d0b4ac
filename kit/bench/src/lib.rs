#![doc = include_str!("../README.md")]

pub mod accounts;
pub mod http;
pub mod load;
pub mod node;
pub mod report;
pub mod scenario;
pub mod stats;
pub mod token;
pub mod usage;
pub mod watch;

mod flags;

pub use flags::{Flags, Scenario};
