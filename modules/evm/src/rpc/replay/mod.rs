//! Executing on states of the past, watched: what traces, simulations and
//! access lists have in common.
//!
//! A block is executed again on its parent's state as the machine executed it
//! (the same environment, the same system calls, the same transactions), over
//! a cache that keeps changes to itself. Whatever is executed is bounded: it
//! [stops](crate::machine::Stop) when asked to, and what is recorded of it has
//! a [`Guard`] that counts bytes.

mod block;
mod failure;
mod guard;
mod message;
mod overrides;
mod precompiles;
mod run;
mod state;

pub(crate) use block::{Executed, Replay};
pub(crate) use failure::Failure;
pub(crate) use guard::{Guard, Weight};
pub(crate) use message::Message;
pub(crate) use overrides::{Overrides, apply};
pub(crate) use precompiles::Moves;
pub(crate) use run::{Run, Watched, system_calls};
pub(crate) use state::{CachedState, changes, open};
