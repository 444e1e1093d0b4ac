//! `ots_` (API level 8) and `erigon_getHeaderByNumber`, for the Otterscan
//! explorer.

mod parties;
mod receipts;
mod search;

use super::{
    api::EthApi,
    args::{Args, BlockNumber, Count},
    error::{Answer, EthError},
    reads,
    replay::{Guard, Replay, Weight},
    shapes,
};
use crate::{genesis::ChainConfig, machine::Stop, store::StoredBlock};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth::Header;
use alloy_rpc_types_trace::otterscan::{
    BlockDetails, InternalIssuance, InternalOperation, OtsBlock, OtsBlockTransactions, TraceEntry,
};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use receipts::bare;
use revm::context_interface::result::ExecutionResult;
use revm_inspectors::{
    otterscan::InternalOperationsInspector,
    tracing::{TracingInspector, TracingInspectorConfig},
};
use serde_json::Value;
use std::sync::Arc;

/// The version of the interface that Otterscan asks for.
const API_LEVEL: u64 = 8;

/// Most transactions in a page of a search or of a block.
const API_PAGE: usize = 100;

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_method("ots_getApiLevel", |params, _, _| {
        Args::new(&params).end()?;
        Answer::Ok(API_LEVEL)
    })?;
    module.register_method("ots_hasCode", |params, api, _| {
        let mut args = Args::new(&params);
        let address = args.required::<Address>()?;
        let block = args.optional::<BlockNumber>()?.unwrap_or_default().0;
        args.end()?;
        let state = api.state(block.into())?;
        Answer::Ok(match state.account(address)? {
            Some(account) => !state.code(account.code_hash)?.is_empty(),
            None => false,
        })
    })?;
    module.register_method("erigon_getHeaderByNumber", |params, api, _| {
        let mut args = Args::new(&params);
        let id = args.required::<BlockNumber>()?.0;
        args.end()?;
        let block = api.find(id.into())?;
        Answer::<Option<Header>>::Ok(block.map(|block| shapes::header(&block)))
    })?;
    module.register_method("ots_getBlockDetails", |params, api, _| {
        let mut args = Args::new(&params);
        let id = args.required::<BlockNumber>()?.0;
        args.end()?;
        details(api, id.into())
    })?;
    module.register_method("ots_getBlockDetailsByHash", |params, api, _| {
        let mut args = Args::new(&params);
        let hash = args.required::<B256>()?;
        args.end()?;
        details(api, hash.into())
    })?;
    module.register_method("ots_getBlockTransactions", |params, api, _| {
        let mut args = Args::new(&params);
        let id = args.required::<BlockNumber>()?.0;
        let page = args.required::<Count>()?.0;
        let size = args.required::<Count>()?.0;
        args.end()?;
        if size > API_PAGE as u64 {
            return Err(EthError::params(format!(
                "a page has at most {API_PAGE} transactions, not {size}"
            )));
        }
        match api.find(id.into())? {
            Some(block) => transactions(&api.chain, &block, page, size).map(Some),
            None => Ok(None),
        }
    })?;
    traces(module)?;
    search::register(module)
}

/// What is found by executing a transaction again.
fn traces(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_async_method("ots_getInternalOperations", |params, api, _| async move {
        let mut args = Args::new(&params);
        let hash = args.required::<B256>()?;
        args.end()?;
        api.heavy(move |api, stop| operations(api, &hash, stop))
            .await
    })?;
    module.register_async_method("ots_traceTransaction", |params, api, _| async move {
        let mut args = Args::new(&params);
        let hash = args.required::<B256>()?;
        args.end()?;
        api.heavy(move |api, stop| entries(api, &hash, stop)).await
    })?;
    module.register_async_method("ots_getTransactionError", |params, api, _| async move {
        let mut args = Args::new(&params);
        let hash = args.required::<B256>()?;
        args.end()?;
        api.heavy(move |api, stop| error(api, &hash, stop)).await
    })?;
    Ok(())
}

fn details(api: &EthApi, id: BlockId) -> Answer<Option<Value>> {
    let Some(block) = api.find(id)? else {
        return Ok(None);
    };
    let mut fees = U256::ZERO;
    for receipt in shapes::receipts(&api.chain, &block)? {
        fees += U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price);
    }
    // Blocks are not rewarded.
    let issuance = InternalIssuance::default();
    let block = shapes::block(&block, false)?;
    let details = BlockDetails::new(block, issuance, fees);
    let mut details =
        serde_json::to_value(details).map_err(|error| EthError::Internal(error.to_string()))?;
    // The explorer has no use for it.
    details["block"]["logsBloom"] = Value::Null;
    Ok(Some(details))
}

/// A page of a block's transactions, counted from the last.
fn transactions(
    chain: &ChainConfig,
    block: &StoredBlock,
    page: u64,
    size: u64,
) -> Answer<OtsBlockTransactions> {
    let count = block.transaction_hashes.len();
    let skipped = usize::try_from(page.saturating_mul(size)).unwrap_or(usize::MAX);
    let end = count.saturating_sub(skipped);
    let start = end.saturating_sub(usize::try_from(size).unwrap_or(usize::MAX));
    let mut full = shapes::block(block, false)?;
    let shown = (start..end)
        .map(|index| shapes::mined(block, index))
        .collect::<Answer<_>>()?;
    full.transactions = alloy_network_primitives::BlockTransactions::Full(shown);
    let receipts = shapes::receipts(chain, block)?;
    Ok(OtsBlockTransactions {
        fullblock: OtsBlock {
            block: full,
            transaction_count: count,
        },
        receipts: receipts
            .into_iter()
            .skip(start)
            .take(end - start)
            .map(|receipt| bare(receipt, block.record.timestamp))
            .collect(),
    })
}

/// The replay of the block that holds a transaction, up to it.
fn before<'a>(api: &EthApi, hash: &B256, stop: Stop<'a>) -> Answer<Option<Replay<'a>>> {
    let Some((block, index)) = reads::find(api, hash)? else {
        return Ok(None);
    };
    let mut replay = Replay::begin(api, &block, stop)?;
    replay.skip_to(index)?;
    Ok(Some(replay))
}

fn guard<'a>(api: &EthApi, stop: Stop<'a>) -> Guard<'a> {
    Guard::new(stop, Weight::default(), api.config.max_trace_bytes)
}

fn operations(api: &EthApi, hash: &B256, stop: Stop<'_>) -> Answer<Option<Vec<InternalOperation>>> {
    let Some(mut replay) = before(api, hash, stop)? else {
        return Ok(None);
    };
    let watching = (guard(api, stop), InternalOperationsInspector::default());
    replay
        .watch(watching, |(_, inspector), _| {
            Ok(inspector.operations().to_vec())
        })
        .map(Some)
}

fn entries(api: &EthApi, hash: &B256, stop: Stop<'_>) -> Answer<Option<Vec<TraceEntry>>> {
    let Some(mut replay) = before(api, hash, stop)? else {
        return Ok(None);
    };
    let inspector = TracingInspector::new(TracingInspectorConfig::default_parity());
    replay
        .watch((guard(api, stop), inspector), |(_, inspector), _| {
            let nodes = inspector.traces().nodes().iter();
            Ok(nodes
                .map(|node| {
                    let trace = &node.trace;
                    // Those hand on no value of their own.
                    let valueless = trace.kind.is_delegate() || trace.kind.is_static_call();
                    TraceEntry {
                        r#type: trace.kind.to_string(),
                        depth: u32::try_from(trace.depth).unwrap_or(u32::MAX),
                        from: trace.caller,
                        to: trace.address,
                        value: (!valueless).then_some(trace.value),
                        input: trace.data.clone(),
                        output: trace.output.clone(),
                    }
                })
                .collect())
        })
        .map(Some)
}

/// Revert data; empty where it succeeded or failed without.
fn error(api: &EthApi, hash: &B256, stop: Stop<'_>) -> Answer<Option<Bytes>> {
    let Some(mut replay) = before(api, hash, stop)? else {
        return Ok(None);
    };
    replay
        .watch(guard(api, stop), |_, executed| {
            Ok(match &executed.result.result {
                ExecutionResult::Revert { output, .. } => output.clone(),
                _ => Bytes::new(),
            })
        })
        .map(Some)
}
