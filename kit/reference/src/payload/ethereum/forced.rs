//! What the forced lane admits (PROTOCOL.md §6).

use super::super::Refusal;
use alloy_consensus::{Transaction as _, TxEnvelope, TxType, transaction::SignerRecoverable as _};
use alloy_eips::eip2718::{Decodable2718 as _, Encodable2718 as _};

/// The gas limit of an admissible transaction: type 0, 1, 2 or 4, canonical,
/// with our chain id and a signature that recovers.
pub(super) fn check(bytes: &[u8], chain_id: u64) -> Result<u64, Refusal> {
    let transaction = TxEnvelope::decode_2718_exact(bytes).map_err(|error| error.to_string())?;
    if transaction.tx_type() == TxType::Eip4844 {
        return Err("a blob transaction".into());
    }
    if transaction.encoded_2718() != bytes {
        return Err("not canonical".into());
    }
    if transaction.chain_id() != Some(chain_id) {
        return Err("another chain's, or no chain's".into());
    }
    // Refuses a high s as well.
    transaction
        .recover_signer()
        .map_err(|error| error.to_string())?;
    Ok(transaction.gas_limit())
}
