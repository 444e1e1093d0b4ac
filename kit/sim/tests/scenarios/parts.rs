//! What is posted in pieces.

use crate::common::*;
use alloy_primitives::{B256, Bytes};
use rollwright_sim::{Draw, Forger, Hostile, Plan, SpellKind, malleate};
use std::collections::BTreeSet;

#[test]
fn malleated_signature() {
    let world: Ledger = play(Plan::calm(1), async |world: &mut Ledger| {
        world.pass(6_000).await?;
        silence(world, 9_000).await?;
        let rollup_id: B256 = world.judge.rules.rollup_id();
        let number = world.judge.state().next_batch();
        let twin = |part: &Bytes| malleate(part, &rollup_id).unwrap();
        let parts = {
            let mut forger = Forger::new(&world.judge);
            let origin = origin(&forger);
            forger.batch(origin, Vec::new(), 2)
        };
        // Before the true part, and behind it.
        world.post_all([twin(&parts[0]), parts[0].clone(), twin(&parts[0])]);
        world.pass(1_000).await?;
        assert_eq!(world.judge.state().next_batch(), number);
        world.post_all([twin(&parts[0]), twin(&parts[1]), parts[1].clone()]);
        world.pass(1_000).await?;
        assert_eq!(world.judge.state().next_batch(), number + 1);
        Ok(())
    });
    // No second identity, and none that could stand in for the first.
    assert_eq!(
        world.judge.drops("RW-DA-508"),
        2,
        "{:?}",
        world.judge.codes()
    );
    assert_eq!(
        world.judge.drops("RW-DA-507"),
        2,
        "{:?}",
        world.judge.codes()
    );
}

#[test]
fn poisoned_and_flooding_parts() {
    let world: Ledger = play(Plan::calm(1), async |world: &mut Ledger| {
        let mut draw = Draw::new(1);
        for round in 0..12 {
            world.pass(1_000).await?;
            let poisoned: Vec<Bytes> = newest_blobs(world)
                .iter()
                .map(|blob| {
                    let mut bytes = blob.to_vec();
                    if let Some(last) = bytes.last_mut() {
                        *last ^= 1;
                    }
                    bytes.into()
                })
                .collect();
            world.post_all(poisoned);
            let kinds = [
                Hostile::SignedFlood,
                Hostile::OtherKey,
                Hostile::SignedNoise,
            ];
            for kind in kinds.into_iter().take(1 + round % 3) {
                let blobs = kind.blobs(&world.judge, &world.around.layer, &mut draw);
                world.post_all(blobs);
            }
        }
        Ok(())
    });
    let codes = world.judge.codes();
    assert!(codes.contains_key("RW-DA-509"), "{codes:?}");
    assert!(codes.contains_key("RW-DA-512"), "{codes:?}");
}

#[test]
fn interleaved_parts_over_several_da_blocks() {
    let plan = Plan {
        blob_bytes: 500,
        load: 600,
        ..Plan::calm(1)
    };
    let world: Ledger = play(plan, async |world: &mut Ledger| {
        weather(world, 30_000, SpellKind::Piecemeal);
        let mut draw = Draw::new(1);
        for _ in 0..20 {
            world.pass(1_000).await?;
            let between = Hostile::OtherKey.blobs(&world.judge, &world.around.layer, &mut draw);
            world.post_all(between);
        }
        Ok(())
    });
    let heights = |batch: &rollwright_derive::AppliedBatch| {
        let heights = batch.blobs.iter().map(|blob| blob.block.height);
        heights.collect::<BTreeSet<_>>().len()
    };
    assert!(world.judge.batches().any(|batch| heights(batch) > 1));
}
