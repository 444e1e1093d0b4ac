//! Polled filters: a position in the journal, and what to pick from there on.

use super::{
    api::EthApi,
    args::Args,
    error::{Answer, EthError},
    journal::Entry,
    logs, shapes,
};
use crate::store::{LogQuery, StoredBlock};
use alloy_primitives::{B256, U256, map::HashMap};
use alloy_rpc_types_eth::{Filter, Log, Transaction};
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::Params};
use parking_lot::Mutex;
use serde::Serialize;
use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

/// All filters; the one unused for longest makes room for a new one.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    by_id: HashMap<U256, Polled>,
    clock: u64,
    random: RandomState,
}

#[derive(Clone, Debug)]
struct Polled {
    kind: Kind,
    next: u64,
    used: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    Logs(Arc<(Filter, LogQuery)>),
    Blocks,
    Pending { full: bool },
}

/// What a poll answers.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Changes {
    Hashes(Vec<B256>),
    Logs(Vec<Log>),
    Transactions(Vec<Transaction>),
}

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_method("eth_newFilter", |params, api, _| {
        let mut args = Args::new(&params);
        let filter = args.required::<Filter>()?;
        args.end()?;
        let query = logs::query(&filter, api.config.max_logs)?;
        Answer::Ok(api.add_filter(Kind::Logs(Arc::new((filter, query)))))
    })?;
    module.register_method("eth_newBlockFilter", |params, api, _| {
        Args::new(&params).end()?;
        Answer::Ok(api.add_filter(Kind::Blocks))
    })?;
    module.register_method("eth_newPendingTransactionFilter", |params, api, _| {
        let mut args = Args::new(&params);
        let full = args.optional::<bool>()?.unwrap_or(false);
        args.end()?;
        Answer::Ok(api.add_filter(Kind::Pending { full }))
    })?;
    module.register_method("eth_uninstallFilter", |params, api, _| {
        let id = id(&params)?;
        Answer::Ok(api.filters.inner.lock().by_id.remove(&id).is_some())
    })?;
    module.register_async_method("eth_getFilterChanges", |params, api, _| async move {
        let id = id(&params)?;
        api.heavy(move |api, _| api.poll(id)).await
    })?;
    module.register_async_method("eth_getFilterLogs", |params, api, _| async move {
        let id = id(&params)?;
        let polled = api.filters.inner.lock().touch(&id);
        match polled.ok_or_else(not_found)?.kind {
            Kind::Logs(filter) => {
                api.heavy(move |api, stop| logs::find(api, &filter.0, stop))
                    .await
            }
            _ => Err(not_found()),
        }
    })?;
    Ok(())
}

fn id(params: &Params<'_>) -> Answer<U256> {
    let mut args = Args::new(params);
    let id = args.required()?;
    args.end()?;
    Ok(id)
}

fn not_found() -> EthError {
    EthError::server("filter not found")
}

impl Inner {
    fn touch(&mut self, id: &U256) -> Option<Polled> {
        self.clock += 1;
        let polled = self.by_id.get_mut(id)?;
        polled.used = self.clock;
        Some(polled.clone())
    }

    /// Ids can't be guessed: they are a keyed hash of a counter.
    fn fresh_id(&mut self) -> U256 {
        self.clock += 1;
        let high = self.random.hash_one((self.clock, 0));
        let low = self.random.hash_one((self.clock, 1));
        U256::from_limbs([low, high | 1 << 63, 0, 0])
    }
}

impl EthApi {
    fn add_filter(&self, kind: Kind) -> U256 {
        let mut inner = self.filters.inner.lock();
        while inner.by_id.len() >= self.config.max_filters.max(1) {
            let oldest = inner.by_id.iter().min_by_key(|(_, polled)| polled.used);
            let Some(oldest) = oldest.map(|(id, _)| *id) else {
                break;
            };
            inner.by_id.remove(&oldest);
        }
        let id = inner.fresh_id();
        let polled = Polled {
            kind,
            next: self.journal.end(),
            used: inner.clock,
        };
        inner.by_id.insert(id, polled);
        id
    }

    /// What happened since the last poll. A filter that was not polled for
    /// longer than the journal reaches back is gone.
    fn poll(&self, id: U256) -> Answer<Changes> {
        let (kind, entries) = {
            let mut inner = self.filters.inner.lock();
            let polled = inner.touch(&id).ok_or_else(not_found)?;
            let Ok(entries) = self.journal.read(polled.next, usize::MAX) else {
                inner.by_id.remove(&id);
                return Err(not_found());
            };
            if let Some(polled) = inner.by_id.get_mut(&id) {
                polled.next += entries.len() as u64;
            }
            (polled.kind, entries)
        };
        match kind {
            Kind::Blocks => Ok(Changes::Hashes(new_blocks(&entries))),
            Kind::Pending { full: false } => Ok(Changes::Hashes(pending(&entries).collect())),
            Kind::Pending { full: true } => Ok(Changes::Transactions(
                pending(&entries)
                    .filter_map(|hash| self.node.pool_transaction(&hash))
                    .filter_map(|bytes| shapes::pending(self.engine.senders(), &bytes))
                    .collect(),
            )),
            Kind::Logs(filter) => self.changed_logs(&filter.1, &entries).map(Changes::Logs),
        }
    }

    fn changed_logs(&self, query: &LogQuery, entries: &[Entry]) -> Answer<Vec<Log>> {
        let mut found = Vec::new();
        for entry in entries {
            found.extend(self.logs_of(query, entry)?);
            if found.len() > query.limit {
                return Err(EthError::server(format!(
                    "query exceeds max results {}; poll more often, or narrow the filter",
                    query.limit
                )));
            }
        }
        Ok(found)
    }

    /// The logs that an entry adds or takes away.
    pub(crate) fn logs_of(&self, query: &LogQuery, entry: &Entry) -> Answer<Vec<Log>> {
        let pick = |block: &StoredBlock, removed| {
            query
                .in_block(block)
                .map(|hit| shapes::log(hit, removed))
                .collect()
        };
        Ok(match entry {
            Entry::New(block) => pick(block, false),
            Entry::Removed(block) => pick(block, true),
            Entry::Old(name) => match self.by_hash(name.hash)? {
                Some(block) => pick(&block, false),
                // Removed again, and forgotten: there is nothing to take away.
                None => Vec::new(),
            },
            Entry::Pending(_) | Entry::Syncing(_) => Vec::new(),
        })
    }
}

fn new_blocks(entries: &[Entry]) -> Vec<B256> {
    entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::New(block) => Some(block.record.block.hash),
            Entry::Old(name) => Some(name.hash),
            _ => None,
        })
        .collect()
}

fn pending(entries: &[Entry]) -> impl Iterator<Item = B256> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Pending(hash) => Some(*hash),
        _ => None,
    })
}
