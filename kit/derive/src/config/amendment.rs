use super::{
    ConfigError, DaEpochConfig, ForcedConfig, GasLimitEntry, KeyScheduleEntry, LimitsConfig,
    RollupConfig, SequencingPolicy, TimingConfig,
};
use crate::CodecId;
use alloc::{boxed::Box, format, vec::Vec};
use alloy_primitives::{Address, B256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{DaHeight, DaOrdinal};
use serde::{Deserialize, Serialize};

/// A later change of the chain configuration. The list of amendments is only
/// appended to; every node of the chain holds the same one.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Amendment {
    /// First ordinal at which it holds: of application for what judges
    /// posting, of the origin for what shapes a block. At least 1.
    pub activation: DaOrdinal,
    /// What changes.
    pub change: AmendmentChange,
}

/// What an amendment changes. Each replaces a whole object of the
/// configuration, so that the result can be read off.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum AmendmentChange {
    /// The keys that may sign parts.
    Keys(Vec<Address>),
    /// The block gas limit.
    GasLimit(u64),
    /// The sequencing policy.
    Policy(SequencingPolicy),
    /// Ages and delays.
    Timing(TimingConfig),
    /// The forced lane.
    Forced(ForcedConfig),
    /// Bounds on batches and parts.
    Limits(LimitsConfig),
    /// Codecs that batches may use.
    Codecs(Vec<CodecId>),
    /// Reserved: the next DA epoch.
    #[serde(rename_all = "camelCase")]
    DaEpoch {
        /// Last height of the epoch before.
        last_height: DaHeight,
        /// The next layer.
        next: Box<DaEpochConfig>,
    },
}

impl Amendment {
    /// The digest with this amendment active, from the one without it:
    /// keccak256("rollwright/amendment/v1" ‖ digest ‖ borsh(amendment)).
    pub fn extend_digest(&self, digest: B256) -> B256 {
        let mut input = b"rollwright/amendment/v1".to_vec();
        input.extend_from_slice(digest.as_slice());
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut input, self);
        keccak256(input)
    }

    /// True where the change judges posting, so that its activation discards
    /// parts and pending batches.
    pub const fn judges_posting(&self) -> bool {
        !matches!(
            self.change,
            AmendmentChange::GasLimit(_) | AmendmentChange::Forced(_)
        )
    }

    /// Applies the change to `config`.
    pub(crate) fn apply(&self, config: &mut RollupConfig) -> Result<(), ConfigError> {
        match &self.change {
            AmendmentChange::Keys(keys) => config.set_keys(self.activation, keys.clone()),
            AmendmentChange::GasLimit(gas) => {
                config
                    .gas_limit
                    .retain(|entry| entry.from < self.activation);
                config.gas_limit.push(GasLimitEntry {
                    from: self.activation,
                    gas: *gas,
                });
            }
            AmendmentChange::Policy(policy) => config.policy = *policy,
            AmendmentChange::Timing(timing) => config.timing = *timing,
            AmendmentChange::Forced(forced) => config.forced = *forced,
            AmendmentChange::Limits(limits) => config.limits = *limits,
            AmendmentChange::Codecs(codecs) => config.codecs.clone_from(codecs),
            AmendmentChange::DaEpoch { next, .. } => {
                return Err(ConfigError::Reserved {
                    key: "amendments.change.daEpoch",
                    what: format!("a second DA epoch (on {})", next.layer),
                });
            }
        }
        Ok(())
    }
}

impl RollupConfig {
    fn set_keys(&mut self, from: DaOrdinal, keys: Vec<Address>) {
        self.keys.retain(|entry| entry.from < from);
        self.keys.push(KeyScheduleEntry { from, keys });
    }
}
