//! From what the store holds to what JSON-RPC answers: pure functions.

mod block;
mod log;
mod receipt;
mod transaction;

pub(crate) use block::{block, complete, header, ommer, size_of};
pub(crate) use log::log;
pub(crate) use receipt::{receipt, receipts};
pub(crate) use transaction::{mined, pending};
