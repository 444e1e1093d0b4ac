//! Ethereum's own calls before and after a block's transactions.

use super::{env::Evm, executor::state_failure, rules::invalid};
use alloc::format;
use alloy_eips::{
    eip2935::HISTORY_STORAGE_ADDRESS,
    eip4788::BEACON_ROOTS_ADDRESS,
    eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_TYPE},
    eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_TYPE},
    eip7685::EMPTY_REQUESTS_HASH,
};
use alloy_primitives::{Address, B256, Bytes};
use revm::{
    SystemCallEvm,
    context_interface::result::ExecutionResult,
    primitives::{KECCAK_EMPTY, hardfork::SpecId},
};
use rollwright_core::{ApplyError, StateAccess};

/// EIP-4788 and EIP-2935. What such a call returns, and whether it succeeds,
/// is of no consequence; without code nothing happens.
pub(super) fn before<S: StateAccess>(
    evm: &mut Evm<'_, S>,
    spec: SpecId,
    parent_hash: B256,
    beacon_root: B256,
) -> Result<(), ApplyError<S::Error>> {
    if spec.is_enabled_in(SpecId::CANCUN) {
        call(evm, BEACON_ROOTS_ADDRESS, beacon_root.into())?;
    }
    if spec.is_enabled_in(SpecId::PRAGUE) {
        call(evm, HISTORY_STORAGE_ADDRESS, parent_hash.into())?;
    }
    Ok(())
}

/// EIP-7002 and EIP-7251; returns the hash of the block's requests (EIP-7685),
/// `None` before Prague.
///
/// A block is invalid where a contract is missing or fails, as on Ethereum,
/// and where it returns requests: a rollup has nobody to act on them.
pub(super) fn after<S: StateAccess>(
    evm: &mut Evm<'_, S>,
    spec: SpecId,
) -> Result<Option<B256>, ApplyError<S::Error>> {
    if !spec.is_enabled_in(SpecId::PRAGUE) {
        return Ok(None);
    }
    for (address, request_type) in [
        (
            WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
            WITHDRAWAL_REQUEST_TYPE,
        ),
        (
            CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
            CONSOLIDATION_REQUEST_TYPE,
        ),
    ] {
        let reason = match call(evm, address, Bytes::new())? {
            ExecutionResult::Success { output, .. } if output.data().is_empty() => {
                if has_code(evm, address) {
                    continue;
                }
                format!("there is no code at {address}, which a block of Prague or later calls")
            }
            ExecutionResult::Success { .. } => {
                format!("{address} returned requests of type {request_type}; a rollup has none")
            }
            _ => format!("the system call to {address} failed"),
        };
        return Err(ApplyError::Invalid(invalid(reason)));
    }
    Ok(Some(EMPTY_REQUESTS_HASH))
}

fn call<S: StateAccess>(
    evm: &mut Evm<'_, S>,
    address: Address,
    data: Bytes,
) -> Result<ExecutionResult, ApplyError<S::Error>> {
    evm.system_call_one(address, data)
        .map_err(|error| state_failure(evm, &error))
}

/// The call before has loaded the account.
fn has_code<S: StateAccess>(evm: &Evm<'_, S>, address: Address) -> bool {
    let loaded = evm.ctx.journaled_state.inner.state.get(&address);
    loaded.is_some_and(|account| account.info.code_hash != KECCAK_EMPTY)
}
