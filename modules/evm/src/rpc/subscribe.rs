//! `eth_subscribe`: the journal, entry by entry, as notifications.

use super::{
    api::EthApi,
    args::Args,
    error::{Answer, EthError},
    journal::Entry,
    logs, shapes,
};
use crate::store::LogQuery;
use alloy_rpc_types_eth::Filter;
use jsonrpsee::{
    PendingSubscriptionSink, RpcModule, SubscriptionSink,
    core::{RegisterMethodError, SubscriptionError},
    types::Params,
};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;

/// Entries that are taken from the journal at once.
const STEP: usize = 64;

#[derive(Clone, Debug)]
enum Kind {
    NewHeads,
    Logs(LogQuery),
    Pending { full: bool },
    Syncing,
}

/// What `syncing` notifies of.
#[derive(Debug, Serialize)]
struct SyncState {
    syncing: bool,
}

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, api, _| async move { serve(&params, pending, &api).await },
    )?;
    Ok(())
}

async fn serve(
    params: &Params<'_>,
    pending: PendingSubscriptionSink,
    api: &EthApi,
) -> Result<(), SubscriptionError> {
    let kind = match kind(params, api) {
        Ok(kind) => kind,
        Err(error) => {
            pending.reject(error).await;
            return Ok(());
        }
    };
    // The place is taken before the client knows its id: nothing that happens
    // after the answer is missed.
    let mut next = api.journal.end();
    let mut end = api.journal.watch();
    let sink = pending.accept().await?;
    loop {
        let Ok(entries) = api.journal.read(next, STEP) else {
            tracing::debug!(target: "rpc", "a subscriber was too slow, its subscription ends");
            return Err("the subscriber fell behind".into());
        };
        next += entries.len() as u64;
        for entry in &entries {
            for message in messages(api, &kind, entry)? {
                if sink.send(message).await.is_err() {
                    return Ok(());
                }
            }
        }
        if entries.is_empty() && !changed(&sink, &mut end, next).await {
            return Ok(());
        }
    }
}

/// Waits for the journal to go on; false once the subscription has ended.
async fn changed(
    sink: &SubscriptionSink,
    end: &mut tokio::sync::watch::Receiver<u64>,
    next: u64,
) -> bool {
    tokio::select! {
        () = sink.closed() => false,
        grown = end.wait_for(|end| *end > next) => grown.is_ok(),
    }
}

fn kind(params: &Params<'_>, api: &EthApi) -> Answer<Kind> {
    let mut args = Args::new(params);
    let name = args.required::<std::borrow::Cow<'_, str>>()?;
    let kind = match name.as_ref() {
        "newHeads" => Kind::NewHeads,
        "logs" => {
            let filter = args.optional::<Filter>()?.unwrap_or_default();
            Kind::Logs(logs::query(&filter, api.config.max_logs)?)
        }
        "newPendingTransactions" => Kind::Pending {
            full: args.optional::<bool>()?.unwrap_or(false),
        },
        "syncing" => Kind::Syncing,
        other => {
            let other: String = other.chars().take(64).collect();
            return Err(EthError::params(format!(
                "no \"{other}\" subscription in eth namespace"
            )));
        }
    };
    args.end()?;
    Ok(kind)
}

/// The notifications that an entry causes, in order.
fn messages(
    api: &EthApi,
    kind: &Kind,
    entry: &Entry,
) -> Result<Vec<Box<RawValue>>, SubscriptionError> {
    Ok(match (kind, entry) {
        (Kind::NewHeads, Entry::New(block)) => vec![to_raw_value(&shapes::header(block))?],
        (Kind::NewHeads, Entry::Old(name)) => match api.by_hash(name.hash) {
            Ok(Some(block)) => vec![to_raw_value(&shapes::header(&block))?],
            _ => Vec::new(),
        },
        (Kind::Logs(query), entry) => match api.logs_of(query, entry) {
            Ok(logs) => logs.iter().map(to_raw_value).collect::<Result<_, _>>()?,
            Err(_) => return Err("the store failed".into()),
        },
        (Kind::Pending { full: false }, Entry::Pending(hash)) => vec![to_raw_value(hash)?],
        (Kind::Pending { full: true }, Entry::Pending(hash)) => api
            .node
            .pool_transaction(hash)
            .and_then(|bytes| shapes::pending(api.engine.senders(), &bytes))
            .map(|transaction| to_raw_value(&transaction))
            .transpose()?
            .into_iter()
            .collect(),
        (Kind::Syncing, Entry::Syncing(false)) => vec![to_raw_value(&false)?],
        (Kind::Syncing, Entry::Syncing(true)) => vec![to_raw_value(&SyncState { syncing: true })?],
        _ => Vec::new(),
    })
}
