//! What the simulator has found, each as the smallest plan that showed it.

use rollwright_sim::{Death, Event, Plan, SpellKind, What, run};

fn at(at_ms: u64, what: What) -> Event {
    Event { at_ms, what }
}

fn weather(node: Option<usize>, for_ms: u64, kind: SpellKind) -> What {
    What::Weather { node, for_ms, kind }
}

/// A block with somebody's transaction leaves the chain; before it is made
/// again its sender, who never heard of it, sends another one with its nonce.
/// The pool acknowledged that, and dropped it with the next block.
#[test]
fn nobody_is_promised_the_nonce_of_a_transaction_that_is_being_rebuilt() {
    let mut rebuilt = 0;
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
        rebuilt += outcome
            .lines
            .iter()
            .filter(|line| line.contains("is being made again"))
            .count();
    }
    // Somebody tried.
    assert!(rebuilt > 0);
}
