//! The batcher against a real deriver: sealing, posting, forgetting, restarts.

mod common;
use common::{poster::*, *};
use rollwright_derive::*;

#[test]
fn a_clock_that_was_set_back_holds_nothing_up() {
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
    let mut block = world.preconfirm(1, vec![transfer(1, 0)]);
    block.queued_ms = 3_600_000;
    poster.batcher.push(block).unwrap();
    assert_eq!(poster.seal(&world, 3_600_000), Sealed::Nothing);
    assert!(matches!(poster.seal(&world, 1_000), Sealed::Batch(_)));
}

#[test]
fn blocks_become_batches_by_age_and_by_size() {
    let (mut world, mut poster) = started();
    push(&mut world, &mut poster, 1, vec![transfer(1, 0)]);
    assert_eq!(poster.seal(&world, 999), Sealed::Nothing);
    let Sealed::Batch(facts) = poster.seal(&world, 1_000) else {
        panic!("old enough");
    };
    assert_eq!(
        (facts.number, facts.first_block, facts.transactions),
        (0, 1, 1)
    );
    // Enough bytes to be full at once; the rest waits.
    for block in 0..12 {
        let nonce = 1 + block * 10;
        let many = (nonce..nonce + 10)
            .map(|nonce| transfer(1, nonce))
            .collect();
        push(&mut world, &mut poster, 1, many);
    }
    let Sealed::Batch(facts) = poster.seal(&world, 0) else {
        panic!("full");
    };
    assert!(
        facts.bytes > 3_000 && facts.bytes < 6_000,
        "{}",
        facts.bytes
    );
    assert!(facts.units.len() > 3, "a unit holds at most 1,000 bytes");
    assert!(poster.batcher.backlog().queued_blocks > 0);
    poster.post(&mut world);
    let events = poster.follow(&world);
    assert_eq!(events.len(), 2);
    assert!(matches!(events[1], BatcherEvent::Applied { number: 1, .. }));
    assert_eq!(world.head(), facts.last);
}

#[test]
fn every_blob_respects_the_layer_and_all_of_them_make_the_batch() {
    let (mut world, mut poster) = started();
    push(
        &mut world,
        &mut poster,
        1,
        (0..20).map(|nonce| transfer(1, nonce)).collect(),
    );
    poster.seal(&world, 5_000);
    for unit in poster.batcher.units() {
        assert!(unit.unit.len_bytes() <= 1_000);
        assert!(unit.unit.blobs.iter().all(|blob| blob.data.len() <= 400));
    }
    poster.post(&mut world);
    assert_eq!(world.head(), world.tip.block);
}

#[test]
fn a_push_that_does_not_follow_is_refused() {
    let (mut world, mut poster) = started();
    let first = world.preconfirm(1, vec![]);
    let second = world.preconfirm(1, vec![]);
    assert!(matches!(
        poster.batcher.push(second.clone()),
        Err(BatcherError::NotNext { .. })
    ));
    poster.batcher.push(first).unwrap();
    poster.batcher.push(second.clone()).unwrap();
    assert_eq!(poster.batcher.tip(), second.block);
}

#[test]
fn as_many_batches_as_allowed_are_in_flight() {
    let (mut world, mut poster) = started();
    for nonce in 0..4 {
        push(&mut world, &mut poster, 1, vec![transfer(1, nonce)]);
        let sealed = poster.seal(&world, 5_000);
        assert_eq!(matches!(sealed, Sealed::Full), nonce == 3);
    }
    poster.post(&mut world);
    poster.follow(&world);
    assert!(matches!(poster.seal(&world, 5_000), Sealed::Batch(_)));
}

#[test]
fn a_restart_posts_the_same_units_and_asks_for_the_blocks_above() {
    let (mut world, mut poster) = started();
    let first = push(&mut world, &mut poster, 1, vec![transfer(1, 0)]);
    poster.seal(&world, 5_000);
    let second = push(&mut world, &mut poster, 1, vec![transfer(1, 1)]);
    let before = poster.unincluded();
    poster.restart(&world);
    assert_eq!(poster.unincluded(), before);
    assert_eq!(poster.batcher.tip(), first.block);
    poster.batcher.push(second).unwrap();
    poster.follow(&world);
    poster.post(&mut world);
    assert!(matches!(
        poster.follow(&world)[..],
        [BatcherEvent::Applied { number: 0, .. }]
    ));
    poster.restart(&world);
    assert_eq!(poster.unincluded(), []);
}

#[test]
fn a_reorganisation_posts_the_undone_batch_again() {
    let (mut world, mut poster) = started();
    push(&mut world, &mut poster, 1, vec![transfer(1, 0)]);
    poster.seal(&world, 5_000);
    poster.post(&mut world);
    poster.follow(&world);
    assert!(poster.unincluded().is_empty());
    world.reorganise(3);
    assert_eq!(poster.follow(&world), [BatcherEvent::Undone { number: 0 }]);
    assert_eq!(poster.unincluded().len(), 1);
    poster.post(&mut world);
    assert_eq!(world.head(), world.tip.block);
}

#[test]
fn the_window_presses_a_young_block_out() {
    let (mut world, mut poster) = started();
    push(&mut world, &mut poster, 1, vec![]);
    world.mine_empty(13);
    poster.follow(&world);
    assert_eq!(poster.seal(&world, 0), Sealed::Nothing);
    world.mine_empty(1);
    assert!(matches!(poster.seal(&world, 0), Sealed::Batch(_)));
}

#[test]
fn final_batches_are_forgotten_but_the_newest() {
    let (mut world, mut poster) = started();
    for nonce in 0..3 {
        push(&mut world, &mut poster, 1, vec![transfer(1, nonce)]);
        poster.seal(&world, 5_000);
        poster.post(&mut world);
        poster.follow(&world);
    }
    let last = da_id(world.da.last().unwrap());
    world.deriver.finalize(0, last);
    let events = poster.follow(&world);
    assert_eq!(
        events,
        [
            BatcherEvent::Final { number: 0 },
            BatcherEvent::Final { number: 1 }
        ]
    );
    assert_eq!(poster.batcher.batches().count(), 1);
    assert_eq!(
        poster.records.len(),
        3,
        "the attempt, and facts and bytes of one batch"
    );
}
