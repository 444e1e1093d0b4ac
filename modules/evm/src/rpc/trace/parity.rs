use super::{
    block,
    run::{self, Asked, Watching},
};
use crate::{
    machine::Stop,
    rpc::{
        api::EthApi,
        args::Args,
        call,
        error::{Answer, EthError},
        reads,
        replay::{Executed, Weight, open},
        request::CallRequest,
    },
    store::StoredBlock,
};
use alloy_eips::BlockId;
use alloy_primitives::{B256, map::HashSet};
use alloy_rpc_types_eth::{BlockOverrides, TransactionInfo, state::StateOverride};
use alloy_rpc_types_trace::{
    filter::TraceFilter,
    parity::{LocalizedTransactionTrace, TraceResults, TraceResultsWithTransactionHash, TraceType},
};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use revm_inspectors::tracing::{ParityTraceBuilder, TracingInspector, TracingInspectorConfig};
use std::sync::Arc;

type Types = HashSet<TraceType>;

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_async_method("trace_block", |params, api, _| async move {
        let mut args = Args::new(&params);
        let id = args.required::<BlockId>()?;
        args.end()?;
        api.heavy(move |api, stop| match api.find(id)? {
            Some(block) => of_block(api, &block, stop).map(Some),
            None => Ok(None),
        })
        .await
    })?;
    module.register_async_method("trace_transaction", |params, api, _| async move {
        let mut args = Args::new(&params);
        let hash = args.required::<B256>()?;
        args.end()?;
        api.heavy(move |api, stop| of_transaction(api, &hash, stop))
            .await
    })?;
    module.register_async_method("trace_filter", |params, api, _| async move {
        let mut args = Args::new(&params);
        let wanted = args.required::<TraceFilter>()?;
        args.end()?;
        api.heavy(move |api, stop| filter(api, &wanted, stop)).await
    })?;
    module.register_async_method("trace_replayTransaction", |params, api, _| async move {
        let mut args = Args::new(&params);
        let hash = args.required::<B256>()?;
        let types = args.required::<Types>()?;
        args.end()?;
        api.heavy(move |api, stop| replay_transaction(api, &hash, &types, stop))
            .await
    })?;
    module.register_async_method(
        "trace_replayBlockTransactions",
        |params, api, _| async move {
            let mut args = Args::new(&params);
            let id = args.required::<BlockId>()?;
            let types = args.required::<Types>()?;
            args.end()?;
            api.heavy(move |api, stop| match api.find(id)? {
                Some(block) => replay_block(api, &block, &types, stop).map(Some),
                None => Ok(None),
            })
            .await
        },
    )?;
    module.register_async_method("trace_call", |params, api, _| async move {
        let mut args = Args::new(&params);
        let request = args.required::<CallRequest>()?;
        let types = args.required::<Types>()?;
        let id = args.block()?;
        let state = args.optional::<StateOverride>()?.unwrap_or_default();
        let header = args.optional::<BlockOverrides>()?.unwrap_or_default();
        args.end()?;
        let overrides = call::overrides(state, &header)?;
        api.heavy(move |api, stop| {
            let asked = Asked {
                request: &request,
                at: api.resolve(id)?,
                overrides: &overrides,
            };
            let state = open(&api.store, &asked.at)?;
            let watching = watching(&types);
            asked.trace(
                api,
                state,
                watching,
                stop,
                |inspector, _, result, before| {
                    taken(inspector)
                        .into_trace_results_with_state(result, &types, &*before)
                        .map_err(EthError::from)
                },
            )
        })
        .await
    })?;
    Ok(())
}

/// An inspector that records what the types need.
fn watching(types: &Types) -> Watching<TracingInspector> {
    let steps = types.contains(&TraceType::VmTrace);
    let weight = Weight {
        steps,
        stack: steps,
        writes: steps,
        ..Weight::default()
    };
    let config = TracingInspectorConfig::from_parity_config(types);
    (weight, TracingInspector::new(config))
}

/// An inspector that records calls.
fn calls() -> Watching<TracingInspector> {
    let config = TracingInspectorConfig::default_parity();
    (Weight::default(), TracingInspector::new(config))
}

/// What the inspector has recorded, which it gives away.
fn taken(inspector: &mut TracingInspector) -> ParityTraceBuilder {
    let nothing = TracingInspector::new(TracingInspectorConfig::none());
    std::mem::replace(inspector, nothing).into_parity_builder()
}

fn localized(
    inspector: &mut TracingInspector,
    executed: &mut Executed<'_>,
) -> Answer<Vec<LocalizedTransactionTrace>> {
    let place = executed.place;
    let traces = taken(inspector).into_localized_transaction_traces(TransactionInfo {
        hash: Some(place.hash),
        index: Some(place.index as u64),
        block_hash: Some(place.block.hash),
        block_number: Some(place.block.number),
        ..TransactionInfo::default()
    });
    Ok(traces)
}

/// Traces of all transactions; none of the genesis block.
fn of_block(
    api: &EthApi,
    block: &Arc<StoredBlock>,
    stop: Stop<'_>,
) -> Answer<Vec<LocalizedTransactionTrace>> {
    if block.transaction_hashes.is_empty() {
        return Ok(Vec::new());
    }
    let traces = run::each(api, block, stop, || Ok(calls()), localized)?;
    Ok(traces.into_iter().flatten().collect())
}

fn of_transaction(
    api: &EthApi,
    hash: &B256,
    stop: Stop<'_>,
) -> Answer<Option<Vec<LocalizedTransactionTrace>>> {
    match reads::find(api, hash)? {
        Some(mined) => run::one(api, &mined, calls(), stop, localized).map(Some),
        None => Ok(None),
    }
}

/// Blocks of the range are executed again until enough traces are found.
fn filter(
    api: &EthApi,
    wanted: &TraceFilter,
    stop: Stop<'_>,
) -> Answer<Vec<LocalizedTransactionTrace>> {
    let head = api.heads()?.latest.number;
    let from = wanted.from_block.unwrap_or(0);
    let to = wanted.to_block.unwrap_or(head);
    if from > to {
        return Err(EthError::params(
            "invalid parameters: fromBlock cannot be greater than toBlock",
        ));
    }
    if to > head {
        return Err(EthError::params(format!(
            "toBlock {to} is above the head {head}"
        )));
    }
    let most = api.config.max_trace_blocks;
    if to - from >= most {
        return Err(EthError::params(format!(
            "the range spans {} blocks, the limit is {most}: narrow fromBlock and toBlock",
            to - from + 1
        )));
    }
    let matcher = wanted.matcher();
    let after = usize::try_from(wanted.after.unwrap_or(0)).unwrap_or(usize::MAX);
    let count = usize::try_from(wanted.count.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let enough = after.saturating_add(count);
    let mut found = Vec::new();
    for number in from..=to {
        if found.len() >= enough {
            break;
        }
        let block = block(api, number.into())?;
        let traces = of_block(api, &block, stop)?.into_iter();
        found.extend(traces.filter(|one| matcher.matches(&one.trace)));
        if found.len() > api.config.max_logs.saturating_add(after) {
            return Err(EthError::params(format!(
                "more than {} traces match: narrow the range or give a count",
                api.config.max_logs
            )));
        }
    }
    Ok(found.into_iter().skip(after).take(count).collect())
}

fn results(
    inspector: &mut TracingInspector,
    executed: &Executed<'_>,
    types: &Types,
) -> Answer<TraceResults> {
    taken(inspector)
        .into_trace_results_with_state(executed.result, types, &*executed.before)
        .map_err(EthError::from)
}

fn replay_transaction(
    api: &EthApi,
    hash: &B256,
    types: &Types,
    stop: Stop<'_>,
) -> Answer<TraceResults> {
    let mined = run::mined(api, hash)?;
    run::one(api, &mined, watching(types), stop, |inspector, executed| {
        results(inspector, executed, types)
    })
}

fn replay_block(
    api: &EthApi,
    block: &Arc<StoredBlock>,
    types: &Types,
    stop: Stop<'_>,
) -> Answer<Vec<TraceResultsWithTransactionHash>> {
    if block.transaction_hashes.is_empty() {
        return Ok(Vec::new());
    }
    run::each(
        api,
        block,
        stop,
        || Ok(watching(types)),
        |inspector, executed| {
            Ok(TraceResultsWithTransactionHash {
                transaction_hash: executed.place.hash,
                full_trace: results(inspector, executed, types)?,
            })
        },
    )
}
