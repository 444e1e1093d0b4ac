use super::*;
use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};

#[test]
fn a_sleeper_wakes_when_its_time_has_come() {
    let clock = ManualClock::at(1_000);
    let mut sleep = clock.sleep(Duration::from_millis(50));
    assert!((&mut sleep).now_or_never().is_none());
    clock.advance(Duration::from_millis(49));
    assert!((&mut sleep).now_or_never().is_none());
    clock.advance(Duration::from_millis(1));
    assert!(sleep.now_or_never().is_some());
    assert_eq!(clock.now_ms(), 1_050);
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    let clock = ManualClock::default();
    let mut sleepers: FuturesUnordered<_> = [30u64, 10, 20, 10]
        .into_iter()
        .zip(0..)
        .map(|(ms, id)| clock.sleep(Duration::from_millis(ms)).map(move |()| id))
        .collect();
    assert!(sleepers.next().now_or_never().is_none());
    clock.advance(Duration::from_millis(100));
    let woken: Vec<i32> = std::iter::from_fn(|| sleepers.next().now_or_never().flatten()).collect();
    assert_eq!(woken, [1, 3, 2, 0]);
}

#[test]
fn time_moves_to_the_next_deadline_alone() {
    let clock = ManualClock::at(5);
    let far = clock.sleep(Duration::from_secs(10));
    let near = clock.sleep(Duration::from_secs(1));
    assert_eq!(clock.next_deadline_ms(), Some(1_005));
    assert!(clock.advance_to_next());
    assert_eq!(clock.now_ms(), 1_005);
    assert!(near.now_or_never().is_some());
    assert!(far.now_or_never().is_none());
}

#[test]
fn a_dropped_sleeper_is_forgotten() {
    let clock = ManualClock::default();
    drop(clock.sleep(Duration::from_secs(1)));
    assert_eq!(clock.sleeping(), 0);
    assert!(!clock.advance_to_next());
}

#[test]
fn no_time_at_all_is_over_at_once() {
    let clock = ManualClock::default();
    assert!(clock.sleep(Duration::ZERO).now_or_never().is_some());
}
