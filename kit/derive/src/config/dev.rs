use super::{
    DaEpochConfig, ForcedConfig, GasLimitEntry, KeyScheduleEntry, LimitsConfig, RollupConfig,
    SequencingPolicy, TimingConfig, validate::ANCHOR_MEMORY_SECONDS,
};
use crate::CodecId;
use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};
use alloy_primitives::{Address, B256};
use rollwright_core::{DaHeight, DaOrdinal};

/// What a development chain chooses for itself; the rest follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevChain {
    /// Network id of the local DA layer.
    pub network: String,
    /// Namespace on it.
    pub address: String,
    /// Height of the DA block with ordinal 0.
    pub start_height: DaHeight,
    /// Time between DA blocks in milliseconds.
    pub da_block_time_ms: u64,
    /// Nominal time between blocks in milliseconds; below 1000 timestamps may
    /// be repeated. A chain that mines on demand is one of these.
    pub block_time_ms: u64,
    /// Block gas limit.
    pub gas_limit: u64,
    /// Address of the sequencer's key.
    pub sequencer: Address,
    /// Receives the priority fees of blocks that the deriver makes.
    pub fee_vault: Address,
    /// Sets apart chains that are otherwise equal.
    pub salt: B256,
}

impl Default for DevChain {
    /// Two-second DA blocks from height 0, one-second blocks of 1,000,000,000
    /// gas. Keys are zero and must be set.
    fn default() -> Self {
        Self {
            network: String::from("rollwright-dev"),
            address: String::from("rollup"),
            start_height: DaHeight(0),
            da_block_time_ms: 2_000,
            block_time_ms: 1_000,
            gas_limit: 1_000_000_000,
            sequencer: Address::ZERO,
            fee_vault: Address::ZERO,
            salt: B256::ZERO,
        }
    }
}

impl RollupConfig {
    /// [`dev`](Self::dev) with constants so small that a test of a few dozen DA
    /// blocks meets every bound: a window of 20 DA blocks, batches of 96 KiB,
    /// a forced lane of 4 transactions per DA block. Codecs as in `dev`.
    pub fn small(chain: DevChain) -> Self {
        let dev = Self::dev(chain);
        Self {
            timing: TimingConfig {
                window: 20,
                part_timeout: 8,
                force_delay: 2,
                force_ttl: 10,
                max_step: 5,
                lapse_interval: 6,
                drift_seconds: 60,
                ..dev.timing
            },
            forced: ForcedConfig {
                admit_count: 4,
                admit_bytes: 1_000,
                admit_gas: 100_000,
                queue_count: 36,
                queue_bytes: 9_000,
                block_gas: 600_000,
                block_bytes: 7_000,
                block_validations: 56,
            },
            limits: LimitsConfig {
                batch_lookahead: 4,
                batch_bytes: 96 * 1024,
                decompressed_bytes: 96 * 1024,
                batch_parts: 64,
                batch_blocks: 64,
                origin_blocks: 16,
                block_bytes: 16 * 1024,
                term_step: 10,
                ..dev.limits
            },
            ..dev
        }
    }

    /// A configuration for a chain on the local DA layer that passes
    /// [`validate`](Self::validate) for every DA block time from 50 ms to
    /// 100 s and every block time from 1 ms to 10 min, as long as `gas_limit`
    /// is at least 210,000,000 and the two addresses are set.
    ///
    /// Window: 30 minutes, or 900 DA blocks where that is more; less where the
    /// longest forced wait would outlive what EIP-4788's contract remembers.
    pub fn dev(chain: DevChain) -> Self {
        let interval = chain.da_block_time_ms.max(1);
        let drift_seconds = (interval / 1_000 * 15)
            .max(chain.block_time_ms.div_ceil(1_000))
            .max(120);
        let (force_delay, lapse_interval) = (2, 10);
        // Two windows and the rest of the longest wait, in DA blocks.
        let longest_wait =
            (ANCHOR_MEMORY_SECONDS - 1).saturating_sub(drift_seconds) * 1_000 / interval;
        let longest_window = longest_wait.saturating_sub(force_delay + lapse_interval) / 2;
        let window = (1_800_000 / interval)
            .clamp(900, 100_000)
            .min(longest_window.saturating_sub(1));
        Self {
            version: 1,
            salt: chain.salt,
            da: DaEpochConfig {
                layer: String::from("local"),
                network: chain.network,
                address: chain.address,
                forced_address: None,
                posters: Vec::new(),
                start_height: chain.start_height,
                block_time_ms: chain.da_block_time_ms,
            },
            keys: vec![KeyScheduleEntry {
                from: DaOrdinal(0),
                keys: vec![chain.sequencer],
            }],
            policy: SequencingPolicy::Single,
            gas_limit: vec![GasLimitEntry {
                from: DaOrdinal(0),
                gas: chain.gas_limit,
            }],
            fee_vault: chain.fee_vault,
            timing: TimingConfig {
                window,
                part_timeout: window / 4,
                force_delay,
                force_ttl: 60,
                max_step: 10,
                lapse_interval,
                drift_seconds,
                block_time_ms: chain.block_time_ms,
            },
            forced: ForcedConfig {
                admit_count: 16,
                admit_bytes: 96 * 1024,
                admit_gas: 1 << 24,
                queue_count: 16 * 1024,
                queue_bytes: 32 * 1024 * 1024,
                block_gas: 180_000_000,
                block_bytes: 1_100 * 1024,
                block_validations: 1_200,
            },
            limits: LimitsConfig {
                batch_lookahead: 16,
                batch_bytes: 8 * 1024 * 1024,
                decompressed_bytes: 16 * 1024 * 1024,
                batch_parts: 256,
                batch_blocks: 4_096,
                origin_blocks: 200_000,
                block_transactions: 65_536,
                block_bytes: 6 * 1024 * 1024,
                term_step: 1_024,
            },
            codecs: vec![CodecId::NONE, CodecId::ZSTD, CodecId::BROTLI],
            eips: BTreeMap::new(),
            precompiles: Vec::new(),
        }
    }
}
