//! `eth_config` (EIP-7910): the rules of now, of the next fork and of the last.

use crate::{
    genesis::{ChainConfig, Fork},
    rpc::{
        api::EthApi,
        args::Args,
        error::{Answer, EthError},
    },
};
use alloy_consensus::Header;
use alloy_eips::{
    eip2124::ForkHash, eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS,
    eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
    eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
};
use alloy_primitives::{Address, B256, Bytes, U64};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use revm::primitives::hardfork::SpecId;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// The answer of `eth_config`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Forks {
    pub(crate) current: ForkConfig,
    pub(crate) next: Option<ForkConfig>,
    pub(crate) last: Option<ForkConfig>,
}

/// The rules of one fork. Not the type of `alloy-eips`, which knows no chain
/// without a deposit contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ForkConfig {
    activation_time: u64,
    blob_schedule: Option<Blobs>,
    chain_id: U64,
    fork_id: Bytes,
    precompiles: BTreeMap<String, Address>,
    system_contracts: BTreeMap<&'static str, Address>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Blobs {
    base_fee_update_fraction: u64,
    max: u64,
    target: u64,
}

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_method("eth_config", |params, api, _| {
        Args::new(&params).end()?;
        let genesis = api.by_number(0)?.ok_or(EthError::HeaderNotFound)?;
        let header = &api.latest_block()?.header;
        let begin = (genesis.record.block.hash, genesis.header.timestamp);
        Answer::Ok(forks(&api.chain, begin, header))
    })?;
    Ok(())
}

/// Forks by time around the latest block; `genesis` is the genesis block's
/// hash and time.
pub(crate) fn forks(config: &ChainConfig, genesis: (B256, u64), latest: &Header) -> Forks {
    let now = latest.timestamp;
    let mut times: Vec<u64> = times(config).filter(|time| *time > genesis.1).collect();
    times.sort_unstable();
    times.dedup();
    let current = times.iter().rev().find(|time| **time <= now).copied();
    let next = times.iter().find(|time| **time > now).copied();
    // Forks by time come after the merge.
    let at = |time: u64| {
        let spec = config.spec_at(u64::MAX, time.max(genesis.1), true);
        fork(config, genesis, time, spec)
    };
    Forks {
        current: fork(
            config,
            genesis,
            current.unwrap_or(0),
            config.spec_of(latest),
        ),
        next: next.map(at),
        // Without a next fork there is no last one either.
        last: next.and(times.last().copied()).map(at),
    }
}

/// When rules change: forks, and what the chain switches on by itself.
fn times(config: &ChainConfig) -> impl Iterator<Item = u64> {
    let forks = config.forks().filter_map(|(_, at)| match at {
        Fork::Time(time) => Some(time),
        Fork::Block(_) => None,
    });
    let switches = config.switches().map(|(_, time)| time);
    let own = config.precompile_entries().iter().map(|entry| entry.time);
    forks.chain(switches).chain(own)
}

fn fork(config: &ChainConfig, genesis: (B256, u64), time: u64, spec: SpecId) -> ForkConfig {
    let at = time.max(genesis.1);
    let blobs = config.blob_schedule_at(at);
    ForkConfig {
        activation_time: time,
        blob_schedule: spec.is_enabled_in(SpecId::CANCUN).then_some(Blobs {
            base_fee_update_fraction: blobs.base_fee_update_fraction,
            max: blobs.max,
            target: blobs.target,
        }),
        chain_id: U64::from(config.chain_id),
        fork_id: fork_hash(config, genesis, at).0.to_vec().into(),
        precompiles: config.precompiles_at(spec, at).collect(),
        system_contracts: system_contracts(config, spec),
    }
}

/// EIP-2124 and EIP-6122: every fork after genesis, blocks before times. What a
/// chain switches on by itself is a fork too.
fn fork_hash(config: &ChainConfig, genesis: (B256, u64), at: u64) -> ForkHash {
    let mut blocks: Vec<u64> = config
        .forks()
        .filter_map(|(_, fork)| match fork {
            Fork::Block(block) if block > 0 => Some(block),
            _ => None,
        })
        .collect();
    let mut times: Vec<u64> = times(config)
        .filter(|time| *time > genesis.1 && *time <= at)
        .collect();
    for forks in [&mut blocks, &mut times] {
        forks.sort_unstable();
        forks.dedup();
    }
    let mut hash = ForkHash::from(genesis.0);
    for fork in blocks.into_iter().chain(times) {
        hash += fork;
    }
    hash
}

/// A rollup has no deposit contract unless its configuration names one.
fn system_contracts(config: &ChainConfig, spec: SpecId) -> BTreeMap<&'static str, Address> {
    let mut all = BTreeMap::new();
    if spec.is_enabled_in(SpecId::CANCUN) {
        all.insert("BEACON_ROOTS_ADDRESS", BEACON_ROOTS_ADDRESS);
    }
    if spec.is_enabled_in(SpecId::PRAGUE) {
        all.insert(
            "CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS",
            CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
        );
        all.insert("HISTORY_STORAGE_ADDRESS", HISTORY_STORAGE_ADDRESS);
        all.insert(
            "WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS",
            WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
        );
        if let Some(address) = config.deposit_contract_address {
            all.insert("DEPOSIT_CONTRACT_ADDRESS", address);
        }
    }
    all
}
