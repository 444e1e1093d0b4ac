use super::{Block, Cause, Decision, SequencerPolicy, Situation};
use crate::BlockTime;
use alloy_primitives::{Address, B256};
use rollwright_core::{BlockRef, DaHeader, DaHeight, DaOrdinal};
use rollwright_derive::{DevChain, Position, RollupConfig, Rules};
use std::num::NonZeroU64;

const T0: u64 = 1_700_000_000;

fn rules() -> Rules {
    let mut config = RollupConfig::dev(DevChain {
        da_block_time_ms: 1_000,
        sequencer: Address::repeat_byte(1),
        fee_vault: Address::repeat_byte(2),
        ..DevChain::default()
    });
    config.limits.block_bytes = 4 << 20;
    config.limits.origin_blocks = 3_600;
    Rules::new(B256::ZERO, B256::ZERO, config, Vec::new()).unwrap()
}

fn head(origin: u64, timestamp: u64) -> Position {
    Position {
        block: BlockRef {
            number: 9,
            hash: B256::repeat_byte(9),
        },
        timestamp,
        origin: DaOrdinal(origin),
        on_origin: 1,
    }
}

/// DA blocks each second from [`T0`] on.
fn header(ordinal: DaOrdinal) -> Option<DaHeader> {
    Some(DaHeader {
        height: DaHeight(ordinal.0),
        time: T0 + ordinal.0,
        ..DaHeader::default()
    })
}

const INTERVAL: SequencerPolicy = SequencerPolicy {
    block_time: BlockTime::IntervalMs(NonZeroU64::new(2_000).unwrap()),
    confirmation_depth: 1,
    margin: 3,
};
const AUTO: SequencerPolicy = SequencerPolicy {
    block_time: BlockTime::Auto,
    confirmation_depth: 1,
    margin: 3,
};

fn situation<'a>(rules: &'a Rules, head: &'a Position, now_s: u64) -> Situation<'a> {
    Situation {
        rules,
        head,
        now_ms: now_s * 1_000,
        due_ms: now_s * 1_000,
        observed: DaOrdinal(now_s.saturating_sub(T0)),
        derived: DaOrdinal(now_s.saturating_sub(T0)),
        header: &header,
        transactions_wait: false,
        forced_due: &|_| false,
        asked: false,
        lapsed: false,
    }
}

#[test]
fn on_demand_a_lapse_is_ended_without_being_asked() {
    let (rules, head) = (rules(), head(7, T0 + 7));
    let now = situation(&rules, &head, T0 + 8);
    assert_eq!(AUTO.decide(&now), Decision::Idle);
    let lapsed = Situation {
        lapsed: true,
        ..now
    };
    assert!(matches!(
        AUTO.decide(&lapsed),
        Decision::Build {
            cause: Cause::KeepAlive,
            ..
        }
    ));
}

#[test]
fn a_due_block_stands_on_the_newest_origin_below_the_head() {
    let (rules, head) = (rules(), head(5, T0 + 5));
    let now = situation(&rules, &head, T0 + 8);
    match INTERVAL.decide(&now) {
        Decision::Build {
            origin,
            timestamp,
            cause,
            ..
        } => {
            assert_eq!(
                (origin, timestamp, cause),
                (DaOrdinal(7), T0 + 8, Cause::Interval)
            );
        }
        other => panic!("{other:?}"),
    }
    let early = Situation {
        due_ms: now.now_ms + 1,
        ..now
    };
    assert_eq!(INTERVAL.decide(&early), Decision::WaitUntil(now.now_ms + 1));
}

#[test]
fn an_origin_is_never_above_what_was_derived_nor_too_far_from_the_parents() {
    let (rules, head) = (rules(), head(5, T0 + 5));
    let origin = |now: &Situation<'_>| match INTERVAL.decide(now) {
        Decision::Build { origin, .. } => origin.0,
        other => panic!("{other:?}"),
    };
    let now = situation(&rules, &head, T0 + 20);
    assert_eq!(origin(&now), 5 + rules.at(DaOrdinal(5)).timing.max_step);
    assert_eq!(
        origin(&Situation {
            derived: DaOrdinal(6),
            ..now
        }),
        6
    );
    // After a reorganisation to a shorter chain the parent's origin serves.
    assert_eq!(
        origin(&Situation {
            observed: DaOrdinal(5),
            derived: DaOrdinal(5),
            ..now
        }),
        5
    );
    let gone = Situation {
        derived: DaOrdinal(4),
        observed: DaOrdinal(4),
        ..now
    };
    assert_eq!(INTERVAL.decide(&gone), Decision::Blocked(Block::NoOrigin));
}

#[test]
fn on_demand_nothing_is_made_of_nothing() {
    let (rules, head) = (rules(), head(7, T0 + 5));
    let now = situation(&rules, &head, T0 + 8);
    assert_eq!(AUTO.decide(&now), Decision::Idle);
    for now in [
        Situation {
            transactions_wait: true,
            ..now
        },
        Situation { asked: true, ..now },
        Situation {
            forced_due: &|_| true,
            ..now
        },
    ] {
        assert!(matches!(
            AUTO.decide(&now),
            Decision::Build {
                cause: Cause::Demand,
                ..
            }
        ));
    }
}

#[test]
fn an_idle_chain_is_kept_alive_and_only_by_a_newer_origin() {
    let (rules, head) = (rules(), head(5, T0 + 5));
    let step = rules.at(DaOrdinal(5)).timing.max_step;
    let now = situation(&rules, &head, T0 + 5 + step);
    assert!(matches!(
        AUTO.decide(&now),
        Decision::Build {
            cause: Cause::KeepAlive,
            ..
        }
    ));
    let no_newer = Situation {
        derived: DaOrdinal(5),
        ..now
    };
    assert_eq!(AUTO.decide(&no_newer), Decision::Idle);
}

#[test]
fn blocks_stop_when_the_drift_is_used_up_and_say_how_much_is_left() {
    let rules = rules();
    let drift = rules.at(DaOrdinal(5)).timing.drift_seconds;
    let parent = head(5, T0 + 5 + drift - 10);
    let still = Situation {
        observed: DaOrdinal(6),
        derived: DaOrdinal(5),
        ..situation(&rules, &parent, T0 + 5 + drift - 4)
    };
    assert!(matches!(
        INTERVAL.decide(&still),
        Decision::Build { drift_left: 4, .. }
    ));
    let parent = head(5, T0 + 5 + drift);
    let over = Situation {
        head: &parent,
        ..still
    };
    assert_eq!(
        INTERVAL.decide(&over),
        Decision::Blocked(Block::Drift {
            drift_seconds: drift,
            origin: DaOrdinal(5)
        })
    );
}

#[test]
fn a_full_origin_waits_for_the_next() {
    let rules = rules();
    let mut parent = head(7, T0 + 7);
    parent.on_origin = 3_600;
    let now = situation(&rules, &parent, T0 + 8);
    assert!(matches!(
        INTERVAL.decide(&now),
        Decision::Blocked(Block::OriginFull { .. })
    ));
    let next = situation(&rules, &parent, T0 + 9);
    assert!(matches!(INTERVAL.decide(&next), Decision::Build { .. }));
}

#[test]
fn blocks_faster_than_seconds_wait_where_timestamps_must_rise() {
    let (rules, parent) = (rules(), head(7, T0 + 8));
    let now = Situation {
        asked: true,
        ..situation(&rules, &parent, T0 + 8)
    };
    assert_eq!(AUTO.decide(&now), Decision::WaitUntil((T0 + 9) * 1_000));
}

#[test]
fn missed_turns_are_not_made_up_for() {
    assert_eq!(INTERVAL.next_due(10_000, 10_010), 12_000);
    assert_eq!(INTERVAL.next_due(10_000, 13_500), 12_000);
    assert_eq!(INTERVAL.next_due(10_000, 14_000), 16_000);
    // The clock jumped back.
    assert_eq!(INTERVAL.next_due(10_000, 2_000), 4_000);
}

#[test]
fn no_block_is_made_that_could_not_be_posted_in_time() {
    let (rules, resting, head) = (rules(), head(8, T0 + 8), head(7, T0 + 7));
    let window = rules.config().timing.window;
    // Derivation hangs at ordinal 8 while the layer goes on.
    let at = |observed| Situation {
        observed: DaOrdinal(observed),
        derived: DaOrdinal(8),
        asked: true,
        ..situation(&rules, &head, T0 + observed)
    };
    let last = 8 + window - INTERVAL.margin - 1;
    let too_late = |decision| matches!(decision, Decision::Blocked(Block::TooLate { .. }));
    assert!(!too_late(INTERVAL.decide(&at(last))));
    assert!(too_late(INTERVAL.decide(&at(last + 1))));
    assert!(too_late(AUTO.decide(&at(last + 1))));
    // Whoever is not asked for anything does nothing, and complains of nothing.
    let idle = Situation {
        asked: false,
        head: &resting,
        ..at(last + 1)
    };
    assert_eq!(AUTO.decide(&idle), Decision::Idle);
}
