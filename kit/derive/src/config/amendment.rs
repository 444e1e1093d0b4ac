use super::{
    DaEpochConfig, ForcedConfig, GasLimitEntry, KeyScheduleEntry, LimitsConfig, RollupConfig,
    SequencingPolicy, TimingConfig,
};
use crate::CodecId;
use alloc::{boxed::Box, vec::Vec};
use alloy_primitives::{Address, B256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::DaOrdinal;
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
    /// The next DA epoch. The block at the ordinal before the activation is
    /// the last one that is read of the layer before; the block at the
    /// activation is the first one of this layer, from `startHeight` on, whose
    /// time is above the last one's. It is read once the last one is final.
    DaEpoch(Box<DaEpochConfig>),
}

impl AmendmentChange {
    /// Its number in the encoding (PROTOCOL §1).
    pub const fn tag(&self) -> u8 {
        match self {
            Self::Keys(_) => 0,
            Self::GasLimit(_) => 1,
            Self::Policy(_) => 2,
            Self::Timing(_) => 3,
            Self::Forced(_) => 4,
            Self::Limits(_) => 5,
            Self::Codecs(_) => 6,
            Self::DaEpoch(_) => 7,
        }
    }
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
    pub(crate) fn apply(&self, config: &mut RollupConfig) {
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
            AmendmentChange::DaEpoch(next) => config.da = next.as_ref().clone(),
        }
    }
}

impl RollupConfig {
    fn set_keys(&mut self, from: DaOrdinal, keys: Vec<Address>) {
        self.keys.retain(|entry| entry.from < from);
        self.keys.push(KeyScheduleEntry { from, keys });
    }
}
