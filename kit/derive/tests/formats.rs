//! Formats of what is posted: a change of a hash here is a change of the
//! protocol.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use alloy_primitives::{B256, Bytes, keccak256};
use rollwright_core::{DaHeight, DaOrdinal, DaPoint};
use rollwright_derive::*;

/// Bytes from a counter hashed with a seed: the same on every machine.
fn seeded(seed: u8, len: usize) -> Vec<u8> {
    (0u32..)
        .flat_map(|block| keccak256([&[seed], &block.to_le_bytes()[..]].concat()).0)
        .take(len)
        .collect()
}

#[test]
fn the_wire_formats_do_not_drift() {
    let signer = KeySigner::new(B256::repeat_byte(0x42)).unwrap();
    let h = |seed| B256::from_slice(&seeded(seed, 32));
    let envelope = Envelope {
        version: ENVELOPE_VERSION,
        rollup_id: h(1),
        config_digest: h(2),
        term: 3,
        number: 4,
        previous: h(5),
        first_block: 6,
        parent: h(7),
        last_origin: DaPoint {
            epoch: 0,
            height: DaHeight(8),
            hash: h(9),
        },
        blocks: 10,
        transactions: 11,
        codec: CodecId::ZSTD,
        decompressed_len: 12,
        announced: Some(Announcement {
            activation: DaOrdinal(13),
            digest: h(14),
            change: 7,
            layer: "celestia".into(),
        }),
        payload: seeded(13, 1_000).into(),
    };
    let encoded = envelope.encode();
    let piece = encoded.slice(..500);
    let claim = PartClaim {
        key_entry: DaOrdinal(14),
        attempt: 15,
        number: 4,
        batch_id: Envelope::id(&encoded),
        index: 0,
        count: 3,
        total_len: encoded.len() as u32,
    };
    let signing = claim.signing_hash(&h(1), &piece);
    let signature = signer.sign(&signing).unwrap().into();
    let part = Part {
        claim,
        signature,
        piece,
    }
    .encode(&h(1));
    let forced = ForcedBlob::encode(&h(1), &[seeded(16, 90).into(), seeded(17, 1).into()]);
    let hashes: Vec<_> = [
        Envelope::id(&encoded),
        signing,
        keccak256(part),
        keccak256(forced),
    ]
    .map(|hash| hash.to_string())
    .into();
    assert_eq!(
        hashes,
        vec![
            "0x4a0b6f4d226106226c8d6e821d05f94c9408cc3934a1029605cf46da4002efb3",
            "0x238ae04bba55bd129b33c7d8b84c60d7bd3cc89c7b8f9cfee191c254a52d0fb6",
            "0x5ccc97ec06a48a66c612409e72e0ae5a67c0b54fab9543a5e9fb70992280fdfb",
            "0x635a2ee5058adcae355f6dbf7ad0ab376cd54405090b5709429972fb9f4e4515"
        ]
    );
}

fn announcing(layer: &str) -> Envelope {
    Envelope {
        version: ENVELOPE_VERSION,
        rollup_id: B256::ZERO,
        config_digest: B256::ZERO,
        term: 0,
        number: 0,
        previous: B256::ZERO,
        first_block: 1,
        parent: B256::ZERO,
        last_origin: DaPoint::default(),
        blocks: 1,
        transactions: 0,
        codec: CodecId::NONE,
        decompressed_len: 0,
        announced: Some(Announcement {
            activation: DaOrdinal(1),
            digest: B256::ZERO,
            change: 7,
            layer: layer.into(),
        }),
        payload: Bytes::new(),
    }
}

#[test]
fn a_malformed_announcement_makes_the_envelope_malformed() {
    let longest = "x".repeat(ANNOUNCED_LAYER_BYTES);
    let sound = announcing(&longest).encode();
    assert_eq!(Envelope::decode(&sound), Ok(announcing(&longest)));
    assert_eq!(sound.len(), ENVELOPE_OVERHEAD_BYTES, "the bound is reached");
    let field = Err(WireError::Field("announced"));
    let long = announcing(&(longest.clone() + "x")).encode();
    assert_eq!(Envelope::decode(&long), field);
    // The option's tag, and the last byte of the name, counted from the end.
    for (from_end, value) in [(4 + 32 + 4 + 1 + 32 + 8 + 1, 2), (4 + 1, 0xff)] {
        let mut bytes = sound.to_vec();
        let at = bytes.len() - from_end;
        bytes[at] = value;
        assert_eq!(Envelope::decode(&bytes.into()), field, "{from_end}");
    }
    let cut = sound.slice(..sound.len() - 40);
    assert_eq!(Envelope::decode(&cut), Err(WireError::Truncated));
}
