//! `eth_call` and `eth_estimateGas`: from JSON to the machine and back.

use super::{
    api::EthApi,
    args::Args,
    error::{Answer, EthError},
    request::CallRequest,
    view::ReadOnly,
};
use crate::{
    machine::{self, CallError, CallResult, EstimateError, Overrides, Refusal, Stop},
    store::StoreError,
};
use alloy_consensus::Header;
use alloy_eips::BlockId;
use alloy_primitives::{Address, Bytes, U64, U256};
use alloy_rpc_types_eth::{
    BlockOverrides,
    state::{AccountOverride, StateOverride},
};
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::Params};
use rollwright_core::BlockId as StoredId;
use std::sync::Arc;

/// A call, and where it is to be made.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) request: CallRequest,
    pub(super) block: BlockId,
    pub(super) overrides: Overrides,
}

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_async_method("eth_call", |params, api, _| async move {
        let call = Call::read(&params)?;
        api.heavy(move |api, stop| execute(api, &call, stop)).await
    })?;
    module.register_async_method("eth_estimateGas", |params, api, _| async move {
        let call = Call::read(&params)?;
        api.heavy(move |api, stop| estimate(api, &call, stop))
            .await
            .map(U64::from)
    })?;
    Ok(())
}

impl Call {
    fn read(params: &Params<'_>) -> Answer<Self> {
        let mut args = Args::new(params);
        let request = args.required::<CallRequest>()?;
        let block = args.block()?;
        let state = args.optional::<StateOverride>()?.unwrap_or_default();
        let header = args.optional::<BlockOverrides>()?.unwrap_or_default();
        args.end()?;
        Ok(Self {
            request,
            block,
            overrides: overrides(state, &header)?,
        })
    }
}

fn execute(api: &EthApi, call: &Call, stop: Stop<'_>) -> Answer<Bytes> {
    let (header, mut state) = place(api, call)?;
    let request = message(api, &call.request)?;
    if let Some(have) = short_of_value(&state, &request, &call.overrides)? {
        return Err(EthError::funds(request.from, have, request.value));
    }
    let overrides = &call.overrides;
    let outcome = machine::call_until(&api.chain, &header, &mut state, &request, overrides, stop)
        .map_err(|error| refused(error, request.from))?;
    match outcome.result {
        CallResult::Success { output, .. } => Ok(output),
        CallResult::Revert { output } => Err(EthError::Revert(output)),
        CallResult::Halt { reason, .. } => Err(EthError::Server(reason)),
    }
}

/// The least gas limit with which the call succeeds, within 1.5 %.
pub(super) fn estimate(api: &EthApi, call: &Call, stop: Stop<'_>) -> Answer<u64> {
    let (header, mut state) = place(api, call)?;
    let request = message(api, &call.request)?;
    if short_of_value(&state, &request, &call.overrides)?.is_some() {
        return Err(EthError::server("insufficient funds for transfer"));
    }
    let overrides = &call.overrides;
    machine::estimate_until(&api.chain, &header, &mut state, &request, overrides, stop).map_err(
        |error| match error {
            EstimateError::Revert { output } => EthError::Revert(output),
            EstimateError::Halt(reason) => EthError::Server(reason),
            EstimateError::Allowance(_) => EthError::Server(error.to_string()),
            // The most that may be tried does not even pay for the message.
            EstimateError::Call(CallError::Refused(
                Refusal::IntrinsicGas { have, .. } | Refusal::FloorGas { have, .. },
            )) => EthError::server(format!("gas required exceeds allowance ({have})")),
            EstimateError::Call(error) => refused(error, request.from),
        },
    )
}

/// The sender's balance where it is below the value and a price is offered:
/// the gas that it can pay for is none, and this is the reason.
fn short_of_value(
    state: &ReadOnly,
    request: &machine::CallRequest,
    overrides: &Overrides,
) -> Answer<Option<U256>> {
    if request.max_fee_per_gas.unwrap_or(0) == 0 {
        return Ok(None);
    }
    let replaced = overrides.state.get(&request.from);
    let balance = match replaced.and_then(|account| account.balance) {
        Some(balance) => balance,
        None => state
            .0
            .account(request.from)?
            .map_or(U256::ZERO, |account| account.balance),
    };
    Ok((balance < request.value).then_some(balance))
}

pub(super) fn place(api: &EthApi, call: &Call) -> Answer<(Header, ReadOnly)> {
    let block = api.resolve(call.block)?;
    let header = api.store.header(StoredId::Hash(block.hash))?;
    let header = header.ok_or(EthError::HeaderNotFound)?;
    Ok((header, ReadOnly(api.store.state_at(&block)?)))
}

pub(super) fn message(api: &EthApi, request: &CallRequest) -> Answer<machine::CallRequest> {
    request.check(api.chain.chain_id)?;
    let tip = match request.gas_price {
        Some(_) => None,
        None => request
            .max_priority_fee_per_gas
            .or(request.max_fee_per_gas.map(|_| 0)),
    };
    Ok(machine::CallRequest {
        from: request.from.unwrap_or_default(),
        to: request.to,
        gas: request.gas,
        gas_cap: Some(api.config.call_gas_cap),
        max_fee_per_gas: request.gas_price.or(request.max_fee_per_gas),
        max_priority_fee_per_gas: tip,
        value: request.value.unwrap_or_default(),
        input: request.calldata(),
        nonce: request.nonce,
        access_list: request.access_list.clone().unwrap_or_default(),
        authorization_list: request.authorization_list.clone().unwrap_or_default(),
    })
}

fn refused(error: CallError<StoreError>, from: Address) -> EthError {
    match error {
        CallError::Refused(Refusal::InsufficientFunds { have, want }) => {
            EthError::funds(from, have, want)
        }
        CallError::Refused(refusal) => EthError::Server(refusal.to_string()),
        CallError::Environment(reason) => EthError::Server(reason),
        CallError::State(error) => error.into(),
        // Nobody waits for it any more.
        CallError::Stopped => EthError::server("execution aborted"),
    }
}

pub(super) fn overrides(state: StateOverride, header: &BlockOverrides) -> Answer<Overrides> {
    let small = |name: &str, value: Option<U256>| {
        value
            .map(|value| {
                u64::try_from(value)
                    .map_err(|_| EthError::params(format!("block override {name} exceeds 64 bits")))
            })
            .transpose()
    };
    let block = machine::BlockOverrides {
        number: small("number", header.number)?,
        timestamp: header.time,
        gas_limit: header.gas_limit,
        fee_recipient: header.coinbase,
        prev_randao: header.random,
        base_fee: small("baseFeePerGas", header.base_fee)?,
        blob_base_fee: match header.blob_base_fee {
            Some(price) => Some(
                u128::try_from(price)
                    .map_err(|_| EthError::params("block override blobBaseFee exceeds 128 bits"))?,
            ),
            None => None,
        },
    };
    let state = state
        .into_iter()
        .map(|(address, account)| Ok((address, account_override(address, account)?)))
        .collect::<Answer<_>>()?;
    let block_hashes = header.block_hash.iter().flatten();
    Ok(Overrides {
        block,
        block_hashes: block_hashes
            .map(|(number, hash)| (*number, *hash))
            .collect(),
        state,
    })
}

fn account_override(
    address: Address,
    account: AccountOverride,
) -> Answer<machine::AccountOverride> {
    if account.move_precompile_to.is_some() {
        return Err(EthError::params(
            "state override movePrecompileToAddress is not supported",
        ));
    }
    if account.state.is_some() && account.state_diff.is_some() {
        return Err(EthError::params(format!(
            "account {address} has both 'state' and 'stateDiff'"
        )));
    }
    Ok(machine::AccountOverride {
        balance: account.balance,
        nonce: account.nonce,
        code: account.code,
        state: account.state.map(|slots| {
            slots
                .into_iter()
                .map(|(key, value)| (key, value.into()))
                .collect()
        }),
        state_diff: account
            .state_diff
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key, value.into()))
            .collect(),
    })
}
