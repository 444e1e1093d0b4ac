//! Configuration and environment that revm executes a block in.

use super::db::StateDb;
use crate::genesis::ChainConfig;
use alloy_consensus::Header;
use alloy_primitives::U256;
use revm::{
    MainBuilder, MainnetEvm,
    context::{BlockEnv, CfgEnv, Context},
    context_interface::block::BlobExcessGasAndPrice,
    handler::MainnetContext,
    primitives::hardfork::SpecId,
};
use rollwright_core::StateAccess;

/// revm as it executes Ethereum's mainnet.
pub(crate) type Evm<'a, S> = MainnetEvm<MainnetContext<StateDb<'a, S>>>;

/// The fork rules of a block.
pub(crate) fn cfg_env(config: &ChainConfig, spec: SpecId, timestamp: u64) -> CfgEnv {
    let mut cfg = CfgEnv::new_with_spec(spec).with_chain_id(config.chain_id);
    if spec.is_enabled_in(SpecId::CANCUN) {
        let blobs = config.blob_schedule_at(timestamp);
        cfg.blob_base_fee_update_fraction = Some(blobs.base_fee_update_fraction);
        cfg.max_blobs_per_tx = Some(blobs.max);
    }
    cfg
}

/// The environment that a block's transactions see.
pub(crate) fn block_env(config: &ChainConfig, spec: SpecId, header: &Header) -> BlockEnv {
    let fraction = config
        .blob_schedule_at(header.timestamp)
        .base_fee_update_fraction;
    BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: header.difficulty,
        prevrandao: spec.is_enabled_in(SpecId::MERGE).then_some(header.mix_hash),
        blob_excess_gas_and_price: spec.is_enabled_in(SpecId::CANCUN).then(|| {
            BlobExcessGasAndPrice::new(header.excess_blob_gas.unwrap_or_default(), fraction)
        }),
        slot_num: 0,
    }
}

/// A fresh EVM over `state`.
pub(crate) fn evm<S: StateAccess>(cfg: CfgEnv, block: BlockEnv, state: &mut S) -> Evm<'_, S> {
    let spec = cfg.spec;
    let mut context: MainnetContext<StateDb<'_, S>> = Context::new(StateDb::new(state), spec);
    context.cfg = cfg;
    context.block = block;
    context.build_mainnet()
}
