use super::{DA_START, key};
use alloy_primitives::Address;
use rollwright_core::{DaHeight, memory::MemoryExecution};
use rollwright_derive::*;

/// Small constants, so that tests reach every bound quickly.
pub(crate) fn config() -> RollupConfig {
    let mut config = RollupConfig::dev(DevChain {
        start_height: DaHeight(DA_START),
        gas_limit: 30_000_000,
        sequencer: key(1).address(),
        fee_vault: Address::repeat_byte(0xfe),
        ..DevChain::default()
    });
    config.timing.window = 20;
    config.timing.part_timeout = 8;
    config.timing.force_delay = 2;
    config.timing.force_ttl = 10;
    config.timing.max_step = 5;
    config.timing.lapse_interval = 6;
    config.timing.drift_seconds = 60;
    config.forced.admit_count = 4;
    config.forced.admit_bytes = 1_000;
    config.forced.admit_gas = 100_000;
    config.forced.queue_count = 36;
    config.forced.queue_bytes = 9_000;
    config.forced.block_gas = 600_000;
    config.forced.block_bytes = 7_000;
    config.forced.block_validations = 56;
    config.limits.batch_lookahead = 4;
    config.limits.batch_parts = 64;
    config.limits.batch_blocks = 64;
    config.limits.origin_blocks = 16;
    config.limits.block_bytes = 16 * 1024;
    config.limits.batch_bytes = 96 * 1024;
    config.limits.decompressed_bytes = 96 * 1024;
    config.limits.term_step = 10;
    config.codecs = vec![CodecId::NONE];
    config
}

#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) config: RollupConfig,
    pub(crate) amendments: Vec<Amendment>,
    pub(crate) base_fee: u64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            config: config(),
            amendments: Vec::new(),
            base_fee: 0,
        }
    }
}

impl Setup {
    pub(crate) fn engine(&self) -> MemoryExecution {
        let mut genesis = memory_genesis(&self.config);
        genesis.base_fee = self.base_fee;
        MemoryExecution::new(genesis)
    }
}
