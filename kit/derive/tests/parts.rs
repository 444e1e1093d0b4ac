//! Parts: signatures, keys that lie, capacity, attempts.

mod common;
use alloy_primitives::{B256, Bytes};
use common::*;
use rollwright_core::DaOrdinal;
use rollwright_derive::*;

#[test]
fn a_malleated_signature_is_no_second_identity() {
    let mut world = World::after(2);
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
    let mut world = World::after(2);
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
    let mut world = World::after(2);
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
    let mut world = World::after(1);
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
    let mut world = World::after(1);
    world.mine(vec![Bytes::from_static(b"garbage"); 1_000]);
    assert_eq!(world.drops().len(), MAX_TRACES);
    assert!(world.has_event(&DeriveEvent::Untraced(1_000 - MAX_TRACES as u64)));
}

#[test]
fn a_higher_attempt_evicts_and_stale_parts_are_dropped() {
    let mut world = World::after(2);
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
