//! System calls, and the requests that they and deposits make.

use super::{BlockError, StateRoot, Violation, executor::Executor, rules::Rules};
use alloc::{format, vec::Vec};
use alloy_consensus::Header;
use alloy_eips::{
    eip2935::HISTORY_STORAGE_ADDRESS,
    eip4788::BEACON_ROOTS_ADDRESS,
    eip6110::{DEPOSIT_REQUEST_TYPE, MAINNET_DEPOSIT_CONTRACT_ADDRESS},
    eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_TYPE},
    eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_TYPE},
    eip7685::Requests,
};
use alloy_evm::eth::eip6110::accumulate_deposits_from_logs;
use alloy_primitives::Bytes;
use revm::primitives::hardfork::SpecId;

/// EIP-4788 and EIP-2935, before the transactions. What such a call returns,
/// and whether it succeeds, is of no consequence.
pub(super) fn before<S: StateRoot>(
    rules: &Rules<'_>,
    header: &Header,
    executor: &mut Executor<'_, S>,
) -> Result<(), BlockError<S::Error>> {
    if rules.has(SpecId::CANCUN) {
        let root = header.parent_beacon_block_root.unwrap_or_default();
        executor.system_call(BEACON_ROOTS_ADDRESS, root.into())?;
    }
    if rules.has(SpecId::PRAGUE) {
        executor.system_call(HISTORY_STORAGE_ADDRESS, header.parent_hash.into())?;
    }
    Ok(())
}

/// EIP-6110, EIP-7002 and EIP-7251, after the transactions; `None` before
/// Prague.
pub(super) fn after<S: StateRoot>(
    rules: &Rules<'_>,
    executor: &mut Executor<'_, S>,
) -> Result<Option<Requests>, BlockError<S::Error>> {
    if !rules.has(SpecId::PRAGUE) {
        return Ok(None);
    }
    let mut requests = Requests::default();
    push(
        &mut requests,
        DEPOSIT_REQUEST_TYPE,
        &deposits(rules, executor)?,
    );
    for (address, kind) in [
        (
            WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
            WITHDRAWAL_REQUEST_TYPE,
        ),
        (
            CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
            CONSOLIDATION_REQUEST_TYPE,
        ),
    ] {
        let invalid = |reason| Violation::System {
            number: executor.number,
            reason,
        };
        let missing = invalid(format!(
            "there is no code at {address}, which a block calls"
        ));
        let failed = invalid(format!("the system call to {address} failed"));
        if !executor.has_code(address)? {
            return Err(missing.into());
        }
        let (true, output) = executor.system_call(address, Bytes::new())? else {
            return Err(failed.into());
        };
        push(&mut requests, kind, &output);
    }
    Ok(Some(requests))
}

fn deposits<S: StateRoot>(
    rules: &Rules<'_>,
    executor: &Executor<'_, S>,
) -> Result<Vec<u8>, Violation> {
    let contract = rules
        .config
        .deposit_contract_address
        .unwrap_or(MAINNET_DEPOSIT_CONTRACT_ADDRESS);
    let mut out = Vec::new();
    let logs = executor.receipts.iter().flat_map(|receipt| receipt.logs());
    match accumulate_deposits_from_logs(contract, logs, &mut out) {
        Ok(()) => Ok(out),
        Err(error) => Err(Violation::System {
            number: executor.number,
            reason: format!("a log of the deposit contract is no deposit: {error}"),
        }),
    }
}

/// EIP-7685: a type without requests is left out.
fn push(requests: &mut Requests, kind: u8, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    let mut bytes = Vec::with_capacity(data.len() + 1);
    bytes.push(kind);
    bytes.extend_from_slice(data);
    requests.push_request(bytes.into());
}
