//! In what a chain differs from Ethereum, for people and programs.

use super::{ChainConfig, Eip, Fork, Genesis};
use crate::{
    machine::{MAX_BLOCK_RLP_BYTES, cfg_env, transaction_gas_cap},
    predeploy,
};
use alloy_primitives::{Address, B256, keccak256};
use revm::{context::Cfg as _, primitives::hardfork::SpecId};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a genesis file says of a chain's rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainReport {
    /// Chain id.
    pub chain_id: u64,
    /// Hash of the genesis block, which names the chain.
    pub genesis_hash: B256,
    /// Hash of the object `config`, the genesis block's `extra_data`.
    pub config_hash: B256,
    /// Version of the encoding that is hashed.
    pub config_encoding: u8,
    /// Unix seconds of the genesis block.
    pub genesis_time: u64,
    /// Gas limit of the first block.
    pub gas_limit: u64,
    /// Forks by name and block number.
    pub forks_by_block: BTreeMap<&'static str, u64>,
    /// Forks by name and Unix seconds.
    pub forks_by_time: BTreeMap<&'static str, u64>,
    /// EIPs of the chain's own, by time.
    pub eips: Vec<ScheduledEip>,
    /// Precompiles of the chain's own, by time.
    pub precompiles: Vec<ScheduledPrecompile>,
    /// Contracts of the genesis state that have code, by address.
    pub contracts: Vec<Predeploy>,
    /// In what the chain differs from Ethereum.
    pub differences: Vec<Difference>,
}

/// An EIP that the chain follows at a time of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledEip {
    /// Its key in `config.rollwright.eips`.
    pub key: &'static str,
    /// What it does.
    pub title: &'static str,
    /// Unix seconds from which it holds; 0 for genesis.
    pub time: u64,
    /// The fork of Ethereum that brings or replaces it.
    pub fork: &'static str,
}

/// A precompile of the chain's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledPrecompile {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u16,
    /// Where it stands.
    pub address: Address,
    /// Unix seconds from which it stands there; 0 for genesis.
    pub time: u64,
    /// What its code does with fixed inputs, where the chain says so.
    pub fingerprint: Option<B256>,
}

/// A contract of the genesis state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Predeploy {
    /// Where it stands.
    pub address: Address,
    /// What it is; `None` where this crate does not know it.
    pub what: Option<&'static str>,
    /// Hash of its code.
    pub code_hash: B256,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// What differs.
    pub subject: String,
    /// How Ethereum has it.
    pub ethereum: String,
    /// How this chain has it.
    pub here: String,
}

impl Genesis {
    /// What the file says of the chain's rules. Time in proportion to the
    /// genesis state, for its root.
    pub fn report(&self) -> ChainReport {
        let config = &self.config;
        let forks = |timed: bool| {
            config
                .forks()
                .filter_map(move |(name, at)| match at {
                    Fork::Block(number) if !timed => Some((name, number)),
                    Fork::Time(time) if timed => Some((name, time)),
                    _ => None,
                })
                .collect()
        };
        let header = self.header(self.state_root());
        ChainReport {
            chain_id: config.chain_id,
            genesis_hash: header.hash_slow(),
            config_hash: config.hash(),
            config_encoding: config.encode().first().copied().unwrap_or_default(),
            genesis_time: self.timestamp,
            gas_limit: self.gas_limit,
            forks_by_block: forks(false),
            forks_by_time: forks(true),
            eips: eips(config),
            precompiles: precompiles(config),
            contracts: self.contracts(),
            differences: self.differences(),
        }
    }

    fn contracts(&self) -> Vec<Predeploy> {
        self.alloc
            .iter()
            .filter_map(|(address, account)| {
                let code = account.code.as_ref().filter(|code| !code.is_empty())?;
                Some(Predeploy {
                    address: *address,
                    what: predeploy::what(*address, code),
                    code_hash: keccak256(code),
                })
            })
            .collect()
    }

    /// In what blocks of this chain differ from Ethereum's of the same fork;
    /// nothing for a chain without `config.rollwright`.
    pub fn differences(&self) -> Vec<Difference> {
        let config = &self.config;
        let Some(rollup) = &config.rollwright else {
            return Vec::new();
        };
        let mut all = Vec::new();
        let mut add = |subject: &str, ethereum: &str, here: String| {
            all.push(Difference {
                subject: subject.into(),
                ethereum: ethereum.into(),
                here,
            });
        };
        for eip in eips(config) {
            let brings = format!("from {} on", eip.fork);
            add(
                &format!(
                    "{}: {}",
                    Eip::by_key(eip.key).map_or_else(String::new, |eip| eip.to_string()),
                    eip.title
                ),
                &brings,
                since(eip.time),
            );
        }
        for own in &rollup.precompiles {
            add(
                &format!("precompile {}", own.address),
                "none",
                format!("{} version {}, {}", own.name, own.version, since(own.time)),
            );
        }
        add(
            "parent_beacon_block_root",
            "root of the parent beacon block",
            "hash of the block's anchor (DA block, counterpart chains); EIP-4788's contract keeps it".into(),
        );
        add(
            "prev_randao",
            "RANDAO of the beacon chain",
            "from the DA block's hash and the block number; the sequencer chooses among DA blocks"
                .into(),
        );
        add(
            "extra_data of genesis",
            "free",
            "hash of the object `config`".into(),
        );
        add(
            "gas limit",
            "moves by less than 1/1024 a block",
            format!("{} by configuration; changes at once", self.gas_limit),
        );
        let first = cfg_env(config, config.spec(0, self.timestamp), self.timestamp);
        let cap = transaction_gas_cap(&first);
        if cap.is_none() {
            add(
                "gas of one transaction",
                "at most 16777216 from Osaka on",
                "as much as a block has, at genesis".into(),
            );
        }
        let size = first.max_code_size();
        if size != revm::primitives::eip170::MAX_CODE_SIZE {
            add(
                "size of code",
                "24576 bytes",
                format!("{size} bytes at genesis"),
            );
        }
        let sum = rollup
            .limits
            .block_bytes
            .saturating_add(rollup.forced.block_bytes);
        if sum < MAX_BLOCK_RLP_BYTES {
            add(
                "bytes of a block's transactions",
                "8388608 of RLP for the whole block from Osaka on",
                format!(
                    "{} and {} forced ones",
                    rollup.limits.block_bytes, rollup.forced.block_bytes
                ),
            );
        }
        if config.repeats_timestamps() {
            add(
                "timestamps",
                "rise with each block",
                format!(
                    "may repeat: a block each {} ms",
                    rollup.timing.block_time_ms
                ),
            );
        }
        add("blob transactions (type 3)", "valid", "refused".into());
        add("withdrawals", "of validators", "none".into());
        add(
            "requests: code at 0x…7002 and 0x…7251",
            "EIP-7002, EIP-7251",
            "code that queues none and reverts to callers".into(),
        );
        if config.deposit_contract_address.is_none() {
            add(
                "deposits (EIP-6110)",
                "requests from the deposit contract",
                "none".into(),
            );
        }
        for contract in self.contracts() {
            if !predeploy::is_ethereums(contract.address) {
                add(
                    &format!("genesis contract {}", contract.address),
                    "deployed by somebody, or nothing",
                    contract.what.unwrap_or("of this chain").into(),
                );
            }
        }
        all
    }
}

fn since(time: u64) -> String {
    match time {
        0 => "from genesis on".into(),
        time => format!("from time {time} on"),
    }
}

fn eips(config: &ChainConfig) -> Vec<ScheduledEip> {
    let mut all: Vec<_> = config
        .switches()
        .map(|(eip, time)| ScheduledEip {
            key: eip.key(),
            title: eip.title(),
            time,
            fork: match eip.fork() {
                SpecId::PRAGUE => "Prague",
                SpecId::OSAKA => "Osaka",
                _ => "Amsterdam",
            },
        })
        .collect();
    all.sort_by_key(|eip| eip.time);
    all
}

fn precompiles(config: &ChainConfig) -> Vec<ScheduledPrecompile> {
    config
        .precompile_entries()
        .iter()
        .map(|entry| ScheduledPrecompile {
            name: entry.name.clone(),
            version: entry.version,
            address: entry.address,
            time: entry.time,
            fingerprint: entry.fingerprint,
        })
        .collect()
}
