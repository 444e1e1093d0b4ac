use crate::machine::{Chain, SEQUENCER_KEY};
use alloy_primitives::Address;
use rollwright_core::DaHeight;
use rollwright_derive::{DevChain, PartSigner, RollupConfig};

/// Chain rules with small constants, so that runs of a minute meet every
/// bound: a window of 24 DA blocks.
pub fn small<C: Chain>(block_ms: u64) -> RollupConfig {
    let mut config = RollupConfig::dev(DevChain {
        network: "sim".into(),
        start_height: DaHeight(0),
        da_block_time_ms: block_ms,
        gas_limit: 30_000_000,
        sequencer: crate::forger::signer(SEQUENCER_KEY).address(),
        fee_vault: Address::repeat_byte(0xfe),
        ..DevChain::default()
    });
    config.da.layer = "simulated".into();
    config.timing.window = 24;
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
    config.limits.batch_parts = 256;
    config.limits.batch_blocks = 64;
    config.limits.origin_blocks = 16;
    config.limits.block_bytes = 16 * 1024;
    config.limits.batch_bytes = 96 * 1024;
    config.limits.decompressed_bytes = 96 * 1024;
    config.limits.term_step = 10;
    config.codecs = C::codecs();
    config
}
