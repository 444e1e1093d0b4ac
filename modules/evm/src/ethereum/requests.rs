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
use alloy_primitives::{B256, Bytes, b256};
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
    for log in logs.filter(|log| log.address == contract) {
        if log.topics().first() != Some(&DEPOSIT_EVENT) {
            continue;
        }
        if !deposit(&log.data.data, &mut out) {
            return Err(Violation::System {
                number: executor.number,
                reason: format!("a log of the deposit contract {contract} is no deposit"),
            });
        }
    }
    Ok(out)
}

/// `DepositEvent(bytes,bytes,bytes,bytes,bytes)`.
const DEPOSIT_EVENT: B256 =
    b256!("0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");

/// Where the fields of a deposit stand behind the event's head, and how long
/// they are: key, credentials, amount, signature, index.
const DEPOSIT: [(usize, usize); 5] = [(160, 48), (256, 32), (320, 8), (384, 96), (512, 8)];

/// Length of the event's data.
const DEPOSIT_BYTES: usize = 576;

/// EIP-6110, `is_valid_deposit_event_data`: adds the fields of one deposit to
/// `out`. False where the layout is any other than the contract's own, even if
/// it decodes.
fn deposit(data: &[u8], out: &mut Vec<u8>) -> bool {
    let word = |at: usize| {
        let bytes = data.get(at..at + 32)?;
        let (high, low) = bytes.split_at(24);
        let low = u64::from_be_bytes(low.try_into().ok()?);
        high.iter().all(|byte| *byte == 0).then_some(low)
    };
    data.len() == DEPOSIT_BYTES
        && (0..).zip(DEPOSIT).all(|(index, (at, length))| {
            let fits = word(32 * index) == Some(at as u64) && word(at) == Some(length as u64);
            let field = data.get(at + 32..at + 32 + length);
            out.extend_from_slice(field.unwrap_or_default());
            fits
        })
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
