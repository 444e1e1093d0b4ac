use super::{DA_START, key};
use alloy_primitives::Address;
use rollwright_core::{DaHeight, memory::MemoryExecution};
use rollwright_derive::*;

/// Small constants, so that tests reach every bound quickly.
pub(crate) fn config() -> RollupConfig {
    let mut config = RollupConfig::small(DevChain {
        start_height: DaHeight(DA_START),
        gas_limit: 30_000_000,
        sequencer: key(1).address(),
        fee_vault: Address::repeat_byte(0xfe),
        ..DevChain::default()
    });
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
