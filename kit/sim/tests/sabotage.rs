//! Each invariant fails where something is broken that breaks it, and only
//! there.

use rollwright_sim::{Death, Event, Plan, Sabotage, SpellKind, What, oracle, run};
use std::collections::BTreeSet;

fn at(at_ms: u64, what: What) -> Event {
    Event { at_ms, what }
}

fn kill(node: usize, death: Death) -> What {
    What::Kill {
        node,
        death,
        down_ms: 1_000,
    }
}

fn stall(for_ms: u64) -> What {
    What::Weather {
        node: None,
        for_ms,
        kind: SpellKind::Stall,
    }
}

/// So that the follower is seen on its way back.
fn slow_follower(for_ms: u64) -> What {
    What::Weather {
        node: Some(1),
        for_ms,
        kind: SpellKind::Slow(1_000),
    }
}

/// Defects, with what shows them and the invariant that they break.
fn defects() -> Vec<(Sabotage, Plan, &'static str)> {
    let calm = || Plan::calm(1);
    let with = |events: Vec<Event>| Plan {
        events,
        ..Plan::calm(1)
    };
    vec![
        (Sabotage::BlobsAreLeftOut, calm(), oracle::AGREEMENT),
        (
            Sabotage::StoreIsLost,
            with(vec![
                at(13_000, slow_follower(8_000)),
                at(14_000, kill(1, Death::Step(1))),
            ]),
            oracle::FINALITY,
        ),
        (
            Sabotage::TransactionsAreDropped,
            calm(),
            oracle::NOTHING_LOST,
        ),
        (Sabotage::PostsTwice, calm(), oracle::ONCE),
        (Sabotage::ValueAppears, calm(), oracle::VALUE),
        (
            Sabotage::PoolIsUnbounded,
            Plan {
                load: 1_000,
                length_ms: 72_000,
                ..with(vec![at(5_000, stall(65_000))])
            },
            oracle::BOUNDS,
        ),
        (Sabotage::EngineFails, calm(), oracle::NO_FAILURE),
        (Sabotage::HeadStandsStill, calm(), oracle::LIVENESS),
        (
            Sabotage::ForcedIsCensored,
            Plan {
                length_ms: 40_000,
                ..calm()
            },
            oracle::FORCED,
        ),
        (Sabotage::ReferenceMissesABlob, calm(), oracle::REFERENCE),
    ]
}

#[test]
fn each_defect_breaks_its_invariant_and_nothing_without_it() {
    for (sabotage, plan, invariant) in defects() {
        let sound = run(&plan).violation;
        assert_eq!(sound, None, "{plan}");
        let broken = Plan {
            sabotage: Some(sabotage),
            ..plan
        };
        let outcome = run(&broken);
        let found = outcome.violation.as_ref().map(|found| found.invariant);
        let tail = outcome.lines.len().saturating_sub(40);
        let tail = outcome.lines[tail..].join("\n");
        assert_eq!(found, Some(invariant), "{broken}{tail}");
    }
}

#[test]
fn a_store_that_loses_its_last_write_is_found() {
    let found: BTreeSet<_> = (1..=12)
        .filter_map(|write| {
            let broken = Plan {
                sabotage: Some(Sabotage::LastWriteIsLost),
                events: vec![at(5_000, kill(0, Death::AfterWrite(write)))],
                ..Plan::calm(1)
            };
            run(&broken).violation
        })
        .map(|violation| violation.invariant)
        .collect();
    assert_eq!(found, BTreeSet::from([oracle::DURABILITY]));
}

#[test]
fn no_invariant_is_left_out() {
    let broken: BTreeSet<_> = defects()
        .into_iter()
        .map(|(_, _, invariant)| invariant)
        // Of the test above.
        .chain([oracle::DURABILITY])
        .collect();
    assert_eq!(broken, BTreeSet::from(oracle::ALL));
}
