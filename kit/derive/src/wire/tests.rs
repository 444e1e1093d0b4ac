use super::*;
use crate::{CodecId, KeySigner, PartSigner as _};
use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes};
use proptest::{collection, option, prelude::*};
use rollwright_core::{DaHeight, DaOrdinal, DaPoint};

const ROLLUP: B256 = B256::repeat_byte(0x11);

fn hash() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256::new)
}

fn bytes(max: usize) -> impl Strategy<Value = Bytes> {
    collection::vec(any::<u8>(), 1..max).prop_map(Bytes::from)
}

prop_compose! {
    fn part()(
        numbers in any::<[u64; 3]>(),
        batch_id in hash(),
        (index, above) in (0..u32::MAX / 2, 1..u32::MAX / 2),
        piece in bytes(300),
        longer in 0..1_000u32,
        (r, s, parity) in (hash(), hash(), 0..2u8),
    ) -> Part {
        Part {
            claim: PartClaim {
                key_entry: DaOrdinal(numbers[0]),
                attempt: numbers[1],
                number: numbers[2],
                batch_id,
                index,
                count: index + above,
                total_len: piece.len() as u32 + longer,
            },
            signature: PartSignature { r, s, parity },
            piece,
        }
    }
}

prop_compose! {
    fn envelope()(
        hashes in any::<[[u8; 32]; 5]>(),
        numbers in any::<[u64; 4]>(),
        small in any::<[u32; 4]>(),
        codec in any::<u8>(),
        announced in option::of((any::<[u8; 32]>(), any::<(u64, u8)>(), "[a-z]{0,32}")),
        payload in bytes(300),
    ) -> Envelope {
        let announced = announced.map(|(digest, (activation, change), layer)| Announcement {
            activation: DaOrdinal(activation),
            digest: B256::new(digest),
            change,
            layer,
        });
        let [rollup_id, config_digest, previous, parent, hash] = hashes.map(B256::new);
        Envelope {
            version: ENVELOPE_VERSION,
            rollup_id,
            config_digest,
            term: numbers[0],
            number: numbers[1],
            previous,
            first_block: numbers[2],
            parent,
            last_origin: DaPoint { epoch: small[3], height: DaHeight(numbers[3]), hash },
            blocks: small[0],
            transactions: small[1],
            codec: CodecId(codec),
            decompressed_len: small[2],
            announced,
            payload,
        }
    }
}

proptest! {
    #[test]
    fn parts_round_trip(part in part()) {
        let encoded = Bytes::from(part.encode(&ROLLUP));
        prop_assert_eq!(encoded.len(), PART_WIRE_OVERHEAD_BYTES + part.piece.len());
        prop_assert_eq!(parse_blob(&encoded, &ROLLUP), Ok(WireBlob::Part(part)));
    }

    #[test]
    fn envelopes_round_trip(envelope in envelope()) {
        let encoded = envelope.encode();
        prop_assert!(encoded.len() <= ENVELOPE_OVERHEAD_BYTES + envelope.payload.len());
        prop_assert_eq!(&encoded[..], borsh::to_vec(&envelope).unwrap());
        prop_assert_eq!(Envelope::decode(&encoded), Ok(envelope));
    }

    #[test]
    fn forced_blobs_round_trip(transactions in collection::vec(bytes(60), 0..20)) {
        let encoded = Bytes::from(ForcedBlob::encode(&ROLLUP, &transactions));
        let Ok(WireBlob::Forced(blob)) = parse_blob(&encoded, &ROLLUP) else {
            panic!("our own blob");
        };
        prop_assert_eq!(blob.len(), transactions.len());
        prop_assert_eq!(blob.transactions().collect::<Vec<_>>(), transactions);
    }

    /// Whatever is read is exactly what is written again.
    #[test]
    fn decoding_is_canonical(body in collection::vec(any::<u8>(), 0..400), kind in 0..3u8) {
        let mut blob = MAGIC.to_vec();
        blob.extend_from_slice(&[WIRE_VERSION, kind]);
        blob.extend_from_slice(ROLLUP.as_slice());
        blob.extend_from_slice(&body);
        let blob = Bytes::from(blob);
        match parse_blob(&blob, &ROLLUP) {
            Ok(WireBlob::Part(part)) => prop_assert_eq!(part.encode(&ROLLUP), &blob[..]),
            Ok(WireBlob::Forced(forced)) => {
                let all: Vec<Bytes> = forced.transactions().collect();
                prop_assert_eq!(ForcedBlob::encode(&ROLLUP, &all), &blob[..]);
            }
            Err(_) => {}
        }
    }

    /// One byte more or less, or one bit changed, is refused or another value.
    #[test]
    fn damaged_bytes_are_never_the_same_value(
        part in part(),
        envelope in envelope(),
        at in any::<prop::sample::Index>(),
    ) {
        let whole = part.encode(&ROLLUP);
        let read = |bytes: Vec<u8>| parse_blob(&bytes.into(), &ROLLUP);
        let mut longer = whole.clone();
        longer.push(0);
        prop_assert!(read(longer).is_err());
        prop_assert!(read(whole[..at.index(whole.len())].to_vec()).is_err());
        let mut flipped = whole.clone();
        let position = at.index(flipped.len());
        flipped[position] ^= 1;
        prop_assert_ne!(read(flipped), Ok(WireBlob::Part(part)));

        let whole = envelope.encode();
        prop_assert!(Envelope::decode(&whole.slice(..at.index(whole.len()))).is_err());
        let mut longer = whole.to_vec();
        longer.push(0);
        prop_assert!(Envelope::decode(&longer.into()).is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in collection::vec(any::<u8>(), 0..300)) {
        let bytes = Bytes::from(bytes);
        let _ = parse_blob(&bytes, &ROLLUP);
        let _ = Envelope::decode(&bytes);
    }

    #[test]
    fn a_signature_vouches_for_everything(part in part(), secret in 1..u64::MAX) {
        let signer = KeySigner::new(B256::left_padding_from(&secret.to_be_bytes())).unwrap();
        let hash = part.claim.signing_hash(&ROLLUP, &part.piece);
        let mut part = Part { signature: signer.sign(&hash).unwrap().into(), ..part };
        prop_assert_eq!(part.signer(&ROLLUP), Ok(signer.address()));
        prop_assert_ne!(part.signer(&B256::ZERO), Ok(signer.address()));
        part.claim.attempt ^= 1;
        prop_assert_ne!(part.signer(&ROLLUP), Ok(signer.address()));
    }
}

#[test]
fn blobs_of_others_are_told_apart_cheaply() {
    let blob = Bytes::from(ForcedBlob::encode(&ROLLUP, &[Bytes::from_static(b"tx")]));
    let changed = |at: usize, to: u8| {
        let mut bytes = blob.to_vec();
        bytes[at] = to;
        parse_blob(&bytes.into(), &ROLLUP)
    };
    assert_eq!(parse_blob(&Bytes::new(), &ROLLUP), Err(WireError::NotOurs));
    assert_eq!(changed(0, 0), Err(WireError::NotOurs));
    assert_eq!(changed(4, 2), Err(WireError::Version(2)));
    assert_eq!(changed(5, 2), Err(WireError::Kind(2)));
    assert_eq!(changed(5, 3), Err(WireError::Kind(3)));
    assert_eq!(changed(6, 0), Err(WireError::OtherRollup));
    assert_eq!(
        changed(38, 200),
        Err(WireError::Truncated),
        "a count beyond the bytes"
    );
    assert_eq!(changed(42, 0), Err(WireError::Field("transaction")));
    assert_eq!(changed(42, 1), Err(WireError::Trailing));
}

#[test]
fn high_s_and_odd_parity_recover_to_nothing() {
    let signature = PartSignature {
        r: B256::repeat_byte(1),
        s: B256::repeat_byte(0xff),
        parity: 0,
    };
    assert_eq!(signature.recover(B256::ZERO), Err(SignatureError));
    let signature = PartSignature {
        s: B256::repeat_byte(1),
        parity: 2,
        ..signature
    };
    assert_eq!(signature.recover(B256::ZERO), Err(SignatureError));
    assert!(KeySigner::new(B256::ZERO).is_err());
    assert!(KeySigner::new(B256::repeat_byte(0xff)).is_err());
}
