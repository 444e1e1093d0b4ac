//! The pure state transition: one Ethereum block over a state access.
//!
//! Everything goes through one block executor, so that building a block and
//! executing it can't differ:
//!
//! ```text
//!              BlockInput ── execute ─┐                       ┌─▶ Applied
//!  Attributes + candidates ── build ──┼─▶ executor ──▶ seal ──┤   (header, receipts, …)
//!                                     │  system calls         └─▶ Changes ─▶ StateAccess::commit
//!                                     │  forced entries
//!                                     └  ordinary transactions
//! ```
//!
//! | file | subject |
//! |---|---|
//! | `transaction` | decoding once, senders |
//! | `rules`, `size` | header fields and limits that follow from the parent |
//! | `env`, `vm`, `db`, `changes` | between revm and a state access |
//! | `executor`, `system`, `receipt`, `seal` | one block |
//! | `forced` | the forced lane |
//! | `apply`, `build` | from an input; from candidates |
//! | `call`, `overrides`, `estimate`, `stop` | executing without a block |
//! | `memory`, `witness` | state accesses without a store |
//!
//! Nothing here does I/O, reads a clock, or depends on the order of a hash
//! map; without the feature `std` nothing depends on std.

mod apply;
mod build;
mod call;
mod changes;
pub(crate) mod db;
pub(crate) mod env;
mod estimate;
mod executor;
mod forced;
mod memory;
mod overrides;
mod receipt;
pub(crate) mod refusal;
mod rules;
mod seal;
mod size;
mod stop;
mod system;
mod transaction;
pub(crate) mod vm;
pub mod witness;

pub use apply::{EvmMachine, execute};
pub use build::{BuiltBlock, build};
pub use call::{CallError, CallOutcome, CallRequest, CallResult, call, call_until};
#[cfg(feature = "rpc")]
pub(crate) use call::{
    call_defaults, call_environment, call_outcome, call_transaction, halt_reason,
};
#[cfg(feature = "rpc")]
pub(crate) use env::{Environment, below_floor, environment};
#[cfg(feature = "std")]
pub(crate) use env::{cfg_env, transaction_gas_cap};
#[cfg(feature = "rpc")]
pub(crate) use estimate::estimate_with;
pub use estimate::{EstimateError, estimate, estimate_until};
pub use memory::MemoryState;
pub use overrides::{AccountOverride, BlockOverrides, Overrides};
#[cfg(feature = "rpc")]
pub(crate) use receipt::receipt;
#[cfg(feature = "rpc")]
pub(crate) use refusal::Facts;
pub use refusal::Refusal;
pub use rules::{MAX_BLOCK_RLP_BYTES, next_base_fee};
pub use seal::BlockOutcome;
#[cfg(feature = "rpc")]
pub(crate) use stop::is_slow_precompile;
pub use stop::{Budget, Stop};
pub use transaction::{
    PlainRecovery, Pretended, RecoveredTx, SenderSource, TxEnvelope, TxError, signed,
};

#[cfg(test)]
mod tests;
