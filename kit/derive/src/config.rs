//! The object `config.rollwright` of `genesis.json`: everything that can
//! change what is derived (`derivation.md`, chain configuration).

mod amendment;
mod dev;
mod error;
#[cfg(test)]
mod tests;
mod validate;

pub use amendment::{Amendment, AmendmentChange};
pub use dev::DevChain;
pub use error::ConfigError;
pub use validate::{MAX_BLOCK_BYTES, TRANSACTION_GAS_CAP};

use crate::CodecId;
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use alloy_primitives::{Address, B256};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{DaHeight, DaOrdinal};
use serde::{Deserialize, Serialize};

/// Consensus configuration of a rollup. Unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollupConfig {
    /// Version of this object; 1.
    pub version: u16,
    /// Sets apart two chains that are otherwise equal; a contentious fork
    /// changes it.
    pub salt: B256,
    /// The first DA epoch.
    pub da: DaEpochConfig,
    /// Key schedule, ascending by ordinal; the first entry starts at 0.
    pub keys: Vec<KeyScheduleEntry>,
    /// Who may post batches.
    pub policy: SequencingPolicy,
    /// Gas limit by origin ordinal, ascending; the first entry starts at 0.
    pub gas_limit: Vec<GasLimitEntry>,
    /// Receives the priority fees of blocks that the deriver makes itself.
    pub fee_vault: Address,
    /// Ages and delays, in ordinals unless the name says otherwise.
    pub timing: TimingConfig,
    /// Forced lane.
    pub forced: ForcedConfig,
    /// Bounds on batches and parts.
    pub limits: LimitsConfig,
    /// Codecs that batches may use, ascending.
    pub codecs: Vec<CodecId>,
    /// Rules that the engine adds to those of its fork schedule: their names,
    /// as the engine spells them, and the block time in Unix seconds from which
    /// each holds. Derivation does not look at them; the engine refuses what it
    /// does not know, and encodes them itself (not part of this borsh).
    #[borsh(skip)]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub eips: BTreeMap<String, u64>,
    /// Precompiles of the chain's own, as [`eips`](Self::eips) are.
    #[borsh(skip)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub precompiles: Vec<PrecompileConfig>,
}

/// A precompile that the engine has beside Ethereum's. The code is in the
/// program that runs the chain; a program without it refuses the chain.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrecompileConfig {
    /// Which code, as `acme/poseidon`.
    pub name: String,
    /// Which version of it. Anything that changes results or gas is another.
    pub version: u16,
    /// Where it stands.
    pub address: Address,
    /// Block time in Unix seconds from which it stands there; 0 for genesis.
    pub time: u64,
    /// What the code does with fixed inputs, as a hash: tells two programs
    /// apart that use one name for different code. Not compared where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<B256>,
}

/// A run of DA blocks on one layer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DaEpochConfig {
    /// `local`, `celestia`, `ethereum`.
    pub layer: String,
    /// Network id, as the adapter reports it.
    pub network: String,
    /// Namespace or inbox, in the layer's own spelling.
    pub address: String,
    /// Address of the forced lane where it has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forced_address: Option<String>,
    /// Posters whose blobs are read in the batch lane; empty admits all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub posters: Vec<String>,
    /// Height of the block with ordinal 0; in a later epoch the least height
    /// that its first block may have.
    pub start_height: DaHeight,
    /// Nominal time between blocks, in milliseconds.
    pub block_time_ms: u64,
}

/// Keys that may sign parts from an ordinal on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyScheduleEntry {
    /// First ordinal of application.
    pub from: DaOrdinal,
    /// Addresses of secp256k1 keys, ascending.
    pub keys: Vec<Address>,
}

/// Who may post batches.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum SequencingPolicy {
    /// Keys of the schedule.
    Single,
}

/// The gas limit from an ordinal on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GasLimitEntry {
    /// First origin ordinal.
    pub from: DaOrdinal,
    /// Block gas limit.
    pub gas: u64,
}

/// Ages and delays.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimingConfig {
    /// Sequencing window.
    pub window: u64,
    /// Ordinals after which an incomplete batch's parts are dropped; < window.
    pub part_timeout: u64,
    /// Ordinals from admission of a forced transaction until it is due; ≥ 1.
    pub force_delay: u64,
    /// Ordinals from admission until an underpriced entry is dropped.
    pub force_ttl: u64,
    /// Most ordinals from a parent's origin to its child's.
    pub max_step: u64,
    /// Ordinals between blocks that the deriver makes after a lapse (K).
    pub lapse_interval: u64,
    /// Most seconds that a block's timestamp may lie above its origin's time.
    pub drift_seconds: u64,
    /// Nominal rollup block time in milliseconds; below 1000 a timestamp may
    /// be repeated.
    pub block_time_ms: u64,
}

/// Forced lane.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForcedConfig {
    /// Entries admitted per DA block.
    pub admit_count: u32,
    /// Bytes admitted per DA block.
    pub admit_bytes: u64,
    /// Sum of gas limits admitted per DA block; also the largest gas limit of
    /// an entry.
    pub admit_gas: u64,
    /// Entries in the queue.
    pub queue_count: u32,
    /// Bytes in the queue.
    pub queue_bytes: u64,
    /// Forced gas budget of a block.
    pub block_gas: u64,
    /// Forced bytes of a block.
    pub block_bytes: u64,
    /// Entries that a block may look at.
    pub block_validations: u32,
}

/// Bounds on batches and parts.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitsConfig {
    /// Batch numbers beyond the next one for which parts are kept (P).
    pub batch_lookahead: u64,
    /// Length of an envelope in bytes.
    pub batch_bytes: u32,
    /// Length of a decompressed payload in bytes; also the most that the
    /// encoded transactions of one batch may have together.
    pub decompressed_bytes: u32,
    /// Parts of one batch.
    pub batch_parts: u32,
    /// Blocks per batch.
    pub batch_blocks: u32,
    /// Blocks on one origin.
    pub origin_blocks: u32,
    /// Transactions per block.
    pub block_transactions: u32,
    /// Encoded bytes of transactions per block.
    pub block_bytes: u64,
    /// Most that a term may rise by.
    pub term_step: u64,
}
