//! What the forced lane admits (PROTOCOL.md §6).

use super::super::Refusal;
use alloy_consensus::{Transaction as _, TxEnvelope, TxType, transaction::SignerRecoverable as _};
use alloy_eips::eip2718::{Decodable2718 as _, Encodable2718 as _};

/// The gas limit of an admissible transaction: type 0, 1, 2 or 4, canonical,
/// with our chain id, with authorisations where they belong, and a signature
/// that recovers.
pub(super) fn check(bytes: &[u8], chain_id: u64) -> Result<u64, Refusal> {
    let decoded = TxEnvelope::decode_2718_exact(bytes);
    let transaction = decoded.map_err(|_| Refusal::ForcedForm)?;
    if transaction.encoded_2718() != bytes {
        return Err(Refusal::ForcedForm);
    }
    if transaction.tx_type() == TxType::Eip4844 {
        return Err(Refusal::ForcedType);
    }
    if transaction.chain_id() != Some(chain_id) {
        return Err(Refusal::ForcedChain);
    }
    if transaction
        .authorization_list()
        .is_some_and(<[_]>::is_empty)
    {
        return Err(Refusal::ForcedAuthorisations);
    }
    // Refuses a high s as well.
    transaction
        .recover_signer()
        .map_err(|_| Refusal::ForcedSignature)?;
    Ok(transaction.gas_limit())
}
