use super::*;
use crate::testing::Fixture;
use proptest::prelude::*;

const PAUSE: u64 = 1_000;

fn block(samples: u16) -> BlockSampling {
    let header = Arc::new(Fixture::shared().header.clone());
    BlockSampling::new(header, &SampleSecret::new([7; 32]), samples, PAUSE)
}

fn honest(places: &[Place]) -> Vec<Sample> {
    let square = &Fixture::shared().square;
    places
        .iter()
        .filter_map(|place| square.sample(place.row.into(), place.column.into()))
        .collect()
}

#[test]
fn samples_are_spread_and_available_only_when_all_are_verified() {
    let mut block = block(16);
    assert!(!block.report().is_available());
    let questions = block.questions(&[4, 5, 6], 0);
    assert_eq!(questions.len(), 3);
    assert_eq!(questions.iter().map(|q| q.places.len()).sum::<usize>(), 16);
    for (at, question) in questions.iter().enumerate() {
        assert!(!block.report().is_available(), "after {at} answers");
        block.answered(question, &honest(&question.places)).unwrap();
    }
    let report = block.report();
    assert!(report.is_available() && !report.is_withheld());
    assert_eq!((report.verified, report.endpoints), (16, 3));
    assert!(report.confidence > 0.98);
    assert!(block.questions(&[4], 0).is_empty());
}

#[test]
fn a_refusal_is_narrowed_down_and_tried_elsewhere() {
    let mut block = block(8);
    let first = block.questions(&[0, 1], 0);
    let withheld = first[0].places[0];
    let mut asked = Vec::new();
    let mut now = 0;
    // Endpoint 0 lacks one share; 1 has it.
    loop {
        let questions = block.questions(&[0, 1], now);
        if questions.is_empty() {
            break;
        }
        for question in questions {
            asked.push(question.clone());
            if question.endpoint == 0 && question.places.contains(&withheld) {
                block.failed(&question, Failure::Refused);
            } else {
                block
                    .answered(&question, &honest(&question.places))
                    .unwrap();
            }
        }
        assert!(!block.rest(&[0, 1], now));
        now += 1;
    }
    let report = block.report();
    assert!(report.is_available(), "{report:?}");
    assert_eq!(report.rounds, 0);
    // All together, alone at the same one, then at the other.
    let of_it: Vec<_> = asked
        .iter()
        .filter(|question| question.places.contains(&withheld))
        .map(|question| (question.endpoint, question.places.len()))
        .collect();
    assert_eq!(of_it, [(0, 4), (0, 1), (1, 1)]);
}

#[test]
fn what_nobody_gives_is_withheld_and_asked_for_ever_more_rarely() {
    let mut block = block(16);
    let withheld = block.open[3].place;
    let (mut now, mut pauses) = (0, Vec::new());
    while pauses.len() < 12 {
        for question in block.questions(&[0], now) {
            if question.places.contains(&withheld) {
                block.failed(&question, Failure::Refused);
            } else {
                block
                    .answered(&question, &honest(&question.places))
                    .unwrap();
            }
        }
        if block.rest(&[0], now) {
            pauses.push(block.due_ms() - now);
            assert!(block.questions(&[0], block.due_ms() - 1).is_empty());
            now = block.due_ms();
        }
        assert!(!block.report().is_available());
    }
    assert_eq!(pauses[..4], [1_000, 2_000, 4_000, 8_000]);
    assert_eq!(pauses[11], MAX_PAUSE_MS);
    let report = block.report();
    assert!(report.is_withheld());
    assert_eq!(report.verified, 15);
    assert_eq!(
        report.missing,
        [MissingSample {
            place: withheld,
            failure: Some(Failure::Refused)
        }]
    );
    // Once it is there, the same sample completes the block.
    let questions = block.questions(&[0], now);
    assert_eq!(questions[0].places, [withheld]);
    block.answered(&questions[0], &honest(&[withheld])).unwrap();
    assert!(block.report().is_available());
}

#[test]
fn an_endpoint_that_may_no_longer_be_asked_does_not_end_the_round() {
    let mut block = block(6);
    for question in block.questions(&[0, 1], 0) {
        if question.endpoint == 0 {
            block.failed(&question, Failure::Lied);
        } else {
            block
                .answered(&question, &honest(&question.places))
                .unwrap();
        }
    }
    // 0 was set aside meanwhile: 1 was not asked for what 0 lied about.
    assert!(!block.rest(&[1], 0));
    let questions = block.questions(&[1], 0);
    assert_eq!(questions[0].places.len(), 3);
    block
        .answered(&questions[0], &honest(&questions[0].places))
        .unwrap();
    assert!(block.report().is_available());
}

#[test]
fn one_endpoint_that_calls_a_block_too_old_hides_nothing() {
    let mut block = block(6);
    let round = |block: &mut BlockSampling, other: Failure| {
        loop {
            let questions = block.questions(&[0, 1], block.due_ms());
            for question in questions {
                let failure = if question.endpoint == 0 {
                    Failure::Pruned
                } else {
                    other
                };
                block.failed(&question, failure);
            }
            if block.rest(&[0, 1], block.due_ms()) {
                break;
            }
        }
    };
    round(&mut block, Failure::Refused);
    assert!(!block.is_pruned());
    round(&mut block, Failure::Unreachable);
    assert!(!block.is_pruned());
    round(&mut block, Failure::Pruned);
    assert!(block.is_pruned() && !block.report().is_available());
}

#[test]
fn nobody_who_answers_is_not_withholding() {
    let mut block = block(4);
    for question in block.questions(&[0], 0) {
        block.failed(&question, Failure::Unreachable);
    }
    assert!(block.rest(&[0], 0));
    let report = block.report();
    assert!(!report.is_withheld() && !report.is_available());
    assert!(block.questions(&[], block.due_ms()).is_empty());
}

#[test]
fn other_shares_and_other_proofs_are_no_samples() {
    let mut block = block(6);
    let question = block.questions(&[0], 0).remove(0);
    let right = honest(&question.places);
    let mut wrong: Vec<(&str, Vec<Sample>)> = Vec::new();
    let mut less = right.clone();
    less.pop();
    wrong.push(("one less", less));
    wrong.push(("none", Vec::new()));
    let mut more = right.clone();
    more.push(right[0].clone());
    wrong.push(("one more", more));
    let mut swapped = right.clone();
    swapped.swap(0, 1);
    wrong.push(("another coordinate", swapped));
    let mut share = right.clone();
    share[2].share = honest(&[question.places[3]])[0].share.clone();
    wrong.push(("another share", share));
    let mut proof = right.clone();
    proof[2].proof = right[3].proof.clone();
    wrong.push(("another proof", proof));
    let mut axis = right.clone();
    axis[0].proof_type = celestia_types::AxisType::Col;
    wrong.push(("another axis", axis));
    for (what, samples) in wrong {
        let mut tried = block.clone();
        assert!(tried.answered(&question, &samples).is_err(), "{what}");
        assert_eq!(tried.report().verified, 0, "{what}");
    }
    block.answered(&question, &right).unwrap();
    assert!(block.report().is_available());
}

proptest! {
    /// Whatever comes back in whatever order, a block is available exactly when
    /// every sample drawn at the beginning was given.
    #[test]
    fn nothing_but_all_samples_makes_a_block_available(outcomes in prop::collection::vec(0u8..5, 1..120)) {
        let mut block = block(9);
        let drawn: Vec<_> = block.open.iter().map(|open| open.place).collect();
        let mut given = std::collections::BTreeSet::new();
        let mut now = 0;
        let mut outcomes = outcomes.into_iter();
        'all: loop {
            let questions = block.questions(&[0, 1, 2], now);
            if questions.is_empty() {
                if given.len() == drawn.len() { break; }
                now = now.max(block.due_ms()) ;
                if block.questions(&[0, 1, 2], now).is_empty() { break; }
                continue;
            }
            for question in questions {
                let Some(outcome) = outcomes.next() else { break 'all };
                match outcome {
                    0 => block.failed(&question, Failure::Refused),
                    1 => block.failed(&question, Failure::Unreachable),
                    2 => {
                        let mut samples = honest(&question.places);
                        samples.rotate_left(1);
                        // One alone is not changed by turning.
                        if block.answered(&question, &samples).is_ok() {
                            prop_assert_eq!(question.places.len(), 1);
                            given.extend(question.places);
                        }
                    }
                    _ => {
                        block.answered(&question, &honest(&question.places)).unwrap();
                        given.extend(question.places);
                    }
                }
                prop_assert_eq!(block.report().is_available(), given.len() == drawn.len());
            }
            block.rest(&[0, 1, 2], now);
        }
        prop_assert_eq!(block.report().verified, given.len());
        prop_assert!(given.iter().all(|place| drawn.contains(place)));
    }
}
