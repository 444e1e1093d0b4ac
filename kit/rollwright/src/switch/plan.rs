//! The amendment that begins the next DA epoch.

use super::SwitchError;
use crate::{Amendments, Project, amendments};
use rollwright_core::{DaCaps, DaFinality, DaHeight, DaOrdinal};
use rollwright_derive::{
    Amendment, AmendmentChange, DaEpochConfig, RollupConfig, Rules, TimingConfig, piece_bytes,
};
use rollwright_node::EpochSpan;
use std::time::Duration;

/// Least number of DA blocks from the newest one to the last one of a layer:
/// what was posted must land, and followers must hear of it.
pub const LEAST_LEAD: u64 = 12;

/// DA blocks before an activation in which a sequencer posts nothing more.
const QUIET_BLOCKS: u32 = 4;

/// How long operators have to take an amendment over, by default.
const NOTICE: Duration = Duration::from_secs(600);

/// What a switch starts from.
#[derive(Clone, Debug)]
pub struct Situation {
    /// The epoch that the chain is in.
    pub span: EpochSpan,
    /// Its layer.
    pub old: DaCaps,
    /// The layer that it goes over to.
    pub new: DaCaps,
    /// Bytes of transactions that the chain makes per second, as its last
    /// batches tell.
    pub bytes_per_second: u64,
    /// True where the switch may be as soon as possible: a development chain.
    pub soon: bool,
}

/// A switch that may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Height of the last block of the layer before.
    pub last: DaHeight,
    /// First ordinal of the next epoch.
    pub activation: DaOrdinal,
    /// What is appended to the chain's amendments: the epoch and, where the new
    /// layer's block time needs it, the timing that begins with it.
    pub added: Vec<Amendment>,
    /// About how long nothing can be posted between the two layers.
    pub wait: Duration,
}

impl Project {
    /// Plans a switch to `config` with `last` as the last height of the layer
    /// that the chain is on, or as early as is sensible. Nothing is written.
    /// `allow_pause`: that no blocks are made for a while is fine.
    pub fn plan_switch(
        &self,
        config: &DaEpochConfig,
        situation: &Situation,
        last: Option<DaHeight>,
        allow_pause: bool,
    ) -> Result<Plan, SwitchError> {
        let span = &situation.span;
        let now = span.newest().unwrap_or(span.first);
        let present = self.epochs().get(span.index as usize);
        if let Some(next) = self.epochs().get(span.index as usize + 1) {
            return Err(SwitchError::AnotherOpen {
                layer: next.config.layer.clone(),
                begins: next.begins.0,
                now: span.ordinal(now).unwrap_or(span.begins).0,
            });
        }
        if present.is_some_and(|present| {
            let before = &present.config;
            before.layer == config.layer
                && before.network == config.network
                && before.address == config.address
        }) {
            return Err(SwitchError::Same {
                layer: config.layer.clone(),
                network: config.network.clone(),
                address: config.address.clone(),
            });
        }
        let first = now.0.saturating_add(LEAST_LEAD);
        let last = match last {
            Some(last) if last.0 < first => {
                return Err(SwitchError::TooNear {
                    last: last.0,
                    now: now.0,
                    least: LEAST_LEAD,
                    first,
                });
            }
            Some(last) => last,
            None if situation.soon => DaHeight(first),
            None => {
                let block = situation.old.block_time.as_millis().max(1);
                let blocks = NOTICE.as_millis() / block;
                let blocks = u64::try_from(blocks).unwrap_or(u64::MAX).max(LEAST_LEAD);
                DaHeight(now.0.saturating_add(blocks))
            }
        };
        let above_begin = last.0.saturating_sub(span.first.0).saturating_add(1);
        let activation = span.begins.plus(above_begin);
        let added = self.amend(config, activation)?;
        let wait = wait(&situation.old, &situation.new);
        if !allow_pause {
            self.refuse_stall(&added, situation, wait)?;
        }
        Ok(Plan {
            last,
            activation,
            added,
            wait,
        })
    }

    /// The list with the plan's amendments behind it.
    pub fn amended_by(&self, plan: &Plan) -> Amendments {
        let mut list = self.amendments().to_vec();
        list.extend(plan.added.iter().cloned());
        Amendments {
            rollup_id: Some(self.rollup_id()),
            list,
        }
    }

    fn amend(
        &self,
        config: &DaEpochConfig,
        activation: DaOrdinal,
    ) -> Result<Vec<Amendment>, SwitchError> {
        let epoch = Amendment {
            activation,
            change: AmendmentChange::DaEpoch(Box::new(config.clone())),
        };
        let refused = |reason: String| SwitchError::Rules { reason };
        let mut list = self.amendments().to_vec();
        list.push(epoch.clone());
        let first = match amendments::epochs(self.rollup(), &list) {
            Ok(_) => return Ok(vec![epoch]),
            Err(reason) => reason,
        };
        // Constants that count DA blocks were chosen for another block time.
        let present = self.rules_of(self.amendments().to_vec()).map_err(refused)?;
        let timing = timing_for(&present.at(activation).timing, config.block_time_ms);
        let timing = Amendment {
            activation,
            change: AmendmentChange::Timing(timing),
        };
        list.pop();
        list.extend([timing.clone(), epoch.clone()]);
        match amendments::epochs(self.rollup(), &list) {
            Ok(_) => Ok(vec![timing, epoch]),
            Err(reason) => Err(refused(format!("{first}; with adapted timing: {reason}"))),
        }
    }

    fn rules_of(&self, amendments: Vec<Amendment>) -> Result<Rules, String> {
        let zero = rollwright_core::B256::ZERO;
        let rollup: RollupConfig = self.rollup().clone();
        Rules::new(zero, zero, rollup, amendments).map_err(|error| error.to_string())
    }

    fn refuse_stall(
        &self,
        added: &[Amendment],
        situation: &Situation,
        wait: Duration,
    ) -> Result<(), SwitchError> {
        let mut list = self.amendments().to_vec();
        let before = self
            .rules_of(list.clone())
            .map_err(|reason| SwitchError::Rules { reason })?;
        list.extend(added.iter().cloned());
        let after = self
            .rules_of(list)
            .map_err(|reason| SwitchError::Rules { reason })?;
        let activation = added.first().map_or(DaOrdinal(0), |first| first.activation);
        let set = after.at(activation);
        let piece = piece_bytes(situation.new.max_blob_bytes, situation.new.max_unit_bytes);
        set.check_layer(piece).map_err(|error| SwitchError::Rules {
            reason: error.to_string(),
        })?;
        let stall = |reason: String, help: &str| SwitchError::WouldStall {
            wait_seconds: wait.as_secs(),
            reason,
            help: help.to_owned(),
        };
        let drift = before.at(situation.span.begins).timing.drift_seconds;
        if wait.as_secs() > drift {
            return Err(stall(
                format!(
                    "and blocks can be made for {drift} s only after a DA block (timing.driftSeconds)"
                ),
                "raise it by an amendment of timing before, or accept the pause with --allow-pause",
            ));
        }
        let limit = self.config().values.da.buffer_limit;
        let needed = situation.bytes_per_second.saturating_mul(wait.as_secs());
        if needed > limit.0 {
            return Err(stall(
                format!(
                    "and about {needed} bytes would wait, with room for {limit} (da.buffer-limit)"
                ),
                "raise da.buffer-limit of the sequencer, or accept the pause with --allow-pause",
            ));
        }
        Ok(())
    }
}

/// How long nothing can be posted: what is left of the old layer, until its
/// last block is final, and until the new one has made two blocks.
fn wait(old: &DaCaps, new: &DaCaps) -> Duration {
    let finality = match old.finality {
        DaFinality::Instant => Duration::ZERO,
        DaFinality::Depth(blocks) => old
            .block_time
            .saturating_mul(u32::try_from(blocks).unwrap_or(u32::MAX)),
        DaFinality::Gadget(time) => time,
    };
    let quiet = old.block_time.saturating_mul(QUIET_BLOCKS);
    quiet
        .saturating_add(finality)
        .saturating_add(new.block_time.saturating_mul(2))
}

/// Timing for a layer with blocks each `interval_ms`, as near to `timing` as
/// the relations between the constants allow (PROTOCOL §1): a drift of at
/// least fifteen DA blocks, and a window that the anchor outlives.
pub fn timing_for(timing: &TimingConfig, interval_ms: u64) -> TimingConfig {
    /// What EIP-4788's contract remembers, in seconds, less one.
    const MEMORY_SECONDS: u64 = 8_190;
    let interval = interval_ms.max(1);
    let drift_seconds = timing
        .drift_seconds
        .max(interval.saturating_mul(15) / 1_000);
    let longest_wait = MEMORY_SECONDS.saturating_sub(drift_seconds) * 1_000 / interval;
    let longest_window =
        longest_wait.saturating_sub(timing.force_delay.saturating_add(timing.lapse_interval)) / 2;
    let window = timing.window.min(longest_window.saturating_sub(1));
    TimingConfig {
        window,
        part_timeout: timing.part_timeout.min(window / 4).max(1),
        drift_seconds,
        ..*timing
    }
}
