//! The header's commitments to the body.

use super::{EthereumBlock, Violation, rules::Rules};
use crate::machine::MAX_BLOCK_RLP_BYTES;
use alloy_consensus::{
    Transaction,
    proofs::{calculate_ommers_root, calculate_transaction_root, calculate_withdrawals_root},
};
use alloy_eips::eip4844::DATA_GAS_PER_BLOB;
use revm::primitives::hardfork::SpecId;

pub(super) fn check(rules: &Rules<'_>, block: &EthereumBlock) -> Result<(), Violation> {
    let header = block.header();
    let body = &block.block.body;
    let number = header.number;
    let limit = usize::try_from(MAX_BLOCK_RLP_BYTES).unwrap_or(usize::MAX);
    if rules.has(SpecId::OSAKA) && block.length > limit {
        return Err(Violation::field(
            number,
            "size",
            block.length,
            format_args!("at most {MAX_BLOCK_RLP_BYTES} bytes (EIP-7934)"),
        ));
    }
    let ommers = calculate_ommers_root(&body.ommers);
    Violation::equal(number, "sha3Uncles", &header.ommers_hash, &ommers)?;
    let transactions = calculate_transaction_root(&body.transactions);
    Violation::equal(
        number,
        "transactionsRoot",
        &header.transactions_root,
        &transactions,
    )?;
    let withdrawals = body
        .withdrawals
        .as_ref()
        .map(|list| calculate_withdrawals_root(list));
    Violation::equal(
        number,
        "withdrawalsRoot",
        &header.withdrawals_root,
        &withdrawals,
    )?;
    if rules.has(SpecId::CANCUN) {
        let blobs: u64 = body
            .transactions
            .iter()
            .map(|tx| {
                tx.blob_versioned_hashes()
                    .map_or(0, |list| list.len() as u64)
            })
            .sum();
        let used = Some(blobs.saturating_mul(DATA_GAS_PER_BLOB));
        Violation::equal(number, "blobGasUsed", &header.blob_gas_used, &used)?;
    }
    Ok(())
}
