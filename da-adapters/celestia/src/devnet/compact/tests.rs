#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

/// Reserved bytes of each share of transactions of these sizes.
fn reserved(sizes: &[usize]) -> Vec<u32> {
    let mut stream = Stream::default();
    for (index, size) in (1u8..).zip(sizes) {
        stream.push(&vec![index; *size]);
    }
    let mut square = Vec::new();
    let count = stream.write(Namespace::TRANSACTION, &mut square);
    assert_eq!(square.len(), count * SHARE_BYTES);
    assert_eq!(count, shares_for(stream.bytes.len()));
    let total: usize = sizes.iter().map(|&size| unit_bytes(size)).sum();
    assert_eq!(total, stream.bytes.len());
    assert_eq!(square[30..34], (total as u32).to_be_bytes());
    square
        .chunks(SHARE_BYTES)
        .enumerate()
        .map(|(at, share)| {
            let from = if at == 0 { 34 } else { 30 };
            u32::from_be_bytes(share[from..from + 4].try_into().unwrap())
        })
        .collect()
}

/// The table of celestiaorg/go-square, share/golden_test.go,
/// `TestGoldenReservedBytes`.
#[test]
fn reserved_bytes_are_those_of_go_square() {
    for (sizes, wanted) in [
        (&[100][..], &[38][..]),
        (&[472], &[38]),
        (&[472, 100], &[38, 34]),
        (&[471, 100], &[38, 0]),
        (&[1000], &[38, 0, 0]),
        (&[1000, 100], &[38, 0, 84]),
        (&[949, 100], &[38, 511, 0]),
    ] {
        assert_eq!(reserved(sizes), wanted, "{sizes:?}");
    }
}

/// The first bytes of go-square's fixture `tx_949_then_100_reserved_511`.
#[test]
fn a_share_begins_as_in_go_square() {
    let mut stream = Stream::default();
    stream.push(&[1; 949]);
    stream.push(&[2; 100]);
    let mut square = Vec::new();
    stream.write(Namespace::TRANSACTION, &mut square);
    let hex = alloy_primitives::hex::encode(&square);
    let zeros = "00".repeat(28);
    assert!(hex.starts_with(&format!("{zeros}01010000041c00000026b50701")));
    assert!(hex[1024..].starts_with(&format!("{zeros}0100000001ff01")));
    assert!(hex[..2048].ends_with("010164"));
    assert!(hex[2048..].starts_with(&format!("{zeros}01000000000002")));
}

#[test]
fn lengths_are_varints() {
    for (unit, with_length) in [
        (0, 1),
        (1, 2),
        (127, 128),
        (128, 130),
        (16_383, 16_385),
        (16_384, 16_387),
    ] {
        assert_eq!(unit_bytes(unit), with_length);
    }
    assert_eq!(shares_for(0), 0);
    assert_eq!([1, 474, 475, 952, 953].map(shares_for), [1, 1, 2, 2, 3]);
}
