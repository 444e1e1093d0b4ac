//! The forced lane, and the chain without its sequencer.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside of test functions"
)]

mod common;
use alloy_primitives::{Address, Bytes};
use common::*;
use rollwright_core::{
    BlockId, ChainStore as _, DaOrdinal, ForcedId, ForcedOutcome, memory::MemoryTx,
};
use rollwright_derive::*;

fn included(world: &World) -> Vec<Vec<Bytes>> {
    (1..=world.head().number)
        .map(|number| {
            let block = world
                .engine
                .block(BlockId::Number(number))
                .unwrap()
                .unwrap();
            block.forced_included
        })
        .collect()
}

#[test]
fn a_forced_transaction_is_due_after_the_delay_whatever_the_sequencer_does() {
    let mut world = World::after(1);
    let forced = world.forced(&[transfer(3, 0)]);
    world.mine(vec![forced]);
    assert_eq!(
        world.deriver.state().forced_size(),
        (1, transfer(3, 0).len() as u64)
    );
    world.mine_empty(3);
    // Admitted at 1, due at 3: origin 2 does not see it, origin 3 does.
    let blocks = [
        world.preconfirm(2, vec![]),
        world.preconfirm(3, vec![transfer(4, 0)]),
    ];
    let envelope = world.seal(&blocks);
    world.mine(world.parts(&envelope, 1));
    assert_eq!(world.head(), blocks[1].block);
    assert_eq!(included(&world), [vec![], vec![transfer(3, 0)]]);
    assert_eq!(world.deriver.state().forced_size(), (0, 0));
}

#[test]
fn a_forced_transaction_due_in_the_middle_of_a_batch_is_put_in_by_everybody() {
    let mut world = World::default();
    world.mine(vec![]);
    let forced = world.forced(&[transfer(3, 0), transfer(3, 1)]);
    world.mine(vec![forced]);
    world.mine_empty(3);
    let blocks: Vec<QueuedBlock> = [2, 2, 3, 3, 4]
        .into_iter()
        .map(|origin| world.preconfirm(origin, vec![]))
        .collect();
    let envelope = world.seal(&blocks);
    world.mine(world.parts(&envelope, 2));
    assert_eq!(world.head(), blocks[4].block);
    let mut late = world.fresh_node();
    late.read();
    assert_eq!(late.head(), blocks[4].block);
    assert_eq!(included(&late)[2], [transfer(3, 0), transfer(3, 1)]);
}

#[test]
fn the_same_transaction_included_earlier_makes_the_due_copy_fail_its_nonce() {
    let mut world = World::default();
    world.mine(vec![]);
    let forced = world.forced(&[transfer(3, 0)]);
    world.mine(vec![forced]);
    world.mine_empty(3);
    let blocks = [
        world.preconfirm(2, vec![transfer(3, 0)]),
        world.preconfirm(3, vec![]),
    ];
    let envelope = world.seal(&blocks);
    world.mine(world.parts(&envelope, 1));
    let block = world.engine.block(BlockId::Number(2)).unwrap().unwrap();
    assert!(matches!(
        block.forced[..],
        [(_, ForcedOutcome::Skipped { .. })]
    ));
    assert_eq!(world.deriver.state().forced_size().0, 0);
    assert_eq!(world.nonce(user(3)), 1);
}

#[test]
fn unfunded_forced_transactions_are_skipped_once() {
    let mut world = World::default();
    world.mine(vec![]);
    let poor = MemoryTx::transfer(Address::repeat_byte(0x99), 0, user(1), 5).encode();
    let forced = world.forced(&[poor, transfer(3, 0)]);
    world.mine(vec![forced]);
    world.mine_empty(2);
    let blob = world.one_block_batch(3, vec![]);
    world.mine(vec![blob]);
    assert_eq!(included(&world), [vec![transfer(3, 0)]]);
    assert_eq!(world.deriver.state().forced_size().0, 0);
}

#[test]
fn an_underpriced_entry_is_tried_until_its_time_ends_and_holds_up_nobody() {
    let mut world = World::new(&Setup {
        base_fee: 5,
        ..Setup::default()
    });
    world.mine(vec![]);
    let mut cheap = MemoryTx::transfer(user(2), 0, user(1), 5);
    cheap.max_fee_per_gas = 4;
    let forced = world.forced(&[cheap.encode(), transfer(3, 0)]);
    world.mine(vec![forced]);
    world.mine_empty(2);
    let blob = world.one_block_batch(3, vec![]);
    world.mine(vec![blob]);
    assert_eq!(included(&world), [vec![transfer(3, 0)]]);
    assert_eq!(world.deriver.state().forced_size().0, 1, "it stays");
    world.mine_empty(8);
    let blob = world.one_block_batch(8, vec![]);
    world.mine(vec![blob]);
    assert_eq!(
        world.deriver.state().forced_size().0,
        1,
        "origin 8 is 7 after admission"
    );
    let blob = world.one_block_batch(11, vec![]);
    world.mine(vec![blob]);
    assert_eq!(world.head(), world.tip.block);
    assert_eq!(
        world.deriver.state().forced_size().0,
        0,
        "origin 11 is force_ttl after it"
    );
}

#[test]
fn a_filled_lane_drops_with_a_trace_and_drains() {
    let mut world = World::default();
    world.mine(vec![]);
    let many: Vec<Bytes> = (0..10).map(|nonce| transfer(3, nonce)).collect();
    let forced = world.forced(&many);
    world.mine(vec![forced]);
    assert_eq!(world.deriver.state().forced_size().0, 4, "admit_count");
    assert_eq!(world.drops(), vec![DropReason::ForcedCap; 6]);
    // Fill the queue.
    for _ in 0..9 {
        let forced = world.forced(&many[..4]);
        world.mine(vec![forced]);
    }
    assert_eq!(world.deriver.state().forced_size().0, 36, "queue_count");
    assert!(world.drop_codes().contains(&"RW-DA-531"));
    // Blocks with the longest allowed step drain it.
    let reach = world.ordinal().0 - 1;
    let mut blocks = vec![world.preconfirm(5, vec![])];
    blocks.push(world.preconfirm(reach, vec![]));
    let envelope = world.seal(&blocks);
    world.mine(world.parts(&envelope, 1));
    world.mine_empty(3);
    let blob = world.one_block_batch(13, vec![]);
    world.mine(vec![blob]);
    assert_eq!(world.deriver.state().forced_size().0, 0);
    assert_eq!(included(&world)[0].len(), 4);
}

#[test]
fn the_lane_bounds_bytes_and_gas_and_refuses_what_is_not_admissible() {
    let mut world = World::default();
    world.mine(vec![]);
    let mut hungry = MemoryTx::transfer(user(2), 0, user(1), 5);
    hungry.gas_limit = 100_001;
    let mut foreign = MemoryTx::transfer(user(2), 0, user(1), 5);
    foreign.chain_id = 1;
    let forced = world.forced(&[hungry.encode(), foreign.encode(), Bytes::from_static(b"?")]);
    let long = world.forced(&[vec![0; 2_000].into()]);
    world.mine(vec![long, forced]);
    assert_eq!(
        world.drop_codes(),
        ["RW-DA-530", "RW-DA-532", "RW-DA-533", "RW-DA-533"]
    );
    assert_eq!(world.deriver.state().forced_size(), (0, 0));
    // Gas limits that together exceed the lane's.
    let mut half = MemoryTx::transfer(user(2), 0, user(1), 5);
    half.gas_limit = 60_000;
    let forced = world.forced(&[half.encode(), half.encode()]);
    world.mine(vec![forced]);
    assert_eq!(world.deriver.state().forced_size().0, 1);
}

#[test]
fn due_entries_leave_out_what_preconfirmed_blocks_consumed() {
    let mut world = World::default();
    world.mine(vec![]);
    let forced = world.forced(&[transfer(3, 0), transfer(4, 0)]);
    world.mine(vec![forced]);
    let state = world.deriver.state();
    let due = |consumed: &[ForcedId], origin| {
        due_entries(
            &world.rules,
            state,
            &consumed.iter().copied().collect(),
            DaOrdinal(origin),
        )
    };
    assert!(due(&[], 2).is_empty());
    let both = due(&[], 3);
    assert_eq!(both.len(), 2);
    assert_eq!(due(&[both[0].id], 3), [both[1].clone()]);
    assert!(due(&[both[0].id, both[1].id], 9).is_empty());
}

#[test]
fn a_silent_sequencer_lapses_and_forced_transactions_go_on() {
    let mut world = World::after(19);
    let forced = world.forced(&[transfer(3, 0)]);
    world.mine(vec![forced]);
    world.mine_empty(1);
    assert!(
        !world.deriver.state().lapsed(),
        "ordinal 20 is the last of the window"
    );
    world.mine_empty(1);
    assert!(world.deriver.state().lapsed());
    assert!(world.has_event(&DeriveEvent::Lapsed));
    assert_eq!(world.head().number, 1);
    // Then one block every K = 6 ordinals.
    world.mine_empty(13);
    assert_eq!(world.own_blocks(), [21, 27, 33]);
    assert_eq!(included(&world), [vec![transfer(3, 0)], vec![], vec![]]);
    let block = world.engine.block(BlockId::Number(2)).unwrap().unwrap();
    assert_eq!(block.fee_recipient, Address::repeat_byte(0xfe));
    assert_eq!(block.timestamp, DA_TIME + 2 * 27);
    assert_eq!(block.anchor.unwrap().ordinal, DaOrdinal(27));
}

#[test]
fn empty_da_blocks_from_genesis_on_give_the_same_chain_everywhere() {
    let world = World::after(60);
    let mut late = world.fresh_node();
    late.read();
    assert_eq!(late.head(), world.head());
    assert_eq!(world.own_blocks(), [21, 27, 33, 39, 45, 51, 57]);
}

#[test]
fn a_sequencer_that_returns_builds_on_the_derived_head() {
    let mut world = World::after(2);
    // A batch that never lands in time.
    let late = world.one_block_batch(1, vec![transfer(1, 0)]);
    world.mine_empty(21);
    assert!(world.deriver.state().lapsed());
    world.resync();
    world.mine(vec![late]);
    assert_eq!(world.own_blocks(), [21], "the stale batch changes nothing");
    let blob = world.one_block_batch(22, vec![transfer(1, 0)]);
    world.mine(vec![blob]);
    assert_eq!(world.head(), world.tip.block);
    assert!(world.has_event(&DeriveEvent::Returned));
    assert!(!world.deriver.state().lapsed());
    world.mine_empty(17);
    assert_eq!(
        world.own_blocks(),
        [21],
        "the window begins anew at origin 22"
    );
    world.mine_empty(2);
    assert_eq!(world.own_blocks(), [21, 43]);
}

#[test]
fn stale_parts_replayed_after_a_lapse_do_not_stop_the_sequencer() {
    let mut world = World::after(2);
    let stale = [world.preconfirm(1, vec![transfer(1, 0)])];
    let stale = world.envelope(&stale).encode();
    let stale_parts = world.parts(&stale, 2);
    world.mine(vec![stale_parts[0].clone()]);
    world.mine_empty(20);
    assert!(world.deriver.state().lapsed());
    world.resync();
    let block = world.preconfirm(22, vec![transfer(1, 0)]);
    let fresh = world.seal(&[block]);
    let fresh_parts = world.parts_by(&key(1), 1, &fresh, 2);
    // Somebody replays the old batch before, between and after.
    world.mine(
        [
            stale_parts.clone(),
            vec![fresh_parts[0].clone()],
            stale_parts.clone(),
        ]
        .concat(),
    );
    world.mine([stale_parts, vec![fresh_parts[1].clone()]].concat());
    assert_eq!(world.head(), world.tip.block);
    assert_eq!(world.applied().len(), 1);
}

#[test]
fn a_batch_whose_first_block_is_invalid_does_not_end_the_lapse() {
    let mut world = World::after(22);
    world.resync();
    let mut block = world.preconfirm(21, vec![]);
    block.inputs.transactions = vec![transfer(1, 9)];
    let envelope = world.envelope(&[block]).encode();
    world.mine(world.parts(&envelope, 1));
    assert_eq!(world.applied()[0].blocks, 0);
    assert!(world.deriver.state().lapsed());
    assert_eq!(world.deriver.state().next_batch(), 1);
}

#[test]
fn a_frozen_da_clock_makes_no_block_and_the_next_ordinal_tries_again() {
    let mut world = World::after(2);
    let mut block = world.preconfirm(1, vec![]);
    // As far ahead as drift allows.
    block.inputs.timestamp = DA_TIME + 2 + 60;
    world.resync();
    let block = world.preconfirm_block(block.inputs);
    let envelope = world.seal(&[block]);
    world.mine(world.parts(&envelope, 1));
    let frozen = DA_TIME + 30;
    while world.ordinal().0 < 25 {
        world.mine_at(frozen, Vec::new());
        world.read();
    }
    assert!(world.deriver.state().lapsed());
    assert_eq!(world.own_blocks(), Vec::<u64>::new());
    world.mine_at(DA_TIME + 63, Vec::new());
    world.read();
    assert_eq!(world.own_blocks(), [25]);
}

#[test]
fn new_keys_begin_at_their_ordinal_and_discard_parts_in_flight() {
    let mut setup = Setup::default();
    setup.config.keys.push(KeyScheduleEntry {
        from: DaOrdinal(4),
        keys: vec![key(2).address()],
    });
    let mut world = World::new(&setup);
    world.mine_empty(2);
    let block = [world.preconfirm(1, vec![])];
    let envelope = world.seal(&block);
    let parts = world.parts(&envelope, 2);
    world.mine(vec![parts[0].clone()]);
    world.mine_empty(1);
    assert_eq!(world.deriver.state().batches().count(), 1);
    world.mine(vec![parts[1].clone(), parts[0].clone()]);
    assert!(world.has_event(&DeriveEvent::Discarded { batches: 1 }));
    assert_eq!(world.drop_codes(), ["RW-DA-503", "RW-DA-503"]);
    world.mine(world.parts_by(&key(2), 0, &envelope, 2));
    assert_eq!(world.head(), block[0].block);
}

#[test]
fn an_amendment_changes_the_digest_and_shapes_blocks_at_their_origin() {
    let setup = Setup {
        amendments: vec![Amendment {
            activation: DaOrdinal(3),
            change: AmendmentChange::GasLimit(40_000_000),
        }],
        ..Setup::default()
    };
    let mut world = World::new(&setup);
    world.mine_empty(5);
    let before = world.preconfirm(2, vec![]);
    let after = world.preconfirm(3, vec![]);
    let crossing = world.envelope(&[before.clone(), after.clone()]).encode();
    world.mine(world.parts(&crossing, 1));
    assert_eq!(world.drops(), [DropReason::Amendment]);
    let first = world.seal(&[before]);
    let second = world.seal(std::slice::from_ref(&after));
    let blobs = [world.parts(&first, 1), world.parts(&second, 1)].concat();
    world.mine(blobs);
    assert_eq!(world.head(), after.block);
    let gas = |number| {
        world
            .engine
            .header(BlockId::Number(number))
            .unwrap()
            .unwrap()
            .gas_limit
    };
    assert_eq!([gas(1), gas(2)], [30_000_000, 40_000_000]);
    let old = world.rules.at(DaOrdinal(2)).digest;
    assert_ne!(old, world.rules.at(DaOrdinal(3)).digest);
    let expected = setup.amendments[0].extend_digest(old);
    assert_eq!(expected, world.rules.at(DaOrdinal(3)).digest);
}
