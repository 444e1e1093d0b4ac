#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::testing::{Fixture, namespace};
use proptest::prelude::*;
use rollwright_core::DaHeader;

#[test]
fn the_content_is_what_was_put_in() {
    let fixture = Fixture::new(&[(1, 600), (3, 9_000), (3, 10), (3, 5_000), (5, 1_500)]);
    for n in 0..7 {
        let content = fixture.content(n);
        let wanted: Vec<_> = fixture
            .blobs
            .iter()
            .filter(|blob| blob.namespace == namespace(n))
            .collect();
        assert_eq!(content.blobs.len(), wanted.len(), "namespace {n}");
        for (placed, blob) in content.blobs.iter().zip(wanted) {
            assert_eq!(&placed.blob, blob);
            assert_eq!(placed.shares as usize, blob.shares_len());
            let at = fixture
                .square
                .share(placed.row.into(), placed.column.into())
                .unwrap();
            assert_eq!(at, blob.to_shares().unwrap()[0]);
        }
        assert!(content.skipped.is_empty());
    }
}

#[test]
fn absence_is_proved_by_the_header_or_by_the_rows() {
    // No row's range includes it.
    let empty = Fixture::of_shares(&[]);
    assert!(candidate_rows(empty.header.dah(), namespace(2)).is_empty());
    assert!(empty.content(2).blobs.is_empty());
    assert!(empty.verify(2, fixture_rows()).is_err());
    let fixture = Fixture::new(&[(1, 600), (3, 9_000)]);
    // Between two that are there.
    assert!(!candidate_rows(fixture.header.dah(), namespace(2)).is_empty());
    assert!(fixture.content(2).blobs.is_empty());
}

fn fixture_rows() -> Vec<RowNamespaceData> {
    Fixture::shared().data(3)
}

#[test]
fn a_row_that_is_missing_doubled_or_moved_is_refused() {
    let fixture = Fixture::new(&[(1, 600), (3, 20_000)]);
    let rows = fixture.data(3);
    assert!(rows.len() > 2);
    let mut changed = vec![rows[1..].to_vec(), rows[..rows.len() - 1].to_vec()];
    changed.push(rows.iter().chain(&rows[..1]).cloned().collect());
    let mut swapped = rows.clone();
    swapped.swap(0, 1);
    changed.push(swapped);
    let mut doubled = rows.clone();
    doubled[1] = doubled[0].clone();
    changed.push(doubled);
    changed.push(Vec::new());
    for rows in changed {
        assert!(fixture.verify(3, rows).is_err());
    }
    fixture.verify(3, rows).unwrap();
}

#[test]
fn a_share_that_is_missing_added_or_changed_is_refused() {
    let fixture = Fixture::new(&[(1, 600), (3, 9_000), (5, 100)]);
    let rows = fixture.data(3);
    for row in 0..rows.len() {
        let mut fewer = rows.clone();
        fewer[row].shares.pop();
        assert!(fixture.verify(3, fewer).is_err());
        let mut more = rows.clone();
        let share = more[row].shares[0].clone();
        more[row].shares.push(share);
        assert!(fixture.verify(3, more).is_err());
        for byte in [0, 10, 29, 30, 40, 511] {
            let mut other = rows.clone();
            other[row].shares[0].as_mut()[byte] ^= 1;
            assert!(fixture.verify(3, other).is_err(), "row {row}, byte {byte}");
        }
        let mut none = rows.clone();
        none[row].shares.clear();
        assert!(fixture.verify(3, none).is_err());
    }
}

#[test]
fn a_partial_range_of_a_row_is_refused() {
    // The node leaves the row's last share out, and proves the rest.
    let fixture = Fixture::new(&[(3, 20_000)]);
    let mut rows = fixture.data(3);
    let row = candidate_rows(fixture.header.dah(), namespace(3))[1];
    let (start, end) = (rows[1].proof.start_idx(), rows[1].proof.end_idx());
    assert!(end - start > 1);
    let width = u64::from(fixture.header.extended_width() / 2);
    let from = u64::from(row) * width + u64::from(start);
    let part = fixture
        .square
        .share_proof(from..from + u64::from(end - start) - 1)
        .unwrap();
    rows[1].proof = part.share_proofs[0].clone();
    rows[1].shares.pop();
    let error = fixture.verify(3, rows).unwrap_err();
    assert!(matches!(error, ProofError::Row { .. }), "{error}");
}

#[test]
fn absence_cannot_be_claimed_of_what_is_there() {
    let fixture = Fixture::new(&[(1, 600), (3, 9_000), (5, 100)]);
    let mut rows = fixture.data(3);
    let absent = fixture.data(4);
    for row in &mut rows {
        *row = absent[0].clone();
    }
    assert!(fixture.verify(3, rows).is_err());
}

#[test]
fn sequences_that_are_no_blobs_are_skipped_alike_everywhere() {
    let ns = namespace(3);
    let share = |version: u8, start: bool, length: u32| {
        let mut bytes = ns.as_bytes().to_vec();
        bytes.push(version << 1 | u8::from(start));
        if start {
            bytes.extend_from_slice(&length.to_be_bytes());
        }
        bytes.resize(512, 0xaa);
        bytes
    };
    let good = |n: u8| share(0, true, 100 + u32::from(n));
    // What stands in the namespace; what is read of it.
    type Case<'a> = (Vec<Vec<u8>>, usize, &'a [SkipReason]);
    let cases: [Case<'_>; 8] = [
        (
            vec![share(0, false, 0), share(0, false, 0), good(1)],
            1,
            &[SkipReason::NoStart],
        ),
        (
            vec![share(0, true, 5_000), good(1)],
            1,
            &[SkipReason::CutShort],
        ),
        (
            vec![good(1), share(0, true, u32::MAX)],
            1,
            &[SkipReason::CutShort],
        ),
        (
            vec![share(0, true, 600), share(1, false, 0), good(1)],
            1,
            &[SkipReason::Version],
        ),
        (vec![share(5, true, 10), good(1)], 1, &[SkipReason::Version]),
        (
            vec![share(2, true, 36), good(1)],
            1,
            &[SkipReason::NotInSquare],
        ),
        (
            vec![share(2, true, 37), good(1)],
            1,
            &[SkipReason::Unreadable],
        ),
        (
            vec![share(0, true, 0), good(1), share(0, true, 0), good(2)],
            2,
            &[],
        ),
    ];
    for (shares, blobs, reasons) in cases {
        let fixture = Fixture::of_shares(&shares);
        let content = fixture.content(3);
        assert_eq!(content.blobs.len(), blobs, "{reasons:?}");
        let found: Vec<_> = content
            .skipped
            .iter()
            .map(|skipped| skipped.reason)
            .collect();
        assert_eq!(found, reasons);
    }
}

#[test]
fn ten_thousand_pieces_of_garbage_in_one_block_are_read() {
    let ns = namespace(3);
    let shares: Vec<Vec<u8>> = (0..10_000u32)
        .map(|n| {
            let mut bytes = ns.as_bytes().to_vec();
            bytes.push((n % 11) as u8);
            bytes.extend_from_slice(&(n.wrapping_mul(2_654_435_761)).to_be_bytes());
            bytes.resize(512, n as u8);
            bytes
        })
        .collect();
    let shares: Vec<Share> = shares
        .iter()
        .map(|share| Share::from_raw(share).unwrap())
        .collect();
    let placed: Vec<_> = shares.iter().map(|share| (0, 0, share)).collect();
    let content = read(&placed);
    assert!(content.skipped.len() > 1_000);
}

/// Any bytes in the place of a node's answer.
fn hostile(fixture: &Fixture, answer: &str) {
    if let Ok(data) = serde_json::from_str::<NamespaceData>(answer) {
        for n in 0..6 {
            let _ = verify_namespace(&fixture.header, namespace(n), &data);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_hostile_answer_never_panics(
        start in prop::sample::select(vec![-1i64, 0, 1, 2, 3, 7, 8, 15, 16, 1 << 31, i64::MAX]),
        end in prop::sample::select(vec![-1i64, 0, 1, 2, 3, 8, 16, 17, 1 << 32, i64::MAX]),
        nodes in prop::collection::vec((any::<bool>(), any::<u8>(), any::<u8>()), 0..8),
        leaf in prop::option::of((any::<u8>(), any::<u8>())),
        ignored in any::<bool>(),
        keep in 0usize..4,
    ) {
        let fixture = Fixture::shared();
        let real = serde_json::to_value(NamespaceData::new(fixture.data(3))).unwrap();
        let mut rows = real.as_array().unwrap().clone();
        let node = |low: u8, high: u8| {
            let mut bytes = namespace(low % 8).as_bytes().to_vec();
            bytes.extend_from_slice(namespace(high % 8).as_bytes());
            bytes.resize(90, low ^ high);
            base64(&bytes)
        };
        let row = rows.first_mut().unwrap();
        let siblings: Vec<_> = nodes.iter().map(|&(_, low, high)| node(low, high)).collect();
        row["proof"] = serde_json::json!({
            "start": start,
            "end": end,
            "nodes": siblings,
            "leaf_hash": leaf.map(|(low, high)| node(low, high)).unwrap_or_default(),
            "is_max_namespace_ignored": ignored,
        });
        if let Some(shares) = row["shares"].as_array_mut() {
            shares.truncate(keep);
        }
        hostile(fixture, &serde_json::Value::Array(rows).to_string());
    }

    #[test]
    fn any_single_change_of_an_answer_is_refused(place in any::<prop::sample::Index>(), bit in 0u8..8) {
        let fixture = Fixture::shared();
        let rows = fixture.data(3);
        let claimed = DaHeader { ..fixture.header.facts() };
        let proof = crate::prove_complete(&fixture.header, &NamespaceData::new(rows)).unwrap();
        let claim = rollwright_core::DaClaim::Complete {
            blobs: crate::posted(&claimed, &fixture.content(3)),
        };
        crate::verify(namespace(3), &claimed, &claim, &proof).unwrap();
        let mut bytes = proof.bytes.to_vec();
        let at = place.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let forged = rollwright_core::Proof { version: proof.version, bytes: bytes.into() };
        prop_assert!(crate::verify(namespace(3), &claimed, &claim, &forged).is_err(), "byte {}", at);
    }
}

fn base64(bytes: &[u8]) -> String {
    let text = tendermint_proto::serializers::bytes::base64string::serialize(
        &bytes,
        serde_json::value::Serializer,
    );
    text.unwrap().as_str().unwrap().to_owned()
}
