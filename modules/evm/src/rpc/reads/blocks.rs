use crate::{
    import::extras,
    rpc::{api::EthApi, args::Args, error::Answer, shapes},
};
use alloy_consensus::Header;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, U64};
use alloy_rpc_types_eth::{Block, TransactionReceipt};
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::Params};
use serde::Serialize;
use std::sync::Arc;

/// `eth_syncing`: false, or how far.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Syncing {
    Done(bool),
    #[serde(rename_all = "camelCase")]
    Going {
        starting_block: U64,
        current_block: U64,
        highest_block: U64,
    },
}

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_method("eth_chainId", |params, api, _| {
        Args::new(&params).end()?;
        Answer::Ok(U64::from(api.chain.chain_id))
    })?;
    module.register_method("eth_blockNumber", |params, api, _| {
        Args::new(&params).end()?;
        Answer::Ok(U64::from(api.heads()?.latest.number))
    })?;
    module.register_method("eth_syncing", |params, api, _| {
        Args::new(&params).end()?;
        syncing(api)
    })?;
    module.register_method("eth_coinbase", |params, api, _| {
        Args::new(&params).end()?;
        Answer::<Address>::Ok(api.latest_block()?.header.beneficiary)
    })?;
    module.register_method("eth_getBlockByNumber", |params, api, _| {
        by_id::<BlockNumberOrTag>(&params, api)
    })?;
    module.register_method("eth_getBlockByHash", |params, api, _| {
        by_id::<B256>(&params, api)
    })?;
    module.register_method("eth_getBlockTransactionCountByNumber", |params, api, _| {
        count::<BlockNumberOrTag>(&params, api)
    })?;
    module.register_method("eth_getBlockTransactionCountByHash", |params, api, _| {
        count::<B256>(&params, api)
    })?;
    module.register_method("eth_getUncleCountByBlockNumber", |params, api, _| {
        uncle_count::<BlockNumberOrTag>(&params, api)
    })?;
    module.register_method("eth_getUncleCountByBlockHash", |params, api, _| {
        uncle_count::<B256>(&params, api)
    })?;
    module.register_method("eth_getUncleByBlockNumberAndIndex", |params, api, _| {
        uncle::<BlockNumberOrTag>(&params, api)
    })?;
    module.register_method("eth_getUncleByBlockHashAndIndex", |params, api, _| {
        uncle::<B256>(&params, api)
    })?;
    module.register_method("eth_getBlockReceipts", |params, api, _| {
        let mut args = Args::new(&params);
        let id = args.required::<BlockId>()?;
        args.end()?;
        let block = api.find(id)?;
        Answer::<Option<Vec<TransactionReceipt>>>::Ok(match block {
            Some(block) => Some(shapes::receipts(&api.chain, &block)?),
            None => None,
        })
    })?;
    Ok(())
}

pub(crate) fn syncing(api: &EthApi) -> Answer<Syncing> {
    let status = api.node.status();
    if status.synced {
        return Ok(Syncing::Done(false));
    }
    let current = U64::from(api.heads()?.latest.number);
    Ok(Syncing::Going {
        starting_block: U64::ZERO,
        current_block: current,
        highest_block: U64::from(status.heads.latest.number).max(current),
    })
}

fn by_id<Id>(params: &Params<'_>, api: &EthApi) -> Answer<Option<Block>>
where
    Id: for<'de> serde::Deserialize<'de> + Into<BlockId>,
{
    let mut args = Args::new(params);
    let id = args.required::<Id>()?;
    let full = args.optional::<bool>()?.unwrap_or(false);
    args.end()?;
    match api.find(id.into())? {
        Some(stored) => {
            let mut block = shapes::block(&stored, full)?;
            if let Some(extras) = extras(&api.store, &stored.record.block.hash)? {
                shapes::complete(&mut block, &stored, &extras);
            }
            Ok(Some(block))
        }
        None => Ok(None),
    }
}

fn count<Id>(params: &Params<'_>, api: &EthApi) -> Answer<Option<U64>>
where
    Id: for<'de> serde::Deserialize<'de> + Into<BlockId>,
{
    let mut args = Args::new(params);
    let id = args.required::<Id>()?;
    args.end()?;
    let block = api.find(id.into())?;
    Ok(block.map(|block| U64::from(block.transaction_hashes.len())))
}

/// A rollup's blocks have none.
fn ommers(api: &EthApi, id: BlockId) -> Answer<Option<Vec<Header>>> {
    let Some(stored) = api.find(id)? else {
        return Ok(None);
    };
    let extras = extras(&api.store, &stored.record.block.hash)?;
    Ok(Some(extras.map(|extras| extras.ommers).unwrap_or_default()))
}

fn uncle_count<Id>(params: &Params<'_>, api: &EthApi) -> Answer<Option<U64>>
where
    Id: for<'de> serde::Deserialize<'de> + Into<BlockId>,
{
    let mut args = Args::new(params);
    let id = args.required::<Id>()?;
    args.end()?;
    let ommers = ommers(api, id.into())?;
    Ok(ommers.map(|ommers| U64::from(ommers.len())))
}

fn uncle<Id>(params: &Params<'_>, api: &EthApi) -> Answer<Option<Block>>
where
    Id: for<'de> serde::Deserialize<'de> + Into<BlockId>,
{
    let mut args = Args::new(params);
    let id = args.required::<Id>()?;
    let index = args.required::<U64>()?;
    args.end()?;
    let ommers = ommers(api, id.into())?.unwrap_or_default();
    let index = usize::try_from(index.to::<u64>()).unwrap_or(usize::MAX);
    Ok(ommers.get(index).map(shapes::ommer))
}
