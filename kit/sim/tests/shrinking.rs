//! A failing plan is made smaller.

use rollwright_sim::{NodePlan, Plan, Sabotage, SimRole, What, run, shrink};

fn is_a_loss(plan: &Plan) -> bool {
    plan.events
        .iter()
        .any(|event| event.what == What::LoseWaiting)
}

fn names_node(plan: &Plan, wanted: usize) -> bool {
    plan.events
        .iter()
        .any(|event| matches!(event.what, What::Stop { node, .. } if node == wanted))
}

#[test]
fn what_a_failure_does_not_need_is_left_out() {
    let mut plan = (0..)
        .map(Plan::random)
        .find(|plan| plan.events.len() > 10 && plan.detours > 0 && !is_a_loss(plan))
        .unwrap();
    plan.nodes.truncate(3);
    plan.nodes.push(NodePlan {
        role: SimRole::Follower,
        joins_ms: 9_000,
    });
    let mut needed = plan.events.clone();
    needed.truncate(2);
    needed[0].what = What::LoseWaiting;
    needed[1].what = What::Stop {
        node: 3,
        down_ms: 1_000,
    };
    plan.events
        .retain(|event| !matches!(event.what, What::Stop { .. }));
    plan.events.splice(4..4, needed);

    // A failure that needs two events, and the node of one of them.
    let last = |plan: &Plan| plan.nodes.len() - 1;
    let mut tries = 0;
    let smallest = shrink(&plan, 500, |plan| {
        tries += 1;
        is_a_loss(plan) && names_node(plan, last(plan)) && last(plan) > 0
    });
    assert_eq!(smallest.events.len(), 2, "{smallest}");
    assert_eq!(smallest.nodes.len(), 2, "{smallest}");
    assert_eq!(smallest.detours, 0);
    assert!(smallest.length_ms < plan.length_ms);
    assert!(tries <= 500);
    assert_eq!(smallest.seed, plan.seed);
}

#[test]
fn shrinking_ends_after_as_many_runs_as_it_may_take() {
    let plan = Plan::random(5);
    let mut tries = 0;
    let same = shrink(&plan, 7, |_| {
        tries += 1;
        false
    });
    assert_eq!((same, tries), (plan, 7));
}

#[test]
fn the_smallest_plan_still_fails_and_so_each_time() {
    let plan = Plan {
        sabotage: Some(Sabotage::BlobsAreLeftOut),
        ..Plan::random(2)
    };
    let found = run(&plan).violation.unwrap();
    let smallest = shrink(&plan, 40, |plan| {
        let violation = run(plan).violation;
        violation.is_some_and(|it| it.invariant == found.invariant)
    });
    assert!(smallest.size() < plan.size());
    assert_eq!(smallest.events, []);
    let (one, other) = (run(&smallest), run(&smallest));
    assert_eq!(one.violation.unwrap().invariant, found.invariant);
    assert_eq!(one.hash, other.hash);
}
