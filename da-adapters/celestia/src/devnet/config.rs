use crate::GasPrice;
use std::{path::PathBuf, time::Duration};

/// When blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockProduction {
    /// One each period of the clock, empty or not.
    Every(Duration),
    /// Only by [`mine`](super::DevnetHandle::mine).
    Manual,
}

/// What a devnet is.
#[derive(Clone, Debug)]
pub struct DevnetConfig {
    /// Its name, at most 50 characters; every header names it.
    pub chain_id: String,
    /// The keys of validators and account follow from it.
    pub seed: u64,
    /// Validators, at least one.
    pub validators: u8,
    /// The file; `None` keeps everything in memory.
    pub path: Option<PathBuf>,
    /// When blocks are made.
    pub blocks: BlockProduction,
    /// Widest original square, a power of two of at most
    /// [`MAX_WIDTH`](super::MAX_WIDTH).
    pub max_width: u16,
    /// Largest sum of the blobs of one transaction.
    pub max_tx_bytes: u64,
    /// Blocks that a transaction may wait.
    pub mempool_ttl: u64,
    /// Transactions that may wait.
    pub mempool_txs: usize,
    /// The lowest price that is taken, and the one where none is named.
    pub min_gas_price: GasPrice,
    /// What the node's account has at the beginning.
    pub balance_utia: u64,
    /// Token for reading; without one everybody may.
    pub read_token: Option<String>,
    /// Token for everything; without one everybody may.
    pub write_token: Option<String>,
}

impl DevnetConfig {
    /// Four validators, a block each second, one million TIA, in memory.
    pub fn new(chain_id: impl Into<String>) -> Self {
        Self {
            chain_id: chain_id.into(),
            seed: 0,
            validators: 4,
            path: None,
            blocks: BlockProduction::Every(Duration::from_secs(1)),
            max_width: super::MAX_WIDTH,
            max_tx_bytes: 8 << 20,
            mempool_ttl: 36,
            mempool_txs: 5_000,
            min_gas_price: GasPrice::NODE_DEFAULT,
            balance_utia: 1_000_000_000_000,
            read_token: None,
            write_token: None,
        }
    }
}
