use crate::{
    rpc::error::{Answer, EthError},
    senders::SenderCache,
    store::StoredBlock,
};
use alloy_consensus::{
    Transaction as _, TxEnvelope,
    transaction::{Recovered, SignerRecoverable as _},
};
use alloy_eips::eip2718::Decodable2718 as _;
use alloy_primitives::Bytes;
use alloy_rpc_types_eth::Transaction;

/// The transaction at `index` of a block.
pub(crate) fn mined(stored: &StoredBlock, index: usize) -> Answer<Transaction> {
    let damaged = || {
        EthError::Internal(format!(
            "block {} has no readable transaction {index}",
            stored.record.block.number
        ))
    };
    let bytes = stored.transaction(index).ok_or_else(damaged)?;
    let sender = *stored.senders.get(index).ok_or_else(damaged)?;
    let envelope = TxEnvelope::decode_2718_exact(bytes).map_err(|_| damaged())?;
    Ok(Transaction {
        effective_gas_price: Some(envelope.effective_gas_price(stored.header.base_fee_per_gas)),
        inner: Recovered::new_unchecked(envelope, sender),
        block_hash: Some(stored.record.block.hash),
        block_number: Some(stored.record.block.number),
        transaction_index: Some(index as u64),
        block_timestamp: Some(stored.record.timestamp),
    })
}

/// A transaction that waits in the pool; `None` if its bytes are not one.
pub(crate) fn pending(senders: &SenderCache, bytes: &Bytes) -> Option<Transaction> {
    let envelope = TxEnvelope::decode_2718_exact(bytes).ok()?;
    let known = senders.get(envelope.tx_hash());
    let sender = known.or_else(|| envelope.recover_signer().ok())?;
    Some(Transaction {
        // geth answers the cap as `gasPrice` of what waits.
        effective_gas_price: Some(envelope.max_fee_per_gas()),
        inner: Recovered::new_unchecked(envelope, sender),
        block_hash: None,
        block_number: None,
        transaction_index: None,
        block_timestamp: None,
    })
}
