//! The layer stands still, or takes back.

use crate::common::*;
use rollwright_sim::{Plan, SpellKind};

#[test]
fn frozen_origin() {
    play::<rollwright_sim::machine::MemoryChain>(Plan::calm(1), async |world| {
        world.pass(8_000).await?;
        weather(world, 45_000, SpellKind::Stall);
        world.pass(30_000).await?;
        // As many blocks as one origin may carry, then it says why none comes.
        let head = latest(world);
        assert!(status(world).blocked.is_some(), "{:?}", status(world));
        world.pass(10_000).await?;
        assert_eq!(latest(world), head);
        world
            .until("blocks are made again", 30, |world| latest(world) > head)
            .await
    });
}

#[test]
fn origin_that_vanishes() {
    let mut vanished = false;
    for depth in 1..=5 {
        let world: Ledger = play(Plan::calm(depth), async |world: &mut Ledger| {
            world.pass(9_000).await?;
            world.reorganise(depth, 1, depth % 2 == 0);
            world.pass(9_000).await
        });
        // Blocks on the origins that are gone were made again on others.
        let lines = world.around.trace.lines();
        vanished |= lines
            .iter()
            .any(|line| line.contains("n0") && line.contains("blocks removed"));
    }
    assert!(vanished);
}

#[test]
fn reorganisation_between_parts() {
    let plan = Plan {
        blob_bytes: 500,
        ..Plan::calm(2)
    };
    let world: Ledger = play(plan, async |world: &mut Ledger| {
        weather(world, 40_000, SpellKind::Piecemeal);
        world
            .until("parts of a batch stand without the others", 40, |world| {
                let mut batches = world.judge.state().batches();
                batches.any(|(_, batch)| batch.completed.is_none())
            })
            .await?;
        world.reorganise(1, 1, false);
        world.pass(4_000).await?;
        world
            .until("again", 40, |world| {
                let mut batches = world.judge.state().batches();
                batches.any(|(_, batch)| batch.completed.is_none())
            })
            .await?;
        // This time the layer forgets them, and they are submitted again.
        world.reorganise(2, 1, true);
        world.pass(10_000).await
    });
    assert!(world.judge.batches().count() > 3);
}
