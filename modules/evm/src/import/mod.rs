//! Chains of Ethereum's own blocks: verified one by one and kept in a
//! [`Store`](crate::store::Store).
//!
//! ```text
//! chain.rlp ── ChainFile ──▶ EthereumBlock ── Importer::add ──▶ verify, beside the chain
//!                                             Importer::commit ──▶ heads, in one step
//! ```
//!
//! | file | subject |
//! |---|---|
//! | `file` | a file of concatenated blocks, as a stream |
//! | `ahead` | decoding and signatures, some blocks ahead |
//! | `importer` | one block after the other; which branch is the chain |
//! | `extras` | what a block of Ethereum has that a rollup's has not |
//! | `run` | a whole file, committed now and then |
//! | `phases` | where the time goes |

mod ahead;
mod error;
mod extras;
mod file;
mod importer;
mod phases;
mod run;

pub use ahead::read_ahead;
pub use error::ImportError;
pub use extras::{BodyExtras, extras};
pub use file::{ChainFile, MAX_BLOCK_BYTES};
pub use importer::{Added, Importer};
pub use phases::Phase;
pub use run::{Imported, Totals, import};

#[cfg(test)]
mod tests;
