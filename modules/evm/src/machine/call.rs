use super::{
    env::{Environment, below_floor, environment, evm},
    executor::state_failure,
    overrides::{Overridden, Overrides},
    refusal::{Facts, Refusal},
    stop::{self, Stop},
};
use crate::genesis::ChainConfig;
use alloc::{format, string::String, vec::Vec};
use alloy_consensus::Header;
use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_primitives::{Address, Bytes, Log, TxKind, U256};
use revm::{
    ExecuteEvm,
    context::TxEnv,
    context_interface::{
        either::Either,
        result::{EVMError, ExecutionResult, HaltReason, Output},
    },
};
use rollwright_core::{ApplyError, StateAccess};

/// A message to execute without a signature. Absent fields take Ethereum's
/// defaults for calls: no fees are charged where no price is given, the
/// account's nonce is used, and gas is bounded by [`gas_cap`](Self::gas_cap).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallRequest {
    /// Sender.
    pub from: Address,
    /// Recipient; `None` creates a contract.
    pub to: Option<Address>,
    /// Gas limit.
    pub gas: Option<u64>,
    /// Most gas that a call may have, whatever `gas` says; `None` is the
    /// block's gas limit.
    pub gas_cap: Option<u64>,
    /// Price per gas, or fee cap, in wei.
    pub max_fee_per_gas: Option<u128>,
    /// Tip per gas in wei; `None` makes `max_fee_per_gas` a legacy price.
    pub max_priority_fee_per_gas: Option<u128>,
    /// Wei to send.
    pub value: U256,
    /// Call data or init code.
    pub input: Bytes,
    /// Nonce; decides the address of a created contract.
    pub nonce: Option<u64>,
    /// EIP-2930.
    pub access_list: AccessList,
    /// EIP-7702.
    pub authorization_list: Vec<SignedAuthorization>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallResult {
    /// It returned.
    Success {
        /// Return data, or the deployed code.
        output: Bytes,
        /// The contract that it created.
        created: Option<Address>,
    },
    /// REVERT, with its data.
    Revert {
        /// Revert data.
        output: Bytes,
    },
    /// It failed and consumed all gas.
    Halt {
        /// Why, as geth says it.
        reason: String,
        /// True where more gas might help.
        out_of_gas: bool,
    },
}

/// What a call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutcome {
    /// How it ended.
    pub result: CallResult,
    /// Gas used, as a receipt would say.
    pub gas_used: u64,
    /// Refund that is already taken off `gas_used`.
    pub gas_refunded: u64,
    /// The gas limit it ran with.
    pub gas_limit: u64,
    /// Logs; empty unless it succeeded.
    pub logs: Vec<Log>,
}

/// Why a call was not executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError<E: core::fmt::Debug + core::fmt::Display> {
    /// The sender could not send such a transaction.
    #[error("{0}")]
    Refused(Refusal),
    /// The EVM can't execute in such an environment.
    #[error("{0}")]
    Environment(String),
    /// The state could not be read.
    #[error("state access failed: {0}")]
    State(E),
    /// It was asked to stop before it ended.
    #[error("execution aborted")]
    Stopped,
}

/// Executes `request` in the environment of `header`, on `state` (the state
/// after that block, for `eth_call`), and commits nothing.
///
/// As for Ethereum's `eth_call`, the sender's nonce and code, the block's gas
/// limit and EIP-7825's cap are not checked, and the base fee only where a
/// price is given.
pub fn call<S: StateAccess>(
    config: &ChainConfig,
    header: &Header,
    state: &mut S,
    request: &CallRequest,
    overrides: &Overrides,
) -> Result<CallOutcome, CallError<S::Error>> {
    call_until(config, header, state, request, overrides, Stop::NEVER)
}

/// [`call`], which ends with [`CallError::Stopped`] soon after it was asked to.
pub fn call_until<S: StateAccess>(
    config: &ChainConfig,
    header: &Header,
    state: &mut S,
    request: &CallRequest,
    overrides: &Overrides,
    stop: Stop<'_>,
) -> Result<CallOutcome, CallError<S::Error>> {
    let header = overrides.block.apply(header);
    let environment = call_environment(config, &header, request, overrides);
    let mut state = Overridden::new(state, overrides);
    let account = state.account(request.from).map_err(CallError::State)?;
    let account = account.unwrap_or_default();
    let (nonce, gas_limit) = call_defaults(account.balance, account.nonce, &header, request)?;
    let tx = call_transaction(request, nonce, gas_limit);
    let facts = Facts {
        gas_limit,
        ..Facts::of(config.chain_id, &header)
    };
    if let Some(error) = below_floor(&environment.cfg, &tx) {
        return Err(CallError::Refused(Refusal::from_revm(error, &facts)));
    }
    let mut evm = evm(environment, &mut state);
    if stop.is_possible() {
        evm.ctx.journaled_state.database.stop = stop;
        stop::heed(&mut evm);
    }
    match evm.transact_one(tx) {
        Ok(result) => Ok(call_outcome(result, gas_limit)),
        Err(_) if stop.asked() => Err(CallError::Stopped),
        Err(EVMError::Transaction(error)) => {
            Err(CallError::Refused(Refusal::from_revm(error, &facts)))
        }
        Err(error) => Err(failure(state_failure(&mut evm, &error))),
    }
}

/// Rules and environment of a call in the environment of `header`, to which
/// the overrides have been applied already.
pub(crate) fn call_environment(
    config: &ChainConfig,
    header: &Header,
    request: &CallRequest,
    overrides: &Overrides,
) -> Environment {
    let mut environment = environment(config, config.spec_of(header), header);
    let cfg = &mut environment.cfg;
    let free = request.max_fee_per_gas.unwrap_or_default() == 0;
    cfg.disable_nonce_check = true;
    cfg.disable_eip3607 = true;
    cfg.disable_block_gas_limit = true;
    cfg.disable_base_fee = free;
    cfg.tx_gas_limit_cap = Some(u64::MAX);
    cfg.tx_chain_id_check = false;
    let env = &mut environment.block;
    if free {
        // As geth does: a call that pays nothing sees a base fee of zero.
        env.basefee = 0;
    }
    if let (Some(price), Some(blob)) = (
        overrides.block.blob_base_fee,
        &mut env.blob_excess_gas_and_price,
    ) {
        blob.blob_gasprice = price;
    }
    environment
}

fn failure<E: core::fmt::Debug + core::fmt::Display>(error: ApplyError<E>) -> CallError<E> {
    match error {
        ApplyError::State(error) => CallError::State(error),
        ApplyError::Invalid(invalid) => CallError::Environment(invalid.reason),
    }
}

/// Nonce and gas limit where the request leaves them open. Where a price is
/// given, no more gas than the sender can pay for.
pub(crate) fn call_defaults<E: core::fmt::Debug + core::fmt::Display>(
    balance: U256,
    nonce: u64,
    header: &Header,
    request: &CallRequest,
) -> Result<(u64, u64), CallError<E>> {
    let cap = request.gas_cap.unwrap_or(header.gas_limit);
    let gas = match (request.gas, request.max_fee_per_gas) {
        (Some(gas), _) => gas.min(cap),
        (None, Some(price)) if price > 0 => {
            let spendable = balance.checked_sub(request.value).ok_or({
                // Otherwise the search for a gas limit would blame the gas.
                CallError::Refused(Refusal::InsufficientFunds {
                    have: balance,
                    want: request.value,
                })
            })?;
            let affordable = spendable / U256::from(price);
            u64::try_from(affordable).unwrap_or(u64::MAX).min(cap)
        }
        (None, _) => cap,
    };
    Ok((request.nonce.unwrap_or(nonce), gas))
}

/// What revm executes for a call.
pub(crate) fn call_transaction(request: &CallRequest, nonce: u64, gas_limit: u64) -> TxEnv {
    let tx_type = match request {
        r if !r.authorization_list.is_empty() => 4,
        r if r.max_priority_fee_per_gas.is_some() => 2,
        r if !r.access_list.is_empty() => 1,
        _ => 0,
    };
    TxEnv {
        tx_type,
        caller: request.from,
        gas_limit,
        gas_price: request.max_fee_per_gas.unwrap_or_default(),
        kind: request.to.map_or(TxKind::Create, TxKind::Call),
        value: request.value,
        data: request.input.clone(),
        nonce,
        chain_id: None,
        access_list: request.access_list.clone(),
        gas_priority_fee: match tx_type {
            2 | 4 => Some(request.max_priority_fee_per_gas.unwrap_or_default()),
            _ => None,
        },
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: request
            .authorization_list
            .iter()
            .cloned()
            .map(Either::Left)
            .collect(),
    }
}

/// What a result of revm says to a caller.
pub(crate) fn call_outcome(result: ExecutionResult, gas_limit: u64) -> CallOutcome {
    let gas_used = result.tx_gas_used();
    let gas_refunded = result.gas().final_refunded();
    let (result, logs) = match result {
        ExecutionResult::Success { output, logs, .. } => {
            let created = match &output {
                Output::Create(_, address) => *address,
                Output::Call(_) => None,
            };
            let output = output.into_data();
            (CallResult::Success { output, created }, logs)
        }
        ExecutionResult::Revert { output, .. } => (CallResult::Revert { output }, Vec::new()),
        ExecutionResult::Halt { reason, .. } => (halt(&reason), Vec::new()),
    };
    CallOutcome {
        result,
        gas_used,
        gas_refunded,
        gas_limit,
        logs,
    }
}

fn halt(reason: &HaltReason) -> CallResult {
    CallResult::Halt {
        reason: halt_reason(reason),
        out_of_gas: matches!(reason, HaltReason::OutOfGas(_)),
    }
}

/// Why it failed, in geth's words.
pub(crate) fn halt_reason(reason: &HaltReason) -> String {
    use HaltReason as H;
    match reason {
        H::OutOfGas(_) => "out of gas".into(),
        H::OpcodeNotFound | H::InvalidFEOpcode | H::NotActivated => "invalid opcode".into(),
        H::InvalidJump => "invalid jump destination".into(),
        H::StackUnderflow => "stack underflow".into(),
        H::StackOverflow => "stack limit reached 1024 (1023)".into(),
        H::OutOfOffset => "return data out of bounds".into(),
        H::CreateCollision => "contract address collision".into(),
        H::NonceOverflow => "nonce uint64 overflow".into(),
        H::CreateContractSizeLimit => "max code size exceeded".into(),
        H::CreateContractStartingWithEF => "invalid code: must not begin with 0xef".into(),
        H::CreateInitCodeSizeLimit => "max initcode size exceeded".into(),
        H::StateChangeDuringStaticCall | H::CallNotAllowedInsideStatic => "write protection".into(),
        H::OutOfFunds => "insufficient balance for transfer".into(),
        H::CallTooDeep => "max call depth exceeded".into(),
        other => format!("{other:?}"),
    }
}
