//! The batcher against a real deriver: what it gives up, signs again, and halts at.

mod common;
use alloy_primitives::{B256, Bytes};
use common::{poster::*, *};
use rollwright_core::{BlobRef, DaOrdinal, PostingUnit};
use rollwright_derive::*;

#[test]
fn a_vanished_origin_is_reported_and_nothing_of_it_is_posted() {
    let mut world = World::after(4);
    let mut poster = Poster::new(&world);
    let kept = push(&mut world, &mut poster, 1, vec![transfer(1, 0)]);
    poster.seal(&world, 5_000);
    push(&mut world, &mut poster, 3, vec![transfer(1, 1)]);
    poster.seal(&world, 5_000);
    world.reorganise(2);
    world.mine_empty(3);
    let events = poster.follow(&world);
    let rebuild = BatcherEvent::Rebuild {
        reason: RebuildReason::OriginVanished,
        keep: kept.block,
    };
    assert_eq!(events, [rebuild]);
    assert_eq!(poster.batcher.attempt(), 1);
    // The first batch goes on, under the new attempt.
    poster.seal(&world, 5_000);
    poster.post(&mut world);
    assert_eq!(world.head(), kept.block);
}

#[test]
fn what_can_no_longer_land_is_not_posted_and_said() {
    let (mut world, mut poster) = started();
    push(&mut world, &mut poster, 1, vec![transfer(1, 0)]);
    world.mine_empty(17);
    // Observed 19: lands at 20 at the earliest, needs a margin of 2, ends at 21.
    let sealed = poster.seal(&world, 5_000);
    let genesis = world.head();
    let expired = Sealed::Rebuild(BatcherEvent::Rebuild {
        reason: RebuildReason::Expired,
        keep: genesis,
    });
    assert_eq!(sealed, expired);
    assert_eq!(poster.batcher.units().count(), 0);
    assert_eq!(poster.batcher.tip(), genesis);
}

#[test]
fn a_lapse_makes_the_batcher_follow_the_derived_head() {
    let (mut world, mut poster) = started();
    push(&mut world, &mut poster, 1, vec![transfer(1, 0)]);
    poster.seal(&world, 5_000);
    // The layer took the parts and lost them; the window ends.
    world.mine_empty(20);
    let events = poster.follow(&world);
    let rebuild = BatcherEvent::Rebuild {
        reason: RebuildReason::Diverged,
        keep: world.head(),
    };
    assert_eq!(events, [rebuild]);
    assert_eq!(world.head().number, 1);
    assert_eq!(poster.batcher.units().count(), 0);
    world.resync();
    push(&mut world, &mut poster, 22, vec![transfer(1, 0)]);
    poster.seal(&world, 5_000);
    poster.post(&mut world);
    assert_eq!(world.head(), world.tip.block);
    assert!(world.has_event(&DeriveEvent::Returned));
}

#[test]
fn after_a_lapse_the_first_block_is_posted_at_once() {
    let (mut world, mut poster) = started();
    world.mine_empty(20);
    poster.follow(&world);
    assert!(world.deriver.state().lapsed());
    world.resync();
    push(&mut world, &mut poster, 22, vec![transfer(1, 0)]);
    assert!(
        matches!(poster.seal(&world, 0), Sealed::Batch(_)),
        "the deriver's next block would not wait for its age"
    );
    poster.post(&mut world);
    poster.follow(&world);
    push(&mut world, &mut poster, 22, vec![transfer(1, 1)]);
    assert_eq!(poster.seal(&world, 0), Sealed::Nothing);
}

#[test]
fn parts_that_stood_on_da_in_vain_are_signed_again() {
    let mut setup = Setup::default();
    setup.config.timing.part_timeout = 4;
    let mut world = World::new(&setup);
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
    push(
        &mut world,
        &mut poster,
        1,
        (0..20).map(|nonce| transfer(1, nonce)).collect(),
    );
    poster.seal(&world, 5_000);
    let units = poster.unincluded();
    assert!(units.len() > 1);
    // The first unit lands, the others come after the parts' time.
    let blobs = |unit: &PostingUnit| -> Vec<Bytes> {
        unit.blobs.iter().map(|blob| blob.data.clone()).collect()
    };
    world.mine(blobs(&units[0]));
    let first: Vec<BlobRef> = world
        .da
        .last()
        .unwrap()
        .blobs
        .iter()
        .map(|b| b.reference)
        .collect();
    poster.batcher.included(units[0].id, &first);
    world.mine_empty(5);
    assert!(world.drop_codes().contains(&"RW-DA-514"));
    assert_eq!(poster.follow(&world), [], "the rest may still land");
    for unit in &units[1..] {
        world.mine(blobs(unit));
        let refs: Vec<BlobRef> = world
            .da
            .last()
            .unwrap()
            .blobs
            .iter()
            .map(|b| b.reference)
            .collect();
        poster.batcher.included(unit.id, &refs);
    }
    world.mine_empty(4);
    assert_eq!(
        poster.follow(&world),
        [BatcherEvent::Resigned {
            number: 0,
            attempt: 1
        }]
    );
    assert_eq!(poster.unincluded(), [], "old parts are not posted any more");
    poster.seal(&world, 5_000);
    assert_ne!(poster.unincluded()[0].id, units[0].id);
    poster.restart(&world);
    poster.post(&mut world);
    assert_eq!(world.head(), world.tip.block);
}

#[test]
fn a_second_rejection_halts_instead_of_emptying_the_wallet() {
    let (mut world, mut poster) = started();
    for round in 0..2 {
        // A block that the chain's rules refuse: too far above its origin.
        let mut block = world.preconfirm(1, vec![]);
        block.inputs.timestamp += 500;
        poster.batcher.push(block).unwrap();
        let sealed = poster.seal(&world, 5_000);
        assert!(
            matches!(sealed, Sealed::Batch(_)),
            "round {round}: {sealed:?}"
        );
        poster.post(&mut world);
        let events = poster.follow(&world);
        let rejected = RebuildReason::Rejected;
        assert!(
            matches!(events[..], [BatcherEvent::Rebuild { reason, .. }] if reason == rejected),
            "round {round}: {events:?}"
        );
        world.resync();
    }
    assert_eq!(poster.batcher.halted(), Some(RebuildReason::Rejected));
    let codec = rollwright_derive::Derivable::codec(&world.engine);
    let error = poster
        .batcher
        .seal(&codec, &key(1), 0, DaOrdinal(9), true)
        .unwrap_err();
    assert_eq!(error, BatcherError::Halted(RebuildReason::Rejected));
    poster.batcher.resume();
    push(&mut world, &mut poster, 1, vec![]);
    assert!(matches!(poster.seal(&world, 5_000), Sealed::Batch(_)));
}

#[test]
fn a_process_with_a_lower_term_is_fenced() {
    let mut world = World::after(3);
    let block = world.preconfirm(1, vec![]);
    let mut envelope = world.envelope(&[block]);
    envelope.term = 3;
    world.mine(world.parts(&envelope.encode(), 1));
    let mut poster = Poster::new(&world);
    push(&mut world, &mut poster, 2, vec![]);
    let codec = rollwright_derive::Derivable::codec(&world.engine);
    let error = poster
        .batcher
        .seal(&codec, &key(1), 9_000, DaOrdinal(3), false)
        .unwrap_err();
    assert_eq!(
        error,
        BatcherError::Fenced {
            ours: 0,
            accepted: 3
        }
    );
}

#[test]
fn a_rewind_forgets_batches_that_hold_rebuilt_blocks() {
    let (mut world, mut poster) = started();
    let first = push(&mut world, &mut poster, 1, vec![]);
    poster.seal(&world, 5_000);
    push(&mut world, &mut poster, 1, vec![]);
    push(&mut world, &mut poster, 1, vec![]);
    poster.seal(&world, 5_000);
    let tip = poster.batcher.rewind(rollwright_core::BlockRef {
        number: 2,
        hash: B256::ZERO,
    });
    assert_eq!(tip, first.block, "the batch of blocks 2 and 3 is gone");
    assert_eq!(poster.batcher.attempt(), 1);
}
