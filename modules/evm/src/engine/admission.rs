//! What a transaction must satisfy before a pool takes it: everything that
//! cannot change by waiting, and what the account can pay.

use super::{EngineError, EvmEngine};
use crate::{
    genesis::ChainConfig,
    machine::{RecoveredTx, Refusal, SenderSource as _, TxEnvelope, cfg_env, transaction_gas_cap},
    store::StateView,
};
use alloy_consensus::{Transaction, Typed2718};
use revm::{
    context::{Cfg as _, CfgEnv},
    primitives::hardfork::SpecId,
};
use rollwright_core::{Account, Admission, BlockId, Bytes, Header, U256};

/// Longest encoded transaction that a pool takes, in bytes: geth's bound. It
/// binds the pool alone; a block, and the forced lane, may hold longer ones.
pub const MAX_TRANSACTION_BYTES: usize = 128 * 1024;

/// Code of an account that delegates by EIP-7702 starts with this.
const DELEGATION: [u8; 3] = [0xef, 0x01, 0x00];

impl EvmEngine {
    /// Checks a transaction for the pool against the latest state, recovers
    /// its signer and remembers it for the block that will hold it.
    ///
    /// A nonce above the account's, and a fee cap below the base fee, are
    /// fine: both may fit later.
    pub fn admit_transaction(&self, bytes: &Bytes) -> Result<Admission, EngineError> {
        if bytes.len() > MAX_TRANSACTION_BYTES {
            return Err(EngineError::Oversized {
                have: bytes.len(),
                limit: MAX_TRANSACTION_BYTES,
            });
        }
        let inner = &*self.inner;
        let head = inner.store.heads()?.latest;
        let header = self.parent_header(&head)?;
        // Cheap rules first: garbage must not cost a signature recovery.
        let envelope = RecoveredTx::envelope_of(bytes).map_err(Refusal::from)?;
        check_rules(self.chain_config(), &header, &envelope)?;
        let tx = inner
            .senders
            .admit(envelope, bytes)
            .map_err(Refusal::from)?;
        let state = inner.store.state_at(&head)?;
        let account = state.account(tx.sender())?.unwrap_or_else(empty_account);
        let contracts = inner.senders.impersonates();
        let max_cost = check_account(&state, &account, contracts, tx.envelope())?;
        Ok(admission(&tx, &account, max_cost))
    }

    /// The header of the latest block.
    pub fn latest_header(&self) -> Result<Option<Header>, EngineError> {
        let head = self.inner.store.heads()?.latest;
        Ok(self.inner.store.header(BlockId::Hash(head.hash))?)
    }
}

fn empty_account() -> Account {
    Account {
        code_hash: alloy_consensus::constants::KECCAK_EMPTY,
        ..Account::default()
    }
}

/// The rules that depend on the transaction and the fork alone.
fn check_rules(config: &ChainConfig, head: &Header, tx: &TxEnvelope) -> Result<(), Refusal> {
    let spec = config.spec_at(head.number + 1, head.timestamp, config.has_merged(head));
    if tx.chain_id().is_some_and(|id| id != config.chain_id) {
        return Err(Refusal::ChainId {
            expected: config.chain_id,
        });
    }
    let needed = match tx.ty() {
        1 => SpecId::BERLIN,
        2 => SpecId::LONDON,
        4 => SpecId::PRAGUE,
        _ => SpecId::FRONTIER,
    };
    if !spec.is_enabled_in(needed) {
        return Err(Refusal::TypeNotActive);
    }
    if tx.authorization_list().is_some_and(<[_]>::is_empty) {
        return Err(Refusal::EmptyAuthorizations);
    }
    if tx.nonce() == u64::MAX {
        return Err(Refusal::NonceMax);
    }
    if tx
        .max_priority_fee_per_gas()
        .is_some_and(|tip| tip > tx.max_fee_per_gas())
    {
        return Err(Refusal::TipAboveFeeCap);
    }
    let cfg = cfg_env(config, spec, head.timestamp);
    if spec.is_enabled_in(SpecId::SHANGHAI)
        && tx.is_create()
        && tx.input().len() > cfg.max_initcode_size()
    {
        return Err(Refusal::InitCodeTooLarge);
    }
    check_gas(&cfg, head.gas_limit, tx)
}

fn check_gas(cfg: &CfgEnv, block_gas_limit: u64, tx: &TxEnvelope) -> Result<(), Refusal> {
    let have = tx.gas_limit();
    if have > block_gas_limit {
        return Err(Refusal::GasAboveBlock {
            have,
            limit: block_gas_limit,
        });
    }
    if let Some(cap) = transaction_gas_cap(cfg)
        && have > cap
    {
        return Err(Refusal::GasAboveCap { have, cap });
    }
    let (accounts, slots) = tx.access_list().map_or((0, 0), |list| {
        (list.len() as u64, list.storage_keys_count() as u64)
    });
    let needed = cfg.gas_params.initial_tx_gas(
        tx.input(),
        tx.is_create(),
        accounts,
        slots,
        tx.authorization_count().unwrap_or_default(),
        None,
    );
    if needed.initial_total_gas() > have {
        return Err(Refusal::IntrinsicGas {
            have,
            want: needed.initial_total_gas(),
        });
    }
    if needed.floor_gas() > have {
        return Err(Refusal::FloorGas {
            have,
            want: needed.floor_gas(),
        });
    }
    Ok(())
}

/// The rules that depend on the sender's account; returns the most that the
/// transaction can take from it.
fn check_account(
    state: &StateView,
    account: &Account,
    contracts: bool,
    tx: &TxEnvelope,
) -> Result<U256, EngineError> {
    if tx.nonce() < account.nonce {
        return Err(Refusal::NonceTooLow {
            tx: tx.nonce(),
            state: account.nonce,
        }
        .into());
    }
    if !contracts
        && account.code_hash != alloy_consensus::constants::KECCAK_EMPTY
        && !account.code_hash.is_zero()
        && !state.code(account.code_hash)?.starts_with(&DELEGATION)
    {
        return Err(Refusal::SenderHasCode.into());
    }
    let max_cost = U256::from(tx.max_fee_per_gas())
        .checked_mul(U256::from(tx.gas_limit()))
        .and_then(|fees| fees.checked_add(tx.value()))
        .ok_or(Refusal::CostOverflow)?;
    if account.balance < max_cost {
        return Err(Refusal::InsufficientFunds {
            have: account.balance,
            want: max_cost,
        }
        .into());
    }
    Ok(max_cost)
}

fn admission(tx: &RecoveredTx, account: &Account, max_cost: U256) -> Admission {
    let envelope = tx.envelope();
    Admission {
        hash: tx.hash(),
        sender: tx.sender(),
        nonce: envelope.nonce(),
        account_nonce: account.nonce,
        balance: account.balance,
        max_cost,
        gas_limit: envelope.gas_limit(),
        max_fee_per_gas: envelope.max_fee_per_gas(),
        max_priority_fee_per_gas: envelope
            .max_priority_fee_per_gas()
            .unwrap_or_else(|| envelope.max_fee_per_gas()),
        bytes: tx.bytes().len() as u64,
    }
}
