//! Squares and data roots of the devnet beside those of Celestia's libraries.
#![cfg(feature = "devnet")]
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "common/squares.rs"]
mod squares;

use squares::Case;

/// Number, width, SHA-256 of the original shares and data root, as go-square,
/// rsmt2d and nmt give them; made by `just celestia-squares`.
const MADE_BY_CELESTIA: &str = include_str!("data/squares.txt");

#[test]
fn a_block_has_the_data_root_that_celestia_gives_it() {
    let mut widths = std::collections::BTreeSet::new();
    for line in MADE_BY_CELESTIA.lines() {
        let seed = line.split(' ').next().unwrap().parse().unwrap();
        let laid = Case::of(seed).lay();
        let found = format!("{seed} {} {} {}", laid.width, laid.shares, laid.data_root);
        assert_eq!(found, line);
        widths.insert(laid.width);
    }
    assert!(widths.len() > 3, "{widths:?}");
}
