//! Batches that are whole, and not what the sequencer would post.

use crate::common::*;
use alloy_primitives::{B256, Bytes};
use rollwright_derive::CodecId;
use rollwright_sim::{
    Plan,
    machine::{Chain, MemoryChain, account, stranger},
};

#[test]
fn two_candidates_for_one_number() {
    let world: Ledger = play(Plan::calm(1), async |world: &mut Ledger| {
        world.pass(6_000).await?;
        silence(world, 9_000).await?;
        let number = world.judge.state().next_batch();
        let candidate = |value| {
            let transfer = MemoryChain::transfer(account::RIVAL, 0, stranger(3), value);
            forge(world, |forger| {
                let origin = origin(forger);
                let blobs = forger.batch(origin, vec![transfer], 1);
                (blobs, forger.next.1)
            })
        };
        let (first, second) = (candidate(1), candidate(2));
        assert_ne!(first, second);
        world.pass(2_000).await?;
        let applied = world.judge.batches().find(|batch| batch.number == number);
        assert_eq!(applied.map(|batch| batch.id), Some(first));
        Ok(())
    });
    assert!(world.judge.drops("RW-DA-516") > 0);
    assert_eq!(world.nonce(account::RIVAL), 1);
}

#[test]
fn expensive_invalid_batch_replayed() {
    let world: Ledger = play(Plan::calm(1), async |world: &mut Ledger| {
        world.pass(6_000).await?;
        silence(world, 12_000).await?;
        let blobs: Vec<Bytes> = {
            let mut forger = rollwright_sim::Forger::new(&world.judge);
            let block = empty_block(&mut forger);
            let mut envelope = forger.envelope(&[block]).unwrap();
            envelope.decompressed_len += 1;
            let encoded = forger.sealed(&envelope);
            forger.parts(&encoded, 2)
        };
        for _ in 0..6 {
            world.post_all(blobs.clone());
            world.pass(1_000).await?;
        }
        Ok(())
    });
    // Opened once, and known ever after.
    assert_eq!(world.judge.drops("RW-DA-524"), 1);
    assert!(world.judge.drops("RW-DA-506") >= 8);
}

#[test]
fn empty_block_flood() {
    let world: Ledger = play(Plan::calm(1), async |world: &mut Ledger| {
        world.pass(6_000).await?;
        silence(world, 9_000).await?;
        let number = world.judge.state().next_batch();
        forge(world, |forger| {
            let first = empty_block(forger);
            let flood: Vec<_> = (0..20)
                .map(|later| {
                    let mut block = first.clone();
                    block.inputs.timestamp += later;
                    block
                })
                .collect();
            let envelope = forger.envelope(&flood).unwrap();
            let encoded = forger.sealed(&envelope);
            (forger.parts(&encoded, 1), ())
        });
        world.pass(2_000).await?;
        assert_eq!(world.judge.state().next_batch(), number);
        Ok(())
    });
    assert_eq!(world.judge.drops("RW-DA-528"), 1);
}

#[test]
fn digest_mismatch() {
    let world: Ledger = play(Plan::calm(1), async |world: &mut Ledger| {
        world.pass(6_000).await?;
        silence(world, 9_000).await?;
        let number = world.judge.state().next_batch();
        forge(world, |forger| {
            let block = empty_block(forger);
            let mut envelope = forger.envelope(&[block]).unwrap();
            envelope.config_digest = B256::repeat_byte(2);
            let encoded = forger.sealed(&envelope);
            (forger.parts(&encoded, 1), ())
        });
        world.pass(2_000).await?;
        assert_eq!(world.judge.state().next_batch(), number);
        Ok(())
    });
    assert_eq!(world.judge.drops("RW-DA-520"), 1);
}

/// A zstd frame of a few bytes that holds `len` zeros: one block that repeats
/// a byte.
fn zstd_of_zeros(len: u32) -> Bytes {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd];
    // One segment, its length in four bytes.
    frame.push(0b1010_0000);
    frame.extend(len.to_le_bytes());
    // Last block, kind 1 (repeated byte), its length.
    let header = 1 | (1 << 1) | (len << 3);
    frame.extend(&header.to_le_bytes()[..3]);
    frame.push(0);
    frame.into()
}

#[test]
fn codec_bombs() {
    let world: Ethereum = play(Plan::calm(1), async |world: &mut Ethereum| {
        world.pass(6_000).await?;
        silence(world, 12_000).await?;
        let number = world.judge.state().next_batch();
        let bombs = [
            (CodecId::ZSTD, 96 * 1024, zstd_of_zeros(96 * 1024)),
            // The frame holds more than the envelope says, or less.
            (CodecId::ZSTD, 64, zstd_of_zeros(96 * 1024)),
            (CodecId::ZSTD, 96 * 1024, zstd_of_zeros(64)),
            // More than any batch may hold.
            (CodecId::ZSTD, u32::MAX, zstd_of_zeros(96 * 1024)),
            (CodecId::BROTLI, 96 * 1024, Bytes::from(vec![0x5b; 40])),
        ];
        for (codec, len, payload) in bombs {
            forge(world, |forger| {
                let block = empty_block(forger);
                let mut envelope = forger.envelope(&[block]).unwrap();
                envelope.codec = codec;
                envelope.decompressed_len = len;
                envelope.payload = payload;
                let encoded = forger.sealed(&envelope);
                (forger.parts(&encoded, 1), ())
            });
            world.pass(1_000).await?;
        }
        assert_eq!(world.judge.state().next_batch(), number);
        Ok(())
    });
    assert_eq!(world.judge.drops("RW-DA-524"), 4);
    // By its length alone.
    assert_eq!(world.judge.drops("RW-DA-505"), 1);
}
