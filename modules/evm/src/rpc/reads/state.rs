use crate::rpc::{
    api::EthApi,
    args::{Args, Slot},
    error::{Answer, EthError},
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy_serde::JsonStorageKey;
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::Params};
use rollwright_core::ProofKey;
use std::{borrow::Cow, sync::Arc};

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_method("eth_getBalance", |params, api, _| {
        let (address, block) = account(&params)?;
        let account = api.state(block)?.account(address)?;
        Answer::<U256>::Ok(account.map(|account| account.balance).unwrap_or_default())
    })?;
    module.register_method("eth_getCode", |params, api, _| {
        let (address, block) = account(&params)?;
        let state = api.state(block)?;
        Answer::<Bytes>::Ok(match state.account(address)? {
            Some(account) => state.code(account.code_hash)?,
            None => Bytes::new(),
        })
    })?;
    module.register_method("eth_getTransactionCount", |params, api, _| {
        let (address, block) = account(&params)?;
        nonce(api, address, block).map(U64::from)
    })?;
    module.register_method("eth_getStorageAt", |params, api, _| {
        let mut args = Args::new(&params);
        let address = args.required::<Address>()?;
        let slot = args.required::<Cow<'_, str>>()?;
        let slot = Slot::parse(&slot).map_err(EthError::params)?;
        let block = args.block()?;
        args.end()?;
        let value = api.state(block)?.slot(address, slot.key)?;
        Answer::<B256>::Ok(value.into())
    })?;
    module.register_async_method("eth_getProof", |params, api, _| async move {
        let mut args = Args::new(&params);
        let address = args.required::<Address>()?;
        let slots = args.required::<Vec<Slot>>()?;
        let block = args.block()?;
        args.end()?;
        let most = api.config.max_proof_slots;
        if slots.len() > most {
            return Err(EthError::params(format!(
                "too many keys in the proof: {} requested, the limit is {most}",
                slots.len()
            )));
        }
        api.heavy(move |api, _| proof(api, address, &slots, block))
            .await
    })?;
    Ok(())
}

fn account(params: &Params<'_>) -> Answer<(Address, BlockId)> {
    let mut args = Args::new(params);
    let address = args.required()?;
    let block = args.block()?;
    args.end()?;
    Ok((address, block))
}

/// `pending` counts what waits in the pool without a gap.
pub(crate) fn nonce(api: &EthApi, address: Address, block: BlockId) -> Answer<u64> {
    let account = api.state(block)?.account(address)?;
    let mined = account.map_or(0, |account| account.nonce);
    let waiting = match block {
        BlockId::Number(BlockNumberOrTag::Pending) => api.node.pool_nonce(&address),
        _ => None,
    };
    Ok(waiting.map_or(mined, |waiting| waiting.max(mined)))
}

fn proof(
    api: &EthApi,
    address: Address,
    slots: &[Slot],
    block: BlockId,
) -> Answer<EIP1186AccountProofResponse> {
    let at = api.resolve(block)?;
    let key = ProofKey {
        address,
        slots: slots.iter().map(|slot| slot.key).collect(),
    };
    let proof = api.store.prove(&at, &[key])?;
    let proved = proof
        .accounts
        .into_iter()
        .next()
        .ok_or_else(|| EthError::Internal("the store proved nothing".into()))?;
    let account = proved.account.unwrap_or_default();
    let exists = proved.account.is_some();
    Ok(EIP1186AccountProofResponse {
        address,
        balance: account.balance,
        // An account that does not exist has the hash of no code.
        code_hash: if exists {
            account.code_hash
        } else {
            alloy_primitives::KECCAK256_EMPTY
        },
        nonce: account.nonce,
        storage_hash: proved.storage_root,
        account_proof: proved.proof,
        storage_proof: proved
            .slots
            .into_iter()
            .zip(slots)
            .map(|(proved, asked)| EIP1186StorageProof {
                key: if asked.as_word {
                    JsonStorageKey::Hash(asked.key)
                } else {
                    JsonStorageKey::Number(asked.key.into())
                },
                value: proved.value,
                proof: proved.proof,
            })
            .collect(),
    })
}
