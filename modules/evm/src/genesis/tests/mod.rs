mod block;
mod dev;
mod eips;
mod file;
mod forks;

use super::{DevGenesis, Genesis};
use rollwright_derive::{DevChain, RollupConfig};

/// A development chain's genesis.json as this version writes it.
const DEV: &str = include_str!("dev.json");

/// Sepolia's genesis.json, as `geth dumpgenesis --sepolia` writes it.
const SEPOLIA: &str = include_str!("sepolia.json");

fn dev() -> Genesis {
    let rollup = RollupConfig::dev(DevChain {
        sequencer: super::dev_account(0).expect("derives").address,
        fee_vault: alloy_primitives::Address::repeat_byte(0xfe),
        ..DevChain::default()
    });
    DevGenesis::new(1_700_000_000, rollup).genesis()
}
