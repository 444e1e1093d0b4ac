//! Reads that answer from memory or by one look-up.

mod blocks;
mod capabilities;
pub(super) mod forks;
mod raw;
mod state;
mod storage;
mod transactions;

pub(super) use state::nonce;
pub(super) use transactions::{find, receipt_of};

use super::api::EthApi;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use std::sync::Arc;

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    blocks::register(module)?;
    transactions::register(module)?;
    state::register(module)?;
    storage::register(module)?;
    capabilities::register(module)?;
    forks::register(module)?;
    raw::register(module)
}
