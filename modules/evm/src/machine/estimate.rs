use super::{
    call::{CallError, CallOutcome, CallRequest, CallResult, call_until},
    env::{cfg_env, transaction_gas_cap},
    overrides::Overrides,
    refusal::Refusal,
    stop::Stop,
};
use crate::genesis::ChainConfig;
use alloc::string::String;
use alloy_consensus::Header;
use alloy_primitives::Bytes;
use rollwright_core::StateAccess;

/// Least gas of any transaction.
const TRANSFER_GAS: u64 = 21_000;

/// Gas that a call with value hands to its callee for free.
const CALL_STIPEND: u64 = 2_300;

/// Why no gas limit makes a transaction succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EstimateError<E: core::fmt::Debug + core::fmt::Display> {
    /// It reverts however much gas it has.
    #[error("execution reverted")]
    Revert {
        /// Revert data.
        output: Bytes,
    },
    /// It fails however much gas it has.
    #[error("{0}")]
    Halt(String),
    /// It needs more gas than it may have.
    #[error("gas required exceeds allowance ({0})")]
    Allowance(u64),
    /// It can't be executed.
    #[error(transparent)]
    Call(#[from] CallError<E>),
}

/// The least gas limit, to within 1.5 %, with which `request` succeeds in the
/// environment of `header`: the upper end of a binary search, so that the
/// estimate itself was tried.
///
/// `request.gas` and `request.gas_cap` bound the search, as do the block's gas
/// limit and EIP-7825's cap.
pub fn estimate<S: StateAccess>(
    config: &ChainConfig,
    header: &Header,
    state: &mut S,
    request: &CallRequest,
    overrides: &Overrides,
) -> Result<u64, EstimateError<S::Error>> {
    estimate_until(config, header, state, request, overrides, Stop::NEVER)
}

/// [`estimate`], which ends with [`CallError::Stopped`] soon after it was
/// asked to.
pub fn estimate_until<S: StateAccess>(
    config: &ChainConfig,
    header: &Header,
    state: &mut S,
    request: &CallRequest,
    overrides: &Overrides,
    stop: Stop<'_>,
) -> Result<u64, EstimateError<S::Error>> {
    estimate_with(config, header, request, |request| {
        call_until(config, header, state, request, overrides, stop)
    })
}

/// The search of [`estimate`] over whatever executes a request.
pub(crate) fn estimate_with<E: core::fmt::Debug + core::fmt::Display>(
    config: &ChainConfig,
    header: &Header,
    request: &CallRequest,
    mut execute: impl FnMut(&CallRequest) -> Result<CallOutcome, CallError<E>>,
) -> Result<u64, EstimateError<E>> {
    let highest = highest(config, header, request);
    let mut with = |gas: u64| {
        let mut request = request.clone();
        request.gas = None;
        request.gas_cap = Some(gas);
        execute(&request)
    };
    let first = with(highest)?;
    if let Some(error) = error(&first) {
        return Err(error);
    }
    let mut high = first.gas_limit;
    let mut low = first.gas_used.saturating_sub(1);
    if request.input.is_empty() && first.gas_used == TRANSFER_GAS {
        return Ok(TRANSFER_GAS);
    }
    // What is left over after refunds and the 63/64 rule usually suffices.
    let needed = first
        .gas_used
        .saturating_add(first.gas_refunded)
        .saturating_add(CALL_STIPEND);
    let optimistic = needed.saturating_mul(64) / 63;
    if optimistic < high {
        match succeeds(with(optimistic))? {
            true => high = optimistic,
            false => low = optimistic,
        }
    }
    while low + 1 < high && (high - low).saturating_mul(1000) > high.saturating_mul(15) {
        // Most transactions need little more than they use.
        let middle = (low + (high - low) / 2)
            .min(low.saturating_mul(2))
            .max(low + 1);
        match succeeds(with(middle))? {
            true => high = middle,
            false => low = middle,
        }
    }
    Ok(high)
}

fn highest(config: &ChainConfig, header: &Header, request: &CallRequest) -> u64 {
    let cfg = cfg_env(config, config.spec_of(header), header.timestamp);
    let mut highest = header.gas_limit;
    if let Some(cap) = transaction_gas_cap(&cfg) {
        highest = highest.min(cap);
    }
    // A limit below that of a transfer is a mistake of the caller, not a wish.
    if let Some(gas) = request.gas.filter(|gas| *gas >= TRANSFER_GAS) {
        highest = highest.min(gas);
    }
    highest.min(request.gas_cap.unwrap_or(u64::MAX))
}

fn error<E: core::fmt::Debug + core::fmt::Display>(
    outcome: &CallOutcome,
) -> Option<EstimateError<E>> {
    match &outcome.result {
        CallResult::Success { .. } => None,
        CallResult::Revert { output } => Some(EstimateError::Revert {
            output: output.clone(),
        }),
        CallResult::Halt {
            out_of_gas: true, ..
        } => Some(EstimateError::Allowance(outcome.gas_limit)),
        CallResult::Halt { reason, .. } => Some(EstimateError::Halt(reason.clone())),
    }
}

/// Whether it succeeded; too little gas to even start is a failure like
/// another.
fn succeeds<E: core::fmt::Debug + core::fmt::Display>(
    outcome: Result<CallOutcome, CallError<E>>,
) -> Result<bool, CallError<E>> {
    match outcome {
        Ok(outcome) => Ok(matches!(outcome.result, CallResult::Success { .. })),
        Err(CallError::Refused(Refusal::IntrinsicGas { .. } | Refusal::FloorGas { .. })) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
