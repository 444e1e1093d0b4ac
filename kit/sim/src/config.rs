use crate::machine::{Chain, SEQUENCER_KEY};
use alloy_primitives::Address;
use rollwright_core::DaHeight;
use rollwright_derive::{DevChain, PartSigner, RollupConfig};

/// [`RollupConfig::small`] with a window of 24 DA blocks, and batches in many
/// parts.
pub fn small<C: Chain>(block_ms: u64) -> RollupConfig {
    let mut config = RollupConfig::small(DevChain {
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
    config.limits.batch_parts = 256;
    config.codecs = C::codecs();
    config
}
