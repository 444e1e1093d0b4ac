use crate::{Error, Faults, Namespace, NetworkId};
use std::{path::PathBuf, time::Duration};

/// How an embedded layer is opened.
///
/// `LocalDaConfig { path: Some(file), ..LocalDaConfig::new(namespace) }`; every
/// field has a default except the namespace.
#[derive(Clone, Debug)]
pub struct LocalDaConfig {
    /// The layer's file; a directory means `local.redb` in it. `None` keeps
    /// everything in memory, for tests and simulations.
    pub path: Option<PathBuf>,
    /// The network that the file must hold. A file that is created gets this
    /// id; without one, a random id.
    pub network: Option<NetworkId>,
    /// Whether to create the file, and its directory, where there is none.
    /// A chain that has started should say no: without its file its data is
    /// lost, and an empty layer is not a replacement. Default yes.
    pub create: bool,
    /// Where this rollup's blobs lie. [`LocalDa::for_namespace`](crate::LocalDa::for_namespace)
    /// gives a handle to another one on the same layer.
    pub namespace: Namespace,
    /// How blocks are made. Default: every 2 s.
    pub blocks: BlockProduction,
    /// Blocks on top that make a block final; 0 makes blocks final at once,
    /// and reorganisations impossible. Default 4.
    pub finality_depth: u64,
    /// Number of newest blocks whose blobs are kept; `None`, the default,
    /// keeps all. Must exceed `finality_depth`. Headers are always kept.
    pub retention_blocks: Option<u64>,
    /// Largest content of one blob in bytes. Default 2 MiB.
    pub max_blob_bytes: u64,
    /// Largest sum of contents of one block, and so of one posting unit, in
    /// bytes. Default 8 MiB.
    pub max_block_bytes: u64,
    /// Most bytes that may wait for a block; beyond, `submit` fails with a
    /// `Temporary` error. Default 256 MiB.
    pub max_pending_bytes: u64,
    /// The first block's time in Unix seconds, at least; for a file that is
    /// created. `None` takes the clock's.
    pub genesis_time: Option<u64>,
    /// Seed of the faults.
    pub seed: u64,
    /// What goes wrong on purpose.
    pub faults: Faults,
}

/// Most blobs in one block, over all namespaces.
pub(crate) const MAX_BLOCK_BLOBS: usize = 4096;

/// Bounds that configured sizes must keep, in bytes.
const MAX_CONFIGURED_BYTES: u64 = 1 << 30;

impl LocalDaConfig {
    /// Defaults for a namespace, in memory.
    pub fn new(namespace: Namespace) -> Self {
        Self {
            path: None,
            network: None,
            create: true,
            namespace,
            blocks: BlockProduction::Every(Duration::from_secs(2)),
            finality_depth: 4,
            retention_blocks: None,
            max_blob_bytes: 2 << 20,
            max_block_bytes: 8 << 20,
            max_pending_bytes: 256 << 20,
            genesis_time: None,
            seed: 0,
            faults: Faults::default(),
        }
    }

    /// How many newest blocks keep their blobs: the shorter of the declared
    /// retention and the pruning fault.
    pub(crate) fn kept_blocks(&self) -> Option<u64> {
        match (self.retention_blocks, self.faults.prune) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |key, reason: String| Err(Error::Config { key, reason });
        if self.blocks.time() < Duration::from_millis(1) {
            return refuse("block_time", "it is below 1 ms".into());
        }
        if self.max_blob_bytes == 0 || self.max_blob_bytes > self.max_block_bytes {
            return refuse(
                "max_blob_bytes",
                format!(
                    "it is 0, or above max_block_bytes ({})",
                    self.max_block_bytes
                ),
            );
        }
        if self.max_block_bytes > MAX_CONFIGURED_BYTES {
            return refuse("max_block_bytes", "it is above 1 GiB".into());
        }
        if self.max_pending_bytes < self.max_block_bytes {
            return refuse("max_pending_bytes", "it is below max_block_bytes".into());
        }
        if self
            .kept_blocks()
            .is_some_and(|kept| kept <= self.finality_depth)
        {
            return refuse(
                "retention_blocks",
                format!(
                    "it, or the fault `prune`, is not above finality_depth ({}): blocks would be \
                     pruned before they are final",
                    self.finality_depth
                ),
            );
        }
        match self.faults.reorg {
            Some(reorg) if reorg.max_depth > self.finality_depth => refuse(
                "faults",
                format!(
                    "`reorg={}` is deeper than finality_depth ({}): final blocks would be undone",
                    reorg.max_depth, self.finality_depth
                ),
            ),
            _ => Ok(()),
        }
    }
}

/// How an embedded layer makes blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockProduction {
    /// One block per interval, empty or not, from a task on the Tokio runtime
    /// in which the layer is opened. It ends with the last handle.
    ///
    /// Time that passed while nothing ran (a restart, a machine asleep) makes
    /// one long interval, never blocks to catch up.
    Every(Duration),
    /// Only with [`LocalDa::seal`](crate::LocalDa::seal). The interval is the
    /// nominal one that [`DaCaps`](rollwright_core::DaCaps) reports.
    Manual(Duration),
}

impl BlockProduction {
    /// Nominal time from one block to the next.
    pub const fn time(self) -> Duration {
        match self {
            Self::Every(time) | Self::Manual(time) => time,
        }
    }
}

/// How a layer that another process serves is reached.
#[cfg(feature = "http")]
#[derive(Clone, Debug)]
pub struct RemoteConfig {
    /// `http://host:port` of `rollwright da serve`.
    pub url: String,
    /// The network that it must serve; `None` accepts any.
    pub network: Option<NetworkId>,
    /// Where this rollup's blobs lie.
    pub namespace: Namespace,
    /// Deadline of each request. Default 10 s.
    pub timeout: Duration,
}

#[cfg(feature = "http")]
impl RemoteConfig {
    /// Defaults for a server and a namespace.
    pub fn new(url: impl Into<String>, namespace: Namespace) -> Self {
        Self {
            url: url.into(),
            network: None,
            namespace,
            timeout: Duration::from_secs(10),
        }
    }
}
