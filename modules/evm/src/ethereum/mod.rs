//! Ethereum's own rules for one block, of every fork from Frontier to Osaka
//! with blob-parameter-only forks: pure, over a [`StateRoot`].
//!
//! ```text
//! bytes ── EthereumBlock::decode ──▶ verify ──▶ Verified (receipts, total difficulty)
//!                                     │  header on its parent, body, ommers
//!                                     │  system calls, DAO, transactions, rewards, withdrawals, requests
//!                                     └  every root and counter, then StateAccess::commit
//! ```
//!
//! | file | subject |
//! |---|---|
//! | `block` | decoding, hashes |
//! | `lineage`, `rules` | ancestors; which rules hold |
//! | `header`, `difficulty`, `ommers`, `body` | what can be checked without executing |
//! | `executor`, `transaction`, `ending`, `requests` | execution |
//! | `changes`, `root` | between revm and a state access |
//! | `verify` | all of it |
//!
//! A rollup's blocks go through [`machine`](crate::machine), which has none of
//! the early rules; environment, system calls' semantics and refusals are
//! shared. The seal of proof of work (ethash) is not checked.

mod block;
mod body;
mod changes;
mod difficulty;
mod ending;
mod error;
mod executor;
mod header;
mod lineage;
mod ommers;
mod requests;
mod root;
mod rules;
pub(crate) mod transaction;
mod verify;

pub use block::EthereumBlock;
pub use error::{BlockError, Violation};
pub use lineage::{Ancestor, Lineage};
pub use root::StateRoot;
pub use verify::{Verified, verify};

#[cfg(feature = "fixtures")]
pub(crate) use executor::{Executor, environment, logs_of};
#[cfg(any(feature = "fixtures", feature = "rpc"))]
pub(crate) use rules::Rules;

#[cfg(test)]
mod tests;
