use super::{
    super::{
        StoreError,
        base::Inner,
        chain, flat,
        kv::{Column, KvRead},
    },
    LogPage, LogQuery, index_key,
};
use crate::machine::Stop;
use std::collections::VecDeque;

/// Index entries that are read at once.
const CHUNK: usize = 128;

/// Finds logs of canonical blocks, in chain order.
/// `None` where it was stopped.
pub(in super::super) fn search(
    inner: &Inner,
    query: &LogQuery,
    stop: Stop<'_>,
) -> Result<Option<LogPage>, StoreError> {
    let canonical = inner.canonical()?;
    let snapshot = &*canonical.snapshot;
    let last = query.to.min(canonical.heads.latest.number);
    let mut conditions = conditions(query);
    let mut page = LogPage::default();
    let mut next = query.from;
    while let Some(number) = candidate(snapshot, &mut conditions, next, last)? {
        if stop.asked() {
            return Ok(None);
        }
        next = number.saturating_add(1);
        if conditions.is_empty() && !has_logs(snapshot, number)? {
            continue;
        }
        let Some(block) = chain::block_at(inner, &canonical, number)? else {
            continue;
        };
        let logs = block.receipts.iter().map(|receipt| receipt.logs().len());
        let logs = u32::try_from(logs.sum::<usize>()).unwrap_or(u32::MAX);
        if stop.asked_after(logs / 16) {
            return Ok(None);
        }
        for hit in query.in_block(&block) {
            if page.hits.len() >= query.limit {
                page.more_from = Some(number);
                return Ok(Some(page));
            }
            page.hits.push(hit);
        }
    }
    Ok(Some(page))
}

fn has_logs(snapshot: &dyn KvRead, number: u64) -> Result<bool, StoreError> {
    let header = chain::stored_header(snapshot, number)?;
    Ok(header.is_some_and(|(_, header)| !header.logs_bloom.is_zero()))
}

/// Blocks that hold one of several values.
struct Condition {
    alternatives: Vec<Postings>,
}

/// Blocks that hold one value, read piece by piece.
struct Postings {
    key: Vec<u8>,
    ahead: VecDeque<u64>,
    /// True once the index has no more.
    ended: bool,
}

fn conditions(query: &LogQuery) -> Vec<Condition> {
    let postings = |key| Postings {
        key,
        ahead: VecDeque::new(),
        ended: false,
    };
    let emitters = query
        .addresses
        .iter()
        .map(|address| postings(index_key(0, address.as_slice())))
        .collect();
    let mut conditions = vec![Condition {
        alternatives: emitters,
    }];
    for (kind, topics) in (1..).zip(query.topics.iter().take(4)) {
        let alternatives = topics
            .iter()
            .map(|topic| postings(index_key(kind, topic.as_slice())))
            .collect();
        conditions.push(Condition { alternatives });
    }
    conditions.retain(|condition| !condition.alternatives.is_empty());
    conditions
}

/// The first block from `next` to `last` that meets all conditions.
fn candidate(
    snapshot: &dyn KvRead,
    conditions: &mut [Condition],
    next: u64,
    last: u64,
) -> Result<Option<u64>, StoreError> {
    let mut number = next;
    'from: loop {
        if number > last {
            return Ok(None);
        }
        for condition in &mut *conditions {
            match condition.first(snapshot, number, last)? {
                None => return Ok(None),
                Some(found) if found > number => {
                    number = found;
                    continue 'from;
                }
                Some(_) => {}
            }
        }
        return Ok(Some(number));
    }
}

impl Condition {
    fn first(
        &mut self,
        snapshot: &dyn KvRead,
        from: u64,
        last: u64,
    ) -> Result<Option<u64>, StoreError> {
        let mut first = None;
        for postings in &mut self.alternatives {
            if let Some(found) = postings.first(snapshot, from, last)? {
                first = Some(first.map_or(found, |first: u64| first.min(found)));
            }
        }
        Ok(first)
    }
}

impl Postings {
    fn first(
        &mut self,
        snapshot: &dyn KvRead,
        from: u64,
        last: u64,
    ) -> Result<Option<u64>, StoreError> {
        while self.ahead.front().is_some_and(|number| *number < from) {
            self.ahead.pop_front();
        }
        if self.ahead.is_empty() && !self.ended {
            let start = flat::at_block(&self.key, from);
            let end = flat::at_block(&self.key, last.saturating_add(1));
            for pair in snapshot
                .range(Column::Logs, &start, Some(&end), false)
                .take(CHUNK)
            {
                let (key, _) = pair?;
                let number = key.get(self.key.len()..).unwrap_or_default();
                let number = number
                    .try_into()
                    .map_err(|_| StoreError::corrupt("a log index key has a wrong length"))?;
                self.ahead.push_back(u64::from_be_bytes(number));
            }
            self.ended = self.ahead.len() < CHUNK;
        }
        Ok(self.ahead.front().copied())
    }
}
