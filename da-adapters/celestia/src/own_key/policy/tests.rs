use super::*;

fn attempt() -> OwnAttempt {
    OwnAttempt {
        sequence: 7,
        hash: [1; 32],
        tx: vec![1],
        price: 4_000,
        fee: 400,
        first: 0,
        blobs: 1,
        sent_at: 100,
        broadcasts: 1,
        accepted: true,
        consumed_at: None,
        state: OwnState::Open,
    }
}

fn at(head: u64) -> Situation {
    Situation {
        head,
        scanned: head,
        committed: None,
        wait: 40,
        margin: 4,
        gas: 100_000,
        cap: GasPrice::from_micro(10_000),
    }
}

fn known(head: u64, committed: u64) -> Situation {
    Situation {
        committed: Some(committed),
        ..at(head)
    }
}

fn again(step: &Step) -> Option<(u64, u32)> {
    match step {
        Step::SignAgain { price, most } => Some((price.micro(), *most)),
        _ => None,
    }
}

#[test]
fn what_is_pending_is_waited_for_however_long() {
    for head in [100, 141, 10_000] {
        assert!(matches!(
            on_status(&at(head), &attempt(), TxStatus::Pending),
            Step::Wait
        ));
    }
}

#[test]
fn a_committed_transaction_is_believed_by_its_block_alone() {
    let said = TxStatus::Committed { height: 105 };
    assert!(matches!(
        on_status(&at(104), &attempt(), said.clone()),
        Step::Wait
    ));
    assert!(matches!(
        on_status(&at(105), &attempt(), said),
        Step::Report(CelestiaError::NotInBlock { height: 105, .. })
    ));
}

#[test]
fn a_failed_transaction_ends_its_sequence_once_the_block_was_read() {
    let said = TxStatus::Failed {
        height: 105,
        code: 11,
        text: "out of gas".to_owned(),
    };
    assert!(matches!(
        on_status(&at(104), &attempt(), said.clone()),
        Step::Wait
    ));
    assert!(matches!(
        on_status(&at(105), &attempt(), said),
        Step::End(
            OwnState::Failed,
            CelestiaError::ExecutionFailed { code: 11, .. }
        )
    ));
}

#[test]
fn what_is_gone_is_broadcast_again_a_block_apart_and_signed_again_after_its_time() {
    for status in [TxStatus::Evicted, TxStatus::Unknown] {
        let step = |now: Situation, broadcasts| {
            let attempt = OwnAttempt {
                broadcasts,
                ..attempt()
            };
            on_status(&now, &attempt, status.clone())
        };
        assert!(matches!(step(at(100), 1), Step::AskAccount));
        // Nothing was sent: a crash came between the journal and the node.
        assert!(matches!(step(known(100, 7), 0), Step::Broadcast));
        assert!(matches!(step(known(100, 7), 1), Step::Wait));
        assert!(matches!(step(known(101, 7), 1), Step::Broadcast));
        assert!(matches!(step(known(101, 7), MAX_BROADCASTS), Step::Wait));
        assert!(matches!(step(known(139, 7), MAX_BROADCASTS), Step::Wait));
        assert_eq!(
            again(&step(known(140, 7), MAX_BROADCASTS)),
            Some((5_000, 1))
        );
        // A sequence below ours is still open.
        assert_eq!(again(&step(known(140, 5), 1)), Some((5_000, 1)));
    }
}

#[test]
fn at_the_highest_price_the_same_bytes_go_out_again() {
    let attempt = OwnAttempt {
        price: 10_000,
        broadcasts: MAX_BROADCASTS,
        ..attempt()
    };
    assert!(matches!(
        on_status(&known(140, 7), &attempt, TxStatus::Evicted),
        Step::Broadcast
    ));
}

#[test]
fn a_used_sequence_is_given_up_only_after_every_block_was_read() {
    let seen = OwnAttempt {
        consumed_at: Some(110),
        ..attempt()
    };
    assert!(matches!(
        on_status(&known(110, 8), &attempt(), TxStatus::Unknown),
        Step::Consumed
    ));
    assert!(matches!(
        on_status(&known(113, 8), &seen, TxStatus::Unknown),
        Step::Wait
    ));
    let end = on_status(&known(114, 8), &seen, TxStatus::Unknown);
    assert!(matches!(
        end,
        Step::End(OwnState::Taken, CelestiaError::KeyInUse { sequence: 7, .. })
    ));
    // However long it takes: without the blocks nothing is concluded.
    let behind = Situation {
        scanned: 113,
        ..known(500, 8)
    };
    assert!(matches!(
        on_status(&behind, &seen, TxStatus::Evicted),
        Step::Wait
    ));
}

#[test]
fn a_fee_too_low_jumps_to_what_is_asked_for_and_never_above_the_cap() {
    let refused = |required_utia| {
        on_refusal(
            &at(100),
            &attempt(),
            CelestiaError::FeeTooLow { required_utia },
        )
    };
    // 100,000 gas for 600 utia are 0.006, and a tenth more.
    assert_eq!(again(&refused(600)), Some((6_600, 1)));
    // Not said: a tenth more than before.
    assert_eq!(again(&refused(0)), Some((4_400, 1)));
    assert!(matches!(
        refused(1_000),
        Step::Hold(CelestiaError::FeeCapReached { .. })
    ));
}

#[test]
fn several_blobs_are_halved_and_one_is_reported() {
    let refused = |blobs| {
        let attempt = OwnAttempt { blobs, ..attempt() };
        let error = CelestiaError::TooLarge {
            bytes: 0,
            max_bytes: 500,
        };
        on_refusal(&at(100), &attempt, error)
    };
    assert_eq!(again(&refused(5)), Some((4_000, 2)));
    assert!(matches!(refused(1), Step::TooLarge { max_bytes: 500 }));
}

#[test]
fn a_mismatch_is_never_answered_with_another_sequence() {
    let refused = |expected, got| {
        on_refusal(
            &at(100),
            &attempt(),
            CelestiaError::SequenceMismatch { expected, got },
        )
    };
    assert!(matches!(refused(5, 7), Step::BroadcastFrom(5)));
    for (expected, got) in [(8, 7), (0, 0), (5, 6)] {
        assert!(matches!(refused(expected, got), Step::HoldBytes(_)));
    }
}

#[test]
fn what_passes_by_itself_is_held_with_its_sequence() {
    for error in [
        CelestiaError::OutOfFunds {
            address: "celestia1".to_owned(),
        },
        CelestiaError::PreviouslyRejected,
    ] {
        assert!(matches!(
            on_refusal(&at(100), &attempt(), error),
            Step::Hold(_)
        ));
    }
    assert!(matches!(
        on_refusal(&at(100), &attempt(), CelestiaError::MempoolFull),
        Step::HoldBytes(CelestiaError::MempoolFull)
    ));
    assert!(matches!(
        on_refusal(&at(100), &attempt(), CelestiaError::AlreadyPending),
        Step::Wait
    ));
}

#[test]
fn the_first_price_is_the_estimate_between_floor_and_cap() {
    let price = GasPrice::from_micro;
    let first = |estimate: Option<u64>| {
        first_price(price(4_000), estimate.map(price), price(10_000)).map(GasPrice::micro)
    };
    assert_eq!(first(None).unwrap(), 4_000);
    assert_eq!(first(Some(1_000)).unwrap(), 4_000);
    assert_eq!(first(Some(9_000)).unwrap(), 9_000);
    assert!(matches!(
        first(Some(10_001)),
        Err(CelestiaError::FeeCapReached { .. })
    ));
}

#[test]
fn a_days_limit_counts_the_next_fee() {
    within_limit(u64::MAX, u64::MAX, None).unwrap();
    within_limit(600, 400, Some(1_000)).unwrap();
    assert!(matches!(
        within_limit(600, 401, Some(1_000)),
        Err(CelestiaError::SpendLimit {
            spent: 600,
            fee: 401,
            limit: 1_000
        })
    ));
}
