use super::{BlobSchedule, ChainConfig, GenesisError};
use alloc::{format, string::String};
use alloy_consensus::Header;
use alloy_primitives::U256;
use revm::primitives::hardfork::SpecId;

/// When a fork activates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// From this block number on.
    Block(u64),
    /// From this Unix time on.
    Time(u64),
}

impl ChainConfig {
    /// The rules for a block: the newest fork active at its number and time.
    ///
    /// `merged` says whether the parent's total difficulty has reached
    /// [`terminal_total_difficulty`](Self::terminal_total_difficulty); a rollup
    /// is merged from genesis on.
    pub fn spec_at(&self, number: u64, timestamp: u64, merged: bool) -> SpecId {
        if merged {
            let by_time = [
                (self.osaka_time, SpecId::OSAKA),
                (self.prague_time, SpecId::PRAGUE),
                (self.cancun_time, SpecId::CANCUN),
                (self.shanghai_time, SpecId::SHANGHAI),
            ];
            return newest(&by_time, timestamp).unwrap_or(SpecId::MERGE);
        }
        let by_block = [
            (self.london_block, SpecId::LONDON),
            (self.berlin_block, SpecId::BERLIN),
            (self.istanbul_block, SpecId::ISTANBUL),
            (self.petersburg_block, SpecId::PETERSBURG),
            (self.byzantium_block, SpecId::BYZANTIUM),
            (self.eip158_block, SpecId::SPURIOUS_DRAGON),
            (self.eip150_block, SpecId::TANGERINE),
            (self.homestead_block, SpecId::HOMESTEAD),
        ];
        newest(&by_block, number).unwrap_or(SpecId::FRONTIER)
    }

    /// The rules for a block of a chain that has been merged since genesis.
    pub fn spec(&self, number: u64, timestamp: u64) -> SpecId {
        self.spec_at(number, timestamp, self.merged_at_genesis())
    }

    /// The rules by which the block with this header was made: a block without
    /// difficulty is one of proof of stake.
    pub fn spec_of(&self, header: &Header) -> SpecId {
        self.spec_at(header.number, header.timestamp, self.has_merged(header))
    }

    /// True where the block with this header, and so every later one, is one of
    /// proof of stake.
    pub fn has_merged(&self, header: &Header) -> bool {
        let proof_of_stake = header.difficulty.is_zero() && header.number > 0;
        self.merged_at_genesis() || (proof_of_stake && self.terminal_total_difficulty.is_some())
    }

    /// True where proof of stake holds from genesis on.
    pub fn merged_at_genesis(&self) -> bool {
        self.terminal_total_difficulty == Some(U256::ZERO)
    }

    /// Blob parameters at a time; mainnet's of the fork where the schedule
    /// names none.
    pub fn blob_schedule_at(&self, timestamp: u64) -> BlobSchedule {
        let forks = [
            (self.bpo5_time, "bpo5"),
            (self.bpo4_time, "bpo4"),
            (self.bpo3_time, "bpo3"),
            (self.bpo2_time, "bpo2"),
            (self.bpo1_time, "bpo1"),
            (self.osaka_time, "osaka"),
            (self.prague_time, "prague"),
            (self.cancun_time, "cancun"),
        ];
        let named = forks
            .iter()
            .filter(|(time, _)| time.is_some_and(|time| time <= timestamp))
            .find_map(|(_, name)| self.blob_schedule.get(*name));
        let prague = self.prague_time.is_some_and(|time| time <= timestamp);
        named.copied().unwrap_or(if prague {
            BlobSchedule {
                target: 6,
                max: 9,
                base_fee_update_fraction: 5_007_716,
            }
        } else {
            BlobSchedule {
                target: 3,
                max: 6,
                base_fee_update_fraction: 3_338_477,
            }
        })
    }

    /// All forks that the configuration schedules, in Ethereum's order.
    pub fn forks(&self) -> impl Iterator<Item = (&'static str, Fork)> {
        let by_block = self.block_forks();
        let by_time = self.time_forks();
        by_block
            .into_iter()
            .filter_map(|(name, at)| Some((name, Fork::Block(at?))))
            .chain(
                by_time
                    .into_iter()
                    .filter_map(|(name, at)| Some((name, Fork::Time(at?)))),
            )
    }

    fn block_forks(&self) -> [(&'static str, Option<u64>); 8] {
        [
            ("homesteadBlock", self.homestead_block),
            ("eip150Block", self.eip150_block),
            ("eip158Block", self.eip158_block),
            ("byzantiumBlock", self.byzantium_block),
            ("petersburgBlock", self.petersburg_block),
            ("istanbulBlock", self.istanbul_block),
            ("berlinBlock", self.berlin_block),
            ("londonBlock", self.london_block),
        ]
    }

    fn time_forks(&self) -> [(&'static str, Option<u64>); 9] {
        [
            ("shanghaiTime", self.shanghai_time),
            ("cancunTime", self.cancun_time),
            ("pragueTime", self.prague_time),
            ("osakaTime", self.osaka_time),
            ("bpo1Time", self.bpo1_time),
            ("bpo2Time", self.bpo2_time),
            ("bpo3Time", self.bpo3_time),
            ("bpo4Time", self.bpo4_time),
            ("bpo5Time", self.bpo5_time),
        ]
    }

    /// Checks that no fork comes before one that it builds on.
    pub(super) fn check_forks(&self) -> Result<(), GenesisError> {
        check_order("number", &self.block_forks())?;
        check_order("time", &self.time_forks())?;
        if self.shanghai_time.is_some() && self.london_block.is_none() {
            return Err(conflict(
                "config.shanghaiTime",
                "Shanghai is scheduled and London is not".into(),
                "set `londonBlock` (0 for a new chain)",
            ));
        }
        if self.shanghai_time.is_some() && self.terminal_total_difficulty.is_none() {
            return Err(conflict(
                "config.terminalTotalDifficulty",
                "Shanghai is scheduled and the merge is not".into(),
                "set `terminalTotalDifficulty` (0 for a new chain)",
            ));
        }
        Ok(())
    }
}

fn newest(forks: &[(Option<u64>, SpecId)], at: u64) -> Option<SpecId> {
    forks
        .iter()
        .find(|(from, _)| from.is_some_and(|from| from <= at))
        .map(|(_, spec)| *spec)
}

fn check_order(unit: &str, forks: &[(&'static str, Option<u64>)]) -> Result<(), GenesisError> {
    for pair in forks.windows(2) {
        let [(before, first), (after, second)] = pair else {
            continue;
        };
        // Blob-parameter forks are optional; every other fork needs the one before.
        let path = format!("config.{after}");
        match (first, second) {
            (None, Some(at)) => {
                return Err(conflict(
                    &path,
                    format!("is scheduled at {at}, but `{before}`, on which it builds, is not"),
                    &format!("set `{before}` at or below it"),
                ));
            }
            (Some(first), Some(second)) if second < first => {
                return Err(conflict(
                    &path,
                    format!("{unit} {second} lies below `{before}`, which is {first}"),
                    "put forks in Ethereum's order",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn conflict(path: &str, reason: String, cure: &str) -> GenesisError {
    GenesisError::Conflict {
        path: path.into(),
        reason,
        cure: cure.into(),
    }
}
