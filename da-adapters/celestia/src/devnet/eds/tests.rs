#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::devnet::{BlobUnit, SquareBuilder};
use celestia_types::{
    Blob, BlobProof, ExtendedDataSquare,
    namespace_data::{NamespaceData, NamespaceDataId},
    sample::SampleId,
};

fn namespace(n: u8) -> Namespace {
    Namespace::new_v0(&[0xee, n]).unwrap()
}

/// Namespaces 1, 3 and 5, over several rows.
fn sample_square() -> (ExtendedSquare, Vec<(Blob, u64)>) {
    let blob = |n: u8, bytes| Blob::new(namespace(n), vec![n; bytes], None).unwrap();
    let blobs = vec![blob(1, 600), blob(3, 9_000), blob(3, 5_000), blob(5, 1_500)];
    let mut builder = SquareBuilder::new(16);
    assert!(builder.push(BlobUnit {
        tx: vec![1; 300],
        blobs: blobs.clone(),
    }));
    let square = builder.build();
    let starts = square.starts()[0].iter().map(|&start| u64::from(start));
    let blobs = blobs.into_iter().zip(starts).collect();
    (ExtendedSquare::new(&square).unwrap(), blobs)
}

#[test]
fn extension_is_that_of_celestia_types() {
    let (ours, _) = sample_square();
    let original = ours.width() / 2;
    let ods = (0..original)
        .flat_map(|row| (0..original).map(move |column| (row, column)))
        .map(|(row, column)| ours.share_bytes(row, column).unwrap().to_vec())
        .collect();
    let theirs = ExtendedDataSquare::from_ods(ods).unwrap();
    for (ours, theirs) in ours.shares().chunks(SHARE_BYTES).zip(theirs.data_square()) {
        assert_eq!(ours, theirs.as_ref());
    }
    assert_eq!(ours.dah(), &DataAvailabilityHeader::from_eds(&theirs));
}

#[test]
fn namespace_data_is_that_of_celestia_types() {
    let (ours, _) = sample_square();
    let shares = ours
        .shares()
        .chunks(SHARE_BYTES)
        .map(<[u8]>::to_vec)
        .collect();
    let theirs = ExtendedDataSquare::new(shares, "Leopard".to_owned()).unwrap();
    for n in 0..8 {
        let data = ours.namespace_data(namespace(n));
        let expected: Vec<_> = theirs
            .get_namespace_data(namespace(n), ours.dah(), 1)
            .unwrap()
            .into_iter()
            .map(|(_, row)| row)
            .collect();
        assert_eq!(data, expected, "namespace {n}");
        let id = NamespaceDataId::new(namespace(n), 1).unwrap();
        NamespaceData::new(data).verify(id, ours.dah()).unwrap();
    }
}

#[test]
fn share_proofs_hold_for_celestia_types() {
    let (square, blobs) = sample_square();
    let root = square.dah().hash();
    for (blob, start) in blobs {
        let range = start..start + blob.shares_len() as u64;
        let proof = BlobProof(square.share_proof(range.clone()).unwrap());
        proof.verify_range(root, range.clone()).unwrap();
        assert!(
            proof
                .verify_range(root, range.start..range.end + 1)
                .is_err()
        );
    }
    let all = square.width() as u64 * square.width() as u64 / 4;
    assert!(square.share_proof(0..all).is_none(), "many namespaces");
    assert!(square.share_proof(all..all + 1).is_none());
    assert!(square.share_proof(3..3).is_none());
}

#[test]
fn every_share_is_a_sample_that_holds() {
    let (square, _) = sample_square();
    for row in 0..square.width() {
        for column in 0..square.width() {
            let sample = square.sample(row, column).unwrap();
            let id = SampleId::new(row as u16, column as u16, 1).unwrap();
            sample.verify(id, square.dah()).unwrap();
            let other = SampleId::new(row as u16, (column as u16 + 1) % 16, 1).unwrap();
            assert!(sample.verify(other, square.dah()).is_err());
        }
    }
    assert!(square.sample(0, square.width()).is_none());
    assert!(square.sample(square.width(), 0).is_none());
}

#[test]
fn any_half_of_a_row_gives_the_whole() {
    let (square, _) = sample_square();
    let width = square.width();
    for row in [0, width / 2, width - 1] {
        let whole: Vec<Vec<u8>> = (0..width)
            .map(|column| square.share_bytes(row, column).unwrap().to_vec())
            .collect();
        let mut shards = whole.clone();
        for column in 0..width / 2 {
            shards[(column * 7 + row) % width].clear();
        }
        let missing = shards.iter().filter(|shard| shard.is_empty()).count();
        assert!(missing <= width / 2);
        leopard_codec::reconstruct(&mut shards, width / 2).unwrap();
        assert_eq!(shards[..width / 2], whole[..width / 2]);
    }
}

#[test]
fn a_square_that_is_too_wide_is_refused() {
    let square = Square::from_content(256, &[]).unwrap();
    assert!(ExtendedSquare::new(&square).is_none());
}
