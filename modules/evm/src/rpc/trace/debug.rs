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
        replay::{CachedState, Executed, Replay, Weight, open},
        request::CallRequest,
    },
    store::StoredBlock,
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use alloy_rpc_types_trace::{
    common::TraceResult,
    geth::{GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace},
};
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::Params};
use revm_inspectors::tracing::{DebugInspector, TransactionContext};
use std::{fmt::Display, sync::Arc};

/// The trace of one transaction of a block.
type BlockTrace = TraceResult<GethTrace, String>;

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_async_method("debug_traceTransaction", |params, api, _| async move {
        let mut args = Args::new(&params);
        let hash = args.required::<B256>()?;
        let options = args
            .optional::<GethDebugTracingOptions>()?
            .unwrap_or_default();
        let options = without_empty(options);
        args.end()?;
        api.heavy(move |api, stop| transaction(api, &hash, options, stop))
            .await
    })?;
    module.register_async_method("debug_traceBlockByNumber", |params, api, _| async move {
        let (id, options) = read::<BlockNumberOrTag>(&params)?;
        api.heavy(move |api, stop| whole_block(api, &block(api, id)?, &options, stop))
            .await
    })?;
    module.register_async_method("debug_traceBlockByHash", |params, api, _| async move {
        let (id, options) = read::<B256>(&params)?;
        api.heavy(move |api, stop| whole_block(api, &block(api, id)?, &options, stop))
            .await
    })?;
    module.register_async_method("debug_traceCall", |params, api, _| async move {
        let mut args = Args::new(&params);
        let request = args.required::<CallRequest>()?;
        let id = args.block()?;
        let mut options = args
            .optional::<GethDebugTracingCallOptions>()?
            .unwrap_or_default();
        options.tracing_options = without_empty(options.tracing_options);
        args.end()?;
        api.heavy(move |api, stop| message(api, &request, id, options, stop))
            .await
    })?;
    Ok(())
}

fn read<Id>(params: &Params<'_>) -> Answer<(BlockId, GethDebugTracingOptions)>
where
    Id: for<'de> serde::Deserialize<'de> + Into<BlockId>,
{
    let mut args = Args::new(params);
    let id = args.required::<Id>()?;
    let options = without_empty(args.optional()?.unwrap_or_default());
    args.end()?;
    Ok((id.into(), options))
}

fn transaction(
    api: &EthApi,
    hash: &B256,
    options: GethDebugTracingOptions,
    stop: Stop<'_>,
) -> Answer<GethTrace> {
    let mined = run::mined(api, hash)?;
    run::one(api, &mined, watching(options)?, stop, result)
}

fn whole_block(
    api: &EthApi,
    block: &Arc<StoredBlock>,
    options: &GethDebugTracingOptions,
    stop: Stop<'_>,
) -> Answer<Vec<BlockTrace>> {
    run::each(
        api,
        block,
        stop,
        || watching(options.clone()),
        |inspector, executed| {
            Ok(TraceResult::Success {
                tx_hash: Some(executed.place.hash),
                result: result(inspector, executed)?,
            })
        },
    )
}

fn message(
    api: &EthApi,
    request: &CallRequest,
    id: BlockId,
    options: GethDebugTracingCallOptions,
    stop: Stop<'_>,
) -> Answer<GethTrace> {
    let overrides = call::overrides(
        options.state_overrides.unwrap_or_default(),
        &options.block_overrides.unwrap_or_default(),
    )?;
    let at = api.resolve(id)?;
    let state = match options.tx_index {
        // The state before that transaction of the block.
        Some(index) => before(api, at.hash, index, stop)?,
        None => open(&api.store, &at)?,
    };
    let asked = Asked {
        request,
        at,
        overrides: &overrides,
    };
    let watching = watching(options.tracing_options)?;
    asked.trace(
        api,
        state,
        watching,
        stop,
        |inspector, message, result, before| {
            inspector
                .get_result(
                    None,
                    &message.tx,
                    &message.environment.block,
                    result,
                    before,
                )
                .map_err(refused)
        },
    )
}

/// The state before a transaction of a block.
fn before(api: &EthApi, hash: B256, index: u64, stop: Stop<'_>) -> Answer<CachedState> {
    let block = block(api, hash.into())?;
    let count = block.transaction_hashes.len();
    let place = usize::try_from(index).unwrap_or(usize::MAX);
    if place >= count {
        return Err(EthError::server(format!(
            "transaction index {index} out of range for block {hash}"
        )));
    }
    let mut replay = Replay::begin(api, &block, stop)?;
    replay.skip_to(place)?;
    Ok(replay.into_state())
}

/// An inspector for these options.
fn watching(options: GethDebugTracingOptions) -> Answer<Watching<DebugInspector>> {
    let weight = weight(&options);
    Ok((weight, DebugInspector::new(options).map_err(refused)?))
}

fn result(inspector: &mut DebugInspector, executed: &mut Executed<'_>) -> Answer<GethTrace> {
    let place = executed.place;
    let context = TransactionContext::default()
        .with_block_hash(place.block.hash)
        .with_tx_index(place.index)
        .with_tx_hash(place.hash);
    inspector
        .get_result(
            Some(context),
            executed.tx,
            executed.env,
            executed.result,
            executed.before,
        )
        .map_err(refused)
}

/// Tracers in a muxTracer may be given nothing or an empty configuration, as
/// in geth, whether they know one or not.
fn without_empty(mut options: GethDebugTracingOptions) -> GethDebugTracingOptions {
    use serde_json::Value;
    let mux = options
        .tracer
        .as_ref()
        .is_some_and(|t| t.as_str() == "muxTracer");
    if let (true, Some(tracers)) = (mux, options.tracer_config.0.as_object_mut()) {
        for (name, config) in tracers {
            let empty = config.is_null() || config.as_object().is_some_and(|c| c.is_empty());
            if empty {
                *config = match name.as_str() {
                    "4byteTracer" | "noopTracer" => Value::Null,
                    _ => Value::Object(Default::default()),
                };
            }
        }
    }
    options
}

/// What the tracer records of each step: the struct logger all that it is not
/// told to leave out, those of calls nothing, others little.
fn weight(options: &GethDebugTracingOptions) -> Weight {
    let name = options.tracer.as_ref().map(|tracer| tracer.as_str());
    match name.filter(|name| !name.is_empty()) {
        None => Weight {
            steps: true,
            stack: options.config.is_stack_enabled(),
            memory: options.config.is_memory_enabled(),
            storage: options.config.is_storage_enabled(),
            writes: false,
        },
        // It records the whole of each step, to know what was hashed.
        Some("erc7562Tracer") => Weight {
            steps: true,
            stack: true,
            memory: true,
            ..Weight::default()
        },
        Some(_) => Weight::default(),
    }
}

fn refused(error: impl Display) -> EthError {
    EthError::Server(error.to_string())
}
