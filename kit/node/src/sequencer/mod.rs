//! Block production: a pure policy, and the driver that obeys it.

mod ahead;
mod driver;
mod policy;
mod produce;

pub(crate) use driver::{MineRequest, Sequencer};
pub use policy::{Block, Cause, Decision, SequencerPolicy, Situation};

#[cfg(test)]
mod tests;
