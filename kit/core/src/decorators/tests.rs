use super::*;
use crate::{
    Blob, Clock as _, DaHeight, DaLane, DataAvailability as _, ErrorKind, LayerError as _,
    ManualClock, PostingUnit, conformance::hasty, keccak256, memory::MemoryDa,
};
use futures_util::FutureExt as _;
use std::{sync::Arc, time::Duration};

fn refusing(clock: Arc<ManualClock>) -> Faulty<MemoryDa> {
    let plan = FaultPlan {
        refused_per_mille: 1_000,
        ..FaultPlan::default()
    };
    Faulty::new(MemoryDa::default(), clock, plan)
}

#[test]
fn pauses_grow_up_to_the_longest_and_shrink_by_at_most_half() {
    let clock = Arc::new(ManualClock::default());
    let policy = RetryPolicy {
        attempts: 6,
        first_delay: Duration::from_millis(100),
        max_delay: Duration::from_millis(400),
        ..RetryPolicy::default()
    };
    let da = Retrying::new(refusing(clock.clone()), clock.clone(), policy);
    let mut call = Box::pin(da.head());
    let mut pauses = Vec::new();
    let error = loop {
        if let Some(result) = (&mut call).now_or_never() {
            break result.expect_err("always refused");
        }
        let before = clock.now_ms();
        assert!(clock.advance_to_next());
        pauses.push(clock.now_ms() - before);
    };
    assert_eq!(error.kind(), ErrorKind::Temporary);
    assert_eq!(pauses.len(), 5);
    for (pause, full) in pauses.iter().zip([100, 200, 400, 400, 400]) {
        assert!((full / 2..=full).contains(pause), "{pauses:?}");
    }
}

#[test]
fn retries_end_with_the_time_allowed() {
    let clock = Arc::new(ManualClock::default());
    let policy = RetryPolicy {
        attempts: u32::MAX,
        max_total: Duration::from_secs(5),
        ..RetryPolicy::default()
    };
    let da = Retrying::new(refusing(clock.clone()), clock.clone(), policy);
    let mut call = Box::pin(da.head());
    while (&mut call).now_or_never().is_none() {
        assert!(clock.advance_to_next());
    }
    assert!(clock.now_ms() <= 5_000);
}

#[test]
fn a_rejected_call_is_made_once() {
    let clock = Arc::new(ManualClock::default());
    let counts = CallCounts::default();
    let metered = Metered::new(MemoryDa::default(), clock.clone(), counts.clone());
    let da = Retrying::new(metered, clock, RetryPolicy::default());
    let other = Some(keccak256("other"));
    let result = da.fetch(DaHeight(0), other).now_or_never();
    assert!(result.expect("no pause").is_err());
    assert_eq!(counts.get("da", "fetch", "rejected").calls, 1);
    assert_eq!(counts.all().len(), 1);
}

#[test]
fn a_lost_answer_took_effect() {
    let clock = Arc::new(ManualClock::default());
    let plan = FaultPlan {
        lost_per_mille: 1_000,
        ..FaultPlan::default()
    };
    let memory = MemoryDa::default();
    let da = Faulty::new(memory.clone(), clock, plan);
    let blob = Blob {
        lane: DaLane::Batch,
        data: "content".into(),
    };
    let unit = PostingUnit::new(keccak256("salt"), vec![blob]);
    let result = da.submit(&unit).now_or_never().expect("ready at once");
    assert_eq!(result.expect_err("lost").code(), "RW-DA-302");
    assert_eq!(memory.waiting(), 1);
}

#[test]
fn the_same_seed_gives_the_same_record() {
    let run = |seed| {
        let clock = Arc::new(ManualClock::default());
        let plan = FaultPlan {
            seed,
            max_latency: Duration::ZERO,
            ..hasty::faults()
        };
        let da = Recorded::new(Faulty::new(MemoryDa::default(), clock, plan));
        for height in 0..40 {
            let _ = da.fetch(DaHeight(height), None).now_or_never();
        }
        assert_eq!(da.calls().len(), 40);
        da.digest()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

/// A layer that takes so many seconds for each call.
fn slow(clock: &Arc<ManualClock>, seconds: u64) -> Recorded<Faulty<MemoryDa>> {
    let plan = FaultPlan {
        max_latency: Duration::from_secs(seconds),
        seed: 3,
        ..FaultPlan::default()
    };
    Recorded::new(Faulty::new(MemoryDa::default(), clock.clone(), plan))
}

#[test]
fn a_call_that_takes_too_long_is_given_up_at_the_limit_and_may_be_made_again() {
    let clock = Arc::new(ManualClock::default());
    let da = slow(&clock, 1_000_000);
    let da = TimeLimit::new(da, clock.clone(), Duration::from_secs(20));
    let mut call = Box::pin(da.head());
    let error = loop {
        if let Some(result) = (&mut call).now_or_never() {
            break result.expect_err("far too slow");
        }
        assert!(clock.advance_to_next());
    };
    assert_eq!(clock.now_ms(), 20_000);
    assert_eq!(error.kind(), ErrorKind::Temporary);
    assert_eq!(error.code(), "RW-DA-303");
    assert!(error.to_string().contains("`head` within 20s"), "{error}");
}

#[test]
fn a_call_that_nobody_polled_for_long_has_a_quarter_of_the_limit_left() {
    let clock = Arc::new(ManualClock::default());
    let da = slow(&clock, 1_000_000);
    let da = TimeLimit::new(da, clock.clone(), Duration::from_secs(20));
    let mut call = Box::pin(da.head());
    assert!((&mut call).now_or_never().is_none());
    clock.advance(Duration::from_secs(600));
    assert!((&mut call).now_or_never().is_none());
    clock.advance(Duration::from_secs(5));
    assert!((&mut call).now_or_never().is_some());
}
