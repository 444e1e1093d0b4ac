//! Configuration and environment that revm executes a block in.

use super::{db::StateDb, vm::Vm};
use crate::{
    genesis::{ChainConfig, Eip, Eips},
    precompile::ChainPrecompiles,
};
use alloy_consensus::Header;
use alloy_eips::eip7825::MAX_TX_GAS_LIMIT_OSAKA;
use alloy_primitives::U256;
use revm::{
    context::{BlockEnv, Cfg as _, CfgEnv, Context, Evm as Revm, TxEnv},
    context_interface::{
        block::BlobExcessGasAndPrice,
        cfg::gas_params::{GasId, GasParams},
        result::InvalidTransaction,
    },
    handler::{EthFrame, MainnetContext, instructions::EthInstructions},
    interpreter::interpreter::EthInterpreter,
    primitives::{eip7954, hardfork::SpecId},
};
use rollwright_core::StateAccess;

/// revm over `DB` with the rules of a chain.
pub(crate) type ChainEvm<DB, I = ()> = Revm<
    MainnetContext<DB>,
    I,
    EthInstructions<EthInterpreter, MainnetContext<DB>>,
    ChainPrecompiles,
    EthFrame<EthInterpreter>,
>;

/// revm over a state access.
pub(crate) type Evm<'a, S> = ChainEvm<StateDb<'a, S>>;

/// All that a block's transactions are executed under. Whatever executes one,
/// in a block, a call or a trace, has it from [`environment`].
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) cfg: CfgEnv,
    pub(crate) block: BlockEnv,
    pub(crate) vm: Vm,
}

/// The rules of the block with this header, which are those of `fork`, and what
/// its transactions see of it.
pub(crate) fn environment(config: &ChainConfig, fork: SpecId, header: &Header) -> Environment {
    let cfg = cfg_env(config, fork, header.timestamp);
    Environment {
        vm: Vm::new(config, fork, cfg.spec, header.timestamp),
        block: block_env(config, fork, header),
        cfg,
    }
}

/// The rules of a block, but for instructions and precompiles.
pub(crate) fn cfg_env(config: &ChainConfig, fork: SpecId, timestamp: u64) -> CfgEnv {
    let mut cfg = CfgEnv::new_with_spec(fork).with_chain_id(config.chain_id);
    if fork.is_enabled_in(SpecId::CANCUN) {
        let blobs = config.blob_schedule_at(timestamp);
        cfg.blob_base_fee_update_fraction = Some(blobs.base_fee_update_fraction);
        cfg.max_blobs_per_tx = Some(blobs.max);
    }
    let eips = config.eips_at(timestamp);
    if !eips.is_empty() {
        switch(&mut cfg, fork, eips);
    }
    cfg
}

fn switch(cfg: &mut CfgEnv, fork: SpecId, eips: Eips) {
    reprice(&mut cfg.gas_params, fork, eips);
    if eips.has(Eip::Eip7825) {
        cfg.tx_gas_limit_cap = Some(MAX_TX_GAS_LIMIT_OSAKA);
    }
    if eips.has(Eip::Eip7954) {
        cfg.limit_contract_code_size = Some(eip7954::MAX_CODE_SIZE);
        cfg.limit_contract_initcode_size = Some(eip7954::MAX_INITCODE_SIZE);
    }
    if eips.has(Eip::Eip8246) {
        // revm asks for the fork here. Everything else that it would change,
        // prices, limits and instructions, is the chain's fork's all the same.
        cfg.limit_contract_code_size = Some(cfg.max_code_size());
        cfg.limit_contract_initcode_size = Some(cfg.max_initcode_size());
        cfg.tx_gas_limit_cap = Some(cfg.tx_gas_limit_cap());
        cfg.spec = SpecId::AMSTERDAM;
        cfg.amsterdam_eip7708_disabled = !eips.has(Eip::Eip7708);
    }
}

fn reprice(gas: &mut GasParams, fork: SpecId, eips: Eips) {
    if eips.has(Eip::Eip7623) {
        let prague = GasParams::new_spec(SpecId::PRAGUE);
        let ids = [
            GasId::tx_floor_cost_per_token(),
            GasId::tx_floor_cost_base_gas(),
            GasId::tx_floor_token_zero_byte_multiplier(),
        ];
        gas.override_gas(ids.map(|id| (id, prague.get(id))));
    }
    let amsterdam = GasParams::new_spec(SpecId::AMSTERDAM);
    if eips.has(Eip::Eip7976) {
        let ids = [
            GasId::tx_floor_cost_per_token(),
            GasId::tx_floor_token_zero_byte_multiplier(),
        ];
        gas.override_gas(ids.map(|id| (id, amsterdam.get(id))));
    }
    if eips.has(Eip::Eip7981) {
        let before = GasParams::new_spec(fork);
        // 64 gas for each byte of an address and of a key.
        let data = |id: GasId, bytes: u64| {
            let price = before.get(id);
            (id, price + bytes * 64)
        };
        let floor = GasId::tx_access_list_floor_byte_multiplier();
        let floor_price = amsterdam.get(floor);
        gas.override_gas([
            (floor, floor_price),
            data(GasId::tx_access_list_address_cost(), 20),
            data(GasId::tx_access_list_storage_key_cost(), 32),
        ]);
    }
}

/// EIP-7623's rule that a transaction can pay its floor, which revm applies
/// from Prague on only.
pub(crate) fn below_floor(cfg: &CfgEnv, tx: &TxEnv) -> Option<InvalidTransaction> {
    if cfg.spec.is_enabled_in(SpecId::PRAGUE) {
        return None;
    }
    let gas_floor = cfg.gas_params.initial_tx_gas_for_tx(tx, None).floor_gas();
    (gas_floor > tx.gas_limit).then_some(InvalidTransaction::GasFloorMoreThanGasLimit {
        gas_floor,
        gas_limit: tx.gas_limit,
    })
}

/// Most gas of one transaction (EIP-7825); `None` where any fits that the block
/// has.
pub(crate) fn transaction_gas_cap(cfg: &CfgEnv) -> Option<u64> {
    Some(cfg.tx_gas_limit_cap()).filter(|cap| *cap != u64::MAX)
}

/// What a block's transactions see of it.
pub(crate) fn block_env(config: &ChainConfig, fork: SpecId, header: &Header) -> BlockEnv {
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
        prevrandao: fork.is_enabled_in(SpecId::MERGE).then_some(header.mix_hash),
        blob_excess_gas_and_price: fork.is_enabled_in(SpecId::CANCUN).then(|| {
            BlobExcessGasAndPrice::new(header.excess_blob_gas.unwrap_or_default(), fraction)
        }),
        slot_num: 0,
    }
}

/// A fresh EVM over `state`.
pub(crate) fn evm<S: StateAccess>(environment: Environment, state: &mut S) -> Evm<'_, S> {
    let Environment { cfg, block, vm } = environment;
    let mut context: MainnetContext<StateDb<'_, S>> = Context::new(StateDb::new(state), cfg.spec);
    context.cfg = cfg;
    context.block = block;
    Revm::new(context, vm.instructions(), vm.precompiles().clone())
}
