use super::super::StoredBlock;
use alloy_primitives::{Address, B256, Log};
use rollwright_core::BlockRef;

/// Which logs to find, as `eth_getLogs` means it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogQuery {
    /// First block.
    pub from: u64,
    /// Last block, inclusive.
    pub to: u64,
    /// Emitters; empty admits all.
    pub addresses: Vec<Address>,
    /// Alternatives per topic position, at most four positions; an empty list
    /// admits any topic, its absence included.
    pub topics: Vec<Vec<B256>>,
    /// Most logs to return.
    pub limit: usize,
}

impl LogQuery {
    /// True where a log is one of those asked for, wherever it stands.
    pub fn matches(&self, log: &Log) -> bool {
        if !self.addresses.is_empty() && !self.addresses.contains(&log.address) {
            return false;
        }
        self.topics.iter().enumerate().all(|(position, wanted)| {
            wanted.is_empty()
                || log
                    .topics()
                    .get(position)
                    .is_some_and(|topic| wanted.contains(topic))
        })
    }

    /// The logs of one block that match, in order.
    pub fn in_block<'a>(&'a self, block: &'a StoredBlock) -> impl Iterator<Item = LogHit> + 'a {
        let mut next = 0u64;
        let hashes = &block.transaction_hashes;
        block
            .receipts
            .iter()
            .zip(hashes)
            .enumerate()
            .flat_map(|(index, (receipt, hash))| {
                receipt.logs().iter().map(move |log| (index, *hash, log))
            })
            .map(move |(index, hash, log)| {
                let log_index = next;
                next += 1;
                (index, hash, log_index, log)
            })
            .filter(|(_, _, _, log)| self.matches(log))
            .map(|(index, hash, log_index, log)| LogHit {
                block: block.record.block,
                timestamp: block.record.timestamp,
                transaction_hash: hash,
                transaction_index: index as u64,
                log_index,
                log: log.clone(),
            })
    }
}

/// A log with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHit {
    /// The block.
    pub block: BlockRef,
    /// The block's time in Unix seconds.
    pub timestamp: u64,
    /// The transaction.
    pub transaction_hash: B256,
    /// Index of the transaction in the block.
    pub transaction_index: u64,
    /// Index of the log in the block.
    pub log_index: u64,
    /// The log.
    pub log: Log,
}

/// Logs found, in chain order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The logs; at most the limit.
    pub hits: Vec<LogHit>,
    /// The block at which a query with a larger limit would have gone on;
    /// `None` where the range was searched to its end. Logs of that block may
    /// be among the hits.
    pub more_from: Option<u64>,
}
