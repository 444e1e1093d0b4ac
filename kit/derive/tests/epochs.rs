//! DA epochs: the chain goes over to another layer (PROTOCOL.md §2).

mod common;
use alloy_primitives::B256;
use common::*;
use rollwright_core::{DaBlock, DaHeader, DaHeight, DaLane, DaOrdinal};
use rollwright_derive::*;

/// Ordinal of the second epoch's first block.
const SWITCH: u64 = 5;
/// Least height of the second epoch.
const LEAST: u64 = 5_000;

fn setup(change: impl Fn(&mut DaEpochConfig)) -> Setup {
    let mut setup = Setup::default();
    let mut next = setup.config.da.clone();
    next.layer = "other".into();
    next.start_height = DaHeight(LEAST);
    change(&mut next);
    setup.amendments = vec![Amendment {
        activation: DaOrdinal(SWITCH),
        change: AmendmentChange::DaEpoch(Box::new(next)),
    }];
    setup
}

/// A chain whose next DA block is the second epoch's first, not yet read.
fn before_switch() -> World {
    let mut world = World::new(&setup(|_| {}));
    world.skipped = 7;
    world.mine_empty(SWITCH as usize);
    world
}

/// The same one block further.
fn after_switch() -> World {
    let mut world = before_switch();
    world.finalize_before(SWITCH);
    world.mine(vec![]);
    world
}

fn agrees_with_a_late_node(world: &World) {
    let mut late = world.fresh_node();
    late.read();
    late.finalize_before(SWITCH);
    late.read();
    assert_eq!(late.deriver.state(), world.deriver.state());
    assert_eq!(late.deriver.state().hash(), world.deriver.state().hash());
    assert_eq!(world.reloaded().state(), world.deriver.state());
}

#[test]
fn a_chain_goes_on_upon_another_layer() {
    let mut world = after_switch();
    let blob = world.one_block_batch(SWITCH, vec![transfer(1, 0)]);
    world.mine(vec![blob]);
    assert_eq!(world.drop_codes(), [""; 0]);
    assert_eq!(world.head(), world.tip.block);
    let applied = world.applied();
    assert_eq!(applied[0].point.epoch, 1);
    assert_eq!(applied[0].point.height, DaHeight(LEAST + 7 + 1));
    let state = world.deriver.state();
    let rules = &world.rules;
    let at = |epoch, height| state.ordinal_of(rules, epoch, DaHeight(height));
    assert_eq!(at(1, LEAST + 7), Some(DaOrdinal(SWITCH)));
    assert_eq!(at(1, LEAST + 6), None, "before the epoch");
    assert_eq!(at(0, DA_START + SWITCH), None, "after the epoch");
    let back = state.height_of(rules, DaOrdinal(SWITCH + 3));
    assert_eq!(back, Some(DaHeight(LEAST + 10)));
    agrees_with_a_late_node(&world);
}

#[test]
fn batches_in_flight_are_discarded_and_land_on_the_next_layer() {
    let mut world = World::new(&setup(|_| {}));
    world.mine_empty(SWITCH as usize - 1);
    let block = world.preconfirm(SWITCH - 2, vec![transfer(1, 0)]);
    let envelope = world.envelope(std::slice::from_ref(&block)).encode();
    let parts = world.parts(&envelope, 2);
    world.mine(vec![parts[0].clone()]);
    world.finalize_before(SWITCH);
    world.mine(vec![parts[1].clone()]);
    assert!(world.has_event(&DeriveEvent::Discarded { batches: 1 }));
    assert_eq!(world.head().number, 0, "the halves lie on two layers");
    // The block keeps its origin on the layer before.
    let envelope = world.seal(&[block]);
    world.mine(world.parts_by(&key(1), 1, &envelope, 1));
    assert_eq!(world.head(), world.tip.block);
    agrees_with_a_late_node(&world);
}

#[test]
fn an_origin_is_named_with_its_epoch() {
    let cases = [(0, 0, true), (1, 0, false), (7, 0, false), (0, 1, false)];
    for (epoch, above, lands) in cases {
        let mut world = after_switch();
        let block = world.preconfirm(SWITCH - 2, vec![]);
        let mut envelope = world.envelope(std::slice::from_ref(&block));
        envelope.last_origin.epoch = epoch;
        envelope.last_origin.height.0 += above;
        world.mine(world.parts(&envelope.encode(), 1));
        assert_eq!(world.head().number == 1, lands, "epoch {epoch} +{above}");
        let drops: &[DropReason] = if lands { &[] } else { &[DropReason::Origin] };
        assert_eq!(world.drops(), drops);
    }
}

#[test]
fn the_next_layer_is_read_once_the_last_block_before_is_final() {
    let mut world = before_switch();
    let state = world.deriver.state().clone();
    world.mine(vec![]);
    assert_eq!(*world.deriver.state(), state);
    world.finalize_before(SWITCH - 1);
    world.read();
    assert_eq!(*world.deriver.state(), state);
    world.finalize_before(SWITCH);
    world.read();
    assert_eq!(world.deriver.state().next_ordinal(), DaOrdinal(SWITCH + 1));
}

#[test]
fn what_is_final_ahead_reaches_to_the_end_of_the_epoch() {
    let mut world = before_switch();
    world.mine(vec![]);
    let mut late = world.fresh_node();
    // As a node that catches up learns it, before it has read anything.
    late.deriver
        .finalize(0, da_id(&world.da[SWITCH as usize - 1]));
    late.read();
    assert_eq!(late.deriver.state().next_ordinal(), DaOrdinal(SWITCH + 1));
    // The same of a layer that has gone on.
    let mut beyond = da_id(&world.da[SWITCH as usize - 1]);
    beyond.height.0 += 1;
    let mut later = world.fresh_node();
    later.deriver.finalize(0, beyond);
    later.read();
    assert_eq!(later.deriver.state(), late.deriver.state());
    assert_eq!(later.deriver.final_below(), DaOrdinal(SWITCH));
    // It does not say which block the epoch's last one is, once that was read.
    let nothing = world.deriver.finalize(0, beyond);
    assert_eq!(nothing.ordinal, None);
}

fn first_block(world: &World, height: u64, time: u64) -> (DaBlock, DaHeader) {
    let below = world.below(DaHeight(height));
    let mut block = world.da[0].clone();
    block.header = DaHeader {
        height: DaHeight(height),
        hash: B256::repeat_byte(9),
        parent_hash: below.hash,
        time,
        data_root: B256::ZERO,
    };
    (block, below)
}

#[test]
fn only_the_first_late_enough_block_begins_an_epoch() {
    let mut world = before_switch();
    world.finalize_before(SWITCH);
    let last = world.da[SWITCH as usize - 1].header.time;
    let before = world.deriver.state().clone();
    let request = world.deriver.poll();
    let (good, below) = first_block(&world, LEAST + 3, last + 1);
    let mut refuse = |block: &DaBlock, below: Option<&DaHeader>| {
        let error = world.deriver.feed_first_block(block, below).unwrap_err();
        assert!(matches!(error, DeriveError::EpochStart { epoch: 1, .. }));
        assert_eq!(*world.deriver.state(), before);
        assert_eq!(world.deriver.poll(), request);
    };
    refuse(&good, None);
    let late = DaHeader {
        time: last + 1,
        ..below
    };
    refuse(&good, Some(&late));
    let stray = DaHeader {
        hash: B256::ZERO,
        ..below
    };
    refuse(&good, Some(&stray));
    let far = DaHeader {
        height: DaHeight(LEAST + 1),
        ..below
    };
    refuse(&good, Some(&far));
    let mut early = good.clone();
    early.header.time = last;
    refuse(&early, Some(&below));
    let mut low = good.clone();
    low.header.height = DaHeight(LEAST - 1);
    refuse(&low, Some(&below));
    let out_of_turn = world.deriver.feed_block(&good).unwrap_err();
    assert!(matches!(out_of_turn, DeriveError::OutOfTurn(_)));
    world.deriver.feed_first_block(&good, Some(&below)).unwrap();
}

#[test]
fn the_least_height_needs_no_witness_below() {
    let mut world = before_switch();
    world.finalize_before(SWITCH);
    let last = world.da[SWITCH as usize - 1].header.time;
    let (block, _) = first_block(&world, LEAST, last + 1);
    world.deriver.feed_first_block(&block, None).unwrap();
}

#[test]
fn the_next_layer_may_reorganise_down_to_its_first_block() {
    let mut world = after_switch();
    let before = world.deriver.state().clone();
    let blob = world.one_block_batch(SWITCH, vec![transfer(1, 0)]);
    world.mine(vec![blob]);
    world.reorganise(SWITCH);
    world.resync();
    world.skipped = 9;
    world.mine(vec![]);
    let start = world.deriver.state().epoch_start(&world.rules, 1).unwrap();
    assert_eq!(start.height, DaHeight(LEAST + 9));
    assert_ne!(*world.deriver.state(), before);
    let final_below = world.deriver.rollback(DaOrdinal(SWITCH - 1)).unwrap_err();
    assert!(matches!(final_below, DeriveError::Final { .. }));
    let blob = world.one_block_batch(SWITCH, vec![transfer(2, 0)]);
    world.mine(vec![blob]);
    assert_eq!(world.head(), world.tip.block);
    agrees_with_a_late_node(&world);
}

#[test]
fn each_epoch_has_its_own_lanes() {
    let mut world = World::new(&setup(|next| next.forced_address = Some("inbox".into())));
    let forced = |world: &World| vec![world.forced(&[transfer(3, 0)])];
    world.mine_empty(SWITCH as usize - 1);
    world.mine(forced(&world));
    world.finalize_before(SWITCH);
    assert_eq!(world.deriver.state().forced_size().0, 1);
    world.mine(forced(&world));
    assert_eq!(
        world.drop_codes(),
        ["RW-DA-502"],
        "it came by the batch lane"
    );
    world.mine_unread(forced(&world));
    let last = world.da.last_mut().unwrap();
    last.blobs[0].lane = DaLane::Forced;
    world.read();
    assert_eq!(world.deriver.state().forced_size().0, 2);
}

#[test]
fn a_sequencer_lapses_over_a_switch_as_within_an_epoch() {
    let mut world = World::new(&setup(|_| {}));
    world.mine_empty(SWITCH as usize);
    world.finalize_before(SWITCH);
    world.mine_empty(18);
    let own = world.own_blocks();
    assert_eq!(own.first(), Some(&21), "the window counts ordinals");
    agrees_with_a_late_node(&world);
}

#[test]
fn what_a_batch_announces_is_told_and_changes_nothing() {
    let announced = Announcement {
        activation: DaOrdinal(3),
        digest: B256::repeat_byte(9),
        change: 200,
        layer: "of nobody".into(),
    };
    let [plain, telling] = [None, Some(announced.clone())].map(|announced| {
        let mut world = World::new(&setup(|_| {}));
        world.mine_empty(2);
        let block = world.preconfirm(0, vec![transfer(1, 0)]);
        let mut envelope = world.envelope(std::slice::from_ref(&block));
        envelope.announced = announced;
        let parts = world.parts(&envelope.encode(), 1);
        world.mine(parts);
        (world.head(), world.applied()[0].announced.clone())
    });
    assert_eq!(plain.0, telling.0);
    assert_eq!(plain.0.number, 1);
    assert_eq!((plain.1, telling.1), (None, Some(announced)));
}
