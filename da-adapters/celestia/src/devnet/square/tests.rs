#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::devnet::ExtendedSquare;
use celestia_types::{Commitment, ExtendedDataSquare, Share, state::AccAddress};
use proptest::prelude::*;

fn namespace(n: u8) -> Namespace {
    Namespace::new_v0(&[0xee, n]).unwrap()
}

fn signer() -> AccAddress {
    AccAddress::new(tendermint::account::Id::new([9; 20]))
}

fn unit(tx: usize, blobs: &[(u8, usize, bool)]) -> BlobUnit {
    BlobUnit {
        tx: vec![7; tx],
        blobs: blobs
            .iter()
            .map(|&(n, bytes, signed)| {
                Blob::new(namespace(n), vec![n; bytes], signed.then(signer)).unwrap()
            })
            .collect(),
    }
}

fn shares(square: &Square) -> Vec<Share> {
    square
        .shares()
        .chunks(SHARE_BYTES)
        .map(|share| Share::from_raw(share).unwrap())
        .collect()
}

/// What must hold of every square.
fn check(units: &[BlobUnit], square: &Square) {
    let shares = shares(square);
    let width = usize::from(square.width());
    assert_eq!(shares.len(), width * width);
    assert!(shares.is_sorted_by_key(|share| share.namespace()));
    for (unit, starts) in units.iter().zip(square.starts()) {
        for (blob, &start) in unit.blobs.iter().zip(starts) {
            let start = start as usize;
            let own = &shares[start..start + blob.shares_len()];
            assert_eq!(own, blob.to_shares().unwrap());
            let read = Blob::reconstruct(own).unwrap();
            assert_eq!(read.commitment, blob.commitment);
            assert_eq!(
                Commitment::from_shares(blob.namespace, own).unwrap(),
                blob.commitment
            );
            // The commitment's first subtrees are subtrees of the rows.
            let subtree = gas::subtree_width(own.len() as u64) as usize;
            assert_eq!(start % subtree, 0);
            assert!(subtree <= width);
        }
    }
    let read = Blob::reconstruct_all(&shares).unwrap();
    assert_eq!(
        read.len(),
        units.iter().map(|unit| unit.blobs.len()).sum::<usize>()
    );
    // The wrapped transactions say where their blobs begin.
    assert_eq!(wrapped(&shares).len(), units.len());
    for ((wrapper, unit), starts) in wrapped(&shares).iter().zip(units).zip(square.starts()) {
        assert_eq!(wrapper.tx, unit.tx);
        assert_eq!(&wrapper.share_indexes, starts);
        assert_eq!(wrapper.type_id, "INDX");
    }
}

/// Reads the compact shares of transactions that pay for blobs.
fn wrapped(shares: &[Share]) -> Vec<IndexWrapper> {
    let mut stream = Vec::new();
    let mut length = 0;
    let own = shares
        .iter()
        .filter(|share| share.namespace() == Namespace::PAY_FOR_BLOB);
    for share in own {
        if let Some(bytes) = share.sequence_length() {
            length = bytes as usize;
        }
        // Behind the reserved bytes.
        stream.extend_from_slice(&share.payload().unwrap()[4..]);
    }
    stream.truncate(length);
    let mut rest = stream.as_slice();
    let mut found = Vec::new();
    while !rest.is_empty() {
        found.push(IndexWrapper::decode_length_delimited(&mut rest).unwrap());
    }
    found
}

#[test]
fn the_empty_square_has_celestias_data_root() {
    let extended = ExtendedSquare::new(&Square::empty()).unwrap();
    // The data root of every empty block of Celestia.
    assert_eq!(
        extended.dah().hash().to_string(),
        "3D96B7D238E7E0456F6AF8E7CDF0A67BD6CF9C2089ECB559C659DCAA1F880353"
    );
    let known = ExtendedDataSquare::empty();
    assert_eq!(known.square_width(), 2);
    assert_eq!(SquareBuilder::new(64).build(), Square::empty());
}

#[test]
fn blobs_are_sorted_by_namespace_and_keep_their_order_within() {
    let units = [
        unit(200, &[(3, 1_000, false), (1, 10, false)]),
        unit(300, &[(2, 5_000, true), (3, 20, false), (1, 700, false)]),
    ];
    let mut builder = SquareBuilder::new(64);
    for unit in &units {
        assert!(builder.push(unit.clone()));
    }
    let square = builder.build();
    check(&units, &square);
    let starts = square.starts();
    assert!(starts[0][1] < starts[1][2], "namespace 1 in order");
    assert!(starts[1][2] < starts[1][0], "1 before 2");
    assert!(
        starts[1][0] < starts[0][0] && starts[0][0] < starts[1][1],
        "2 before 3"
    );
}

#[test]
fn padding_takes_namespace_and_version_of_the_blob_before_it() {
    // 65 shares and more: aligned to 2.
    let big = crate::bytes_in(66) as usize;
    let units = [unit(
        100,
        &[(1, 10, true), (2, big, false), (3, big, false)],
    )];
    let mut builder = SquareBuilder::new(64);
    assert!(builder.push(units[0].clone()));
    let square = builder.build();
    check(&units, &square);
    let shares = shares(&square);
    let starts = &square.starts()[0];
    let end = starts[0] as usize + 1;
    for share in &shares[end..starts[1] as usize] {
        assert_eq!(share.namespace(), namespace(1));
        assert_eq!(share.info_byte().unwrap().as_u8(), 3);
        assert_eq!(share.sequence_length(), Some(0));
    }
    assert!(
        shares[..starts[0] as usize]
            .iter()
            .all(|share| share.namespace().is_reserved())
    );
    let tail = shares.last().unwrap();
    assert_eq!(tail.namespace(), Namespace::TAIL_PADDING);
    assert_eq!(tail.info_byte().unwrap().as_u8(), 1);
}

#[test]
fn the_width_follows_from_the_estimate() {
    // One share of transactions, and 62 + 1 of a blob: 64 fit 8 by 8; the blob
    // of 130 shares is aligned to 4, so it is reckoned with 3 more.
    for (blob, width) in [(62, 8), (63, 8), (64, 16), (252, 16), (253, 32), (255, 32)] {
        let bytes = crate::bytes_in(blob) as usize;
        let units = [unit(100, &[(1, bytes, false)])];
        let mut builder = SquareBuilder::new(64);
        assert!(builder.push(units[0].clone()));
        let square = builder.build();
        check(&units, &square);
        assert_eq!(square.width(), width, "{blob} shares");
    }
}

#[test]
fn what_does_not_fit_is_not_taken() {
    let mut builder = SquareBuilder::new(4);
    assert!(builder.push(unit(100, &[(1, 4_000, false)])));
    assert!(!builder.push(unit(100, &[(1, 4_000, false)])));
    assert!(builder.push(unit(100, &[(1, 400, false)])));
    assert!(!builder.push_tx(vec![1; 4_000]));
    assert_eq!(builder.units().len(), 2);
    let units = builder.units().to_vec();
    let square = builder.build();
    assert_eq!(square.width(), 4);
    check(&units, &square);
}

#[test]
fn a_square_is_restored_from_its_content() {
    let mut builder = SquareBuilder::new(64);
    assert!(builder.push_tx(vec![5; 600]));
    assert!(builder.push(unit(100, &[(1, 4_000, false)])));
    let square = builder.build();
    let restored = Square::from_content(square.width(), square.content()).unwrap();
    assert_eq!(restored.shares(), square.shares());
    assert!(Square::from_content(2, square.content()).is_none());
    assert!(Square::from_content(8, &[0; 100]).is_none());
    let empty = Square::from_content(1, &[]).unwrap();
    assert_eq!(empty, Square::empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_square_is_as_celestia_types_reads_and_extends_it(
        units in prop::collection::vec(
            (50usize..900, prop::collection::vec((0u8..4, 1usize..40_000, any::<bool>()), 1..4)),
            1..6,
        ),
    ) {
        let mut builder = SquareBuilder::new(32);
        for (tx, blobs) in &units {
            builder.push(unit(*tx, blobs));
        }
        let taken = builder.units().to_vec();
        let square = builder.build();
        check(&taken, &square);
        if square.width() <= 8 {
            let ours = ExtendedSquare::new(&square).unwrap();
            let ods = square.shares().chunks(SHARE_BYTES).map(<[u8]>::to_vec).collect();
            let theirs = ExtendedDataSquare::from_ods(ods).unwrap();
            prop_assert_eq!(
                ours.dah(),
                &celestia_types::DataAvailabilityHeader::from_eds(&theirs)
            );
        }
    }
}
