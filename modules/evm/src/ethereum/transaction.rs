use super::rules::Rules;
use crate::machine::{RecoveredTx, Refusal, TxEnvelope, TxError};
use alloy_consensus::Transaction;
#[cfg(feature = "fixtures")]
use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::{Address, Bytes};
use revm::{context::TxEnv, primitives::hardfork::SpecId};

/// What revm executes, with its signer recovered here.
#[cfg(feature = "fixtures")]
pub(crate) fn env(rules: &Rules<'_>, tx: &TxEnvelope) -> Result<TxEnv, Refusal> {
    env_of(rules, tx, tx.recover_signer_unchecked().ok())
}

/// What revm executes. The signature must suit the rules of the block: a high s
/// is valid before Homestead (EIP-2), a chain id in a legacy signature only
/// from EIP-155 on.
pub(crate) fn env_of(
    rules: &Rules<'_>,
    tx: &TxEnvelope,
    sender: Option<Address>,
) -> Result<TxEnv, Refusal> {
    let low = || tx.signature().normalize_s().is_none();
    let sender = sender
        .filter(|_| !rules.has(SpecId::HOMESTEAD) || low())
        .ok_or(Refusal::Transaction(TxError::Signature))?;
    if tx.is_legacy() && tx.chain_id().is_some() && !rules.replay_protection() {
        return Err(Refusal::Other(
            "the signature names a chain, and EIP-155 is not active yet".into(),
        ));
    }
    Ok(RecoveredTx::from_parts(tx.clone(), sender, Bytes::new()).env())
}
