//! `eth_simulateV1`: blocks that nobody made, on a block of the chain.
//!
//! Shapes, defaults and codes are those of ethereum/execution-apis, and where
//! it is silent geth's: gaps between block numbers are filled with empty
//! blocks, blocks follow one another by twelve seconds, and all calls together
//! have the gas of one `eth_call`.

mod block;
mod plan;
mod refusal;
mod request;
mod transfers;

use super::{
    api::EthApi,
    args::{Args, Fields},
    error::{Answer, EthError},
    replay::{CachedState, open},
};
use crate::machine::Stop;
use alloy_eips::BlockId;
use alloy_rpc_types_eth::simulate::SimulatedBlock;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use plan::Planned;
use request::Payload;
use rollwright_core::{BlockId as StoredId, BlockRef};
use std::sync::Arc;

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_async_method("eth_simulateV1", |params, api, _| async move {
        let mut args = Args::new(&params);
        let Fields(payload) = args.required::<Fields<Payload>>()?;
        let block = args.block()?;
        args.end()?;
        api.heavy(move |api, stop| simulate(api, payload, block, stop))
            .await
    })?;
    Ok(())
}

/// What goes on from block to block.
struct Simulation<'a> {
    api: &'a EthApi,
    stop: Stop<'a>,
    /// The block of the chain that all stands on.
    base: BlockRef,
    state: CachedState,
    /// Gas that all calls to come may use together.
    gas_left: u64,
    validation: bool,
    trace_transfers: bool,
    full: bool,
}

fn simulate(
    api: &EthApi,
    payload: Payload,
    block: BlockId,
    stop: Stop<'_>,
) -> Answer<Vec<SimulatedBlock>> {
    let base = api.resolve(block)?;
    let mut parent = api
        .store
        .header(StoredId::Hash(base.hash))?
        .ok_or(EthError::HeaderNotFound)?;
    let mut simulation = Simulation {
        api,
        stop,
        base,
        state: open(&api.store, &base)?,
        gas_left: api.config.call_gas_cap,
        validation: payload.validation,
        trace_transfers: payload.trace_transfers,
        full: payload.return_full_transactions,
    };
    let plan = plan::plan(payload.block_state_calls, &parent)?;
    let mut done = Vec::with_capacity(plan.len());
    for planned in plan {
        let (header, answer) = simulation.block(&parent, planned)?;
        done.push(answer);
        parent = header;
    }
    Ok(done)
}
