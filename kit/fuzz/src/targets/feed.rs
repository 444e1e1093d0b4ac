//! What a replica hears.

use crate::{Memory, Seed, Target, seeds};
use alloy_primitives::B256;
use rollwright_node::{FeedFrame, FeedGoodbye, FeedHello};

/// A message of the feed's server.
pub(super) const FRAME: Target = Target {
    name: "feed-frame",
    about: "A message is none, or is exactly what it encodes to; a block's signer is found or not.",
    run: |input| {
        let Some(frame) = FeedFrame::decode(input) else {
            return;
        };
        assert_eq!(frame.encode()[..], *input, "two encodings of one message");
        match frame {
            FeedFrame::Block(block) => {
                let chain = (seeds::CHAIN_ID, B256::repeat_byte(1));
                let _ = (block.signer(chain), block.block(), block.input.hash());
            }
            FeedFrame::Goodbye(goodbye) => assert!(!goodbye.to_string().is_empty()),
            FeedFrame::Hello(_) => {}
        }
    },
    seeds: frames,
    max_len: 4 << 10,
    memory: Memory {
        base: 64 << 10,
        per_byte: 128,
    },
    words: &[],
};

fn frames() -> Vec<Seed> {
    let hello = FeedHello {
        chain_id: seeds::CHAIN_ID,
        rollup_id: B256::repeat_byte(1),
        latest: Default::default(),
    };
    let mut frames = vec![
        Seed::new("hello", FeedFrame::Hello(hello).encode()),
        Seed::new(
            "stopping",
            FeedFrame::Goodbye(FeedGoodbye::Stopping).encode(),
        ),
        Seed::new(
            "too-old",
            FeedFrame::Goodbye(FeedGoodbye::TooOld { first: 7 }).encode(),
        ),
    ];
    frames.push(Seed::new(
        "block",
        FeedFrame::Block(Box::new(seeds::signed_block())).encode(),
    ));
    frames
}
