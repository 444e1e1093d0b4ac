use super::*;
use proptest::prelude::*;

/// A blob that begins with `head`.
fn blob(head: &[u8]) -> Vec<u8> {
    let mut blob = vec![0; BLOB_BYTES];
    blob[..head.len()].copy_from_slice(head);
    blob
}

fn filled(head: &[u8], count: usize, tail: &[u8]) -> Vec<u8> {
    [head, &vec![0xff; count], tail].concat()
}

/// The published vectors of OP Stack: op-service/eth/blob_test.go,
/// `TestDecodeTestVectors`.
#[test]
fn published_vectors_decode() {
    let cases = [
        (vec![], Ok(vec![])),
        (vec![0, 0, 0, 0, 1], Ok(vec![0])),
        (vec![0, 0, 0x01, 0xfb, 0xfc], Ok(vec![0; 130_044])),
        (
            vec![0, 0, 0x01, 0xfb, 0xfd],
            Err(CodecError::TooLong { bytes: 130_045 }),
        ),
        (
            vec![0, 0, 0, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff],
            Ok(vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff]),
        ),
        (filled(&[0, 0, 0, 0, 0x1b], 27, &[]), Ok(vec![0xff; 27])),
        (
            filled(&[0x3f, 0, 0, 0, 0x20], 27, &[0x30, 0xff, 0xff, 0xff, 0xff]),
            Ok(vec![0xff; 32]),
        ),
    ];
    for (input, output) in cases {
        assert_eq!(decode(&blob(&input)), output, "{input:?}");
    }
}

/// `TestEncodeTestVectors` of the same file.
#[test]
fn published_vectors_encode() {
    let cases = [
        (vec![], vec![]),
        (vec![0; 130_044], vec![0, 0, 1, 0xfb, 0xfc]),
        (vec![0xff; 27], filled(&[0, 0, 0, 0, 0x1b], 27, &[])),
        (vec![0xff; 28], filled(&[0x3f, 0, 0, 0, 0x1c], 27, &[0x30])),
    ];
    for (payload, output) in cases {
        assert_eq!(encode(&payload).unwrap().to_vec(), blob(&output));
    }
    assert_eq!(
        encode(&vec![0; 130_045]),
        Err(CodecError::TooLong { bytes: 130_045 })
    );
}

/// `TestExtraneousData` and `TestInvalidBlobDecoding` of the same file.
#[test]
fn whatever_stands_behind_the_payload_is_refused() {
    for head in [0x30, 0x01] {
        let found = decode(&blob(&[head, 0, 0, 0, 0]));
        assert_eq!(found, Err(CodecError::Trailing { bytes: 0 }));
    }
    for at in (5..BLOB_BYTES).step_by(61) {
        let mut extra = blob(&[]);
        extra[at] = 1;
        assert_eq!(
            decode(&extra),
            Err(CodecError::Trailing { bytes: 0 }),
            "{at}"
        );
    }
}

#[test]
fn other_encodings_are_refused() {
    assert_eq!(decode(&blob(&[0, 1])), Err(CodecError::Version(1)));
    assert_eq!(decode(&[]), Err(CodecError::BlobLength { bytes: 0 }));
    for bits in [0x80, 0x40] {
        for index in [0, 1, 4_095] {
            let mut blob = blob(&[]);
            blob[index * 32] = bits;
            assert_eq!(decode(&blob), Err(CodecError::FieldElement { index }));
        }
    }
}

#[test]
fn lengths_around_every_border_of_a_round_come_back() {
    let borders = (0..=6).map(|round| round * 127).chain([130_044]);
    for length in borders.flat_map(|at: usize| at.saturating_sub(9)..=(at + 3).min(130_044)) {
        let payload: Vec<u8> = (0..length).map(|i| (i * 7 + 255) as u8).collect();
        assert_eq!(decode(&encode(&payload).unwrap()).unwrap(), payload);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_encoded_decodes(payload in proptest::collection::vec(any::<u8>(), 0..MAX_PAYLOAD_BYTES)) {
        let blob = encode(&payload).unwrap();
        prop_assert_eq!(decode(&blob).unwrap(), payload);
    }

    /// A changed bit gives another payload or none: no payload has two blobs.
    #[test]
    fn what_decodes_is_what_would_be_encoded(
        payload in proptest::collection::vec(any::<u8>(), 0..600),
        flips in proptest::collection::vec((0..2_000usize, 0..8u8), 1..4),
    ) {
        let mut blob = encode(&payload).unwrap();
        for (at, bit) in flips {
            blob[at] ^= 1 << bit;
        }
        if let Ok(found) = decode(&blob) {
            prop_assert_eq!(encode(&found).unwrap(), blob);
        }
    }

    #[test]
    fn noise_never_panics(mut noise in proptest::collection::vec(any::<u8>(), 0..4_000), mask: bool) {
        if mask {
            noise.iter_mut().step_by(32).for_each(|byte| *byte &= 0x3f);
        }
        noise.resize(BLOB_BYTES, 0);
        let _ = decode(&noise);
    }
}
