//! What anyone may post to a DA layer.

use crate::{Memory, Seed, Target, world::World};
use alloy_primitives::{B256, Bytes};
use rollwright_derive::{Envelope, ForcedBlob, MAGIC, WireBlob, parse_blob};

/// Blobs for the rollup whose id is all `0x11`.
pub(super) const BLOB: Target = Target {
    name: "wire-blob",
    about: "A blob is refused, or is exactly what its parts encode to; its signer is found or not.",
    run: blob,
    seeds: blob_seeds,
    max_len: 4_096,
    memory: Memory::SMALL,
    words: &[&MAGIC, b"\x01\x00", b"\x01\x01", &[0x11; 32]],
};

/// Joined pieces of a batch.
pub(super) const ENVELOPE: Target = Target {
    name: "wire-envelope",
    about: "An envelope is refused, or is exactly what its fields encode to.",
    run: envelope,
    seeds: envelope_seeds,
    max_len: 4_096,
    memory: Memory::SMALL,
    words: &[],
};

const ID: B256 = B256::repeat_byte(0x11);

fn blob(input: &[u8]) {
    let data = Bytes::copy_from_slice(input);
    match parse_blob(&data, &ID) {
        Ok(WireBlob::Part(part)) => {
            assert_eq!(part.encode(&ID), input);
            let _ = part.signer(&ID);
        }
        Ok(WireBlob::Forced(forced)) => {
            let transactions: Vec<Bytes> = forced.transactions().collect();
            assert_eq!(transactions.len(), forced.len());
            assert_eq!(forced.is_empty(), transactions.is_empty());
            assert_eq!(ForcedBlob::encode(&ID, &transactions), input);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn blob_seeds() -> Vec<Seed> {
    let mut world = World::new();
    world.id = ID;
    let envelope = world.next_envelope(1);
    let mut seeds: Vec<Seed> = world
        .parts(&envelope, 0, 2)
        .into_iter()
        .enumerate()
        .map(|(index, part)| Seed::new(format!("part-{index}"), part))
        .collect();
    let transactions = [Bytes::from_static(&[2, 0xc0]), Bytes::from_static(b"abc")];
    seeds.push(Seed::new("forced", ForcedBlob::encode(&ID, &transactions)));
    seeds.push(Seed::new("forced-empty", ForcedBlob::encode(&ID, &[])));
    seeds
}

fn envelope(input: &[u8]) {
    let data = Bytes::copy_from_slice(input);
    match Envelope::decode(&data) {
        Ok(envelope) => {
            assert_eq!(envelope.encode(), data);
            assert_eq!(envelope.facts().codec, envelope.codec);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn envelope_seeds() -> Vec<Seed> {
    let mut world = World::new();
    vec![
        Seed::new("one-block", world.next_envelope(1)),
        Seed::new("three-blocks", world.next_envelope(3)),
    ]
}
