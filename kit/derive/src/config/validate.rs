use super::{ConfigError, KeyScheduleEntry, RollupConfig};
use crate::CodecId;
use alloc::{format, vec::Vec};
use rollwright_core::DaOrdinal;

/// The most gas that one transaction can have (EIP-7825).
pub const TRANSACTION_GAS_CAP: u64 = 1 << 24;

/// The most bytes that the transactions of a block can have together, forced
/// ones included: EIP-7934's 10 MiB less a margin of 2 MiB.
pub const MAX_BLOCK_BYTES: u64 = 8 * 1024 * 1024;

/// Seconds that EIP-4788's contract remembers when a block is made each
/// second: 8,191 entries.
pub(super) const ANCHOR_MEMORY_SECONDS: u64 = 8_191;

/// Most that a batch may have in bytes, so that a node can hold a few.
const MAX_BATCH_BYTES: u128 = 64 * 1024 * 1024;

type Check = Result<(), ConfigError>;

impl RollupConfig {
    /// Checks every relation between the constants on which liveness and
    /// bounds of derivation rest. The first contradiction is returned.
    ///
    /// Pure; called for genesis and for every state that amendments lead to.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.version != 1 {
            return Err(ConfigError::Version {
                found: self.version,
            });
        }
        self.check_da()?;
        self.check_keys()?;
        self.check_ranges()?;
        self.check_timing()?;
        self.check_forced_lane()?;
        self.check_gas()?;
        self.check_limits()?;
        self.check_codecs()
    }

    /// Most ordinals from the admission of a forced transaction to its try in
    /// a block, with the sequencer silent and the lane full: the delay, a
    /// window until the deriver makes blocks, at most another window for the
    /// backlog, and one interval.
    pub const fn longest_forced_wait(&self) -> u64 {
        self.timing
            .window
            .saturating_add(1)
            .saturating_mul(2)
            .saturating_add(self.timing.lapse_interval)
            .saturating_add(self.timing.force_delay)
    }

    /// True where a timestamp may repeat its parent's.
    pub const fn repeats_timestamps(&self) -> bool {
        self.timing.block_time_ms < 1_000
    }

    fn check_da(&self) -> Check {
        for (key, value) in [
            ("da.layer", &self.da.layer),
            ("da.network", &self.da.network),
            ("da.address", &self.da.address),
        ] {
            length(
                key,
                value.len(),
                1,
                256,
                "Name the DA layer, its network and our address",
            )?;
        }
        length(
            "da.posters",
            self.da.posters.len(),
            0,
            256,
            "Remove posters",
        )?;
        range("da.blockTimeMs", self.da.block_time_ms, 1, 3_600_000)
    }

    fn check_keys(&self) -> Check {
        length(
            "keys",
            self.keys.len(),
            1,
            1_024,
            "Give at least the first entry",
        )?;
        starts_at_zero("keys", self.keys.first().map(|entry| entry.from))?;
        ascending("keys", self.keys.iter().map(|entry| entry.from))?;
        for entry in &self.keys {
            let KeyScheduleEntry { keys, .. } = entry;
            length(
                "keys.keys",
                keys.len(),
                1,
                64,
                "Name one to 64 sequencer addresses",
            )?;
            ascending("keys.keys", keys)?;
            if keys.iter().any(|key| key.is_zero()) {
                return Err(ConfigError::Range {
                    key: "keys.keys",
                    found: 0,
                    min: 1,
                    max: u128::MAX,
                });
            }
        }
        Ok(())
    }

    fn check_ranges(&self) -> Check {
        let (timing, forced, limits) = (&self.timing, &self.forced, &self.limits);
        range("timing.window", timing.window, 2, 1 << 24)?;
        range("timing.partTimeout", timing.part_timeout, 1, 1 << 24)?;
        range("timing.forceDelay", timing.force_delay, 1, 1 << 16)?;
        range("timing.forceTtl", timing.force_ttl, 1, 1 << 24)?;
        range("timing.maxStep", timing.max_step, 1, 1 << 16)?;
        range("timing.lapseInterval", timing.lapse_interval, 1, 1 << 16)?;
        range(
            "timing.driftSeconds",
            timing.drift_seconds,
            1,
            ANCHOR_MEMORY_SECONDS,
        )?;
        range("timing.blockTimeMs", timing.block_time_ms, 1, 3_600_000)?;
        range("forced.admitCount", forced.admit_count, 1, 1 << 16)?;
        range("forced.admitBytes", forced.admit_bytes, 1, MAX_BLOCK_BYTES)?;
        range("forced.admitGas", forced.admit_gas, 21_000, u64::MAX / 4)?;
        range("forced.queueCount", forced.queue_count, 1, 1 << 20)?;
        range("forced.queueBytes", forced.queue_bytes, 1, 1 << 30)?;
        range("forced.blockGas", forced.block_gas, 21_000, u64::MAX / 4)?;
        range("forced.blockBytes", forced.block_bytes, 1, MAX_BLOCK_BYTES)?;
        range(
            "forced.blockValidations",
            forced.block_validations,
            1,
            1 << 20,
        )?;
        range("limits.batchLookahead", limits.batch_lookahead, 1, 1_024)?;
        range("limits.batchParts", limits.batch_parts, 1, 1 << 16)?;
        range("limits.batchBlocks", limits.batch_blocks, 1, 1 << 20)?;
        range("limits.originBlocks", limits.origin_blocks, 1, 1 << 30)?;
        range(
            "limits.blockTransactions",
            limits.block_transactions,
            1,
            1 << 20,
        )?;
        range("limits.blockBytes", limits.block_bytes, 1, MAX_BLOCK_BYTES)?;
        range("limits.termStep", limits.term_step, 1, 1 << 32)
    }

    fn check_timing(&self) -> Check {
        let timing = &self.timing;
        at_least(
            "timing.lapseInterval",
            timing.lapse_interval,
            timing.force_delay.saturating_add(3),
            "timing.forceDelay bounds the sequencer's origin depth, and a batch needs up to 3 DA blocks to land",
            "Raise timing.lapseInterval or lower timing.forceDelay",
        )?;
        at_least(
            "timing.window",
            timing.window,
            timing
                .part_timeout
                .saturating_add(timing.force_delay)
                .saturating_add(timing.lapse_interval)
                .saturating_add(1),
            "above timing.partTimeout + timing.forceDelay + timing.lapseInterval, or a batch that is still being posted would lapse",
            "Raise timing.window or lower timing.partTimeout",
        )?;
        at_least(
            "timing.forceTtl",
            timing.force_ttl,
            timing.force_delay.saturating_add(1),
            "above timing.forceDelay, or an entry would end before its first try",
            "Raise timing.forceTtl",
        )?;
        at_least(
            "timing.driftSeconds",
            timing.drift_seconds.saturating_mul(1_000),
            timing
                .force_delay
                .saturating_add(1)
                .saturating_mul(2)
                .saturating_mul(self.da.block_time_ms)
                .max(timing.block_time_ms),
            "in milliseconds: twice the sequencer's origin depth of up to timing.forceDelay + 1 DA blocks, and one block",
            "Raise timing.driftSeconds",
        )?;
        let wait_ms = u128::from(self.longest_forced_wait()) * u128::from(self.da.block_time_ms);
        let found = wait_ms.div_ceil(1_000) + u128::from(timing.drift_seconds);
        if found >= u128::from(ANCHOR_MEMORY_SECONDS) {
            return Err(ConfigError::TooLarge {
                key: "timing.window",
                found,
                allowed: u128::from(ANCHOR_MEMORY_SECONDS - 1),
                rule: "seconds, (forceDelay + 2 × (window + 1) + lapseInterval) × da.blockTimeMs + driftSeconds: a forced transaction must be able to open the anchor it was signed for",
                cure: "Lower timing.window",
            });
        }
        Ok(())
    }

    fn check_forced_lane(&self) -> Check {
        let (timing, forced) = (&self.timing, &self.forced);
        let step = u128::from(timing.max_step.max(timing.lapse_interval));
        let tries = step + u128::from(timing.force_ttl.saturating_sub(timing.force_delay));
        at_least(
            "forced.blockValidations",
            forced.block_validations,
            u128::from(forced.admit_count) * tries,
            "forced.admitCount × (the larger of timing.maxStep and timing.lapseInterval + timing.forceTtl − timing.forceDelay): underpriced entries are tried until their time ends, and must not hold up others",
            "Raise forced.blockValidations, or lower forced.admitCount or timing.forceTtl",
        )?;
        at_least(
            "forced.blockBytes",
            forced.block_bytes,
            u128::from(forced.admit_bytes) * (step + 1),
            "forced.admitBytes × (the larger of timing.maxStep and timing.lapseInterval + 1)",
            "Raise forced.blockBytes or lower forced.admitBytes",
        )?;
        at_least(
            "forced.blockGas",
            forced.block_gas,
            u128::from(forced.admit_gas) * step,
            "forced.admitGas × the larger of timing.maxStep and timing.lapseInterval",
            "Raise forced.blockGas or lower forced.admitGas",
        )?;
        let backlog = u128::from(timing.force_delay) + step + 1;
        at_least(
            "forced.queueCount",
            forced.queue_count,
            u128::from(forced.admit_count) * backlog,
            "forced.admitCount × (timing.forceDelay + the larger of timing.maxStep and timing.lapseInterval + 1)",
            "Raise forced.queueCount",
        )?;
        at_least(
            "forced.queueBytes",
            forced.queue_bytes,
            u128::from(forced.admit_bytes) * backlog,
            "forced.admitBytes × (timing.forceDelay + the larger of timing.maxStep and timing.lapseInterval + 1)",
            "Raise forced.queueBytes",
        )
    }

    fn check_gas(&self) -> Check {
        length(
            "gasLimit",
            self.gas_limit.len(),
            1,
            1_024,
            "Give at least the first entry",
        )?;
        starts_at_zero("gasLimit", self.gas_limit.first().map(|entry| entry.from))?;
        ascending("gasLimit", self.gas_limit.iter().map(|entry| entry.from))?;
        let largest = self.forced.admit_gas.max(TRANSACTION_GAS_CAP);
        for entry in &self.gas_limit {
            at_least(
                "gasLimit.gas",
                entry.gas,
                u128::from(self.forced.block_gas) + u128::from(largest),
                "forced.blockGas + the largest transaction (EIP-7825's 16,777,216, or forced.admitGas)",
                "Raise the gas limit or lower forced.blockGas",
            )?;
        }
        Ok(())
    }

    fn check_limits(&self) -> Check {
        let limits = &self.limits;
        let block_bytes = limits.block_bytes.saturating_add(self.forced.block_bytes);
        if block_bytes > MAX_BLOCK_BYTES {
            return Err(ConfigError::TooLarge {
                key: "limits.blockBytes",
                found: u128::from(block_bytes),
                allowed: u128::from(MAX_BLOCK_BYTES),
                rule: "limits.blockBytes + forced.blockBytes, under EIP-7934's limit with a margin",
                cure: "Lower limits.blockBytes",
            });
        }
        // A full block that does not compress must fit into one batch, or the
        // sequencer could make a block that it can never post.
        let room = u128::from(limits.block_bytes) + u128::from(limits.block_bytes / 16) + 65_536;
        for (key, found) in [
            ("limits.batchBytes", limits.batch_bytes),
            ("limits.decompressedBytes", limits.decompressed_bytes),
        ] {
            at_least(
                key,
                found,
                room,
                "limits.blockBytes + a sixteenth + 64 KiB: a full block must fit into a batch",
                "Raise it or lower limits.blockBytes",
            )?;
            if u128::from(found) > MAX_BATCH_BYTES {
                return Err(ConfigError::Range {
                    key,
                    found: u128::from(found),
                    min: room,
                    max: MAX_BATCH_BYTES,
                });
            }
        }
        at_least(
            "limits.originBlocks",
            u128::from(limits.origin_blocks) * u128::from(self.timing.block_time_ms),
            u128::from(self.da.block_time_ms) * 2,
            "in milliseconds, limits.originBlocks × timing.blockTimeMs: two DA blocks",
            "Raise limits.originBlocks",
        )
    }

    fn check_codecs(&self) -> Check {
        length(
            "codecs",
            self.codecs.len(),
            1,
            16,
            "Allow at least one codec",
        )?;
        ascending("codecs", &self.codecs)?;
        match self.codecs.iter().find(|codec| **codec > CodecId::BROTLI) {
            None => Ok(()),
            Some(codec) => Err(ConfigError::Reserved {
                key: "codecs",
                what: format!("codec {}", codec.0),
            }),
        }
    }
}

fn range(key: &'static str, found: impl Into<u64>, min: u64, max: u64) -> Check {
    let found = found.into();
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(ConfigError::Range {
        key,
        found: found.into(),
        min: min.into(),
        max: max.into(),
    })
}

fn length(key: &'static str, found: usize, min: usize, max: usize, cure: &'static str) -> Check {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(ConfigError::Length {
        key,
        found,
        min,
        max,
        cure,
    })
}

fn at_least(
    key: &'static str,
    found: impl Into<u128>,
    required: impl Into<u128>,
    rule: &'static str,
    cure: &'static str,
) -> Check {
    let (found, required) = (found.into(), required.into());
    if found >= required {
        return Ok(());
    }
    Err(ConfigError::TooSmall {
        key,
        found,
        required,
        rule,
        cure,
    })
}

fn starts_at_zero(key: &'static str, first: Option<DaOrdinal>) -> Check {
    match first {
        Some(DaOrdinal(found)) if found > 0 => Err(ConfigError::Start { key, found }),
        _ => Ok(()),
    }
}

fn ascending<T: Ord>(key: &'static str, items: impl IntoIterator<Item = T>) -> Check {
    let items: Vec<T> = items.into_iter().collect();
    match items.windows(2).position(|pair| pair[0] >= pair[1]) {
        Some(index) => Err(ConfigError::Order {
            key,
            index: index + 1,
        }),
        None => Ok(()),
    }
}
