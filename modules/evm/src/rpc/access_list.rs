//! `eth_createAccessList`: the list with which a message touches nothing that
//! is not on it.

use super::{
    api::EthApi,
    args::Args,
    call::{self, Call},
    error::{Answer, EthError},
    replay::{Guard, Message, Weight, open},
};
use crate::machine::{Stop, halt_reason};
use alloy_eips::eip2930::{AccessList, AccessListResult};
use alloy_primitives::U256;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use revm::context_interface::result::ExecutionResult;
use revm_inspectors::access_list::AccessListInspector;
use std::sync::Arc;

/// How often the list is made again because it changed what is touched.
const ROUNDS: usize = 16;

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_async_method("eth_createAccessList", |params, api, _| async move {
        let mut args = Args::new(&params);
        let request = args.required()?;
        let block = args.block()?;
        let state = args.optional()?.unwrap_or_default();
        args.end()?;
        let call = Call {
            request,
            block,
            overrides: call::overrides(state, &Default::default())?,
        };
        api.heavy(move |api, stop| create(api, &call, stop)).await
    })?;
    Ok(())
}

/// As geth does: executed with the list of the round before, until it stays
/// the same.
fn create(api: &EthApi, call: &Call, stop: Stop<'_>) -> Answer<AccessListResult> {
    let (header, _) = call::place(api, call)?;
    let at = api.resolve(call.block)?;
    let mut request = call::message(api, &call.request)?;
    let mut list = request.access_list.clone();
    for _ in 0..ROUNDS {
        request.access_list = list.clone();
        let mut state = open(&api.store, &at)?;
        let message = Message::new(api, &header, &mut state, &request, &call.overrides)?;
        let guard = Guard::new(stop, Weight::default(), api.config.max_trace_bytes);
        let inspector = AccessListInspector::new(list.clone());
        let ((found, gas_used, error), _) =
            message.watch(&mut state, (guard, inspector), |(_, inspector), done, _| {
                let error = match &done.result {
                    ExecutionResult::Success { .. } => None,
                    ExecutionResult::Revert { .. } => Some("execution reverted".to_owned()),
                    ExecutionResult::Halt { reason, .. } => Some(halt_reason(reason)),
                };
                let found = inspector.access_list();
                Ok((found, done.result.tx_gas_used(), error))
            })?;
        if same(&found, &list) {
            return Ok(AccessListResult {
                access_list: found,
                gas_used: U256::from(gas_used),
                error,
            });
        }
        list = found;
    }
    Err(EthError::server(
        "the access list changes what is touched, round after round",
    ))
}

/// The order says nothing.
fn same(one: &AccessList, other: &AccessList) -> bool {
    let sorted = |list: &AccessList| {
        let mut list = list.clone();
        list.dedup();
        list.sort();
        list
    };
    sorted(one) == sorted(other)
}
