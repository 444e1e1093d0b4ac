//! `txpool_`: what waits, in geth's shapes.

use super::{api::EthApi, args::Args, error::Answer, shapes};
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, U64};
use alloy_rpc_types_eth::Transaction;
use alloy_rpc_types_txpool::{TxpoolContent, TxpoolContentFrom};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use rollwright_core::PoolEntry;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// The answer of `txpool_inspect`: a line for people, by sender (with its
/// checksum) and nonce.
#[derive(Clone, Debug, Default, Serialize)]
struct Inspect {
    pending: BTreeMap<String, BTreeMap<String, String>>,
    queued: BTreeMap<String, BTreeMap<String, String>>,
}

/// The answer of `txpool_status`.
#[derive(Clone, Copy, Debug, Serialize)]
struct Status {
    pending: U64,
    queued: U64,
}

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_method("txpool_status", |params, api, _| {
        Args::new(&params).end()?;
        let status = api.node.pool_status();
        Answer::Ok(Status {
            pending: U64::from(status.pending),
            queued: U64::from(status.queued),
        })
    })?;
    module.register_async_method("txpool_content", |params, api, _| async move {
        Args::new(&params).end()?;
        api.heavy(|api, _| Ok(content(api))).await
    })?;
    module.register_async_method("txpool_contentFrom", |params, api, _| async move {
        let mut args = Args::new(&params);
        let sender = args.required::<Address>()?;
        args.end()?;
        api.heavy(move |api, _| Ok(content_from(api, sender))).await
    })?;
    module.register_async_method("txpool_inspect", |params, api, _| async move {
        Args::new(&params).end()?;
        api.heavy(|api, _| Ok(inspect(api))).await
    })?;
    Ok(())
}

/// What waits, with the entry it was read from; bounded by
/// [`EthConfig::max_pool_content`](super::EthConfig::max_pool_content).
fn waiting(api: &EthApi) -> impl Iterator<Item = (PoolEntry, Transaction)> {
    let entries = api.node.pool_content(api.config.max_pool_content);
    entries.into_iter().filter_map(|entry| {
        let transaction = shapes::pending(api.engine.senders(), &entry.bytes)?;
        Some((entry, transaction))
    })
}

fn content(api: &EthApi) -> TxpoolContent {
    let mut content = TxpoolContent::default();
    for (entry, transaction) in waiting(api) {
        let part = match entry.ready {
            true => &mut content.pending,
            false => &mut content.queued,
        };
        let account = part.entry(entry.sender).or_default();
        account.insert(entry.nonce.to_string(), transaction);
    }
    content
}

fn content_from(api: &EthApi, sender: Address) -> TxpoolContentFrom {
    let mut content = TxpoolContentFrom::default();
    let entries = api.node.pool_content(api.config.max_pool_content);
    for entry in entries.into_iter().filter(|entry| entry.sender == sender) {
        let Some(transaction) = shapes::pending(api.engine.senders(), &entry.bytes) else {
            continue;
        };
        let part = match entry.ready {
            true => &mut content.pending,
            false => &mut content.queued,
        };
        part.insert(entry.nonce.to_string(), transaction);
    }
    content
}

fn inspect(api: &EthApi) -> Inspect {
    let mut all = Inspect::default();
    for (entry, transaction) in waiting(api) {
        let part = match entry.ready {
            true => &mut all.pending,
            false => &mut all.queued,
        };
        let account = part.entry(entry.sender.to_string()).or_default();
        account.insert(entry.nonce.to_string(), line(&transaction));
    }
    all
}

/// In geth's words.
fn line(transaction: &Transaction) -> String {
    let to = match transaction.to() {
        Some(to) => to.to_string(),
        None => "contract creation".to_owned(),
    };
    format!(
        "{to}: {} wei + {} gas × {} wei",
        transaction.value(),
        transaction.gas_limit(),
        transaction.max_fee_per_gas()
    )
}
