//! The chains of scenes: every constant near its least, so that every bound
//! is met soon.

use super::keys::key;
use alloy_primitives::Address;
use rollwright_core::{DaHeight, DaOrdinal};
use rollwright_derive::{
    Amendment, AmendmentChange, CodecId, DevChain, GasLimitEntry, KeyScheduleEntry,
    PartSigner as _, RollupConfig, SequencingPolicy,
};

/// Height of the DA block with ordinal 0.
pub(super) const DA_START: u64 = 100;

/// What the bytes of a script choose.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) config: RollupConfig,
    pub(super) amendments: Vec<Amendment>,
    pub(super) base_fee: u64,
    /// The engine refuses some blocks.
    pub(super) strict: bool,
}

pub(super) fn choose(bytes: [u8; 4], codecs: Vec<CodecId>) -> Choice {
    let [kind, amended, when, fee] = bytes;
    let config = config(kind, codecs);
    let mut amendments = amendments(&config, amended, when);
    amendments.extend(epochs(&config, amended, when));
    amendments.sort_by_key(|amendment| amendment.activation);
    Choice {
        config,
        amendments,
        base_fee: if fee % 4 == 0 { 0 } else { 10 },
        strict: kind & 16 != 0,
    }
}

fn config(kind: u8, codecs: Vec<CodecId>) -> RollupConfig {
    let first = key(0).address();
    let mut config = RollupConfig::dev(DevChain {
        start_height: DaHeight(DA_START),
        gas_limit: 30_000_000,
        sequencer: first,
        fee_vault: Address::repeat_byte(0xfe),
        ..DevChain::default()
    });
    let timing = &mut config.timing;
    (timing.window, timing.part_timeout) = (9, 3);
    (timing.force_delay, timing.force_ttl) = (1, 4);
    (timing.max_step, timing.lapse_interval) = (3, 4);
    (timing.drift_seconds, timing.block_time_ms) = (10, 1_000);
    let forced = &mut config.forced;
    (forced.admit_count, forced.admit_bytes) = (3, 600);
    (forced.admit_gas, forced.block_gas) = (60_000, 240_000);
    (forced.queue_count, forced.queue_bytes) = (18, 3_600);
    (forced.block_bytes, forced.block_validations) = (3_000, 21);
    let limits = &mut config.limits;
    (limits.batch_lookahead, limits.batch_parts) = (2, 6);
    (limits.batch_blocks, limits.origin_blocks) = (5, 4);
    (limits.block_transactions, limits.block_bytes) = (4, 2_000);
    (limits.batch_bytes, limits.decompressed_bytes) = (67_700, 67_700);
    limits.term_step = 3;
    config.codecs = codecs;
    if kind & 32 != 0 {
        // The deriver's own blocks are so rare that an amendment can bring the
        // end of a window before the next of them.
        (config.timing.window, config.timing.lapse_interval) = (14, 9);
        (config.forced.block_gas, config.forced.block_bytes) = (540_000, 6_000);
        config.forced.block_validations = 36;
        (config.forced.queue_count, config.forced.queue_bytes) = (33, 6_600);
    }
    if kind & 64 != 0 {
        // A batch can expand to more than it may, with no block too large.
        config.limits.block_bytes = 40_000;
        (config.limits.batch_bytes, config.limits.decompressed_bytes) = (110_000, 110_000);
    }
    if kind & 1 != 0 {
        config.da.forced_address = Some("forced".into());
    }
    if kind & 2 != 0 {
        config.timing.block_time_ms = 500;
        config.limits.origin_blocks = 8;
    }
    if kind & 4 != 0 {
        config.keys[0].keys = sorted([0, 1]);
        config.keys.push(KeyScheduleEntry {
            from: DaOrdinal(12),
            keys: sorted([0, 2]),
        });
    }
    if kind & 8 != 0 {
        config.gas_limit.push(GasLimitEntry {
            from: DaOrdinal(8),
            gas: 25_000_000,
        });
    }
    config
}

/// No further DA epoch, one, one with lanes of another kind, or two.
fn epochs(config: &RollupConfig, amended: u8, when: u8) -> Vec<Amendment> {
    let first = 6 + u64::from(amended % 7);
    let second = first + 1 + u64::from(amended % 5);
    let begins: &[u64] = match when / 64 {
        0 => &[],
        3 => &[first, second],
        _ => &[first],
    };
    let epoch = |(begins, number): (&u64, u64)| {
        let mut next = config.da.clone();
        next.start_height = DaHeight(DA_START * (1 + number));
        if when / 64 == 2 {
            let lane = "forced".to_owned();
            next.forced_address = next.forced_address.is_none().then_some(lane);
        }
        Amendment {
            activation: DaOrdinal(*begins),
            change: AmendmentChange::DaEpoch(Box::new(next)),
        }
    };
    begins.iter().zip(1..).map(epoch).collect()
}

fn sorted<const N: usize>(keys: [u8; N]) -> Vec<Address> {
    let mut keys = keys.map(|number| key(number).address()).to_vec();
    keys.sort();
    keys
}

/// Some of these, in their order; `when` says how far apart.
fn amendments(config: &RollupConfig, chosen: u8, when: u8) -> Vec<Amendment> {
    let mut timing = config.timing;
    (timing.window, timing.part_timeout) = (7, 1);
    (timing.max_step, timing.lapse_interval) = (2, 4);
    (timing.drift_seconds, timing.force_ttl) = (9, 3);
    let mut wide = config.timing;
    (wide.window, wide.part_timeout) = (17, 5);
    let mut forced = config.forced;
    (forced.admit_count, forced.admit_bytes) = (2, 500);
    forced.block_gas += 60_000;
    forced.queue_count += 6;
    forced.queue_bytes += 400;
    let mut limits = config.limits;
    (limits.batch_lookahead, limits.batch_blocks) = (3, 3);
    limits.block_transactions = 3;
    let changes = [
        AmendmentChange::GasLimit(20_000_000),
        AmendmentChange::Timing(wide),
        AmendmentChange::Forced(forced),
        AmendmentChange::Limits(limits),
        AmendmentChange::Keys(sorted([0, 3])),
        AmendmentChange::Policy(SequencingPolicy::Single),
        AmendmentChange::Timing(timing),
        AmendmentChange::Codecs(config.codecs[..1].to_vec()),
    ];
    let mut at = 4 + u64::from(when % 8);
    let mut amendments = Vec::new();
    for (change, bit) in changes.into_iter().zip(0u32..) {
        if chosen & (1 << bit) != 0 {
            let activation = DaOrdinal(at);
            amendments.push(Amendment { activation, change });
            at += u64::from(when / 8 % 8);
        }
    }
    amendments
}
