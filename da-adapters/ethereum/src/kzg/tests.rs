use super::*;
use crate::codec;
use alloy_primitives::b256;

fn payload(seed: u8) -> Box<Blob> {
    blob(&codec::encode(&[seed; 40]).unwrap()).unwrap()
}

/// The commitment to the zero polynomial is the point at infinity, whose
/// compressed form is `c0` and 47 zeros.
#[test]
fn the_empty_blob_has_the_hash_of_infinity() {
    let empty = codec::encode(&[]).unwrap();
    let mut infinity = [0; 48];
    infinity[0] = 0xc0;
    assert_eq!(
        versioned_hash(&empty).unwrap(),
        kzg_to_versioned_hash(&infinity)
    );
    assert_eq!(
        versioned_hash(&empty).unwrap(),
        b256!("010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014")
    );
}

/// Both sidecars are what alloy's own check accepts, and swapped blobs are not.
#[test]
fn sidecars_hold_and_swapped_blobs_do_not() {
    for form in [SidecarForm::Eip4844, SidecarForm::Eip7594] {
        let blobs = vec![*payload(1), *payload(2)];
        let hashes: Vec<B256> = blobs
            .iter()
            .map(|blob| versioned_hash(blob.as_slice()).unwrap())
            .collect();
        let sidecar = sidecar(form, blobs).unwrap();
        assert_eq!(sidecar.versioned_hashes().collect::<Vec<_>>(), hashes);
        sidecar.validate(&hashes, settings()).unwrap();
        let swapped = [hashes[1], hashes[0]];
        assert!(sidecar.validate(&swapped, settings()).is_err());
        if let BlobTransactionSidecarVariant::Eip4844(sidecar) = sidecar {
            let (commitments, proofs) = (&sidecar.commitments, &sidecar.proofs);
            let check = |blob: usize, at: usize| {
                checked_hash(
                    sidecar.blobs[blob].as_slice(),
                    commitments[at].as_slice(),
                    proofs[at].as_slice(),
                )
            };
            assert_eq!(check(0, 0), Ok(hashes[0]));
            assert!(check(0, 1).is_err());
            assert!(check(1, 0).is_err());
        }
    }
}

#[test]
fn a_field_element_that_is_not_canonical_is_an_error() {
    let mut bytes = vec![0; codec::BLOB_BYTES];
    bytes[..32].fill(0xff);
    assert!(versioned_hash(&bytes).is_err());
    assert!(versioned_hash(&bytes[1..]).is_err());
    assert!(checked_hash(&bytes, &[0; 48], &[0; 48]).is_err());
    assert!(checked_hash(&vec![0; codec::BLOB_BYTES], &[0; 47], &[0; 48]).is_err());
}
