//! What the simulator has found, each as the smallest plan that showed it.

use rollwright_sim::{Death, Event, NodePlan, Plan, SimRole, SpellKind, What, run};

fn at(at_ms: u64, what: What) -> Event {
    Event { at_ms, what }
}

fn weather(node: Option<usize>, for_ms: u64, kind: SpellKind) -> What {
    What::Weather { node, for_ms, kind }
}

/// A block with somebody's transaction leaves the chain; before it is made
/// again its sender, who never heard of it, sends another one with its nonce.
/// The pool acknowledged that, and dropped it with the next block. What the
/// sender is told today: `nothing_takes_the_nonce_of_an_orphan` of the pool.
#[test]
fn nobody_is_promised_the_nonce_of_a_transaction_that_is_being_rebuilt() {
    for (seed, write) in [(30, 17), (30, 18)] {
        let plan = Plan {
            block_ms: 700,
            finality: 8,
            blob_bytes: 500,
            rollup_block_ms: 0,
            post_ms: 1_794,
            load: 400,
            length_ms: 29_000,
            events: vec![
                at(
                    16_508,
                    What::Kill {
                        node: 0,
                        death: Death::BeforeWrite(write),
                        down_ms: 9_000,
                    },
                ),
                at(17_341, weather(None, 12_000, SpellKind::Stall)),
                at(
                    24_973,
                    What::Reorganise {
                        depth: 3,
                        more: 1,
                        forget: true,
                    },
                ),
                at(28_463, weather(Some(0), 3_000, SpellKind::Slow(2_993))),
            ],
            ..Plan::calm(seed)
        };
        let outcome = run(&plan);
        assert_eq!(outcome.violation, None, "{plan}");
        // A sender without an answer, and a block of its that leaves the chain.
        let said = |what: &str| outcome.lines.iter().any(|line| line.contains(what));
        assert!(said("no answer"), "{plan}");
        assert!(said("blocks removed"), "{plan}");
    }
}

/// A layer that hangs for one node takes blocks back, and stands still until
/// all faults end. The node was judged by its old blocks before it could hear
/// of the new ones.
#[test]
fn a_node_that_could_not_hear_of_a_reorganisation_is_waited_for() {
    let replica = |of, joins_ms| NodePlan {
        role: SimRole::Replica { of },
        joins_ms,
    };
    let calm = Plan::calm(289);
    let plan = Plan {
        block_ms: 2_000,
        finality: 10,
        blob_bytes: 4_096,
        post_ms: 1_517,
        length_ms: 33_000,
        nodes: vec![calm.nodes[0], replica(0, 0), replica(1, 17_651)],
        events: vec![
            at(20_418, weather(None, 18_000, SpellKind::Stall)),
            at(22_388, weather(Some(2), 16_000, SpellKind::Hang)),
            at(
                24_507,
                What::Reorganise {
                    depth: 10,
                    more: 2,
                    forget: false,
                },
            ),
        ],
        ..calm
    };
    let outcome = run(&plan);
    assert_eq!(outcome.violation, None, "{plan}");
}
