//! Runs of random plans, and what they meet.

use rollwright_sim::{Death, Failed, Plan, run, run_all, shrink};

/// Seeds that each test run takes. More by `just sim A..B`.
const SEEDS: u64 = 200;

/// What all of them together must have met, or they would show little.
const MET: &[&str] = &[
    // Processes.
    "death at a step",
    "death before a write",
    "death after a write",
    "stop in order",
    "another sequencer key",
    "wrong clock",
    // Roles.
    "follower of DA alone",
    "replica of the sequencer",
    "replica of another node",
    "opened feed",
    "joiner from a snapshot",
    "late joiner from the first DA block",
    // The layer.
    "slow call",
    "hanging call",
    "refused call",
    "lost answer",
    "old view of the layer",
    "stall",
    "shuffled units",
    "unit in pieces",
    "duplicated blob",
    "lost unit",
    "pruning",
    "reorganisation",
    "reorganisation that forgets",
    "reorganisation down to what is final",
    "abandoned branch derived twice",
    // The chain.
    "block built on one being committed",
    "batch over several DA blocks",
    "batch on a further DA layer",
    "acknowledged transaction",
    "included forced transaction",
    "forced transaction posted again",
    "lapse",
    "return after a lapse",
    // What anybody posts: noise, twice, malleated, by another key, crowded
    // out, not admissible.
    "RW-DA-501",
    "RW-DA-507",
    "RW-DA-509",
    "RW-DA-530",
    "RW-DA-533",
    // What a thief of the key posts: stale numbers and attempts, parts
    // of nothing, wrong envelopes, a second candidate, an invalid block.
    "RW-DA-504",
    "RW-DA-510",
    "RW-DA-513",
    "RW-DA-514",
    "RW-DA-516",
    "RW-DA-519",
];

/// The failure, and the smallest plan that fails in the same way.
fn told(failed: &Failed) -> String {
    let smallest = shrink(&failed.plan, 60, |plan| {
        let found = run(plan).violation;
        found.is_some_and(|found| found.invariant == failed.violation.invariant)
    });
    format!("{failed}\nsmallest plan that fails so:\n{smallest}")
}

#[test]
fn every_invariant_holds_in_runs_of_random_plans_which_meet_everything() {
    let plans: Vec<Plan> = (0..SEEDS).map(Plan::random).collect();
    let (met, failed) = run_all(&plans, 2, |_| ());
    let first = failed.first().map(told);
    assert!(
        failed.is_empty(),
        "{} of {SEEDS} runs failed; the first:\n{}",
        failed.len(),
        first.unwrap_or_default()
    );
    let missed: Vec<_> = MET.iter().filter(|what| met.of(what) == 0).collect();
    assert!(missed.is_empty(), "never met: {missed:?}; met:\n{met}");
}

#[test]
fn a_process_may_die_at_any_step_and_around_any_write() {
    let steps = (1..200).step_by(13).map(Death::Step);
    let writes = (1..24).step_by(4);
    let before = writes.clone().map(Death::BeforeWrite);
    let after = writes.map(Death::AfterWrite);
    let plans: Vec<Plan> = steps
        .chain(before)
        .chain(after)
        .zip([0, 0, 1].into_iter().cycle())
        .map(|(death, node)| Plan::dying(node, death))
        .collect();
    let (met, failed) = run_all(&plans, 2, |_| ());
    assert!(failed.is_empty(), "{}", failed[0]);
    assert!(met.of("death at a step") > 10, "{met}");
    assert!(met.of("death before a write") > 3, "{met}");
    assert!(met.of("death after a write") > 3, "{met}");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [3, 8] {
        let plan = Plan::random(seed);
        let (one, other) = (run(&plan), run(&plan));
        let differs = one.lines.iter().zip(&other.lines).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(one.hash, other.hash, "seed {seed}");
        assert_eq!(one.met, other.met, "seed {seed}");
    }
}

#[test]
fn another_seed_gives_another_trace() {
    assert_ne!(run(&Plan::calm(1)).hash, run(&Plan::calm(2)).hash);
}
