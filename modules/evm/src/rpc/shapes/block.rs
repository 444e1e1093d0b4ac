use super::transaction;
use crate::{import::BodyExtras, rpc::error::Answer, store::StoredBlock};
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

/// Adds what a block of Ethereum has beside a rollup's.
pub(crate) fn complete(block: &mut Block, stored: &StoredBlock, extras: &BodyExtras) {
    let ommers = extras.ommers.iter();
    block.uncles = ommers.map(|ommer| ommer.hash_slow()).collect();
    block.withdrawals = extras.withdrawals.clone().map(Into::into);
    let withdrawals = extras.withdrawals.as_ref().map_or(0, Encodable::length);
    let size = size(stored, extras.ommers.length(), withdrawals);
    block.header.size = Some(U256::from(size));
}

/// An ommer: a header without a body.
pub(crate) fn ommer(header: &alloy_consensus::Header) -> Block {
    let empty = alloy_consensus::Block::<alloy_consensus::TxEnvelope>::uncle(header.clone());
    Block {
        header: Header {
            hash: header.hash_slow(),
            inner: header.clone(),
            total_difficulty: None,
            size: Some(U256::from(empty.length())),
        },
        uncles: Vec::new(),
        transactions: BlockTransactions::Uncle,
        withdrawals: None,
    }
}

/// The header alone, with hash and size.
pub(crate) fn header(stored: &StoredBlock) -> Header {
    // No ommers, and from Shanghai on an empty list of withdrawals.
    let withdrawals = usize::from(stored.header.withdrawals_root.is_some());
    Header {
        hash: stored.record.block.hash,
        inner: stored.header.clone(),
        total_difficulty: None,
        size: Some(U256::from(size(stored, 1, withdrawals))),
    }
}

/// Length of the block's RLP, with lists of ommers and withdrawals of these
/// lengths.
fn size(stored: &StoredBlock, ommers: usize, withdrawals: usize) -> usize {
    let transactions: usize = stored
        .transactions()
        .map(|bytes| match bytes.first() {
            // A typed transaction is a byte string in the list.
            Some(kind) if *kind < 0x80 => bytes[..].length(),
            _ => bytes.len(),
        })
        .sum();
    list(stored.header.length() + list(transactions) + ommers + withdrawals)
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
