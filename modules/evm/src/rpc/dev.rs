//! Accounts of a development chain: keys that everybody knows.

use super::{
    EthModuleError,
    api::EthApi,
    args::Args,
    error::{Answer, EthError},
    fill,
    request::CallRequest,
    sign,
};
use alloy_consensus::crypto::secp256k1::sign_message;
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, Signature, U256, map::AddressMap};
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

impl Accounts {
    /// The key of an account.
    pub(super) fn key(&self, address: &Address) -> Answer<B256> {
        let key = self.keys.get(address);
        key.copied()
            .ok_or_else(|| EthError::server("unknown account"))
    }
}

/// `eth_accounts` always; the rest where there are development keys, or a
/// sandbox.
pub(super) fn register(
    module: &mut RpcModule<Arc<EthApi>>,
    accounts: Accounts,
    sandbox: bool,
) -> Result<(), RegisterMethodError> {
    let order = accounts.order.clone();
    let dev = !order.is_empty();
    module.register_method("eth_accounts", move |params, _, _| {
        Args::new(&params).end()?;
        Answer::Ok(order.clone())
    })?;
    if !dev && !sandbox {
        return Ok(());
    }
    let accounts = Arc::new(accounts);
    sign::register(module, &accounts)?;
    module.register_async_method("eth_sendTransaction", move |params, api, _| {
        let accounts = Arc::clone(&accounts);
        async move {
            let mut args = Args::new(&params);
            let request = args.required::<CallRequest>()?;
            args.end()?;
            send(&api, &accounts, request).await
        }
    })?;
    if sandbox {
        return Ok(());
    }
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
    if let (Some(sandbox), Some(from)) = (&api.config.sandbox, request.from)
        && sandbox.impersonates(&from)
    {
        return send_as(api, from, &request).await;
    }
    let transaction = sign::signed(api, accounts, &request).await?;
    Ok(api.node.submit(transaction.encoded_2718().into()).await?)
}

/// Sends in the name of `from` to the sandbox that the node is.
pub(super) async fn send_as(
    api: &Arc<EthApi>,
    from: Address,
    request: &CallRequest,
) -> Answer<B256> {
    let Some(sandbox) = api.config.sandbox.clone() else {
        return Err(EthError::server("unknown account"));
    };
    let transaction = fill::fill(api, request).await?;
    // A signature of nobody, with which no other sender's hash is the same.
    let nobody = Signature::new(from.into_word().into(), U256::ONE, false);
    let bytes = transaction.into_envelope(nobody).encoded_2718();
    api.heavy(move |_, _| Ok(sandbox.submit_as(bytes.into(), from)?))
        .await
}
