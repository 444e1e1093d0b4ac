use super::{
    api::EthApi,
    args::Args,
    error::{Answer, EthError},
    shapes,
};
use crate::{
    machine::Stop,
    store::{LogQuery, StoredBlock},
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use std::sync::Arc;

/// Blocks, and addresses with topics, of a query that is answered at once.
const NARROW_BLOCKS: u64 = 1_024;
const NARROW_ALTERNATIVES: usize = 16;

/// Most addresses in a filter, and most alternatives in a topic position.
const MAX_ALTERNATIVES: usize = 1_000;

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_async_method("eth_getLogs", |params, api, _| async move {
        let mut args = Args::new(&params);
        let filter = args.required::<Filter>()?;
        args.end()?;
        match is_narrow(&api, &filter) {
            true => api.brief(move |api, stop| find(api, &filter, stop)).await,
            false => api.heavy(move |api, stop| find(api, &filter, stop)).await,
        }
    })?;
    Ok(())
}

/// True where few look-ups tell which blocks to read.
fn is_narrow(api: &EthApi, filter: &Filter) -> bool {
    let positions = filter.topics.iter();
    let topics: usize = positions.map(|position| position.iter().count()).sum();
    let few = filter.address.iter().count() + topics <= NARROW_ALTERNATIVES;
    let near = match &filter.block_option {
        FilterBlockOption::AtBlockHash(_) => true,
        option => range(api, option).is_ok_and(|(from, to)| to - from < NARROW_BLOCKS),
    };
    few && near
}

/// What a filter admits, wherever it looks.
pub(crate) fn query(filter: &Filter, limit: usize) -> Answer<LogQuery> {
    let addresses: Vec<_> = filter.address.iter().copied().collect();
    let mut topics: Vec<Vec<_>> = filter
        .topics
        .iter()
        .map(|position| position.iter().copied().collect())
        .collect();
    // Trailing positions that admit all also admit the topic's absence.
    while topics.last().is_some_and(Vec::is_empty) {
        topics.pop();
    }
    let widest = topics.iter().map(Vec::len).chain([addresses.len()]).max();
    if widest > Some(MAX_ALTERNATIVES) {
        return Err(EthError::params(format!(
            "too many addresses or topics in the filter: the limit is {MAX_ALTERNATIVES}"
        )));
    }
    Ok(LogQuery {
        from: 0,
        to: u64::MAX,
        addresses,
        topics,
        limit,
    })
}

/// The logs that a filter names, in chain order.
pub(crate) fn find(api: &EthApi, filter: &Filter, stop: Stop<'_>) -> Answer<Vec<Log>> {
    let mut query = query(filter, api.config.max_logs)?;
    if let FilterBlockOption::AtBlockHash(hash) = filter.block_option {
        let block = api.by_hash(hash)?;
        let block = block.ok_or_else(|| EthError::server("unknown block"))?;
        return in_block(api, &query, &block);
    }
    (query.from, query.to) = range(api, &filter.block_option)?;
    let blocks = query.to - query.from + 1;
    let most = api.config.max_log_blocks;
    if blocks > most {
        return Err(EthError::params(format!(
            "the range of {blocks} blocks is above the limit of {most}; narrow it, for a start to fromBlock {:#x}, toBlock {:#x}",
            query.from,
            query.from + most - 1
        )));
    }
    // One more than is allowed tells whether there are more.
    let limit = query.limit;
    query.limit = limit.saturating_add(1);
    let page = api.store.logs_until(&query, stop)?;
    let page = page.ok_or_else(|| EthError::server("execution aborted"))?;
    if page.hits.len() > limit {
        return Err(too_many(limit, &query, page.hits[limit].block.number));
    }
    Ok(page
        .hits
        .into_iter()
        .map(|hit| shapes::log(hit, false))
        .collect())
}

fn in_block(api: &EthApi, query: &LogQuery, block: &StoredBlock) -> Answer<Vec<Log>> {
    let logs: Vec<Log> = query
        .in_block(block)
        .take(api.config.max_logs.saturating_add(1))
        .map(|hit| shapes::log(hit, false))
        .collect();
    if logs.len() > api.config.max_logs {
        return Err(EthError::server(format!(
            "query exceeds max results {}; narrow it by address or topics",
            api.config.max_logs
        )));
    }
    Ok(logs)
}

/// Says up to where the same query would have been answered.
fn too_many(limit: usize, query: &LogQuery, overflow: u64) -> EthError {
    let hint = match overflow.checked_sub(1).filter(|last| *last >= query.from) {
        Some(last) => format!(
            "retry with the range {:#x}-{last:#x}, or narrow it by address or topics",
            query.from
        ),
        None => "narrow it by address or topics".to_owned(),
    };
    EthError::server(format!("query exceeds max results {limit}, {hint}"))
}

/// First and last block of a range; both default to the latest.
fn range(api: &EthApi, option: &FilterBlockOption) -> Answer<(u64, u64)> {
    let head = api.heads()?.latest.number;
    let (from, to) = option.as_range();
    let number = |tag: Option<&BlockNumberOrTag>| match tag {
        None => Ok(head),
        // A number may lie in the future: that has words of its own.
        Some(BlockNumberOrTag::Number(number)) => Ok(*number),
        Some(tag) => api.resolve(BlockId::Number(*tag)).map(|block| block.number),
    };
    let (from, to) = (number(from)?, number(to)?);
    if from > to {
        return Err(EthError::params("invalid block range params"));
    }
    if to > head {
        return Err(EthError::params(
            "block range extends beyond current head block",
        ));
    }
    Ok((from, to))
}
