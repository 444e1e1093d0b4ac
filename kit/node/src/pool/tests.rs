use super::{Orphan, Pool, PoolCandidates, PoolConfig, PoolOrder};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use parking_lot::Mutex;
use rollwright_core::{Admission, Candidate, CandidateOutcome, CandidateSource, SubmitError};
use std::sync::Arc;

/// A transaction that only a pool can take for one.
pub(super) fn tx(sender: u8, nonce: u64, fee: u128) -> (Admission, Bytes) {
    tx_at(sender, nonce, fee, 0)
}

pub(super) fn tx_at(sender: u8, nonce: u64, fee: u128, account_nonce: u64) -> (Admission, Bytes) {
    let bytes = Bytes::from(format!("{sender}:{nonce}:{fee}").into_bytes());
    let admission = Admission {
        hash: keccak256(&bytes),
        sender: Address::repeat_byte(sender),
        nonce,
        account_nonce,
        balance: U256::from(1_000_000),
        max_cost: U256::from(1_000),
        gas_limit: 21_000,
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: fee,
        bytes: bytes.len() as u64,
    };
    (admission, bytes)
}

fn pool(config: PoolConfig) -> Pool {
    Pool::new(config)
}

fn add(pool: &mut Pool, sender: u8, nonce: u64, fee: u128) -> Result<B256, SubmitError> {
    let (admission, bytes) = tx(sender, nonce, fee);
    pool.insert(&admission, bytes, 0)
        .map(|inserted| inserted.hash)
}

/// Takes everything that a block without bounds would take.
fn drain(pool: Pool, base_fee: Option<u128>) -> Vec<String> {
    let mut source = PoolCandidates::unbounded(Arc::new(Mutex::new(pool)), base_fee);
    let mut order = Vec::new();
    while let Some(candidate) = source.next(u64::MAX, u64::MAX) {
        order.push(String::from_utf8(candidate.bytes.to_vec()).unwrap());
        source.report(&candidate, CandidateOutcome::Included);
    }
    order
}

#[test]
fn transactions_go_by_arrival_and_nonce() {
    let mut pool = pool(PoolConfig::default());
    add(&mut pool, 1, 1, 5).unwrap();
    add(&mut pool, 2, 0, 5).unwrap();
    add(&mut pool, 1, 0, 5).unwrap();
    add(&mut pool, 3, 1, 9).unwrap();
    assert_eq!(pool.status().pending, 3);
    assert_eq!(pool.status().queued, 1);
    assert_eq!(drain(pool, None), ["2:0:5", "1:0:5", "1:1:5"]);
}

#[test]
fn tip_order_takes_the_best_effective_tip_first() {
    let config = PoolConfig {
        order: PoolOrder::Tip,
        ..PoolConfig::default()
    };
    let mut pool = pool(config);
    let (mut low_cap, bytes) = tx(1, 0, 12);
    low_cap.max_priority_fee_per_gas = 12;
    pool.insert(&low_cap, bytes, 0).unwrap();
    let (mut modest, bytes) = tx(2, 0, 50);
    modest.max_priority_fee_per_gas = 5;
    pool.insert(&modest, bytes, 0).unwrap();
    add(&mut pool, 2, 1, 40).unwrap();
    add(&mut pool, 3, 0, 9).unwrap();
    // At a base fee of 10 the tips are 2, 5, 30 and none.
    assert_eq!(drain(pool, Some(10)), ["2:0:50", "2:1:40", "1:0:12"]);
}

#[test]
fn a_replacement_pays_a_tenth_more_and_keeps_its_place() {
    let mut pool = pool(PoolConfig::default());
    let first = add(&mut pool, 1, 0, 100).unwrap();
    add(&mut pool, 2, 0, 100).unwrap();
    assert_eq!(
        add(&mut pool, 1, 0, 109),
        Err(SubmitError::Underpriced { required: 110 })
    );
    let (admission, bytes) = tx(1, 0, 110);
    let inserted = pool.insert(&admission, bytes, 0).unwrap();
    assert_eq!(inserted.replaced, Some(first));
    assert!(!pool.contains(&first));
    assert_eq!(drain(pool, None), ["1:0:110", "2:0:100"]);
}

#[test]
fn a_full_pool_gives_up_gaps_before_ready_ones_and_cheap_before_dear() {
    let config = PoolConfig {
        max_transactions: 2,
        ..PoolConfig::default()
    };
    let mut pool = pool(config);
    let gap = add(&mut pool, 1, 7, 1_000).unwrap();
    let cheap = add(&mut pool, 2, 0, 5).unwrap();
    assert!(matches!(
        add(&mut pool, 3, 3, 900),
        Err(SubmitError::PoolFull(_))
    ));
    add(&mut pool, 3, 0, 4).unwrap();
    assert!(!pool.contains(&gap));
    assert!(matches!(
        add(&mut pool, 4, 0, 4),
        Err(SubmitError::PoolFull(_))
    ));
    add(&mut pool, 4, 0, 6).unwrap();
    assert!(pool.contains(&cheap));
    assert_eq!(pool.status().pending, 2);
}

#[test]
fn a_sender_at_its_limit_may_still_fill_its_gap() {
    let config = PoolConfig {
        max_per_sender: 2,
        ..PoolConfig::default()
    };
    let mut pool = pool(config);
    add(&mut pool, 1, 1, 5).unwrap();
    let last = add(&mut pool, 1, 2, 5).unwrap();
    assert!(matches!(
        add(&mut pool, 1, 3, 5),
        Err(SubmitError::PoolFull(_))
    ));
    add(&mut pool, 1, 0, 5).unwrap();
    assert!(!pool.contains(&last));
    assert_eq!(pool.next_nonce(&Address::repeat_byte(1)), Some(2));
}

#[test]
fn refusals_say_what_is_wrong() {
    let config = PoolConfig {
        min_fee_per_gas: 3,
        max_transaction_bytes: 8,
        ..PoolConfig::default()
    };
    let mut pool = pool(config);
    let hash = add(&mut pool, 1, 0, 5).unwrap();
    assert_eq!(
        add(&mut pool, 1, 0, 5),
        Err(SubmitError::AlreadyKnown(hash))
    );
    assert!(matches!(
        add(&mut pool, 1, 1, 2),
        Err(SubmitError::Invalid(_))
    ));
    assert!(matches!(
        add(&mut pool, 1, 1, 123_456),
        Err(SubmitError::Invalid(_))
    ));
    let (low, bytes) = tx_at(2, 3, 5, 4);
    assert_eq!(
        pool.insert(&low, bytes, 0),
        Err(SubmitError::NonceTooLow {
            account: 4,
            transaction: 3
        })
    );
    let (mut poor, bytes) = tx(3, 0, 5);
    poor.balance = U256::from(999);
    assert!(matches!(
        pool.insert(&poor, bytes, 0),
        Err(SubmitError::InsufficientFunds(_))
    ));
}

#[test]
fn inclusion_moves_the_sender_on_even_for_an_admission_that_began_before() {
    let mut pool = pool(PoolConfig::default());
    let hash = add(&mut pool, 1, 0, 5).unwrap();
    pool.included(&[hash]);
    assert_eq!(pool.status().pending, 0);
    // The engine answered before the block: it still says account nonce 0.
    add(&mut pool, 1, 1, 5).unwrap();
    assert_eq!(pool.next_nonce(&Address::repeat_byte(1)), Some(2));
    assert!(matches!(
        add(&mut pool, 1, 0, 6),
        Err(SubmitError::NonceTooLow { .. })
    ));
}

#[test]
fn gaps_expire_before_ready_ones() {
    let mut pool = pool(PoolConfig::default());
    let ready = add(&mut pool, 1, 0, 5).unwrap();
    let gap = add(&mut pool, 2, 3, 5).unwrap();
    let four_hours = 4 * 3_600 * 1_000;
    assert_eq!(pool.expire(four_hours), [gap]);
    assert!(pool.contains(&ready));
    assert_eq!(pool.expire(7 * four_hours), [ready]);
}

#[test]
fn orphans_come_first_in_their_old_order_and_bar_the_rest_when_they_do_not_fit() {
    let mut pool = pool(PoolConfig::default());
    add(&mut pool, 1, 0, 5).unwrap();
    let orphan = |text: &str| {
        let bytes = Bytes::from(text.as_bytes().to_vec());
        Orphan {
            hash: keccak256(&bytes),
            bytes,
        }
    };
    let second = pool.replay.push_front(vec![orphan("c"), orphan("d")]);
    let first = pool.replay.push_front(vec![orphan("a"), orphan("b")]);
    assert!(first.last().unwrap().0 < second[0].0);
    let mut source = PoolCandidates::unbounded(Arc::new(Mutex::new(pool)), None);
    let mut offer = |outcome| -> Option<Candidate> {
        let candidate = source.next(u64::MAX, u64::MAX)?;
        source.report(&candidate, outcome);
        Some(candidate)
    };
    let text = |candidate: Option<Candidate>| candidate.map(|c| c.bytes.to_vec());
    assert_eq!(text(offer(CandidateOutcome::Included)), Some(b"a".to_vec()));
    let invalid = CandidateOutcome::Invalid("nonce".into());
    assert_eq!(text(offer(invalid)), Some(b"b".to_vec()));
    assert_eq!(text(offer(CandidateOutcome::Later)), Some(b"c".to_vec()));
    assert_eq!(offer(CandidateOutcome::Included), None);
    let report = source.finish();
    assert_eq!(report.included, 1);
    assert_eq!(report.displaced.len(), 1);
}

#[test]
fn a_source_skips_a_sender_whose_transaction_has_to_wait() {
    let mut pool = pool(PoolConfig::default());
    for nonce in 0..3 {
        add(&mut pool, 1, nonce, 5).unwrap();
    }
    add(&mut pool, 2, 0, 5).unwrap();
    let mut source = PoolCandidates::unbounded(Arc::new(Mutex::new(pool)), None);
    let first = source.next(u64::MAX, u64::MAX).unwrap();
    source.report(&first, CandidateOutcome::Included);
    let second = source.next(u64::MAX, u64::MAX).unwrap();
    assert_eq!(second.bytes, Bytes::from("1:1:5"));
    source.report(&second, CandidateOutcome::Later);
    let third = source.next(u64::MAX, u64::MAX).unwrap();
    assert_eq!(third.bytes, Bytes::from("2:0:5"));
    source.report(&third, CandidateOutcome::Included);
    assert_eq!(source.next(u64::MAX, u64::MAX), None);
    assert_eq!(source.finish().later, [Address::repeat_byte(1)]);
}

#[test]
fn what_fits_no_block_any_more_leaves_with_a_reason_and_bars_nobody() {
    let mut pool = pool(PoolConfig::default());
    // More than may fail to fit before a block counts as full.
    for sender in 1..=80 {
        add(&mut pool, sender, 0, 500).unwrap();
    }
    let small = add(&mut pool, 90, 0, 5).unwrap();
    let orphan = |text: &str| {
        let bytes = Bytes::from(text.as_bytes().to_vec());
        Orphan {
            hash: keccak256(&bytes),
            bytes,
        }
    };
    let large = orphan("a long orphan");
    let rebuilt = orphan("b");
    pool.replay.push_front(vec![large.clone(), rebuilt.clone()]);
    let mut source = PoolCandidates::unbounded(Arc::new(Mutex::new(pool)), None);
    // The builder begins with six bytes: "90:0:5" has as many.
    for expected in [rebuilt.hash, small] {
        let candidate = source.next(u64::MAX, 6).unwrap();
        assert_eq!(candidate.hash, expected);
        source.report(&candidate, CandidateOutcome::Included);
    }
    assert_eq!(source.next(u64::MAX, 6), None);
    let report = source.finish();
    assert_eq!(report.displaced.len(), 1);
    assert_eq!(report.displaced[0].0, large.hash);
    assert_eq!(report.invalid.len(), 80);
    assert!(report.invalid.iter().all(|(_, why)| why.contains("bytes")));
}

#[test]
fn a_journal_row_is_never_given_twice() {
    let mut pool = pool(PoolConfig::default());
    pool.saw_row(7);
    let (admission, bytes) = tx(1, 0, 5);
    assert_eq!(pool.insert(&admission, bytes, 0).unwrap().seq, 8);
    let orphan = |text: &str| {
        let bytes = Bytes::from(text.as_bytes().to_vec());
        Orphan {
            hash: keccak256(&bytes),
            bytes,
        }
    };
    let first = pool.replay.push_front(vec![orphan("a")]);
    let removed = pool.replay.remove(&first[0].1.hash);
    assert_eq!(removed, Some(first[0].0));
    let second = pool.replay.push_front(vec![orphan("b")]);
    assert!(second[0].0 < first[0].0);
}

#[test]
fn nonces_of_recent_blocks_are_forgotten_after_the_last_block_that_gave_one() {
    let mut pool = pool(PoolConfig::default());
    let stale = |pool: &mut Pool| add(pool, 1, 0, 6).is_err();
    let hash = add(&mut pool, 1, 0, 5).unwrap();
    pool.included(&[hash]);
    pool.included(&[]);
    let hash = add(&mut pool, 1, 1, 5).unwrap();
    pool.included(&[hash]);
    for _ in 0..63 {
        pool.included(&[]);
        assert!(stale(&mut pool));
    }
    pool.included(&[]);
    assert!(!stale(&mut pool));
}

#[test]
fn nothing_takes_the_nonce_of_an_orphan() {
    let mut pool = pool(PoolConfig::default());
    let (first, bytes) = tx(1, 0, 5);
    let hash = first.hash;
    pool.replay.push_front(vec![Orphan { hash, bytes }]);
    assert_eq!(pool.replay.nameless(8).len(), 1);
    pool.replay.name(&hash, Some((first.sender, first.nonce)));
    assert!(pool.replay.nameless(8).is_empty());

    // However much it pays: the orphan's place was promised.
    let (rival, bytes) = tx(1, 0, 50);
    let refused = pool.insert(&rival, bytes, 0);
    assert!(
        matches!(&refused, Err(SubmitError::Invalid(reason)) if reason.contains("nonce 0")),
        "{refused:?}"
    );
    assert_eq!(pool.next_nonce(&first.sender), Some(1));
    add(&mut pool, 1, 1, 5).unwrap();
    assert_eq!(pool.next_nonce(&first.sender), Some(2));

    pool.included(&[hash]);
    assert_eq!(pool.replay.holder(first.sender, 0), None);
}
