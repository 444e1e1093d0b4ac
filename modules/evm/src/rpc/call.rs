//! `eth_call` and `eth_estimateGas`: from JSON to the machine and back.

use super::{
    api::EthApi,
    args::Args,
    error::{Answer, EthError},
    replay::{Failure, Guard, Message, Moves, Overrides, Weight, open},
    request::CallRequest,
    view::ReadOnly,
};
use crate::{
    machine::{self, CallError, CallOutcome, CallResult, EstimateError, Refusal, Stop},
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
        match call.may_be_brief(&api) {
            true => api.brief(move |api, stop| execute(api, &call, stop)).await,
            false => api.heavy(move |api, stop| execute(api, &call, stop)).await,
        }
    })?;
    module.register_async_method("eth_estimateGas", |params, api, _| async move {
        let call = Call::read(&params)?;
        let estimated = match call.may_be_brief(&api) {
            true => api.brief(move |api, stop| estimate(api, &call, stop)).await,
            false => api.heavy(move |api, stop| estimate(api, &call, stop)).await,
        };
        estimated.map(U64::from)
    })?;
    Ok(())
}

impl Call {
    /// False where the first thing that happens may take long.
    fn may_be_brief(&self, api: &EthApi) -> bool {
        let to = self.request.to.unwrap_or_default();
        let overrides = &self.overrides;
        !machine::is_slow_precompile(U256::from_be_slice(to.as_slice()))
            // Precompiles may be anywhere, and a chain's own may take long.
            && api.chain.precompile_entries().is_empty()
            && overrides.moves.moved.is_empty()
            && overrides.machine.state.len() <= 16
            && self.request.authorization_list.is_none()
    }

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
    let outcome = if moves_precompiles(api, &header, &call.overrides) {
        moved(api, call, &header, &request, stop)
    } else {
        let overrides = &call.overrides.machine;
        machine::call_until(&api.chain, &header, &mut state, &request, overrides, stop)
            .map_err(widened)
    };
    let outcome = outcome.map_err(|error| refused(error, request.from))?;
    match outcome.result {
        CallResult::Success { output, .. } => Ok(output),
        CallResult::Revert { output } => Err(EthError::Revert(output)),
        CallResult::Halt { reason, .. } => Err(EthError::Server(reason)),
    }
}

/// True where a precompile is not where the machine has it.
fn moves_precompiles(api: &EthApi, header: &Header, overrides: &Overrides) -> bool {
    if overrides.moves == Moves::default() {
        return false;
    }
    let header = overrides.machine.block.apply(header);
    let environment = machine::environment(&api.chain, api.chain.spec_of(&header), &header);
    overrides.moves.concern(environment.vm.precompiles())
}

/// The call with its precompiles elsewhere.
fn moved(
    api: &EthApi,
    call: &Call,
    header: &Header,
    request: &machine::CallRequest,
    stop: Stop<'_>,
) -> Result<CallOutcome, CallError<EthError>> {
    let at = api.resolve(call.block)?;
    let mut state = open(&api.store, &at)?;
    let message = Message::new(api, header, &mut state, request, &call.overrides)?;
    let guard = Guard::new(stop, Weight::default(), usize::MAX);
    let run = message.run();
    let (outcome, _) = run.watch_or(
        &mut state,
        guard,
        |_, done, _| {
            Ok(machine::call_outcome(
                done.result.clone(),
                message.tx.gas_limit,
            ))
        },
        |failure| match failure {
            Failure::Transaction(invalid) => {
                CallError::Refused(Refusal::from_revm(invalid, &run.facts))
            }
            failure => CallError::State(run.refused(failure)),
        },
    )?;
    Ok(outcome)
}

/// The least gas limit with which the call succeeds, within 1.5 %.
pub(super) fn estimate(api: &EthApi, call: &Call, stop: Stop<'_>) -> Answer<u64> {
    let (header, mut state) = place(api, call)?;
    let request = message(api, &call.request)?;
    if short_of_value(&state, &request, &call.overrides)?.is_some() {
        return Err(EthError::server("insufficient funds for transfer"));
    }
    let config = &api.chain;
    let overrides = &call.overrides.machine;
    let elsewhere = moves_precompiles(api, &header, &call.overrides);
    let estimate = machine::estimate_with(config, &header, &request, |request| {
        if elsewhere {
            return moved(api, call, &header, request, stop);
        }
        machine::call_until(config, &header, &mut state, request, overrides, stop).map_err(widened)
    });
    estimate.map_err(|error| match error {
        EstimateError::Revert { output } => EthError::Revert(output),
        EstimateError::Halt(reason) => EthError::Server(reason),
        EstimateError::Allowance(_) => EthError::Server(error.to_string()),
        // The most that may be tried does not even pay for the message.
        EstimateError::Call(CallError::Refused(
            Refusal::IntrinsicGas { have, .. } | Refusal::FloorGas { have, .. },
        )) => EthError::server(format!("gas required exceeds allowance ({have})")),
        EstimateError::Call(error) => refused(error, request.from),
    })
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
    let replaced = overrides.machine.state.get(&request.from);
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

impl From<EthError> for CallError<EthError> {
    fn from(error: EthError) -> Self {
        Self::State(error)
    }
}

fn widened(error: CallError<StoreError>) -> CallError<EthError> {
    match error {
        CallError::Refused(refusal) => CallError::Refused(refusal),
        CallError::Environment(reason) => CallError::Environment(reason),
        CallError::State(error) => CallError::State(error.into()),
        CallError::Stopped => CallError::Stopped,
    }
}

fn refused(error: CallError<EthError>, from: Address) -> EthError {
    match error {
        CallError::Refused(Refusal::InsufficientFunds { have, want }) => {
            EthError::funds(from, have, want)
        }
        CallError::Refused(refusal) => EthError::Server(refusal.to_string()),
        CallError::Environment(reason) => EthError::Server(reason),
        CallError::State(error) => error,
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
    let moves = moves(&state)?;
    let state = state
        .into_iter()
        .map(|(address, account)| Ok((address, account_override(address, account)?)))
        .collect::<Answer<_>>()?;
    let block_hashes = header.block_hash.iter().flatten();
    Ok(Overrides {
        machine: machine::Overrides {
            block,
            block_hashes: block_hashes
                .map(|(number, hash)| (*number, *hash))
                .collect(),
            state,
        },
        moves,
    })
}

/// Where precompiles go. Nothing is moved onto an account that is overridden
/// itself; of two that go to the same place, the one with the higher address
/// is found there.
fn moves(state: &StateOverride) -> Answer<Moves> {
    let mut moves = Moves::default();
    for (address, account) in state {
        moves.overridden.insert(*address);
        let Some(to) = account.move_precompile_to else {
            continue;
        };
        if to != *address && state.contains_key(&to) {
            return Err(EthError::server(format!(
                "account {to} is already overridden"
            )));
        }
        moves.moved.insert(*address, to);
    }
    Ok(moves)
}

fn account_override(
    address: Address,
    account: AccountOverride,
) -> Answer<machine::AccountOverride> {
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
