//! The decompressors alone, without the guard that turns their panics into
//! refusals: a panic is a verdict only where it can be caught.
//!
//! `DECOMPRESSOR_ROUNDS=1000000 cargo test --release -p rollwright-evm panics`
//! looks longer than the part that runs with all tests.

use super::*;
use crate::codec::compress::{brotli, check_frame, compress, zstd};
use rollwright_core::keccak256;

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % sides
    }
}

fn rounds() -> u64 {
    let rounds = std::env::var("DECOMPRESSOR_ROUNDS");
    rounds.map_or(4_000, |rounds| rounds.parse().expect("a number"))
}

/// Text, noise, runs and a mix of them: each kind of block and table.
fn contents() -> Vec<Vec<u8>> {
    let noise = |n: usize| {
        (0..n as u64)
            .flat_map(|at| keccak256(at.to_le_bytes()).0)
            .collect::<Vec<u8>>()
    };
    let text = include_str!("../compress.rs").as_bytes();
    let mut mixed = noise(20);
    mixed.extend_from_slice(&text[..2_000]);
    mixed.extend_from_slice(&[7; 3_000]);
    mixed.extend(noise(30).iter().map(|byte| byte & 3));
    vec![
        text[..6_000].to_vec(),
        noise(40),
        vec![0; 5_000],
        noise(60).iter().map(|byte| byte & 0x13).collect(),
        mixed,
    ]
}

/// The same bytes with some of them changed, moved or repeated.
fn mutated(good: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bad = good.to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(bad.len());
        match dice.roll(6) {
            0 => bad[at] ^= 1 << dice.roll(8),
            1 => bad[at] = dice.roll(256) as u8,
            2 => bad[at] = [0, 0xff, 0x80, 0x7f][dice.roll(4)],
            3 => bad.insert(at, dice.roll(256) as u8),
            4 if bad.len() > 16 => drop(bad.remove(at)),
            _ => {
                let to = dice.roll(bad.len());
                bad[to] = bad[at];
            }
        }
    }
    bad
}

#[test]
fn no_changed_zstd_frame_makes_the_decoder_panic() {
    let mut reached = 0;
    for (seed, content) in contents().into_iter().enumerate() {
        let dice = &mut Dice(seed as u64);
        let good = compress(CodecId::ZSTD, content.clone()).expect("compresses");
        assert_eq!(zstd(&good, content.len()).expect("decompresses"), content);
        // The head of the frame, then the sizes of its blocks, decide early.
        for _ in 0..rounds() {
            let mut bad = mutated(&good, dice);
            let keep = 9.min(good.len()).min(bad.len());
            bad[..keep].copy_from_slice(&good[..keep]);
            if check_frame(&bad, content.len()).is_ok() {
                reached += 1;
                if let Ok(out) = zstd(&bad, content.len()) {
                    assert_eq!(out.len(), content.len());
                }
            }
        }
    }
    assert!(reached > rounds() / 2, "only {reached} were decoded");
}

#[test]
fn no_changed_brotli_stream_makes_the_decoder_panic() {
    for (seed, content) in contents().into_iter().enumerate() {
        let dice = &mut Dice(100 + seed as u64);
        let good = compress(CodecId::BROTLI, content.clone()).expect("compresses");
        assert_eq!(brotli(&good, content.len()).expect("decompresses"), content);
        for _ in 0..rounds() {
            let bad = mutated(&good, dice);
            if let Ok(out) = brotli(&bad, content.len()) {
                assert_eq!(out.len(), content.len());
            }
        }
    }
}
