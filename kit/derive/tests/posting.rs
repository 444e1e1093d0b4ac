//! The batcher against a real deriver.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside of test functions"
)]

mod common;
use alloy_primitives::{B256, Bytes};
use common::*;
use rollwright_core::{BlobRef, DaOrdinal, PostingUnit, RecordChange};
use rollwright_derive::*;
use std::{collections::BTreeMap, sync::Arc};

fn settings() -> BatcherSettings {
    BatcherSettings {
        signer: key(1).address(),
        codec: CodecId::NONE,
        term: 0,
        max_blob_bytes: 400,
        max_unit_bytes: 1_000,
        target_bytes: 4_000,
        max_age_ms: 1_000,
        max_in_flight: 3,
        margin: 2,
    }
}

/// A sequencer process: batcher, its durable records, and what it posted.
struct Poster {
    batcher: Batcher,
    records: BTreeMap<Bytes, Bytes>,
    events: Vec<BatcherEvent>,
}

impl Poster {
    fn new(world: &World) -> Self {
        Self {
            batcher: Batcher::new(Arc::clone(&world.rules), settings(), world.deriver.state()),
            records: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    fn store(&mut self) {
        for RecordChange { key, value } in self.batcher.take_changes() {
            match value {
                Some(value) => self.records.insert(key, value),
                None => self.records.remove(&key),
            };
        }
    }

    fn restart(&mut self, world: &World) {
        self.batcher = Batcher::load(
            Arc::clone(&world.rules),
            settings(),
            world.deriver.state(),
            self.records.clone(),
        )
        .unwrap();
    }

    fn seal(&mut self, world: &World, now_ms: u64) -> Sealed {
        let observed = DaOrdinal(world.ordinal().0 - 1);
        let codec = rollwright_derive::Derivable::codec(&world.engine);
        let sealed = self
            .batcher
            .seal(&codec, &key(1), now_ms, observed, false)
            .unwrap();
        self.store();
        sealed
    }

    fn follow(&mut self, world: &World) -> Vec<BatcherEvent> {
        let finalized = world.deriver.finalized().number;
        let events = self.batcher.follow(world.deriver.state(), finalized);
        assert!(
            self.batcher
                .follow(world.deriver.state(), finalized)
                .is_empty(),
            "idempotent"
        );
        self.store();
        self.events.extend(events.clone());
        events
    }

    fn unincluded(&self) -> Vec<PostingUnit> {
        self.batcher
            .units()
            .filter(|unit| unit.included.is_empty())
            .map(|unit| unit.unit.clone())
            .collect()
    }

    /// Posts all units that stand nowhere, in one DA block.
    fn post(&mut self, world: &mut World) {
        let units = self.unincluded();
        let blobs = units
            .iter()
            .flat_map(|unit| &unit.blobs)
            .map(|blob| blob.data.clone());
        world.mine_unread(blobs.collect());
        let mut posted = world
            .da
            .last()
            .unwrap()
            .blobs
            .iter()
            .map(|blob| blob.reference);
        for unit in units {
            let refs: Vec<BlobRef> = posted.by_ref().take(unit.blobs.len()).collect();
            self.batcher.included(unit.id, &refs);
        }
        world.read();
    }
}

fn push(
    world: &mut World,
    poster: &mut Poster,
    origin: u64,
    transactions: Vec<Bytes>,
) -> QueuedBlock {
    let block = world.preconfirm(origin, transactions);
    poster.batcher.push(block.clone()).unwrap();
    block
}

#[test]
fn blocks_become_batches_by_age_and_by_size() {
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
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
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
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
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
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
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
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
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
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
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
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
fn a_vanished_origin_is_reported_and_nothing_of_it_is_posted() {
    let mut world = World::default();
    world.mine_empty(4);
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
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
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
fn the_window_presses_a_young_block_out() {
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
    push(&mut world, &mut poster, 1, vec![]);
    world.mine_empty(13);
    poster.follow(&world);
    assert_eq!(poster.seal(&world, 0), Sealed::Nothing);
    world.mine_empty(1);
    assert!(matches!(poster.seal(&world, 0), Sealed::Batch(_)));
}

#[test]
fn a_lapse_makes_the_batcher_follow_the_derived_head() {
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
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
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
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
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
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
    let mut world = World::default();
    world.mine_empty(3);
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
fn final_batches_are_forgotten_but_the_newest() {
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
    for nonce in 0..3 {
        push(&mut world, &mut poster, 1, vec![transfer(1, nonce)]);
        poster.seal(&world, 5_000);
        poster.post(&mut world);
        poster.follow(&world);
    }
    let last = da_id(world.da.last().unwrap());
    world.deriver.finalize(last);
    let events = poster.follow(&world);
    assert_eq!(
        events,
        [
            BatcherEvent::Final { number: 0 },
            BatcherEvent::Final { number: 1 }
        ]
    );
    assert_eq!(poster.batcher.batches().count(), 1);
    assert_eq!(poster.records.len(), 2, "its header and one batch");
}

#[test]
fn a_rewind_forgets_batches_that_hold_rebuilt_blocks() {
    let mut world = World::default();
    world.mine_empty(3);
    let mut poster = Poster::new(&world);
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
