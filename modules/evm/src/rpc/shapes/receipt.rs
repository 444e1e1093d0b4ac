use super::log;
use crate::{
    genesis::ChainConfig,
    rpc::{
        blobs,
        error::{Answer, EthError},
    },
    store::{LogHit, StoredBlock},
};
use alloy_consensus::{
    Receipt, ReceiptEnvelope, ReceiptWithBloom, Transaction as _, TxEnvelope, TxReceipt,
};
use alloy_eips::eip2718::Decodable2718 as _;
use alloy_rpc_types_eth::{Log, TransactionReceipt};

/// All receipts of a block, in order.
pub(crate) fn receipts(
    chain: &ChainConfig,
    stored: &StoredBlock,
) -> Answer<Vec<TransactionReceipt>> {
    let mut before = Before::default();
    (0..stored.receipts.len())
        .map(|index| {
            let answer = one(chain, stored, index, before);
            before = before.and(stored, index);
            answer
        })
        .collect()
}

/// The receipt of the transaction at `index`.
pub(crate) fn receipt(
    chain: &ChainConfig,
    stored: &StoredBlock,
    index: usize,
) -> Answer<TransactionReceipt> {
    let before = (0..index.min(stored.receipts.len()))
        .fold(Before::default(), |before, index| before.and(stored, index));
    one(chain, stored, index, before)
}

/// What the receipts before one add up to.
#[derive(Clone, Copy, Default)]
struct Before {
    gas: u64,
    logs: u64,
}

impl Before {
    fn and(self, stored: &StoredBlock, index: usize) -> Self {
        let receipt = &stored.receipts[index];
        Self {
            gas: receipt.cumulative_gas_used(),
            logs: self.logs + receipt.logs().len() as u64,
        }
    }
}

fn one(
    chain: &ChainConfig,
    stored: &StoredBlock,
    index: usize,
    before: Before,
) -> Answer<TransactionReceipt> {
    let damaged = || {
        EthError::Internal(format!(
            "block {} has no readable receipt {index}",
            stored.record.block.number
        ))
    };
    let receipt = stored.receipts.get(index).ok_or_else(damaged)?;
    let bytes = stored.transaction(index).ok_or_else(damaged)?;
    let transaction = TxEnvelope::decode_2718_exact(bytes).map_err(|_| damaged())?;
    let hash = *stored.transaction_hashes.get(index).ok_or_else(damaged)?;
    let from = *stored.senders.get(index).ok_or_else(damaged)?;
    let logs = receipt
        .logs()
        .iter()
        .zip(before.logs..)
        .map(|(inner, log_index)| {
            let hit = LogHit {
                block: stored.record.block,
                timestamp: stored.record.timestamp,
                transaction_hash: hash,
                transaction_index: index as u64,
                log_index,
                log: inner.clone(),
            };
            log(hit, false)
        })
        .collect();
    let to = transaction.to();
    let blob_gas_used = transaction.blob_gas_used();
    Ok(TransactionReceipt {
        inner: with_places(receipt, logs),
        transaction_hash: hash,
        transaction_index: Some(index as u64),
        block_hash: Some(stored.record.block.hash),
        block_number: Some(stored.record.block.number),
        gas_used: receipt.cumulative_gas_used().saturating_sub(before.gas),
        effective_gas_price: transaction.effective_gas_price(stored.header.base_fee_per_gas),
        blob_gas_used,
        blob_gas_price: blob_gas_used.and_then(|_| blobs::price(chain, &stored.header)),
        from,
        to,
        contract_address: to.is_none().then(|| from.create(transaction.nonce())),
    })
}

/// The receipt with logs that know where they stand.
fn with_places(receipt: &ReceiptEnvelope, logs: Vec<Log>) -> ReceiptEnvelope<Log> {
    let placed = ReceiptWithBloom {
        receipt: Receipt {
            status: receipt.status_or_post_state(),
            cumulative_gas_used: receipt.cumulative_gas_used(),
            logs,
        },
        logs_bloom: receipt.bloom(),
    };
    match receipt {
        ReceiptEnvelope::Legacy(_) => ReceiptEnvelope::Legacy(placed),
        ReceiptEnvelope::Eip2930(_) => ReceiptEnvelope::Eip2930(placed),
        ReceiptEnvelope::Eip1559(_) => ReceiptEnvelope::Eip1559(placed),
        ReceiptEnvelope::Eip4844(_) => ReceiptEnvelope::Eip4844(placed),
        ReceiptEnvelope::Eip7702(_) => ReceiptEnvelope::Eip7702(placed),
    }
}
