//! The batcher's bounds: memory, and blocks that do not fit any more.

mod common;
use alloy_primitives::Bytes;
use common::{poster::*, *};
use rollwright_core::DaOrdinal;
use rollwright_derive::*;

/// About `bytes` bytes of transactions of account 1 from a nonce on.
fn transfers(nonce: u64, bytes: usize) -> Vec<Bytes> {
    let one = transfer(1, nonce).len();
    let count = (bytes / one) as u64;
    (nonce..nonce + count)
        .map(|nonce| transfer(1, nonce))
        .collect()
}

#[test]
fn the_bytes_of_a_derived_batch_are_in_the_store_alone() {
    let (mut world, mut poster) = started();
    for nonce in 0..3 {
        push(&mut world, &mut poster, 1, vec![transfer(1, nonce)]);
        poster.seal(&world, 5_000);
        assert_eq!(poster.batcher.wanted().count(), 0, "what is posted is here");
        poster.post(&mut world);
        poster.follow(&world);
    }
    assert_eq!(poster.batcher.units().count(), 0);
    let stored = |poster: &Poster| {
        let keys = poster.records.keys();
        keys.filter(|key| key.starts_with(POSTING_PREFIX)).count()
    };
    assert_eq!(stored(&poster), 3);
    // A reorganisation undoes two of them: asked for, and posted as they were.
    world.reorganise(4);
    let finalized = world.deriver.finalized().number;
    poster.batcher.follow(world.deriver.state(), finalized);
    let wanted: Vec<_> = poster.batcher.wanted().collect();
    let numbers: Vec<u64> = wanted.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(poster.batcher.units().count(), 0, "not without their bytes");
    let (first, key) = &wanted[0];
    assert!(poster.batcher.supply(*first, None).is_err());
    let other = poster.records.get(&wanted[1].1);
    assert!(poster.batcher.supply(*first, other).is_err());
    let record = poster.records.get(key);
    assert_eq!(poster.batcher.supply(*first, record), Ok(()));
    poster.supply();
    poster.post(&mut world);
    assert_eq!(world.head(), world.tip.block);
    // Once all is final, the newest batch alone is remembered.
    poster.follow(&world);
    let last = da_id(world.da.last().unwrap());
    world.deriver.finalize(0, last);
    poster.follow(&world);
    assert_eq!(stored(&poster), 1);
}

#[test]
fn a_queue_takes_two_of_the_largest_batches_and_no_more() {
    let (mut world, mut poster) = started();
    let limits = world.rules.at(DaOrdinal(3)).limits;
    let mut pushed: u64 = 0;
    for origin in [0, 1, 2] {
        for _ in 0..limits.origin_blocks {
            if poster.batcher.has_room() {
                pushed += 1;
                push(&mut world, &mut poster, origin, vec![]);
            }
        }
    }
    assert!(poster.batcher.has_room(), "{pushed} blocks are few");
    let mut nonce = 0;
    let mut world = World::after(6);
    let mut poster = Poster::new(&world);
    while poster.batcher.has_room() {
        let full = transfers(nonce, limits.block_bytes as usize);
        nonce += full.len() as u64;
        push(&mut world, &mut poster, nonce / 1_000 % 5, full);
    }
    let queued = poster.batcher.backlog().queued_bytes;
    assert!(queued >= 2 * u64::from(limits.decompressed_bytes));
    assert!(queued < 3 * u64::from(limits.decompressed_bytes));
}

fn lower_block_bytes(activation: u64, block_bytes: u64) -> Setup {
    let mut setup = Setup::default();
    let mut limits = setup.config.limits;
    limits.block_bytes = block_bytes;
    setup.amendments = vec![Amendment {
        activation: DaOrdinal(activation),
        change: AmendmentChange::Limits(limits),
    }];
    setup
}

#[test]
fn blocks_are_made_for_every_rule_under_which_they_may_land() {
    let world = World::new(&lower_block_bytes(30, 2_000));
    let wide = world.rules.at(DaOrdinal(0)).limits.block_bytes;
    let room = |origin, piece| world.rules.block_room(DaOrdinal(origin), piece).bytes;
    assert_eq!(room(9, u64::MAX), wide, "the window ends before");
    assert_eq!(room(10, u64::MAX), 2_000);
    assert_eq!(room(30, u64::MAX), 2_000);
    // 64 parts of so much carry the margin and 17 bytes for 16.
    assert_eq!(room(9, 1_200), (64 * 1_200 - 65_536) / 17 * 16);
    assert_eq!(room(9, 1_000), 0);
    let before = world.rules.at(DaOrdinal(0));
    let error = before.check_layer(1_200).unwrap_err();
    assert_eq!(rollwright_core::LayerError::code(&error), "RW-NODE-249");
    let BatcherError::LayerTooSmall {
        needed, postable, ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(needed, wide + wide / 16 + 65_536);
    assert_eq!(postable, room(9, 1_200));
    assert_eq!(before.check_layer(needed.div_ceil(64)), Ok(()));
}

#[test]
fn a_block_that_an_amendment_made_too_large_is_rebuilt_once_and_then_posting_halts() {
    let mut world = World::new(&lower_block_bytes(6, 2_000));
    world.mine_empty(5);
    let mut poster = Poster::new(&world);
    let small = push(&mut world, &mut poster, 1, vec![transfer(1, 0)]);
    // Whoever made this did not know of the amendment.
    push(&mut world, &mut poster, 1, transfers(1, 4_000));
    assert!(matches!(
        poster.seal(&world, 5_000),
        Sealed::Amendment { .. }
    ));
    world.mine_empty(1);
    poster.follow(&world);
    let Sealed::Batch(facts) = poster.seal(&world, 5_000) else {
        panic!("the first block fits");
    };
    assert_eq!(facts.last, small.block);
    let rebuild = Sealed::Rebuild(BatcherEvent::Rebuild {
        reason: RebuildReason::TooLarge,
        keep: small.block,
    });
    assert_eq!(poster.seal(&world, 5_000), rebuild);
    poster.post(&mut world);
    poster.follow(&world);
    assert_eq!(world.head(), small.block);
    // A smaller block in its place is posted.
    world.resync();
    push(&mut world, &mut poster, 3, transfers(1, 1_000));
    assert!(matches!(poster.seal(&world, 5_000), Sealed::Batch(_)));
    poster.post(&mut world);
    poster.follow(&world);
    assert_eq!(world.head(), world.tip.block);
    // One that is too large again is not tried for ever.
    let nonce = world.nonce(user(1));
    for round in 0..2 {
        world.resync();
        push(&mut world, &mut poster, 3, transfers(nonce, 4_000));
        let codec = rollwright_derive::Derivable::codec(&world.engine);
        let sealed = poster
            .batcher
            .seal(&codec, &key(1), 5_000, DaOrdinal(8), false);
        match round {
            0 => assert!(matches!(sealed, Ok(Sealed::Rebuild(_))), "{sealed:?}"),
            _ => assert!(
                matches!(sealed, Err(BatcherError::BlockTooLarge { .. })),
                "{sealed:?}"
            ),
        }
    }
    assert_eq!(poster.batcher.halted(), Some(RebuildReason::TooLarge));
    // The cause is what is said from then on.
    let codec = rollwright_derive::Derivable::codec(&world.engine);
    let again = poster
        .batcher
        .seal(&codec, &key(1), 6_000, DaOrdinal(8), true);
    assert!(
        matches!(again, Err(BatcherError::BlockTooLarge { .. })),
        "{again:?}"
    );
}
