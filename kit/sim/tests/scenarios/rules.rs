//! Rules change while batches are on their way.

use crate::common::*;
use alloy_primitives::Address;
use rollwright_core::DaOrdinal;
use rollwright_derive::{Amendment, AmendmentChange, DeriveEvent, PartSigner, RollupConfig};
use rollwright_sim::{
    Forger, Plan, Rotation, SpellKind,
    machine::{MemoryChain, SECOND_KEY, SEQUENCER_KEY},
    signer, small,
};

const ACTIVATION: u64 = 18;

/// Runs over a change of rules while parts stand on the layer without the rest
/// of their batch.
fn over(change: AmendmentChange) -> Ledger {
    let plan = Plan {
        blob_bytes: 500,
        load: 600,
        ..Plan::calm(3)
    };
    let config = small::<MemoryChain>(plan.block_ms);
    let amendment = Amendment {
        activation: DaOrdinal(ACTIVATION),
        change,
    };
    play_with(
        plan,
        &config,
        vec![amendment],
        async |world: &mut Ledger| {
            weather(world, 24_000, SpellKind::Piecemeal);
            // A batch that will never be complete is in flight as well.
            while world.judge.driven().len() < ACTIVATION as usize - 1 {
                world.pass(200).await?;
            }
            let parts = {
                let mut forger = Forger::new(&world.judge);
                let block = empty_block(&mut forger);
                let envelope = forger.envelope(&[block]).unwrap();
                let encoded = forger.sealed(&envelope);
                forger.parts(&encoded, 2)
            };
            world.post_all(parts.into_iter().take(1));
            world.pass(20_000).await
        },
    )
}

fn discarded(world: &Ledger) -> usize {
    let events = world.judge.events();
    let at = events.filter_map(|(ordinal, event)| match event {
        DeriveEvent::Discarded { batches } if ordinal == ACTIVATION => Some(*batches),
        _ => None,
    });
    at.sum()
}

fn batches_after(world: &Ledger) -> usize {
    let after = |ordinal: DaOrdinal| ordinal.0 > ACTIVATION;
    let batches = world.judge.batches();
    batches.filter(|batch| after(batch.ordinal)).count()
}

#[test]
fn key_activation_with_parts_in_flight() {
    let mut keys = vec![signer(SEQUENCER_KEY).address(), Address::repeat_byte(0x77)];
    keys.sort();
    let world = over(AmendmentChange::Keys(keys));
    assert!(discarded(&world) > 0);
    assert!(batches_after(&world) > 2);
}

/// The operator changes the sequencer's key while both are in force, before the
/// second one is, and after the first one has ended: each time with batches on
/// their way, which were signed by the first.
#[test]
fn sequencer_key_rotation_with_batches_in_flight() {
    for at_ms in [16_000, 8_000, 27_000] {
        let rotation = Rotation {
            both_from: 12,
            second_from: 22,
            at_ms,
        };
        let plan = Plan {
            blob_bytes: 500,
            load: 600,
            length_ms: 34_000,
            rotation: Some(rotation),
            ..Plan::calm(5)
        };
        let config = small::<MemoryChain>(plan.block_ms);
        let world = play_with(
            plan,
            &config,
            rotation.amendments(),
            async |world: &mut Ledger| {
                weather(world, 30_000, SpellKind::Piecemeal);
                world.pass(34_000).await
            },
        );
        let second = signer(SECOND_KEY).address();
        let signers: Vec<_> = world.judge.batches().map(|batch| batch.signer).collect();
        let change = signers.iter().position(|signer| *signer == second);
        let change = change.unwrap_or_else(|| panic!("at {at_ms} ms: {signers:?}"));
        // All of the first's batches, then all of the second's.
        assert!(change > 1 && signers.len() > change + 2, "{signers:?}");
        assert!(signers[change..].iter().all(|signer| *signer == second));
    }
}

/// The chain goes over to another layer while parts stand on the one before
/// without the rest of their batch: what is in flight is discarded, posted
/// again on the next layer, and nothing is lost.
#[test]
fn epoch_switch_with_batches_in_flight() {
    let config: RollupConfig = small::<MemoryChain>(1_000);
    let world = over(AmendmentChange::DaEpoch(Box::new(config.da)));
    assert!(discarded(&world) > 0);
    assert!(batches_after(&world) > 2);
    let epochs = world.judge.batches().map(|batch| batch.point.epoch);
    assert!(epochs.is_sorted());
    let start = world.judge.state().epoch_start(&world.judge.rules, 1);
    assert_eq!(start.unwrap().ordinal, DaOrdinal(ACTIVATION));
    let next = world.around.layer.later()[0].read(|layer| layer.height());
    assert!(next > ACTIVATION, "both layers go on");
}
