#![doc = include_str!("../README.md")]

mod chain;
mod check;
mod compare;
mod derivation;
mod executor;
mod history;
mod payload;
mod real;
mod recorded;
mod scene;
mod trace;
mod wire;

pub use chain::Chain;
pub use check::{Checked, Failure, check, replay_bytes, replay_seed, shrink};
pub use compare::{Difference, Told, What, compare, told, told_of};
pub use derivation::{AppliedBatch, DaStep, Derivation, Event, TRACED_DROPS, derive};
pub use executor::{Blocking, Executor, now};
pub use history::History;
pub use payload::{
    Bounds, EthereumPayloads, Facts, MemoryPayloads, PayloadBlock, Payloads, Refusal,
};
pub use real::{DriveError, Driven, Real, drive};
pub use recorded::{ReadTwice, RecordedError, compare_recorded};
pub use scene::{
    ACTION_BYTES, Action, CHAIN_BYTES, Engine, EthereumEngine, MemoryEngine, Packed, Scene, Script,
    Verb,
};
pub use trace::{Drop, Reason};
