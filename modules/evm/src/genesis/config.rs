use super::{link::Linked, number};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use alloy_primitives::{Address, B256, U256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_derive::RollupConfig;
use serde::{Deserialize, Serialize};

/// The object `config` of `genesis.json`, parsed whole: which rules hold from
/// which block or time on, and, for a rollup, everything that can change what
/// is derived.
///
/// The canonical encoding ([`encode`](Self::encode)) is borsh in field order;
/// [`hash`](Self::hash) of it stands in the genesis block. Fork blocks count blocks, fork times are Unix
/// seconds; `None` means never.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "fork names are their own documentation")]
pub struct ChainConfig {
    /// EIP-155 chain id.
    #[serde(with = "number::plain")]
    pub chain_id: u64,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub homestead_block: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub dao_fork_block: Option<u64>,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub dao_fork_support: bool,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub eip150_block: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub eip155_block: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub eip158_block: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub byzantium_block: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub constantinople_block: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub petersburg_block: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub istanbul_block: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub muir_glacier_block: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub berlin_block: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub london_block: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub arrow_glacier_block: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub gray_glacier_block: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub merge_netsplit_block: Option<u64>,
    /// Total difficulty at which proof of stake takes over; 0 on every chain
    /// that starts after the merge.
    #[serde(
        default,
        with = "number::wide",
        skip_serializing_if = "Option::is_none"
    )]
    pub terminal_total_difficulty: Option<U256>,
    /// Read for compatibility; the difficulty alone decides.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub terminal_total_difficulty_passed: bool,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub shanghai_time: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub cancun_time: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub prague_time: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub osaka_time: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub bpo1_time: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub bpo2_time: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub bpo3_time: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub bpo4_time: Option<u64>,
    #[serde(
        default,
        with = "number::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub bpo5_time: Option<u64>,
    /// geth's mark of a chain that began with proof of work: `{}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ethash: Option<Ethash>,
    /// EIP-6110's deposit contract; a rollup has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit_contract_address: Option<Address>,
    /// Blob parameters by fork name, EIP-7840. A rollup refuses blob
    /// transactions; the schedule still decides BLOBBASEFEE.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blob_schedule: BTreeMap<String, BlobSchedule>,
    /// What makes the chain a rollup; `None` for an Ethereum chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollwright: Option<RollupConfig>,
    /// Code of the chain's own precompiles; no part of the configuration.
    #[borsh(skip)]
    #[serde(skip)]
    pub linked: Linked,
}

/// geth's `ethash` object; it holds nothing.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Ethash {}

/// Blob parameters of one fork, EIP-7840.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlobSchedule {
    /// Blobs per block at which the fee stays.
    #[serde(with = "number::plain")]
    pub target: u64,
    /// Most blobs per block.
    #[serde(with = "number::plain")]
    pub max: u64,
    /// How slowly the fee follows demand.
    #[serde(with = "number::plain")]
    pub base_fee_update_fraction: u64,
}

impl ChainConfig {
    /// Version of the canonical encoding of a chain that follows its fork
    /// schedule alone; its first byte.
    pub const ENCODING_VERSION: u8 = 1;

    /// Version of the canonical encoding of a chain with EIPs or precompiles of
    /// its own.
    pub const EXTENDED_ENCODING_VERSION: u8 = 2;

    /// Every fork up to Osaka active from genesis on, with mainnet's blob
    /// parameters.
    pub fn osaka(chain_id: u64) -> Self {
        let from_genesis = Some(0);
        let schedule = |target, max, base_fee_update_fraction| BlobSchedule {
            target,
            max,
            base_fee_update_fraction,
        };
        Self {
            chain_id,
            homestead_block: from_genesis,
            eip150_block: from_genesis,
            eip155_block: from_genesis,
            eip158_block: from_genesis,
            byzantium_block: from_genesis,
            constantinople_block: from_genesis,
            petersburg_block: from_genesis,
            istanbul_block: from_genesis,
            berlin_block: from_genesis,
            london_block: from_genesis,
            merge_netsplit_block: from_genesis,
            terminal_total_difficulty: Some(U256::ZERO),
            terminal_total_difficulty_passed: true,
            shanghai_time: from_genesis,
            cancun_time: from_genesis,
            prague_time: from_genesis,
            osaka_time: from_genesis,
            blob_schedule: BTreeMap::from([
                ("cancun".into(), schedule(3, 6, 3_338_477)),
                ("prague".into(), schedule(6, 9, 5_007_716)),
                ("osaka".into(), schedule(6, 9, 5_007_716)),
            ]),
            ..Self::default()
        }
    }

    /// The canonical encoding: the version byte, then borsh in field order.
    ///
    /// Version 1 without `rollwright.eips` and `rollwright.precompiles`. With
    /// either, version 2: the same, followed by the borsh of the map of EIPs
    /// (key to u64) and of the list of precompiles.
    pub fn encode(&self) -> Vec<u8> {
        let extended = self
            .rollwright
            .as_ref()
            .filter(|rollup| !rollup.eips.is_empty() || !rollup.precompiles.is_empty());
        let mut out = Vec::with_capacity(512);
        out.push(match extended {
            None => Self::ENCODING_VERSION,
            Some(_) => Self::EXTENDED_ENCODING_VERSION,
        });
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut out, self);
        if let Some(rollup) = extended {
            let _ = borsh::to_writer(&mut out, &(&rollup.eips, &rollup.precompiles));
        }
        out
    }

    /// keccak256 of [`encode`](Self::encode): the genesis block's
    /// `extra_data`, and the configuration digest while no amendment is
    /// active.
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }

    /// True where a block may repeat its parent's timestamp: a rollup with
    /// blocks below one second. Ethereum never does.
    pub fn repeats_timestamps(&self) -> bool {
        self.rollwright
            .as_ref()
            .is_some_and(|rollup| rollup.timing.block_time_ms < 1000)
    }
}
