#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::testing::{Fixture, namespace};

fn included(blob: &PostedBlob) -> DaClaim {
    DaClaim::Included {
        reference: blob.reference,
        lane: blob.lane,
        data: blob.data.clone(),
    }
}

#[test]
fn a_proof_of_inclusion_ends_with_the_blobs_last_row() {
    let fixture = Fixture::new(&[(1, 600), (3, 9_000), (3, 10), (3, 5_000), (5, 1_500)]);
    let data = NamespaceData::new(fixture.data(3));
    let content = fixture.content(3);
    let header = fixture.header.facts();
    let blobs = posted(&header, &content);
    let mut lengths = Vec::new();
    for blob in &blobs {
        let index = blob.reference.index;
        let proof = prove_included(&fixture.header, namespace(3), &data, &content, index)
            .unwrap()
            .unwrap();
        verify(namespace(3), &header, &included(blob), &proof).unwrap();
        lengths.push(proof.bytes.len());
        for other in &blobs {
            if other != blob {
                assert!(verify(namespace(3), &header, &included(other), &proof).is_err());
            }
        }
        assert!(verify(namespace(1), &header, &included(blob), &proof).is_err());
    }
    assert!(lengths.is_sorted());
    assert!(prove_included(&fixture.header, namespace(3), &data, &content, 3).is_none());
}

#[test]
fn the_header_facts_are_bound() {
    let fixture = Fixture::shared();
    let header = fixture.header.facts();
    let proof = prove_complete(&fixture.header, &NamespaceData::new(fixture.data(3))).unwrap();
    let claim = |header: &DaHeader| DaClaim::Complete {
        blobs: posted(header, &fixture.content(3)),
    };
    verify(namespace(3), &header, &claim(&header), &proof).unwrap();
    let changes: [fn(&mut DaHeader); 5] = [
        |header| header.height.0 += 1,
        |header| header.hash.0[0] ^= 1,
        |header| header.parent_hash.0[0] ^= 1,
        |header| header.time += 1,
        |header| header.data_root.0[0] ^= 1,
    ];
    for change in changes {
        let mut other = header;
        change(&mut other);
        assert!(verify(namespace(3), &other, &claim(&other), &proof).is_err());
    }
}

#[test]
fn a_proof_of_one_kind_is_none_of_the_other() {
    let fixture = Fixture::new(&[(3, 600)]);
    let header = fixture.header.facts();
    let data = NamespaceData::new(fixture.data(3));
    let content = fixture.content(3);
    let blobs = posted(&header, &content);
    let complete = prove_complete(&fixture.header, &data).unwrap();
    let single = prove_included(&fixture.header, namespace(3), &data, &content, 0)
        .unwrap()
        .unwrap();
    let error = verify(namespace(3), &header, &included(&blobs[0]), &complete).unwrap_err();
    assert_eq!(error, ProofError::Malformed("a proof of something else"));
    let claim = DaClaim::Complete { blobs };
    assert!(verify(namespace(3), &header, &claim, &single).is_err());
}

/// Changes when the encoding does: then it takes another version.
#[test]
fn the_encoding_is_pinned() {
    let fixture = Fixture::new(&[(1, 600), (3, 9_000), (5, 1_500)]);
    let proof = prove_complete(&fixture.header, &NamespaceData::new(fixture.data(3))).unwrap();
    assert_eq!(proof.version, 1);
    assert_eq!(
        alloy_primitives::keccak256(&proof.bytes).to_string(),
        "0xf3f70191c25013c5f9dcf1e1d5a9a60cf36e329ce741c9df4ed490c11ac5d1ef"
    );
}
