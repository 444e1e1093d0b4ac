use crate::genesis::ChainConfig;
use alloy_eips::eip7840::{BLOB_BASE_COST, BlobParams};
use alloy_primitives::U256;
use revm::primitives::hardfork::SpecId;

/// EIP-7594: most blobs of one transaction.
const MAX_BLOBS_PER_TRANSACTION: u64 = 6;

/// One ether in wei.
const ETHER: u128 = 1_000_000_000_000_000_000;

/// Which rules hold for one block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) config: &'a ChainConfig,
    pub(crate) spec: SpecId,
    /// The parent's total difficulty has reached the terminal one.
    pub(crate) merged: bool,
    number: u64,
    timestamp: u64,
}

impl<'a> Rules<'a> {
    /// `total_difficulty` is the parent's.
    pub(crate) fn at(
        config: &'a ChainConfig,
        number: u64,
        timestamp: u64,
        total_difficulty: U256,
    ) -> Self {
        let merged = config
            .terminal_total_difficulty
            .is_some_and(|terminal| total_difficulty >= terminal);
        Self {
            config,
            spec: config.spec_at(number, timestamp, merged),
            merged,
            number,
            timestamp,
        }
    }

    pub(crate) fn has(&self, fork: SpecId) -> bool {
        self.spec.is_enabled_in(fork)
    }

    /// EIP-155: signatures may name the chain.
    pub(crate) fn replay_protection(&self) -> bool {
        self.has(SpecId::SPURIOUS_DRAGON)
    }

    /// Reward of a block's author before the merge, in wei; EIP-649, EIP-1234.
    pub(super) fn reward(&self) -> Option<u128> {
        if self.merged {
            return None;
        }
        let constantinople = self.config.constantinople_block;
        Some(if constantinople.is_some_and(|from| from <= self.number) {
            2 * ETHER
        } else if self.has(SpecId::BYZANTIUM) {
            3 * ETHER
        } else {
            5 * ETHER
        })
    }

    /// EIP-7840, with EIP-7594's limit and EIP-7918's base cost from Osaka on.
    pub(crate) fn blobs(&self) -> BlobParams {
        let schedule = self.config.blob_schedule_at(self.timestamp);
        let osaka = self.has(SpecId::OSAKA);
        BlobParams {
            target_blob_count: schedule.target,
            max_blob_count: schedule.max,
            update_fraction: u128::from(schedule.base_fee_update_fraction),
            max_blobs_per_tx: match osaka {
                true => schedule.max.min(MAX_BLOBS_PER_TRANSACTION),
                false => schedule.max,
            },
            blob_base_cost: if osaka { BLOB_BASE_COST } else { 0 },
            ..BlobParams::cancun()
        }
    }

    /// True in the block whose beginning moves the DAO's ether.
    pub(super) fn moves_dao(&self) -> bool {
        self.config.dao_fork_support && self.config.dao_fork_block == Some(self.number)
    }

    /// True for the ten blocks whose extra data is fixed by the DAO fork.
    pub(super) fn marks_dao(&self) -> bool {
        self.config.dao_fork_support
            && self
                .config
                .dao_fork_block
                .is_some_and(|from| (from..from.saturating_add(10)).contains(&self.number))
    }
}
