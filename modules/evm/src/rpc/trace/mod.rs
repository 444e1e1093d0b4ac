//! Traces: `debug_trace…` in geth's shapes, `trace_…` in Parity's.

mod debug;
mod parity;
mod run;

use super::{
    api::EthApi,
    error::{Answer, EthError},
};
use crate::store::StoredBlock;
use alloy_eips::BlockId;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use std::sync::Arc;

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    debug::register(module)?;
    parity::register(module)
}

/// The block, or geth's words for its absence.
fn block(api: &EthApi, id: BlockId) -> Answer<Arc<StoredBlock>> {
    api.find(id)?.ok_or_else(|| match id {
        BlockId::Hash(named) => EthError::Server(format!("block {} not found", named.block_hash)),
        BlockId::Number(number) => match number.as_number() {
            Some(number) => EthError::Server(format!("block #{number} not found")),
            None => EthError::HeaderNotFound,
        },
    })
}
