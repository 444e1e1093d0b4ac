#![doc = include_str!("../README.md")]

mod chain;
mod compare;
mod derivation;
mod executor;
mod history;
mod payload;
mod real;
mod trace;
mod wire;

pub use chain::Chain;
pub use compare::{Difference, Told, What, compare, told, told_of};
pub use derivation::{AppliedBatch, DaStep, Derivation, Event, TRACED_DROPS, derive};
pub use executor::{Blocking, Executor, now};
pub use history::History;
pub use payload::{Bounds, Facts, MemoryPayloads, PayloadBlock, Payloads, Refusal};
pub use real::{DriveError, Driven, Real, drive};
pub use trace::{Drop, Reason};
