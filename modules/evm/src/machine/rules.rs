//! What a block's inputs must satisfy on their parent, and the header fields
//! that follow from the parent alone.

use crate::genesis::ChainConfig;
use alloc::{format, string::String};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header};
use alloy_eips::eip1559::{BaseFeeParams, INITIAL_BASE_FEE, calc_next_block_base_fee};
use alloy_primitives::{Address, B256};
use revm::primitives::hardfork::SpecId;
use rollwright_core::{Anchor, InvalidBlock};

/// Least gas limit of a block (Yellow Paper).
pub(super) const MIN_GAS_LIMIT: u64 = 5_000;

/// EIP-7934: most bytes of a block's RLP, 10 MiB less a margin of 2 MiB.
pub const MAX_BLOCK_RLP_BYTES: u64 = 8 * 1024 * 1024;

/// What is known of a block before its transactions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) parent_hash: B256,
    pub(super) timestamp: u64,
    pub(super) fee_recipient: Address,
    pub(super) gas_limit: u64,
    pub(super) anchor: &'a Anchor,
}

pub(super) fn invalid(reason: impl Into<String>) -> InvalidBlock {
    InvalidBlock {
        transaction: None,
        reason: reason.into(),
    }
}

/// Base fee of the child of `parent`: EIP-1559 with mainnet's parameters; the
/// initial one where London begins.
pub fn next_base_fee(parent: &Header) -> u64 {
    match parent.base_fee_per_gas {
        Some(base_fee) => calc_next_block_base_fee(
            parent.gas_used,
            parent.gas_limit,
            base_fee,
            BaseFeeParams::ethereum(),
        ),
        None => INITIAL_BASE_FEE,
    }
}

/// Checks the frame on its parent and begins the header; roots, bloom and gas
/// used are left for the end.
pub(super) fn open_header(
    config: &ChainConfig,
    parent: &Header,
    frame: &Frame<'_>,
) -> Result<(Header, SpecId), InvalidBlock> {
    let number = parent
        .number
        .checked_add(1)
        .ok_or_else(|| invalid("the parent has the last block number"))?;
    let rises = match config.repeats_timestamps() {
        true => frame.timestamp >= parent.timestamp,
        false => frame.timestamp > parent.timestamp,
    };
    if !rises {
        return Err(invalid(format!(
            "timestamp {} does not rise above the parent's {}",
            frame.timestamp, parent.timestamp
        )));
    }
    if frame.gas_limit < MIN_GAS_LIMIT || frame.gas_limit > i64::MAX as u64 {
        return Err(invalid(format!(
            "gas limit {} lies outside of {MIN_GAS_LIMIT} to {}",
            frame.gas_limit,
            i64::MAX
        )));
    }
    let spec = config.spec(number, frame.timestamp);
    if !spec.is_enabled_in(SpecId::CANCUN) {
        return Err(invalid(
            "a rollup's blocks need Cancun's rules, and the fork schedule does not have them yet",
        ));
    }
    let header = Header {
        parent_hash: frame.parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: frame.fee_recipient,
        number,
        gas_limit: frame.gas_limit,
        timestamp: frame.timestamp,
        mix_hash: frame.anchor.prev_randao(number),
        base_fee_per_gas: Some(next_base_fee(parent)),
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(frame.anchor.hash()),
        ..Default::default()
    };
    Ok((header, spec))
}
