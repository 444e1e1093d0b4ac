//! Runs of random plans.

use rollwright_sim::{Plan, run};

#[test]
fn a_calm_run_derives_what_the_users_sent() {
    let outcome = run(&Plan::calm(1));
    assert_eq!(outcome.violation, None);
    assert!(outcome.met.transactions > 10, "{:?}", outcome.met);
    assert!(outcome.met.batches > 2, "{:?}", outcome.met);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [3, 8] {
        let plan = Plan::random(seed);
        let (one, other) = (run(&plan), run(&plan));
        let differs = one.lines.iter().zip(&other.lines).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(one.hash, other.hash, "seed {seed}");
    }
}

#[test]
fn every_invariant_holds_in_runs_of_random_plans() {
    for seed in 0..16 {
        let plan = Plan::random(seed);
        let outcome = run(&plan);
        assert_eq!(outcome.violation, None, "{plan}");
    }
}
