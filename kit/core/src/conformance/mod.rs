//! One suite per trait: what its documentation promises, as named checks.
//!
//! An implementation runs a suite from its own tests, with a harness that can
//! do to it what the world does: make blocks, restart the process, reorganise.
//! Each check starts from a fresh harness and says by name what broke. What a
//! layer cannot do on command is skipped, visibly. No runtime is needed:
//!
//! ```
//! # futures_util::FutureExt::now_or_never(async {
//! use rollwright_core::{conformance::{self, DaHarness}, memory::MemoryDa};
//!
//! struct Harness(MemoryDa);
//!
//! impl DaHarness for Harness {
//!     type Da = MemoryDa;
//!     async fn open(&self) -> MemoryDa {
//!         self.0.clone()
//!     }
//!     async fn advance(&self, blocks: u64) {
//!         self.0.make_blocks(blocks);
//!     }
//! }
//!
//! conformance::da(async || Harness(MemoryDa::default())).await.assert();
//! # }).unwrap();
//! ```

mod da;
mod execution;
#[cfg(test)]
pub(crate) mod hasty;
mod messaging;
mod report;
mod settlement;

pub use da::{DaHarness, da};
pub use execution::{ExecutionHarness, execution};
pub use messaging::{MessagingHarness, Side, messaging};
pub use report::{Check, Outcome, Report, Stop, Verdict};
pub use settlement::{SettlementHarness, settlement};

use report::{ensure, ensure_kind, fail};
