//! `debug_getRaw…` and `debug_executionWitness`: consensus encodings.

use crate::{
    rpc::{
        api::EthApi,
        args::Args,
        error::{Answer, EthError},
    },
    store::StoredBlock,
};
use alloy_eips::{BlockId, eip2718::Encodable2718 as _};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::Encodable as _;
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::Params};
use serde::Serialize;
use std::sync::Arc;

/// The answer of `debug_executionWitness`, as reth and geth give it.
#[derive(Clone, Debug, Serialize)]
struct Witness {
    state: Vec<Bytes>,
    codes: Vec<Bytes>,
    keys: Vec<Bytes>,
    headers: Vec<Bytes>,
}

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_method("debug_getRawHeader", |params, api, _| {
        let block = block(&params, api)?;
        Answer::<Bytes>::Ok(alloy_rlp::encode(&block.header).into())
    })?;
    module.register_method("debug_getRawBlock", |params, api, _| {
        let block = block(&params, api)?;
        Answer::<Bytes>::Ok(encode(&block))
    })?;
    module.register_method("debug_getRawReceipts", |params, api, _| {
        let block = block(&params, api)?;
        let receipts = block.receipts.iter();
        Answer::<Vec<Bytes>>::Ok(receipts.map(|one| one.encoded_2718().into()).collect())
    })?;
    module.register_method("debug_getRawTransaction", |params, api, _| {
        let mut args = Args::new(&params);
        let hash = args.required::<B256>()?;
        args.end()?;
        let mined = super::find(api, &hash)?;
        let bytes = mined.and_then(|(block, index)| block.transaction(index).cloned());
        let bytes = bytes.or_else(|| api.node.pool_transaction(&hash));
        // geth answers no bytes for what it does not know.
        Answer::<Bytes>::Ok(bytes.unwrap_or_default())
    })?;
    module.register_async_method("debug_executionWitness", |params, api, _| async move {
        let at = block(&params, &api)?.record.block;
        api.heavy(move |api, _| {
            let witness = api
                .engine
                .witness_of(&at)
                .map_err(|error| EthError::server(error.to_string()))?;
            Ok(Witness {
                state: witness.state,
                codes: witness.codes,
                keys: witness.keys,
                headers: witness.headers,
            })
        })
        .await
    })?;
    Ok(())
}

/// The block that the only parameter names.
fn block(params: &Params<'_>, api: &EthApi) -> Answer<Arc<StoredBlock>> {
    let mut args = Args::new(params);
    let id = args.required::<BlockId>()?;
    args.end()?;
    api.find(id)?.ok_or(EthError::HeaderNotFound)
}

/// The block's RLP: header, transactions, no ommers, and from Shanghai on an
/// empty list of withdrawals.
fn encode(block: &StoredBlock) -> Bytes {
    let mut transactions = Vec::new();
    for bytes in block.transactions() {
        match bytes.first() {
            // A typed transaction is a byte string in the list.
            Some(kind) if *kind < 0x80 => bytes[..].encode(&mut transactions),
            _ => transactions.extend_from_slice(bytes),
        }
    }
    let mut body = alloy_rlp::encode(&block.header);
    list(&transactions, &mut body);
    list(&[], &mut body);
    if block.header.withdrawals_root.is_some() {
        list(&[], &mut body);
    }
    let mut out = Vec::with_capacity(body.len() + 4);
    list(&body, &mut out);
    out.into()
}

fn list(payload: &[u8], out: &mut Vec<u8>) {
    alloy_rlp::Header {
        list: true,
        payload_length: payload.len(),
    }
    .encode(out);
    out.extend_from_slice(payload);
}
