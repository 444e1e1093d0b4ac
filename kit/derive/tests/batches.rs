//! Batches: joining, candidates, what rejects one and what ends one.

mod common;
use alloy_primitives::B256;
use common::*;
use rollwright_core::DaOrdinal;
use rollwright_derive::*;

#[test]
fn a_batch_gives_the_preconfirmed_blocks_on_every_node() {
    let mut world = World::after(3);
    let blocks = [
        world.preconfirm(1, vec![transfer(1, 0)]),
        world.preconfirm(1, vec![transfer(1, 1), transfer(2, 0)]),
        world.preconfirm(2, vec![]),
    ];
    let envelope = world.seal(&blocks);
    world.mine(world.parts(&envelope, 1));
    assert_eq!(world.head(), blocks[2].block);
    let applied = world.applied();
    assert_eq!(applied.len(), 1);
    assert_eq!(applied[0].blocks, 3);
    assert_eq!(applied[0].ordinal, DaOrdinal(3));
    assert_eq!(applied[0].blobs.len(), 1);

    let mut late = world.fresh_node();
    late.read();
    assert_eq!(late.head(), world.head());
    assert_eq!(late.deriver.state(), world.deriver.state());
    assert_eq!(late.deriver.state().hash(), world.deriver.state().hash());
}

#[test]
fn interleaved_parts_over_several_da_blocks_are_joined() {
    let mut world = World::after(2);
    let first = [world.preconfirm(1, vec![transfer(1, 0)])];
    let first = world.seal(&first);
    let second = [world.preconfirm(1, vec![transfer(1, 1)])];
    let second = world.seal(&second);
    let a = world.parts(&first, 3);
    let b = world.parts(&second, 3);
    world.mine(vec![b[2].clone(), a[1].clone()]);
    world.mine(vec![a[2].clone(), b[0].clone(), b[1].clone()]);
    assert_eq!(
        world.head().number,
        0,
        "batch 1 is complete, batch 0 is not"
    );
    world.mine(vec![a[0].clone()]);
    assert_eq!(world.head(), world.tip.block);
    assert_eq!(
        world.applied().len(),
        2,
        "both in the DA block that completed the first"
    );
    assert_eq!(world.applied()[1].blobs.len(), 3);
    assert_eq!(world.deriver.state().batches().count(), 0);
    assert_eq!(world.deriver.state().core().signers[0].stored, 0);
}

#[test]
fn the_earlier_completed_of_two_candidates_wins() {
    let mut world = World::after(2);
    let one = [world.preconfirm(1, vec![transfer(1, 0)])];
    let one_envelope = world.envelope(&one).encode();
    world.resync();
    let two = [world.preconfirm(1, vec![transfer(2, 0)])];
    let two_envelope = world.envelope(&two).encode();
    let parts_one = world.parts(&one_envelope, 2);
    let parts_two = world.parts(&two_envelope, 2);
    // The first part of one comes first, but two is complete first.
    world.mine(vec![
        parts_one[0].clone(),
        parts_two[0].clone(),
        parts_two[1].clone(),
        parts_one[1].clone(),
    ]);
    assert_eq!(world.head(), two[0].block);
    assert!(
        world.drop_codes().contains(&"RW-DA-516"),
        "the other is superseded"
    );
}

#[test]
fn an_invalid_block_ends_the_batch_and_consumes_the_number() {
    let mut world = World::after(2);
    let good = world.preconfirm(1, vec![transfer(1, 0)]);
    // A nonce gap: the engine refuses the second block.
    let mut bad = good.clone();
    bad.block.number = 2;
    bad.inputs.timestamp += 1;
    bad.inputs.transactions = vec![transfer(1, 5)];
    let mut never = bad.clone();
    never.inputs.timestamp += 1;
    never.inputs.transactions = vec![];
    let envelope = world.seal(&[good.clone(), bad, never]);
    // A later batch of the same sequencer is pending already.
    let follow = [world.preconfirm(1, vec![])];
    let later = world.seal(&follow);
    let mut blobs = world.parts(&later, 1);
    blobs.extend(world.parts(&envelope, 1));
    world.mine(blobs);
    assert_eq!(world.head(), good.block, "the blocks before it stay");
    assert_eq!(world.deriver.state().next_batch(), 1);
    assert_eq!(world.applied()[0].blocks, 1);
    assert!(world.applied()[0].ended.is_some());
    assert_eq!(world.drop_codes(), ["RW-DA-517"]);
    // The sequencer goes on from the derived head.
    world.resync();
    let next = world.one_block_batch(2, vec![transfer(1, 1)]);
    world.mine(vec![next]);
    assert_eq!(world.head(), world.tip.block);
}

/// Seals one block with a changed envelope and returns the drop codes.
fn with_envelope(change: impl FnOnce(&mut Envelope)) -> (Vec<&'static str>, u64) {
    let mut world = World::after(3);
    let block = world.preconfirm(1, vec![transfer(1, 0)]);
    let mut envelope = world.envelope(&[block]);
    change(&mut envelope);
    let encoded = envelope.encode();
    world.mine(world.parts(&encoded, 1));
    assert_eq!(world.deriver.state().batches().count(), 0);
    (world.drop_codes(), world.deriver.state().next_batch())
}

#[test]
fn a_rejected_envelope_leaves_the_number() {
    type Case = (&'static str, Box<dyn FnOnce(&mut Envelope)>);
    let cases: [Case; 10] = [
        (
            "RW-DA-520",
            Box::new(|e| e.config_digest = B256::repeat_byte(9)),
        ),
        (
            "RW-DA-519",
            Box::new(|e| e.rollup_id = B256::repeat_byte(9)),
        ),
        ("RW-DA-519", Box::new(|e| e.version = 3)),
        ("RW-DA-521", Box::new(|e| e.term = 11)),
        ("RW-DA-522", Box::new(|e| e.previous = B256::repeat_byte(9))),
        ("RW-DA-523", Box::new(|e| e.codec = CodecId::BROTLI)),
        ("RW-DA-524", Box::new(|e| e.decompressed_len += 1)),
        ("RW-DA-505", Box::new(|e| e.blocks = 0)),
        (
            "RW-DA-525",
            Box::new(|e| e.last_origin.hash = B256::repeat_byte(9)),
        ),
        ("RW-DA-526", Box::new(|e| e.last_origin.height.0 += 7)),
    ];
    for (code, change) in cases {
        assert_eq!(with_envelope(change), (vec![code], 0));
    }
    assert_eq!(
        with_envelope(|e| e.term = 10),
        (vec![], 1),
        "the bound itself is fine"
    );
}

#[test]
fn a_batch_with_another_parent_waits_and_expires() {
    let mut world = World::after(2);
    let block = world.preconfirm(1, vec![]);
    let mut envelope = world.envelope(&[block]);
    envelope.parent = B256::repeat_byte(9);
    world.mine(world.parts(&envelope.encode(), 1));
    assert_eq!(world.deriver.state().batches().count(), 1);
    world.mine_empty(19);
    assert_eq!(world.deriver.state().batches().count(), 1);
    world.mine_empty(1);
    assert_eq!(world.deriver.state().batches().count(), 0);
    assert!(world.drop_codes().contains(&"RW-DA-515"));
}

#[test]
fn an_expensive_invalid_batch_is_not_opened_twice() {
    let mut world = World::after(2);
    let block = world.preconfirm(1, vec![]);
    let mut envelope = world.envelope(&[block]);
    envelope.decompressed_len += 1;
    let parts = world.parts(&envelope.encode(), 2);
    world.mine(parts.clone());
    world.mine([parts.clone(), parts].concat());
    assert_eq!(
        world.drop_codes(),
        [
            "RW-DA-524",
            "RW-DA-506",
            "RW-DA-506",
            "RW-DA-506",
            "RW-DA-506"
        ]
    );
}
