//! Batches: parts, order of work, origins, windows, reorganisation.

mod common;
use alloy_primitives::{B256, Bytes};
use common::*;
use rollwright_core::DaOrdinal;
use rollwright_derive::*;

#[test]
fn a_batch_gives_the_preconfirmed_blocks_on_every_node() {
    let mut world = World::default();
    world.mine_empty(3);
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
    let mut world = World::default();
    world.mine_empty(2);
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
    let mut world = World::default();
    world.mine_empty(2);
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
    let mut world = World::default();
    world.mine_empty(2);
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
    let mut world = World::default();
    world.mine_empty(3);
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
        ("RW-DA-519", Box::new(|e| e.version = 2)),
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
    let mut world = World::default();
    world.mine_empty(2);
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
    let mut world = World::default();
    world.mine_empty(2);
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

#[test]
fn a_malleated_signature_is_no_second_identity() {
    let mut world = World::default();
    world.mine_empty(2);
    let blob = world.one_block_batch(1, vec![transfer(1, 0)]);
    let id = world.rules.rollup_id();
    let Ok(WireBlob::Part(part)) = parse_blob(&blob, &id) else {
        panic!("our own blob");
    };
    let mut high = part.clone();
    let order = alloy_primitives::U256::from_be_bytes(alloy_primitives::hex!(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    ));
    let s = alloy_primitives::U256::from_be_bytes(part.signature.s.0);
    high.signature.s = B256::new((order - s).to_be_bytes());
    high.signature.parity ^= 1;
    let mut odd = part.clone();
    odd.signature.parity ^= 1;
    world.mine(vec![
        high.encode(&id).into(),
        odd.encode(&id).into(),
        blob.clone(),
        blob,
    ]);
    // High s recovers to nothing, the other parity to a stranger, and the
    // second copy is a duplicate of a stored part.
    assert_eq!(world.drop_codes(), ["RW-DA-508", "RW-DA-509", "RW-DA-507"]);
    assert_eq!(world.head(), world.tip.block);
}

#[test]
fn a_poisoned_part_does_not_touch_the_true_one() {
    let mut world = World::default();
    world.mine_empty(2);
    let block = world.preconfirm(1, vec![transfer(1, 0)]);
    let envelope = world.seal(&[block]);
    let parts = world.parts(&envelope, 2);
    let mut poisoned = parts[0].to_vec();
    let last = poisoned.len() - 1;
    poisoned[last] ^= 1;
    let stranger = world.parts_by(&key(9), 7, &envelope, 2);
    world.mine(vec![
        poisoned.into(),
        stranger[0].clone(),
        parts[0].clone(),
        parts[1].clone(),
    ]);
    assert_eq!(world.head(), world.tip.block);
    assert_eq!(world.drop_codes()[1], "RW-DA-509");
    assert_eq!(world.drops().len(), 2);
}

#[test]
fn a_key_that_lies_about_its_batch_harms_itself_only() {
    let mut world = World::default();
    world.mine_empty(2);
    let block = world.preconfirm(1, vec![]);
    let envelope = world.seal(&[block]);
    let claim = PartClaim {
        key_entry: DaOrdinal(0),
        attempt: 0,
        number: 0,
        batch_id: B256::repeat_byte(3),
        index: 0,
        count: 1,
        total_len: envelope.len() as u32,
    };
    // The pieces do not hash to the id.
    let liar = world.sign(&key(1), claim, envelope.clone());
    // Fewer bytes than the total.
    let short = PartClaim {
        batch_id: B256::repeat_byte(4),
        ..claim
    };
    let short = world.sign(&key(1), short, envelope.slice(..50));
    // Another count than the first part named.
    let other = PartClaim {
        count: 3,
        index: 2,
        batch_id: B256::repeat_byte(5),
        ..claim
    };
    let first = world.sign(
        &key(1),
        PartClaim {
            count: 2,
            index: 1,
            ..other
        },
        envelope.slice(..9),
    );
    let other = world.sign(&key(1), other, envelope.slice(..9));
    let mut blobs = vec![liar, short, first, other];
    blobs.extend(world.parts(&envelope, 1));
    world.mine(blobs);
    assert_eq!(world.head(), world.tip.block);
    let codes = world.drop_codes();
    assert_eq!(codes[0], "RW-DA-511");
    assert!(
        codes.contains(&"RW-DA-518") && codes.contains(&"RW-DA-519"),
        "{codes:?}"
    );
}

#[test]
fn a_flood_of_parts_ends_at_the_keys_capacity() {
    let mut world = World::default();
    world.mine_empty(1);
    let capacity = world.rules.at(DaOrdinal(0)).key_capacity();
    let piece = Bytes::from(vec![7; 90_000]);
    let flood: Vec<Bytes> = (0..8)
        .map(|index| {
            let claim = PartClaim {
                key_entry: DaOrdinal(0),
                attempt: 0,
                number: index % 4,
                batch_id: B256::repeat_byte(index as u8 + 1),
                index: 0,
                count: 2,
                total_len: 96 * 1024,
            };
            world.sign(&key(1), claim, piece.clone())
        })
        .collect();
    world.mine(flood);
    let stored = world.deriver.state().core().signers[0].stored;
    assert!(stored <= capacity && stored > capacity - 2 * 91_000);
    assert!(world.drop_codes().iter().all(|code| *code == "RW-DA-512"));
    // All of it ends with the parts' time; the key can post again.
    world.mine_empty(8);
    assert_eq!(world.deriver.state().core().signers[0].stored, 0);
    let blob = world.one_block_batch(1, vec![]);
    world.mine(vec![blob]);
    assert_eq!(world.head(), world.tip.block);
}

#[test]
fn traces_are_bounded_per_da_block() {
    let mut world = World::default();
    world.mine_empty(1);
    world.mine(vec![Bytes::from_static(b"garbage"); 1_000]);
    assert_eq!(world.drops().len(), MAX_TRACES);
    assert!(world.has_event(&DeriveEvent::Untraced(1_000 - MAX_TRACES as u64)));
}

#[test]
fn a_higher_attempt_evicts_and_stale_parts_are_dropped() {
    let mut world = World::default();
    world.mine_empty(2);
    let block = world.preconfirm(1, vec![transfer(1, 0)]);
    let stale = world.envelope(&[block]).encode();
    let stale_parts = world.parts(&stale, 2);
    world.mine(vec![stale_parts[0].clone()]);
    world.resync();
    let block = world.preconfirm(2, vec![transfer(2, 0)]);
    let fresh = world.seal(&[block]);
    let fresh_parts = world.parts_by(&key(1), 1, &fresh, 2);
    world.mine(vec![
        fresh_parts[0].clone(),
        stale_parts[1].clone(),
        stale_parts[0].clone(),
    ]);
    assert_eq!(world.deriver.state().attempt_of(&key(1).address()), 1);
    world.mine(vec![fresh_parts[1].clone()]);
    assert_eq!(world.head(), world.tip.block);
    assert_eq!(world.drop_codes(), ["RW-DA-513", "RW-DA-510", "RW-DA-510"]);
}

#[test]
fn origins_obey_window_step_and_time() {
    let mut world = World::default();
    world.mine_empty(12);
    let good = world.preconfirm(1, vec![]);
    let place = |change: &dyn Fn(&mut BatchBlock)| {
        let mut block = good.clone();
        change(&mut block.inputs);
        let mut envelope = world.envelope(std::slice::from_ref(&block));
        let header = world.deriver.state().origin(block.inputs.origin).unwrap();
        envelope.last_origin = world.rules.point(header);
        let mut node = world.fresh_node();
        node.read();
        let blobs = node.parts(&envelope.encode(), 1);
        node.mine(blobs);
        node.drops()
    };
    assert_eq!(place(&|_| {}), []);
    let step = place(&|block| {
        block.origin = DaOrdinal(6);
        block.timestamp = DA_TIME + 12;
    });
    assert!(
        matches!(
            step[..],
            [DropReason::Place {
                error: PlaceError::OriginStep { max_step: 5, .. },
                ..
            }]
        ),
        "{step:?}"
    );
    let low = place(&|block| block.timestamp = DA_TIME + 1);
    assert!(matches!(
        low[..],
        [DropReason::Place {
            error: PlaceError::TimeLow { .. },
            ..
        }]
    ));
    let high = place(&|block| block.timestamp = DA_TIME + 2 + 61);
    assert!(matches!(
        high[..],
        [DropReason::Place {
            error: PlaceError::TimeHigh { .. },
            ..
        }]
    ));
}

#[test]
fn an_empty_block_flood_ends_at_the_origins_bound() {
    let mut world = World::default();
    world.mine_empty(2);
    let blocks: Vec<QueuedBlock> = (0..16).map(|_| world.preconfirm(1, vec![])).collect();
    let mut flood = blocks.clone();
    let mut extra = blocks[15].clone();
    extra.inputs.timestamp += 1;
    flood.push(extra);
    let envelope = world.envelope(&flood).encode();
    world.mine(world.parts(&envelope, 1));
    assert!(matches!(
        world.drops()[..],
        [DropReason::Place {
            index: 16,
            error: PlaceError::OriginFull { max: 16, .. }
        }]
    ));
    let envelope = world.seal(&blocks);
    world.mine(world.parts(&envelope, 1));
    assert_eq!(
        world.head(),
        world.tip.block,
        "as many as the bound are fine"
    );
}

#[test]
fn a_batch_is_valid_up_to_the_last_ordinal_of_its_window() {
    for (wait, lands) in [(20u64, true), (21, false)] {
        let mut world = World::default();
        world.mine_empty(2);
        let blob = world.one_block_batch(1, vec![]);
        // Ordinal of application: 1 + wait.
        world.mine_empty((1 + wait - 2) as usize);
        assert_eq!(world.ordinal(), DaOrdinal(1 + wait));
        world.mine(vec![blob]);
        assert_eq!(world.applied().len(), usize::from(lands), "after {wait}");
    }
}

#[test]
fn a_reorganisation_between_parts_is_derived_as_if_nothing_had_been() {
    let mut world = World::default();
    world.mine_empty(2);
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
fn an_origin_that_vanishes_rejects_the_batch() {
    let mut world = World::default();
    world.mine_empty(4);
    let blob = world.one_block_batch(3, vec![]);
    world.reorganise(3);
    world.mine_empty(2);
    world.mine(vec![blob]);
    assert_eq!(world.drops(), [DropReason::Origin]);
    assert_eq!(world.head().number, 0);
}

#[test]
fn a_da_block_that_does_not_follow_is_refused_without_effect() {
    let mut world = World::default();
    world.mine_empty(3);
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
    let mut world = World::default();
    world.mine_empty(2);
    let blob = world.one_block_batch(1, vec![]);
    world.mine(vec![blob]);
    world.mine_empty(2);
    assert_eq!(world.deriver.finalized().number, 0);
    let other = DaHeight100(4).with_hash(B256::repeat_byte(5));
    let nothing = world.deriver.finalize(other);
    assert_eq!(
        nothing.head.number, 0,
        "another block at that height is no witness"
    );
    let news = world.deriver.finalize(da_id(&world.da[2]));
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
    let mut world = World::default();
    world.mine_empty(2);
    let blob = world.one_block_batch(1, vec![]);
    world.mine(vec![blob]);
    world.mine_empty(3);
    let mut late = world.fresh_node();
    late.deriver.finalize(da_id(&world.da[4]));
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
    let mut world = World::default();
    world.mine_empty(2);
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
    let mut world = World::default();
    world.mine_empty(2);
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
    let mut world = World::default();
    world.mine_empty(2);
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
