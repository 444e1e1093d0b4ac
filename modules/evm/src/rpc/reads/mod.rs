//! Reads that answer from memory or by one look-up.

mod blocks;
mod state;
mod transactions;

pub(super) use state::nonce;
pub(super) use transactions::receipt_of;

use super::api::EthApi;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use std::sync::Arc;

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    blocks::register(module)?;
    transactions::register(module)?;
    state::register(module)
}
