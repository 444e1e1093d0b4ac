//! An embedded Celestia: squares, headers, accounts and the JSON-RPC of a
//! node, in this process.

mod accounts;
mod chain;
mod compact;
mod config;
mod eds;
mod faults;
mod handle;
mod node;
mod rpc;
mod square;
mod store;
mod tx;

pub use chain::Forgery;
pub use config::{BlockProduction, DevnetConfig};
pub use eds::{ExtendedSquare, MAX_WIDTH};
pub use faults::{Fault, Lie, Withheld};
pub use handle::{CelestiaDevnet, DevnetHandle};
pub use square::{BlobUnit, Square, SquareBuilder};

#[cfg(all(test, feature = "grpc"))]
pub(crate) use node::TxPlace;
