use super::transaction;
use crate::{rpc::error::Answer, store::StoredBlock};
use alloy_eips::eip4895::Withdrawal;
use alloy_network_primitives::BlockTransactions;
use alloy_primitives::U256;
use alloy_rlp::Encodable;
use alloy_rpc_types_eth::{Block, Header, Transaction};

/// A block with its transactions' hashes, or with the transactions.
pub(crate) fn block(stored: &StoredBlock, full: bool) -> Answer<Block> {
    let transactions = if full {
        let all = (0..stored.transaction_hashes.len())
            .map(|index| transaction::mined(stored, index))
            .collect::<Answer<Vec<Transaction>>>()?;
        BlockTransactions::Full(all)
    } else {
        BlockTransactions::Hashes(stored.transaction_hashes.clone())
    };
    Ok(Block {
        header: header(stored),
        uncles: Vec::new(),
        transactions,
        withdrawals: stored.header.withdrawals_root.map(|_| Default::default()),
    })
}

/// The header alone, with hash and size.
pub(crate) fn header(stored: &StoredBlock) -> Header {
    Header {
        hash: stored.record.block.hash,
        inner: stored.header.clone(),
        total_difficulty: None,
        size: Some(U256::from(size(stored))),
    }
}

/// Length of the block's RLP.
fn size(stored: &StoredBlock) -> usize {
    let transactions: usize = stored
        .transactions()
        .map(|bytes| match bytes.first() {
            // A typed transaction is a byte string in the list.
            Some(kind) if *kind < 0x80 => bytes[..].length(),
            _ => bytes.len(),
        })
        .sum();
    size_of(&stored.header, transactions, &[])
}

/// Length of a block's RLP: header, transactions (of so many bytes in their
/// list), no ommers, and from Shanghai on withdrawals.
pub(crate) fn size_of(
    header: &alloy_consensus::Header,
    transactions: usize,
    withdrawals: &[Withdrawal],
) -> usize {
    let withdrawals = match header.withdrawals_root {
        Some(_) => list(withdrawals.iter().map(Encodable::length).sum()),
        None => 0,
    };
    list(header.length() + list(transactions) + 1 + withdrawals)
}

/// Length of an RLP list with that payload.
fn list(payload: usize) -> usize {
    payload + alloy_rlp::length_of_length(payload)
}
