//! Accounts of a development chain: keys that everybody knows.

use super::{
    EthModuleError,
    api::EthApi,
    args::Args,
    call::{self, Call},
    error::{Answer, EthError},
    reads,
    request::CallRequest,
};
use crate::machine::{self, Overrides};
use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy,
    crypto::secp256k1::sign_message,
};
use alloy_eips::{BlockNumberOrTag, eip2718::Encodable2718};
use alloy_primitives::{Address, B256, Signature, TxKind, map::AddressMap};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use std::sync::Arc;

/// Development accounts in the order of their keys.
#[derive(Clone, Default)]
pub(super) struct Accounts {
    order: Vec<Address>,
    keys: AddressMap<B256>,
}

/// Addresses of the keys.
pub(super) fn accounts(keys: &[B256]) -> Result<Accounts, EthModuleError> {
    let mut accounts = Accounts::default();
    for (index, key) in keys.iter().enumerate() {
        let probe = B256::repeat_byte(1);
        let address = sign_message(*key, probe)
            .ok()
            .and_then(|signature| signature.recover_address_from_prehash(&probe).ok())
            .ok_or(EthModuleError::DevKey { index })?;
        if accounts.keys.insert(address, *key).is_none() {
            accounts.order.push(address);
        }
    }
    Ok(accounts)
}

/// `eth_accounts` always; the rest where there are development keys.
pub(super) fn register(
    module: &mut RpcModule<Arc<EthApi>>,
    accounts: Accounts,
) -> Result<(), RegisterMethodError> {
    let order = accounts.order.clone();
    let dev = !order.is_empty();
    module.register_method("eth_accounts", move |params, _, _| {
        Args::new(&params).end()?;
        Answer::Ok(order.clone())
    })?;
    if !dev {
        return Ok(());
    }
    let accounts = Arc::new(accounts);
    module.register_async_method("eth_sendTransaction", move |params, api, _| {
        let accounts = Arc::clone(&accounts);
        async move {
            let mut args = Args::new(&params);
            let request = args.required::<CallRequest>()?;
            args.end()?;
            send(&api, &accounts, request).await
        }
    })?;
    module.register_async_method("evm_mine", |params, api, _| async move {
        let mut args = Args::new(&params);
        args.optional::<serde::de::IgnoredAny>()?;
        args.end()?;
        if api.node.mine().await {
            Answer::Ok("0x0")
        } else {
            Err(EthError::server(
                "this chain makes blocks by time; start it with `--block-time auto` to mine on demand",
            ))
        }
    })?;
    Ok(())
}

async fn send(api: &Arc<EthApi>, accounts: &Accounts, request: CallRequest) -> Answer<B256> {
    request.check(api.chain.chain_id)?;
    let from = request
        .from
        .ok_or_else(|| EthError::params("missing \"from\""))?;
    let key = *accounts
        .keys
        .get(&from)
        .ok_or_else(|| EthError::server("unknown account"))?;
    let pending = BlockNumberOrTag::Pending.into();
    let nonce = match request.nonce {
        Some(nonce) => nonce,
        None => reads::nonce(api, from, pending)?,
    };
    let gas = match request.gas {
        Some(gas) => gas,
        None => {
            let call = Call {
                request: request.clone(),
                block: pending,
                overrides: Overrides::default(),
            };
            api.heavy(move |api, stop| call::estimate(api, &call, stop))
                .await?
        }
    };
    let transaction = sign(api, &request, key, nonce, gas)?;
    Ok(api.node.submit(transaction.encoded_2718().into()).await?)
}

/// The transaction of the type that the request's fields call for.
fn sign(
    api: &EthApi,
    request: &CallRequest,
    key: B256,
    nonce: u64,
    gas: u64,
) -> Answer<TxEnvelope> {
    let chain_id = api.chain.chain_id;
    let to = request.to.map_or(TxKind::Create, TxKind::Call);
    let value = request.value.unwrap_or_default();
    let input = request.calldata();
    let access_list = request.access_list.clone().unwrap_or_default();
    if let Some(gas_price) = request.gas_price {
        if request.access_list.is_none() {
            let transaction = TxLegacy {
                chain_id: Some(chain_id),
                nonce,
                gas_price,
                gas_limit: gas,
                to,
                value,
                input,
            };
            return signed(transaction, key);
        }
        let transaction = TxEip2930 {
            chain_id,
            nonce,
            gas_price,
            gas_limit: gas,
            to,
            value,
            access_list,
            input,
        };
        return signed(transaction, key);
    }
    let tip = request
        .max_priority_fee_per_gas
        .unwrap_or(api.config.min_priority_fee);
    let base_fee = machine::next_base_fee(&api.latest_block()?.header);
    let cap = request
        .max_fee_per_gas
        .unwrap_or_else(|| u128::from(base_fee) * 2 + tip);
    if let Some(authorization_list) = request.authorization_list.clone() {
        let to = request
            .to
            .ok_or_else(|| EthError::params("a set-code transaction needs a \"to\""))?;
        let transaction = TxEip7702 {
            chain_id,
            nonce,
            gas_limit: gas,
            max_fee_per_gas: cap,
            max_priority_fee_per_gas: tip.min(cap),
            to,
            value,
            access_list,
            authorization_list,
            input,
        };
        return signed(transaction, key);
    }
    let transaction = TxEip1559 {
        chain_id,
        nonce,
        gas_limit: gas,
        max_fee_per_gas: cap,
        max_priority_fee_per_gas: tip.min(cap),
        to,
        value,
        access_list,
        input,
    };
    signed(transaction, key)
}

fn signed<T>(transaction: T, key: B256) -> Answer<TxEnvelope>
where
    T: SignableTransaction<Signature>,
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let signature = sign_message(key, transaction.signature_hash())
        .map_err(|_| EthError::Internal("the development key does not sign".into()))?;
    Ok(transaction.into_signed(signature).into())
}
