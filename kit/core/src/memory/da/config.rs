use crate::{Clock, DaCaps, DaFinality, DaLane};
use std::{sync::Arc, time::Duration};

/// When an in-memory layer makes blocks.
#[derive(Clone, Debug, Default)]
pub enum Mining {
    /// Only when told to.
    #[default]
    OnDemand,
    /// Also at once for each new unit.
    OnSubmit,
    /// Whenever a call finds that blocks are due by this clock, one each
    /// block time since the first call; at most 1,024 a call.
    ByClock(Arc<dyn Clock>),
}

/// Settings of an in-memory layer.
#[derive(Clone, Debug)]
pub struct MemoryDaConfig {
    /// Tells networks apart; part of the first block's hash.
    pub network: String,
    /// When blocks are made.
    pub mining: Mining,
    /// Time from one block to the next.
    pub block_time: Duration,
    /// Time of the block at height 0, in Unix seconds.
    pub genesis_time: u64,
    /// How blocks become final; `Gadget(t)` is final once the head's time lies
    /// `t` above the block's.
    pub finality: DaFinality,
    /// The lanes that are offered.
    pub lanes: Vec<DaLane>,
    /// Largest blob in bytes.
    pub max_blob_bytes: u64,
    /// Largest unit in bytes.
    pub max_unit_bytes: u64,
    /// Largest sum of contents in one block; at least one blob always fits.
    pub max_block_bytes: u64,
    /// Number of newest blocks that are kept; `None` keeps all.
    pub retention_blocks: Option<u64>,
}

impl Default for MemoryDaConfig {
    /// One-second blocks on demand, final at depth 2, both lanes, blobs of up
    /// to 128 KiB, units and blocks of up to 2 MiB, kept for ever.
    fn default() -> Self {
        Self {
            network: "memory".into(),
            mining: Mining::OnDemand,
            block_time: Duration::from_secs(1),
            genesis_time: 1_700_000_000,
            finality: DaFinality::Depth(2),
            lanes: vec![DaLane::Batch, DaLane::Forced],
            max_blob_bytes: 128 << 10,
            max_unit_bytes: 2 << 20,
            max_block_bytes: 2 << 20,
            retention_blocks: None,
        }
    }
}

impl MemoryDaConfig {
    pub(super) fn caps(&self) -> DaCaps {
        DaCaps {
            layer: "memory".into(),
            network: self.network.clone(),
            lanes: self.lanes.clone(),
            max_blob_bytes: self.max_blob_bytes,
            max_unit_bytes: self.max_unit_bytes,
            block_time: self.block_time,
            finality: self.finality,
            retention: self.retention_blocks.map(|blocks| {
                self.block_time
                    .saturating_mul(u32::try_from(blocks).unwrap_or(u32::MAX))
            }),
        }
    }
}
