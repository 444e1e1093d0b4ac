use crate::{
    rpc::{
        api::EthApi,
        args::Args,
        error::{Answer, EthError},
        shapes,
    },
    store::StoredBlock,
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, Bytes, U64};
use alloy_rpc_types_eth::{Transaction, TransactionReceipt};
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::Params};
use std::sync::Arc;

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_method("eth_getTransactionByHash", |params, api, _| {
        let hash = only_hash(&params)?;
        match find(api, &hash)? {
            Some((block, index)) => shapes::mined(&block, index).map(Some),
            None => Ok(waiting(api, &hash)),
        }
    })?;
    module.register_method("eth_getRawTransactionByHash", |params, api, _| {
        let hash = only_hash(&params)?;
        let mined = find(api, &hash)?;
        let bytes = mined.and_then(|(block, index)| block.transaction(index).cloned());
        Answer::<Option<Bytes>>::Ok(bytes.or_else(|| api.node.pool_transaction(&hash)))
    })?;
    module.register_method("eth_getTransactionReceipt", |params, api, _| {
        let hash = only_hash(&params)?;
        receipt_of(api, &hash)
    })?;
    module.register_method(
        "eth_getTransactionByBlockNumberAndIndex",
        |params, api, _| at::<BlockNumberOrTag>(&params, api),
    )?;
    module.register_method("eth_getTransactionByBlockHashAndIndex", |params, api, _| {
        at::<B256>(&params, api)
    })?;
    Ok(())
}

/// The receipt of a canonical transaction.
pub(crate) fn receipt_of(api: &EthApi, hash: &B256) -> Answer<Option<TransactionReceipt>> {
    match find(api, hash)? {
        Some((block, index)) => shapes::receipt(&api.chain, &block, index).map(Some),
        None => Ok(None),
    }
}

fn only_hash(params: &Params<'_>) -> Answer<B256> {
    let mut args = Args::new(params);
    let hash = args.required()?;
    args.end()?;
    Ok(hash)
}

/// The block that holds a canonical transaction. A reorganisation between the
/// two look-ups is noticed by the hash.
pub(crate) fn find(api: &EthApi, hash: &B256) -> Answer<Option<(Arc<StoredBlock>, usize)>> {
    let Some(place) = api.store.transaction(hash)? else {
        return Ok(None);
    };
    let index = place.index as usize;
    let block = api.by_number(place.number)?;
    Ok(block
        .filter(|block| block.transaction_hashes.get(index) == Some(hash))
        .map(|block| (block, index)))
}

fn waiting(api: &EthApi, hash: &B256) -> Option<Transaction> {
    shapes::pending(api.engine.senders(), &api.node.pool_transaction(hash)?)
}

fn at<Id>(params: &Params<'_>, api: &EthApi) -> Answer<Option<Transaction>>
where
    Id: for<'de> serde::Deserialize<'de> + Into<BlockId>,
{
    let mut args = Args::new(params);
    let id = args.required::<Id>()?;
    let index = args.required::<U64>()?;
    args.end()?;
    let index = usize::try_from(index.to::<u64>())
        .map_err(|_| EthError::params("the transaction index is out of range"))?;
    match api.find(id.into())? {
        Some(block) if index < block.transaction_hashes.len() => {
            shapes::mined(&block, index).map(Some)
        }
        _ => Ok(None),
    }
}
