//! A header on its parent: every field that needs no execution.

use super::{Violation, difficulty::difficulty, rules::Rules};
use crate::machine::next_base_fee;
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use alloy_primitives::{B64, U256};
use revm::primitives::hardfork::SpecId;

/// Yellow Paper; EIP-1559 keeps it.
const MIN_GAS_LIMIT: u64 = 5_000;

/// EIP-1559: by what the gas target multiplies at London.
const ELASTICITY: u64 = 2;

/// Extra data of the DAO fork's first ten blocks.
const DAO_EXTRA: &[u8] = b"dao-hard-fork";

/// Checks `header` as a child of `parent`, which it names.
pub(super) fn check(rules: &Rules<'_>, parent: &Header, header: &Header) -> Result<(), Violation> {
    let number = header.number;
    let expected = parent.number.saturating_add(1);
    Violation::equal(number, "number", &number, &expected)?;
    if header.timestamp <= parent.timestamp {
        return Err(Violation::field(
            number,
            "timestamp",
            header.timestamp,
            format_args!("more than the parent's {}", parent.timestamp),
        ));
    }
    gas(rules, parent, header)?;
    extra_data(rules, header)?;
    match rules.merged {
        true => after_merge(header)?,
        false => {
            let expected = difficulty(rules, parent, header.timestamp);
            Violation::equal(number, "difficulty", &header.difficulty, &expected)?;
        }
    }
    presence(rules, header)?;
    if rules.has(SpecId::LONDON) {
        let expected = Some(next_base_fee(parent));
        Violation::equal(number, "baseFeePerGas", &header.base_fee_per_gas, &expected)?;
    }
    match rules.has(SpecId::CANCUN) {
        true => blobs(rules, parent, header),
        false => Ok(()),
    }
}

fn gas(rules: &Rules<'_>, parent: &Header, header: &Header) -> Result<(), Violation> {
    let number = header.number;
    let have = header.gas_limit;
    if header.gas_used > have {
        return Err(Violation::field(
            number,
            "gasUsed",
            header.gas_used,
            format_args!("at most the gas limit {have}"),
        ));
    }
    let begins = rules.has(SpecId::LONDON) && parent.base_fee_per_gas.is_none();
    let base = match begins {
        true => parent.gas_limit.saturating_mul(ELASTICITY),
        false => parent.gas_limit,
    };
    let bound = base / 1024;
    if have.abs_diff(base) >= bound {
        return Err(Violation::field(
            number,
            "gasLimit",
            have,
            format_args!("less than {bound} away from {base}"),
        ));
    }
    if have < MIN_GAS_LIMIT || have > i64::MAX as u64 {
        return Err(Violation::field(
            number,
            "gasLimit",
            have,
            format_args!("{MIN_GAS_LIMIT} to {}", i64::MAX),
        ));
    }
    Ok(())
}

fn extra_data(rules: &Rules<'_>, header: &Header) -> Result<(), Violation> {
    let have = &header.extra_data;
    if have.len() > 32 {
        return Err(Violation::field(
            header.number,
            "extraData",
            format_args!("{} bytes", have.len()),
            "at most 32 bytes",
        ));
    }
    if rules.marks_dao() && have != DAO_EXTRA {
        return Err(Violation::field(
            header.number,
            "extraData",
            have,
            "dao-hard-fork",
        ));
    }
    Ok(())
}

/// EIP-3675: the constants of proof of stake.
fn after_merge(header: &Header) -> Result<(), Violation> {
    let number = header.number;
    Violation::equal(number, "difficulty", &header.difficulty, &U256::ZERO)?;
    Violation::equal(number, "nonce", &header.nonce, &B64::ZERO)?;
    Violation::equal(
        number,
        "sha3Uncles",
        &header.ommers_hash,
        &EMPTY_OMMER_ROOT_HASH,
    )
}

/// A field is there from its fork on, and not before.
fn presence(rules: &Rules<'_>, header: &Header) -> Result<(), Violation> {
    let (london, shanghai) = (rules.has(SpecId::LONDON), rules.has(SpecId::SHANGHAI));
    let (cancun, prague) = (rules.has(SpecId::CANCUN), rules.has(SpecId::PRAGUE));
    for (field, found, expected) in [
        ("baseFeePerGas", header.base_fee_per_gas.is_some(), london),
        (
            "withdrawalsRoot",
            header.withdrawals_root.is_some(),
            shanghai,
        ),
        ("blobGasUsed", header.blob_gas_used.is_some(), cancun),
        ("excessBlobGas", header.excess_blob_gas.is_some(), cancun),
        (
            "parentBeaconBlockRoot",
            header.parent_beacon_block_root.is_some(),
            cancun,
        ),
        ("requestsHash", header.requests_hash.is_some(), prague),
        (
            "blockAccessListHash",
            header.block_access_list_hash.is_some(),
            false,
        ),
        ("slotNumber", header.slot_number.is_some(), false),
    ] {
        let word = |there| if there { "present" } else { "absent" };
        if found != expected {
            return Err(Violation::field(
                header.number,
                field,
                word(found),
                word(expected),
            ));
        }
    }
    Ok(())
}

/// EIP-4844, EIP-7691, EIP-7918.
fn blobs(rules: &Rules<'_>, parent: &Header, header: &Header) -> Result<(), Violation> {
    let params = rules.blobs();
    let used = header.blob_gas_used.unwrap_or_default();
    let most = params.max_blob_count.saturating_mul(DATA_GAS_PER_BLOB);
    if used > most || !used.is_multiple_of(DATA_GAS_PER_BLOB) {
        return Err(Violation::field(
            header.number,
            "blobGasUsed",
            used,
            format_args!("a multiple of {DATA_GAS_PER_BLOB} up to {most}"),
        ));
    }
    let expected = parent.next_block_excess_blob_gas(params).unwrap_or(0);
    Violation::equal(
        header.number,
        "excessBlobGas",
        &header.excess_blob_gas,
        &Some(expected),
    )
}
