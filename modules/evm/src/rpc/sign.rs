//! Signatures of development accounts: `eth_sign` and its like.

use super::{
    api::EthApi,
    args::Args,
    dev::Accounts,
    error::{Answer, EthError},
    fill,
    request::CallRequest,
};
use alloy_consensus::{SignableTransaction as _, TxEnvelope, crypto::secp256k1::sign_message};
use alloy_dyn_abi::eip712::TypedData;
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, eip191_hash_message};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use std::sync::Arc;

pub(super) fn register(
    module: &mut RpcModule<Arc<EthApi>>,
    accounts: &Arc<Accounts>,
) -> Result<(), RegisterMethodError> {
    let keys = Arc::clone(accounts);
    module.register_method("eth_sign", move |params, _, _| {
        let mut args = Args::new(&params);
        let from = args.required::<Address>()?;
        let message = args.required::<Bytes>()?;
        args.end()?;
        sign(&keys, &from, eip191_hash_message(&message))
    })?;
    let keys = Arc::clone(accounts);
    module.register_method("personal_sign", move |params, _, _| {
        let mut args = Args::new(&params);
        let message = args.required::<Bytes>()?;
        let from = args.required::<Address>()?;
        args.end()?;
        sign(&keys, &from, eip191_hash_message(&message))
    })?;
    for name in ["eth_signTypedData", "eth_signTypedData_v4"] {
        let keys = Arc::clone(accounts);
        module.register_method(name, move |params, _, _| {
            let mut args = Args::new(&params);
            let from = args.required::<Address>()?;
            let Typed(data) = args.required()?;
            args.end()?;
            let hash = data
                .eip712_signing_hash()
                .map_err(|error| EthError::params(format!("invalid typed data: {error}")))?;
            sign(&keys, &from, hash)
        })?;
    }
    let keys = Arc::clone(accounts);
    module.register_async_method("eth_signTransaction", move |params, api, _| {
        let keys = Arc::clone(&keys);
        async move {
            let mut args = Args::new(&params);
            let request = args.required::<CallRequest>()?;
            args.end()?;
            let tx = signed(&api, &keys, &request).await?;
            let raw = Bytes::from(tx.encoded_2718());
            Answer::Ok(json!({"raw": raw, "tx": tx}))
        }
    })?;
    Ok(())
}

/// EIP-712 data, as JSON or as a string that holds it.
struct Typed(TypedData);

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let value = serde_json::Value::deserialize(deserializer)?;
        let data = match value.as_str() {
            Some(text) => serde_json::from_str(text),
            None => serde_json::from_value(value),
        };
        data.map(Self).map_err(D::Error::custom)
    }
}

fn sign(accounts: &Accounts, from: &Address, hash: B256) -> Answer<Bytes> {
    let signature = sign_message(accounts.key(from)?, hash).map_err(|_| does_not_sign())?;
    Ok(signature.as_bytes().into())
}

/// The request as a transaction that its sender signed.
pub(super) async fn signed(
    api: &Arc<EthApi>,
    accounts: &Accounts,
    request: &CallRequest,
) -> Answer<TxEnvelope> {
    let from = request
        .from
        .ok_or_else(|| EthError::params("missing \"from\""))?;
    let key = accounts.key(&from)?;
    let transaction = fill::fill(api, request).await?;
    let signature = sign_message(key, transaction.signature_hash()).map_err(|_| does_not_sign())?;
    Ok(transaction.into_envelope(signature))
}

fn does_not_sign() -> EthError {
    EthError::Internal("the development key does not sign".into())
}
