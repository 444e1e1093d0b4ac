use super::*;

const FLOOR: GasPrice = GasPrice::from_micro(4_000);
const CAP: GasPrice = GasPrice::from_micro(10_000);

fn situation(last: Option<Attempt>) -> Situation {
    Situation {
        head: 100,
        scanned: 100,
        last,
        left: 4,
        most: 4,
        gas: 1_000_000,
        wait: 40,
        floor: FLOOR,
        cap: CAP,
    }
}

fn attempt(sent_at: u64, price: u64) -> Option<Attempt> {
    Some(Attempt {
        price,
        sent_at,
        blobs: 4,
        refused: false,
        included: false,
    })
}

fn posts(decision: &Decision) -> Option<(u64, u32)> {
    match decision {
        Decision::Post { price, most } => Some((price.micro(), *most)),
        _ => None,
    }
}

#[test]
fn the_first_attempt_is_made_at_the_floor() {
    assert_eq!(posts(&decide(&situation(None), None)), Some((4_000, 4)));
}

#[test]
fn an_open_outcome_is_waited_for_until_no_mempool_can_hold_it() {
    let open = || {
        [
            None,
            Some(Ok(70)),
            Some(Err(CelestiaError::ConfirmTimeout)),
            Some(Err(CelestiaError::AlreadyPending)),
            Some(Err(CelestiaError::PreviouslyRejected)),
            Some(Err(CelestiaError::Evicted {
                hash: String::new(),
            })),
            Some(Err(CelestiaError::Transport {
                endpoint: String::new(),
                text: String::new(),
            })),
            Some(Err(CelestiaError::Unknown {
                text: String::new(),
                times: 1,
            })),
        ]
    };
    for outcome in open() {
        let decision = decide(&situation(attempt(61, 4_000)), outcome);
        assert!(matches!(decision, Decision::Wait), "{decision:?}");
    }
    for outcome in open() {
        let decision = decide(&situation(attempt(60, 4_000)), outcome);
        assert_eq!(posts(&decision), Some((5_000, 4)));
    }
    // Blocks that were not looked at may hold it.
    let mut behind = situation(attempt(60, 4_000));
    behind.scanned = 99;
    assert!(matches!(decide(&behind, None), Decision::Wait));
}

#[test]
fn a_fee_that_is_too_low_is_raised_at_once_up_to_the_cap() {
    let too_low = |required_utia| Some(Err(CelestiaError::FeeTooLow { required_utia }));
    let now = situation(attempt(100, 4_000));
    assert_eq!(posts(&decide(&now, too_low(6_000))), Some((6_600, 4)));
    assert_eq!(posts(&decide(&now, too_low(0))), Some((4_400, 4)));
    for (now, required) in [(now, 12_000), (situation(attempt(100, 10_000)), 0)] {
        let Decision::Refused(CelestiaError::Held(error)) = decide(&now, too_low(required)) else {
            panic!("not held");
        };
        assert!(matches!(*error, CelestiaError::FeeCapReached { cap } if cap == CAP));
    }
}

#[test]
fn what_was_refused_is_tried_again_once_a_block() {
    let mut last = attempt(100, 5_000);
    last.as_mut().unwrap().refused = true;
    assert!(matches!(decide(&situation(last), None), Decision::Wait));
    last.as_mut().unwrap().sent_at = 99;
    assert_eq!(posts(&decide(&situation(last), None)), Some((5_000, 4)));
}

#[test]
fn the_next_part_follows_one_that_is_included() {
    let mut last = attempt(100, 5_000);
    last.as_mut().unwrap().included = true;
    assert_eq!(
        posts(&decide(&situation(last), Some(Ok(100)))),
        Some((5_000, 4))
    );
}

#[test]
fn too_much_is_halved_down_to_one_blob() {
    let too_large = || {
        Some(Err(CelestiaError::TooLarge {
            bytes: 0,
            max_bytes: 77,
        }))
    };
    let mut now = situation(attempt(100, 4_000));
    assert_eq!(posts(&decide(&now, too_large())), Some((4_000, 2)));
    now.left = 1;
    assert!(matches!(
        decide(&now, too_large()),
        Decision::TooLarge { max_bytes: 77 }
    ));
}

#[test]
fn a_price_never_exceeds_the_cap() {
    let decision = decide(&situation(attempt(0, 9_999)), None);
    assert_eq!(posts(&decision), Some((10_000, 4)));
}

#[test]
fn what_a_person_must_mend_is_reported() {
    for error in [
        CelestiaError::TokenScope,
        CelestiaError::NoStateAccess,
        CelestiaError::Unknown {
            text: String::new(),
            times: 5,
        },
    ] {
        let decision = decide(&situation(attempt(100, 4_000)), Some(Err(error)));
        assert!(matches!(decision, Decision::Refused(_)), "{decision:?}");
    }
    for error in [
        CelestiaError::OutOfFunds {
            address: "celestia1".into(),
        },
        CelestiaError::MempoolFull,
        CelestiaError::SequenceMismatch {
            expected: 1,
            got: 2,
        },
    ] {
        let decision = decide(&situation(attempt(100, 4_000)), Some(Err(error)));
        assert!(
            matches!(decision, Decision::Refused(CelestiaError::Held(_))),
            "{decision:?}"
        );
    }
}
