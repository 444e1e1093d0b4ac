//! Reorganisation of the DA layer, finality, and nodes that die in between.

mod common;
use alloy_primitives::B256;
use common::*;
use rollwright_core::DaOrdinal;
use rollwright_derive::*;

#[test]
fn a_reorganisation_between_parts_is_derived_as_if_nothing_had_been() {
    let mut world = World::after(2);
    let blocks = [
        world.preconfirm(1, vec![transfer(1, 0)]),
        world.preconfirm(1, vec![]),
    ];
    let envelope = world.seal(&blocks);
    let parts = world.parts(&envelope, 3);
    world.mine(vec![parts[0].clone(), parts[1].clone()]);
    let before = world.deriver.state().clone();
    world.mine(vec![parts[2].clone()]);
    assert_eq!(world.head(), blocks[1].block);
    world.reorganise(3);
    assert_eq!(*world.deriver.state(), before);
    assert_eq!(world.head().number, 0);
    assert_eq!(*world.reloaded().state(), before);
    world.reorganise(2);
    world.mine(vec![parts[2].clone()]);
    world.mine(vec![parts[0].clone()]);
    assert_eq!(world.head().number, 0, "the middle part is gone");
    world.mine(vec![parts[1].clone()]);
    assert_eq!(world.head(), blocks[1].block);
    let mut late = world.fresh_node();
    late.read();
    assert_eq!(late.deriver.state().hash(), world.deriver.state().hash());
}

#[test]
fn a_da_block_that_does_not_follow_is_refused_without_effect() {
    let mut world = World::after(3);
    let mut other = world.fresh_node();
    other.mine_at(DA_TIME + 1, Vec::new());
    other.da.drain(..3);
    let mut stray = other.da.remove(0);
    stray.header.height.0 = DA_START + 3;
    stray.header.parent_hash = B256::repeat_byte(1);
    let before = world.deriver.state().clone();
    let error = world.deriver.feed_block(&stray).unwrap_err();
    assert!(matches!(error, DeriveError::Reorganised { .. }));
    assert_eq!(*world.deriver.state(), before);
    assert!(matches!(world.deriver.poll(), Step::DaBlock(_)));
}

#[test]
fn what_is_final_is_not_undone_and_costs_no_records() {
    let mut world = World::after(2);
    let blob = world.one_block_batch(1, vec![]);
    world.mine(vec![blob]);
    world.mine_empty(2);
    assert_eq!(world.deriver.finalized().number, 0);
    let other = DaHeight100(4).with_hash(B256::repeat_byte(5));
    let nothing = world.deriver.finalize(0, other);
    assert_eq!(
        nothing.head.number, 0,
        "another block at that height is no witness"
    );
    let news = world.deriver.finalize(0, da_id(&world.da[2]));
    assert_eq!(news.head, world.tip.block);
    assert_eq!(news.ordinal, Some(DaOrdinal(2)));
    assert_eq!(news.records.len(), 3, "the undo records of three DA blocks");
    let heads = rollwright_core::Heads {
        latest: world.head(),
        safe: world.head(),
        finalized: news.head,
    };
    now(rollwright_core::Execution::set_heads(
        &world.engine,
        &heads,
        &news.records,
    ))
    .unwrap();
    assert_eq!(world.reloaded().finalized(), news.head);
    assert!(matches!(
        world.deriver.rollback(DaOrdinal(2)),
        Err(DeriveError::Final { .. })
    ));
    world.reorganise(3);
    assert_eq!(world.head(), world.tip.block);
}

#[derive(Clone, Copy)]
struct DaHeight100(u64);

impl DaHeight100 {
    fn with_hash(self, hash: B256) -> rollwright_core::DaBlockId {
        rollwright_core::DaBlockId {
            height: rollwright_core::DaHeight(DA_START + self.0),
            hash,
        }
    }
}

#[test]
fn a_node_that_catches_up_behind_finality_keeps_no_undo_records() {
    let mut world = World::after(2);
    let blob = world.one_block_batch(1, vec![]);
    world.mine(vec![blob]);
    world.mine_empty(3);
    let mut late = world.fresh_node();
    late.deriver.finalize(0, da_id(&world.da[4]));
    late.read();
    assert_eq!(late.head(), world.head());
    assert_eq!(late.deriver.finalized(), world.head());
    let undo = late
        .records()
        .iter()
        .filter(|(key, _)| key[RECORD_PREFIX.len()] == b'u')
        .count();
    assert_eq!(undo, 1, "only the block above the final one can be undone");
}

#[test]
fn a_node_that_dies_in_the_middle_of_a_da_block_does_it_again() {
    let mut world = World::after(2);
    let blocks = [
        world.preconfirm(1, vec![transfer(1, 0)]),
        world.preconfirm(1, vec![]),
    ];
    let envelope = world.seal(&blocks);
    world.mine_unread(world.parts(&envelope, 2));
    let block = world.da[2].clone();
    world.deriver.feed_block(&block).unwrap();
    let Step::Execute(input) = world.deriver.poll() else {
        panic!("a block to execute");
    };
    let outcome = now(rollwright_core::Execution::execute(&world.engine, &input)).unwrap();
    world.deriver.feed_outcome(&outcome).unwrap();
    // Killed here: nothing was stored.
    world.deriver = world.reloaded();
    assert_eq!(world.deriver.state().next_ordinal(), DaOrdinal(2));
    world.read();
    assert_eq!(world.head(), blocks[1].block);
    assert_eq!(*world.reloaded().state(), *world.deriver.state());
}

#[test]
fn rolling_back_abandons_what_is_in_the_works() {
    let mut world = World::after(2);
    let before = world.deriver.state().clone();
    let blob = world.one_block_batch(1, vec![]);
    world.mine_unread(vec![blob]);
    let block = world.da[2].clone();
    world.deriver.feed_block(&block).unwrap();
    let rollback = world.deriver.rollback(DaOrdinal(2)).unwrap();
    assert_eq!(rollback.safe.number, 0);
    assert_eq!(*world.deriver.state(), before);
    assert_eq!(world.deriver.state().hash(), before.hash());
    world.read();
    assert_eq!(world.head(), world.tip.block);
}

#[test]
fn an_outcome_of_another_block_is_refused() {
    let mut world = World::after(2);
    let blob = world.one_block_batch(1, vec![]);
    world.mine_unread(vec![blob]);
    let block = world.da[2].clone();
    world.deriver.feed_block(&block).unwrap();
    let Step::Execute(input) = world.deriver.poll() else {
        panic!("a block to execute");
    };
    let outcome = now(rollwright_core::Execution::execute(&world.engine, &input)).unwrap();
    let rollwright_core::ExecuteOutcome::Valid(mut executed) = outcome else {
        panic!("valid");
    };
    executed.header.parent_hash = B256::repeat_byte(1);
    let wrong = rollwright_core::ExecuteOutcome::Valid(executed);
    assert!(matches!(
        world.deriver.feed_outcome(&wrong),
        Err(DeriveError::WrongOutcome { .. })
    ));
    world.read();
    assert_eq!(world.head(), world.tip.block);
}
