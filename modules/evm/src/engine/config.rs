use super::EngineError;
use crate::{
    genesis::Genesis,
    precompile::Precompile,
    store::{
        History, StoreError, StoreOptions,
        kv::{FjallKv, FjallOptions, KeyValue, MemoryKv},
    },
};
use rollwright_core::{Address, B256, DaHeight};
use rollwright_derive::{
    DaEpochConfig, ForcedConfig, LimitsConfig, RollupConfig, SequencingPolicy, TimingConfig,
};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// How an engine is opened.
#[derive(Clone, Debug)]
pub struct EvmConfig {
    /// The chain.
    pub genesis: Arc<Genesis>,
    /// Where blocks and state are kept.
    pub location: Location,
    /// Sizes of caches, and how much of the past is kept.
    pub store: StoreOptions,
    /// Senders remembered by transaction hash, about 60 bytes each.
    pub remembered_senders: usize,
    /// Bytes of decoded transactions that are remembered until they are
    /// executed.
    pub decoded_bytes: usize,
    /// Precompiles that this program has beside Ethereum's. The chain uses
    /// those that its configuration names; an engine does not open where one
    /// of them is missing.
    pub precompiles: Vec<Precompile>,
}

/// Where an engine keeps its chain.
#[derive(Clone, Debug)]
pub enum Location {
    /// Gone with the last handle.
    Memory,
    /// A directory that one process uses at a time.
    Directory {
        /// The directory; created where it is missing.
        path: PathBuf,
        /// Sizes and durability of the embedded database.
        options: FjallOptions,
    },
    /// A database of the embedder's own.
    Database(Arc<dyn KeyValue>),
}

impl Location {
    pub(super) fn open(self) -> Result<Arc<dyn KeyValue>, EngineError> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryKv::new()),
            Self::Directory { path, options } => {
                Arc::new(FjallKv::open(&path, options).map_err(StoreError::from)?)
            }
            Self::Database(kv) => kv,
        })
    }
}

impl EvmConfig {
    /// A chain in memory with default sizes.
    pub fn in_memory(genesis: impl Into<Arc<Genesis>>) -> Self {
        Self {
            genesis: genesis.into(),
            location: Location::Memory,
            store: StoreOptions::default(),
            remembered_senders: 1 << 18,
            decoded_bytes: 64 << 20,
            precompiles: Vec::new(),
        }
    }

    /// A chain in a directory with default sizes.
    pub fn at(genesis: impl Into<Arc<Genesis>>, path: impl Into<PathBuf>) -> Self {
        Self {
            location: Location::Directory {
                path: path.into(),
                options: FjallOptions::default(),
            },
            ..Self::in_memory(genesis)
        }
    }

    /// Adds precompiles that the chain may name.
    #[must_use]
    pub fn with_precompiles(mut self, precompiles: &[Precompile]) -> Self {
        self.precompiles.extend_from_slice(precompiles);
        self
    }

    /// Keeps the states of this part of the past readable.
    #[must_use]
    pub fn with_history(mut self, history: History) -> Self {
        self.store.history = history;
        self
    }
}

/// What a chain without `config.rollwright` answers when it is asked how it is
/// derived: by nobody and from nowhere. No key may post for it, and every
/// deriver refuses to load it.
pub(super) fn not_a_rollup() -> RollupConfig {
    RollupConfig {
        version: 1,
        salt: B256::ZERO,
        da: DaEpochConfig {
            layer: "none".into(),
            network: String::new(),
            address: String::new(),
            forced_address: None,
            posters: Vec::new(),
            start_height: DaHeight(0),
            block_time_ms: 0,
        },
        keys: Vec::new(),
        policy: SequencingPolicy::Single,
        gas_limit: Vec::new(),
        fee_vault: Address::ZERO,
        timing: TimingConfig {
            window: 0,
            part_timeout: 0,
            force_delay: 0,
            force_ttl: 0,
            max_step: 0,
            lapse_interval: 0,
            drift_seconds: 0,
            block_time_ms: 0,
        },
        forced: ForcedConfig {
            admit_count: 0,
            admit_bytes: 0,
            admit_gas: 0,
            queue_count: 0,
            queue_bytes: 0,
            block_gas: 0,
            block_bytes: 0,
            block_validations: 0,
        },
        limits: LimitsConfig {
            batch_lookahead: 0,
            batch_bytes: 0,
            decompressed_bytes: 0,
            batch_parts: 0,
            batch_blocks: 0,
            origin_blocks: 0,
            block_transactions: 0,
            block_bytes: 0,
            term_step: 0,
        },
        codecs: Vec::new(),
        eips: BTreeMap::new(),
        precompiles: Vec::new(),
    }
}
