//! The methods that test suites call on a development chain: `evm_`, and the
//! same under the names of anvil and hardhat. They work in a sandbox; elsewhere
//! they say where they would.

use super::{
    api::EthApi,
    args::{Args, Count, Slot},
    dev,
    error::{Answer, EthError},
    request::CallRequest,
};
use crate::sandbox::{Sandbox, SandboxError};
use alloy_primitives::{Address, B256, Bytes, U256};
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::Params};
use rollwright_core::{ErrorKind, LayerError as _};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// What a method does, with its parameters, on a sandbox.
type Action = fn(&Sandbox, &Params<'_>) -> Answer<Value>;

/// Every method, by all its names.
const METHODS: &[(&[&str], Action)] = &[
    (&["evm_snapshot", "anvil_snapshot"], snapshot),
    (&["evm_revert", "anvil_revert"], revert),
    (&["evm_mine"], mine),
    (&["anvil_mine"], mine_many),
    (&["hardhat_mine"], |sandbox, params| {
        mine_many(sandbox, params).map(|_| json!(true))
    }),
    (&["evm_increaseTime", "anvil_increaseTime"], increase_time),
    (
        &["evm_setNextBlockTimestamp", "anvil_setNextBlockTimestamp"],
        set_next_timestamp,
    ),
    (&["evm_setAutomine", "anvil_setAutoMine"], set_automine),
    (&["hardhat_getAutomine", "anvil_getAutomine"], automine),
    (&["evm_setIntervalMining"], |sandbox, params| {
        set_interval(sandbox, params, Duration::from_millis)
    }),
    (&["anvil_setIntervalMining"], |sandbox, params| {
        set_interval(sandbox, params, Duration::from_secs)
    }),
    (&["anvil_setBalance", "hardhat_setBalance"], set_balance),
    (&["anvil_setCode", "hardhat_setCode"], set_code),
    (&["anvil_setNonce", "hardhat_setNonce"], set_nonce),
    (&["anvil_setStorageAt", "hardhat_setStorageAt"], set_storage),
    (&["anvil_setCoinbase", "hardhat_setCoinbase"], set_coinbase),
    (
        &["anvil_impersonateAccount", "hardhat_impersonateAccount"],
        |sandbox, params| impersonate(sandbox, params, true),
    ),
    (
        &[
            "anvil_stopImpersonatingAccount",
            "hardhat_stopImpersonatingAccount",
        ],
        |sandbox, params| impersonate(sandbox, params, false),
    ),
    (&["anvil_autoImpersonateAccount"], impersonate_all),
    (
        &["anvil_dropTransaction", "hardhat_dropTransaction"],
        drop_transaction,
    ),
    (&["anvil_dropAllTransactions"], |sandbox, params| {
        Args::new(params).end()?;
        sandbox.drop_all();
        Ok(Value::Null)
    }),
    (&["evm_setAccountBalance"], set_balance),
    (&["evm_setAccountNonce"], set_nonce),
    (&["evm_setAccountCode"], set_code),
    (&["evm_setAccountStorageAt"], set_storage),
    (&["anvil_addBalance"], add_balance),
    (&["evm_setTime", "anvil_setTime"], set_time),
    (
        &["evm_setBlockGasLimit", "anvil_setBlockGasLimit"],
        set_gas_limit,
    ),
    (
        &[
            "anvil_setNextBlockBaseFeePerGas",
            "hardhat_setNextBlockBaseFeePerGas",
        ],
        set_next_base_fee,
    ),
    (&["hardhat_setPrevRandao"], set_prev_randao),
    (
        &[
            "anvil_setBlockTimestampInterval",
            "hardhat_setBlockTimestampInterval",
        ],
        |sandbox, params| {
            sandbox.set_block_interval(Some(only::<Count>(params)?.0));
            Ok(Value::Null)
        },
    ),
    (
        &[
            "anvil_removeBlockTimestampInterval",
            "hardhat_removeBlockTimestampInterval",
        ],
        |sandbox, params| {
            Args::new(params).end()?;
            Ok(json!(sandbox.set_block_interval(None)))
        },
    ),
    (
        &["anvil_setLoggingEnabled", "hardhat_setLoggingEnabled"],
        |_, params| {
            // Logs of the process are chosen where it is started.
            only::<bool>(params)?;
            Ok(Value::Null)
        },
    ),
];

/// Sends as anybody, impersonated or not.
const UNSIGNED: &str = "eth_sendUnsignedTransaction";

/// Those that replace the chain.
const RESETS: [&str; 2] = ["anvil_reset", "hardhat_reset"];

/// The names of all methods that only a sandbox answers (a development chain
/// answers `evm_mine`, too).
pub fn sandbox_methods() -> impl Iterator<Item = &'static str> {
    let named = METHODS.iter().flat_map(|(names, _)| names.iter().copied());
    named.chain(RESETS).chain([UNSIGNED])
}

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    for (names, action) in METHODS {
        for name in *names {
            // In a development chain that posts, too, blocks are made on demand.
            let elsewhere = module.method(name).is_some();
            if !elsewhere {
                one(module, name, *action)?;
            }
        }
    }
    for name in RESETS {
        one(module, name, reset)?;
    }
    module.register_async_method(UNSIGNED, |params, api, _| async move {
        if api.config.sandbox.is_none() {
            return Err(elsewhere(UNSIGNED));
        }
        let request = only::<CallRequest>(&params)?;
        let from = request.from.unwrap_or_default();
        dev::send_as(&api, from, &request).await
    })?;
    Ok(())
}

fn one(
    module: &mut RpcModule<Arc<EthApi>>,
    name: &'static str,
    action: Action,
) -> Result<(), RegisterMethodError> {
    module.register_async_method(name, move |params, api, _| async move {
        let Some(sandbox) = api.config.sandbox.clone() else {
            return Err(elsewhere(name));
        };
        // It has one user, who waits for thousands of blocks where they are
        // asked for: no time limit.
        tokio::task::spawn_blocking(move || action(&sandbox, &params))
            .await
            .map_err(|error| EthError::Internal(error.to_string()))?
    })?;
    Ok(())
}

/// What a node says that is no sandbox.
fn elsewhere(name: &str) -> EthError {
    EthError::Coded {
        code: -32601,
        message: format!(
            "the method {name} needs a sandbox, in which nothing is posted: start the chain with `rollwright dev --sandbox`"
        ),
    }
}

impl From<SandboxError> for EthError {
    fn from(error: SandboxError) -> Self {
        match error.kind() {
            ErrorKind::Rejected => Self::Params(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// One parameter.
fn only<'a, T: Deserialize<'a>>(params: &'a Params<'_>) -> Answer<T> {
    let mut args = Args::new(params);
    let value = args.required()?;
    args.end()?;
    Ok(value)
}

/// An account and something about it.
fn two<'a, T: Deserialize<'a>>(params: &'a Params<'_>) -> Answer<(Address, T)> {
    let mut args = Args::new(params);
    let both = (args.required()?, args.required()?);
    args.end()?;
    Ok(both)
}

fn snapshot(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    Args::new(params).end()?;
    Ok(json!(U256::from(sandbox.snapshot()?)))
}

fn revert(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    let id = only::<Count>(params)?.0;
    Ok(json!(sandbox.revert(id)?))
}

fn reset(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    let mut args = Args::new(params);
    let forking = args.optional::<Value>()?;
    args.end()?;
    let forks = forking.is_some_and(|options| options.get("forking").is_some());
    if forks {
        return Err(EthError::params(
            "a sandbox does not fork another chain; call the method without parameters",
        ));
    }
    sandbox.reset()?;
    Ok(json!(true))
}

/// The parameter of `evm_mine`: a timestamp, or more.
#[derive(Deserialize)]
#[serde(untagged)]
enum Mine {
    Timestamp(Count),
    Options {
        timestamp: Option<Count>,
        blocks: Option<Count>,
    },
}

fn mine(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    let mut args = Args::new(params);
    let options = args.optional::<Mine>()?;
    args.end()?;
    let (timestamp, blocks) = match options {
        None => (None, None),
        Some(Mine::Timestamp(timestamp)) => (Some(timestamp), None),
        Some(Mine::Options { timestamp, blocks }) => (timestamp, blocks),
    };
    if let Some(timestamp) = timestamp {
        sandbox.set_next_timestamp(timestamp.0)?;
    }
    sandbox.mine_blocks(blocks.map_or(1, |blocks| blocks.0), 1)?;
    Ok(json!("0x0"))
}

fn mine_many(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    let mut args = Args::new(params);
    let blocks = args.optional::<Count>()?.map_or(1, |blocks| blocks.0);
    let seconds = args.optional::<Count>()?.map_or(1, |seconds| seconds.0);
    args.end()?;
    sandbox.mine_blocks(blocks, seconds)?;
    Ok(Value::Null)
}

fn increase_time(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    let seconds = i64::try_from(only::<Count>(params)?.0)
        .map_err(|_| EthError::params("so many seconds are more than a clock counts"))?;
    Ok(json!(sandbox.increase_time(seconds)))
}

fn set_next_timestamp(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    sandbox.set_next_timestamp(only::<Count>(params)?.0)?;
    Ok(Value::Null)
}

fn set_automine(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    sandbox.set_automine(only(params)?);
    Ok(json!(true))
}

fn automine(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    Args::new(params).end()?;
    Ok(json!(sandbox.automine()))
}

fn set_interval(
    sandbox: &Sandbox,
    params: &Params<'_>,
    unit: fn(u64) -> Duration,
) -> Answer<Value> {
    sandbox.set_interval(unit(only::<Count>(params)?.0));
    Ok(json!(true))
}

fn set_balance(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    let (address, balance) = two::<U256>(params)?;
    sandbox.set_balance(address, balance)?;
    Ok(json!(true))
}

fn add_balance(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    let (address, more) = two::<U256>(params)?;
    sandbox.add_balance(address, more)?;
    Ok(Value::Null)
}

fn set_time(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    Ok(json!(sandbox.set_time(only::<Count>(params)?.0)))
}

fn set_gas_limit(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    sandbox.set_gas_limit(only::<Count>(params)?.0)?;
    Ok(json!(true))
}

fn set_next_base_fee(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    sandbox.set_next_base_fee(only::<Count>(params)?.0);
    Ok(json!(true))
}

fn set_prev_randao(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    sandbox.set_prev_randao(only::<Slot>(params)?.key);
    Ok(json!(true))
}

fn set_code(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    let (address, code) = two::<Bytes>(params)?;
    sandbox.set_code(address, code)?;
    Ok(json!(true))
}

fn set_nonce(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    let (address, nonce) = two::<Count>(params)?;
    sandbox.set_nonce(address, nonce.0)?;
    Ok(json!(true))
}

fn set_storage(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    let mut args = Args::new(params);
    let address = args.required::<Address>()?;
    let slot = args.required::<Slot>()?;
    let value = args.required::<Slot>()?;
    args.end()?;
    sandbox.set_storage(address, slot.key, value.key.into())?;
    Ok(json!(true))
}

fn set_coinbase(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    sandbox.set_coinbase(only(params)?);
    Ok(json!(true))
}

fn impersonate(sandbox: &Sandbox, params: &Params<'_>, on: bool) -> Answer<Value> {
    sandbox.impersonate(only(params)?, on);
    Ok(json!(true))
}

fn impersonate_all(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    sandbox.impersonate_all(only(params)?);
    Ok(json!(true))
}

fn drop_transaction(sandbox: &Sandbox, params: &Params<'_>) -> Answer<Value> {
    let hash = only::<B256>(params)?;
    Ok(json!(sandbox.drop_transaction(&hash).then_some(hash)))
}
