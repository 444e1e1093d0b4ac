//! The sequencer is silent for longer than its window.

use crate::common::*;
use alloy_primitives::Bytes;
use rollwright_derive::DeriveEvent;
use rollwright_sim::{NodePlan, Plan, SimRole, What};

const fn lapsed(event: &DeriveEvent) -> bool {
    matches!(event, DeriveEvent::Lapsed)
}

const fn returned(event: &DeriveEvent) -> bool {
    matches!(event, DeriveEvent::Returned)
}

#[test]
fn sequencer_back_after_the_window() {
    let world: Ledger = play(Plan::calm(1), async |world: &mut Ledger| {
        world.pass(8_000).await?;
        world.kill(0, 45_000);
        world
            .until("the chain lapses", 40, |world| world.judge.has(lapsed))
            .await?;
        world
            .until("the sequencer returns", 60, |world| {
                world.judge.has(returned)
            })
            .await?;
        world.pass(5_000).await
    });
    // It goes on from the derived blocks: nothing of its own is dropped as
    // being on another parent.
    assert!(!world.judge.state().lapsed());
    assert!(world.judge.batches().count() > 3);
}

#[test]
fn start_from_genesis_over_empty_da_blocks() {
    let mut plan = Plan::calm(1);
    plan.nodes[0].joins_ms = 35_000;
    plan.nodes[2].joins_ms = 36_000;
    plan.nodes.push(NodePlan {
        role: SimRole::Follower,
        joins_ms: 50_000,
    });
    let world: Ledger = play(plan, async |world: &mut Ledger| {
        world.forces = false;
        world
            .until("the sequencer returns", 90, |world| {
                world.judge.has(returned)
            })
            .await?;
        world.pass(12_000).await
    });
    assert!(world.judge.has(lapsed));
    let first = derived(&world, 1);
    assert!(first.transactions.is_empty());
    assert!(
        all_derived(&world)
            .iter()
            .any(|it| !it.transactions.is_empty())
    );
}

#[test]
fn stale_parts_replayed_after_a_lapse() {
    let world: Ledger = play(Plan::calm(1), async |world: &mut Ledger| {
        world.forces = false;
        world.pass(6_000).await?;
        // The sequencer has posted something that never stands anywhere.
        world
            .until("something waits for a block", 20, |world| {
                world.around.layer.read(rollwright_sim::Layer::waiting) > 0
            })
            .await?;
        world.now(What::LoseWaiting);
        world.kill(0, 45_000);
        world.pass(2_000).await?;
        // Parts of its first attempt, for numbers that it will use again.
        let stale: Vec<Bytes> = {
            let mut forger = rollwright_sim::Forger::new(&world.judge);
            let mut all = Vec::new();
            for _ in 0..4 {
                let block = empty_block(&mut forger);
                let envelope = forger.envelope(&[block]).unwrap();
                let encoded = forger.sealed(&envelope);
                all.extend(forger.parts(&encoded, 2).into_iter().take(1));
            }
            all
        };
        world
            .until("the sequencer returns", 90, |world| {
                world.judge.has(returned)
            })
            .await?;
        let batches = world.judge.batches().count();
        for _ in 0..8 {
            world.post_all(stale.clone());
            world.pass(1_000).await?;
        }
        assert!(world.judge.batches().count() > batches);
        Ok(())
    });
    let stale = world.judge.drops("RW-DA-510") + world.judge.drops("RW-DA-504");
    assert!(
        world.judge.drops("RW-DA-510") > 0,
        "{:?}",
        world.judge.codes()
    );
    assert!(stale > 4, "{:?}", world.judge.codes());
}
