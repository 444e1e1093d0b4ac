use super::*;
use alloy_primitives::B256;
use rollwright_core::DaHeight;

/// A header whose hash names height and fork.
fn header(height: u64, fork: u8, parent: B256) -> DaHeader {
    let mut hash = B256::repeat_byte(fork);
    hash[..8].copy_from_slice(&height.to_be_bytes());
    DaHeader {
        height: DaHeight(height),
        hash,
        parent_hash: parent,
        ..DaHeader::default()
    }
}

/// Linked headers of one fork.
fn chain(from: u64, to: u64, fork: u8, mut parent: B256) -> Vec<DaHeader> {
    (from..=to)
        .map(|height| {
            let header = header(height, fork, parent);
            parent = header.hash;
            header
        })
        .collect()
}

fn shown(headers: &[DaHeader]) -> Seen {
    let mut seen = Seen::default();
    for header in headers {
        seen.admit(header).unwrap();
    }
    seen
}

#[test]
fn a_chain_may_be_shown_in_any_order_and_again() {
    let headers = chain(1, 6, 1, B256::ZERO);
    let mut seen = Seen::default();
    for index in [5, 0, 3, 1, 4, 2, 0, 5] {
        seen.admit(&headers[index]).unwrap();
    }
    seen.finalize(&headers[5]).unwrap();
    for header in &headers {
        seen.admit(header).unwrap();
    }
}

#[test]
fn another_block_above_the_final_one_is_a_reorganisation() {
    let old = chain(1, 6, 1, B256::ZERO);
    let mut seen = shown(&old);
    seen.finalize(&old[2]).unwrap();
    for header in chain(4, 7, 2, old[2].hash) {
        seen.admit(&header).unwrap();
    }
    // And back, as a layer does that cannot decide.
    seen.admit(&old[4]).unwrap();
}

#[test]
fn another_block_at_or_below_the_final_one_is_a_lie() {
    let old = chain(1, 6, 1, B256::ZERO);
    let mut seen = shown(&old);
    seen.finalize(&old[3]).unwrap();
    for height in 1..=4 {
        let (what, _) = seen.admit(&header(height, 2, B256::ZERO)).unwrap_err();
        assert_eq!(what, "final block", "{height}");
    }
    let (what, detail) = seen.admit(&header(5, 2, B256::repeat_byte(9))).unwrap_err();
    assert_eq!(what, "parent link", "{detail}");
}

#[test]
fn a_parent_of_a_final_block_that_is_not_its_parent_is_a_lie() {
    let headers = chain(1, 3, 1, B256::ZERO);
    let mut seen = Seen::default();
    seen.finalize(&headers[2]).unwrap();
    let (what, _) = seen.admit(&header(2, 2, headers[0].hash)).unwrap_err();
    assert_eq!(what, "parent link");
    seen.admit(&headers[1]).unwrap();
}

#[test]
fn finality_moves_forward_alone() {
    let headers = chain(1, 6, 1, B256::ZERO);
    let mut seen = shown(&headers);
    seen.finalize(&headers[4]).unwrap();
    seen.finalize(&headers[4]).unwrap();
    let (what, _) = seen.finalize(&headers[3]).unwrap_err();
    assert_eq!(what, "final head");
    let (what, _) = seen.finalize(&header(5, 2, headers[3].hash)).unwrap_err();
    assert_eq!(what, "final block");
    seen.finalize(&headers[5]).unwrap();
}

#[test]
fn what_is_remembered_is_bounded_and_the_newest_stays() {
    let count = KNOWN_HEADERS as u64 + 100;
    let headers = chain(1, count, 1, B256::ZERO);
    let mut seen = shown(&headers);
    assert_eq!(seen.headers.len(), KNOWN_HEADERS);
    seen.finalize(&headers[headers.len() - 1]).unwrap();
    assert!(seen.admit(&header(count, 2, B256::ZERO)).is_err());
}
