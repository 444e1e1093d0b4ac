//! The forced lane.

use crate::common::*;
use alloy_primitives::keccak256;
use rollwright_core::ForcedOutcome;
use rollwright_sim::{
    Draw, Hostile, Plan,
    machine::{Chain, EvmChain, MemoryChain, account, stranger},
};

#[test]
fn forced_transaction_due_in_the_middle_of_a_preconfirmed_batch() {
    let plan = Plan {
        post_ms: 8_000,
        ..Plan::calm(1)
    };
    let world: Ledger = play(plan, async |world: &mut Ledger| {
        world.forces = false;
        world.pass(6_000).await?;
        for nonce in 0..6 {
            let forced = MemoryChain::transfer(account::OTHER, nonce, stranger(1), 5);
            force(world, &[forced]);
            world.pass(2_000).await?;
        }
        world
            .until("all are included", 30, |world| {
                world.nonce(account::OTHER) == 6
            })
            .await
    });
    // In the middle of batches, which do not carry them.
    let inside = world.judge.batches().filter(|batch| {
        let blocks = batch.first_block + 1..batch.first_block + u64::from(batch.blocks);
        blocks
            .into_iter()
            .any(|number| !derived(&world, number).forced_included.is_empty())
    });
    assert!(inside.count() > 0);
}

#[test]
fn filled_lane() {
    let world: Ledger = play(Plan::calm(1), async |world: &mut Ledger| {
        world.forces = false;
        world.pass(5_000).await?;
        let mut draw = Draw::new(1);
        for _ in 0..10 {
            for _ in 0..3 {
                let flood =
                    Hostile::ForcedFlood.blobs(&world.judge, &world.around.layer, &mut draw);
                world.post_all(flood);
            }
            // Crowded out, each time.
            let late = MemoryChain::transfer(account::OTHER, 0, stranger(1), 5);
            force(world, &[late]);
            world.pass(1_000).await?;
        }
        assert_eq!(world.nonce(account::OTHER), 0);
        world.pass(2_000).await?;
        force(
            world,
            &[MemoryChain::transfer(account::OTHER, 0, stranger(1), 5)],
        );
        world
            .until("whoever posts again is included", 30, |world| {
                world.nonce(account::OTHER) == 1
            })
            .await?;
        world
            .until("the queue is empty", 30, |world| {
                world.judge.state().forced_size().0 == 0
            })
            .await
    });
    assert!(world.judge.drops("RW-DA-530") > 10);
}

#[test]
fn unfunded_forced_transactions() {
    let world: Ledger = play(Plan::calm(1), async |world: &mut Ledger| {
        world.forces = false;
        world.pass(5_000).await?;
        let mut draw = Draw::new(1);
        for _ in 0..6 {
            let blobs = Hostile::ForcedUnfunded.blobs(&world.judge, &world.around.layer, &mut draw);
            world.post_all(blobs);
            world.pass(1_000).await?;
        }
        world
            .until("the queue is empty", 30, |world| {
                world.judge.state().forced_size().0 == 0
            })
            .await
    });
    // Each was tried once, and nothing of them was included.
    let all = all_derived(&world);
    let outcomes: Vec<_> = all.iter().flat_map(|block| &block.forced).collect();
    assert!(outcomes.len() > 8, "{outcomes:?}");
    assert!(
        outcomes
            .iter()
            .all(|(_, outcome)| matches!(outcome, ForcedOutcome::Skipped { .. })),
        "{outcomes:?}"
    );
}

#[test]
fn base_fee_spike_on_due_entries() {
    let world: Ethereum = play(Plan::calm(1), async |world: &mut Ethereum| {
        world.forces = false;
        world.pass(4_000).await?;
        // What does not pay the base fee stands in front of what does.
        let cheap = EvmChain::cheap(account::OTHER, 0, stranger(1));
        let good = EvmChain::transfer(account::FORCED, 0, stranger(1), 5);
        force(world, &[cheap, good]);
        world
            .until("the one behind is included", 20, |world| {
                world.nonce(account::FORCED) == 1
            })
            .await?;
        assert_eq!(world.judge.state().forced_size().0, 1);
        world
            .until("the cheap one leaves at the end of its time", 40, |world| {
                world.judge.state().forced_size().0 == 0
            })
            .await
    });
    assert_eq!(world.nonce(account::OTHER), 0);
    let all = all_derived(&world);
    let tries = all.iter().flat_map(|block| &block.forced);
    let underpriced = tries.filter(|(_, outcome)| matches!(outcome, ForcedOutcome::Underpriced));
    assert!(underpriced.count() > 2);
}

#[test]
fn unprotected_legacy_in_a_batch() {
    let world: Ethereum = play(Plan::calm(1), async |world: &mut Ethereum| {
        world.forces = false;
        world.pass(4_000).await?;
        // The lane refuses it: it could be replayed from another chain by anybody.
        let unprotected = EvmChain::foreign(account::OTHER, 0);
        force(world, std::slice::from_ref(&unprotected));
        world.pass(6_000).await?;
        assert_eq!(world.nonce(account::OTHER), 0);
        // Its sender may still give it to the sequencer.
        let api = world.handle(0).unwrap().api();
        let answer = api.submit(unprotected.clone()).await;
        assert_eq!(answer, Ok(keccak256(&unprotected)));
        world
            .until("its batch is derived", 30, |world| {
                world.nonce(account::OTHER) == 1
            })
            .await
    });
    assert_eq!(world.judge.drops("RW-DA-533"), 1);
    let derived = world.judge.transactions();
    let stands = keccak256(EvmChain::foreign(account::OTHER, 0));
    assert!(derived.iter().any(|(_, bytes)| keccak256(bytes) == stands));
}
