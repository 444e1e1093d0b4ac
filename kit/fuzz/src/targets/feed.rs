//! What a replica hears.

use crate::{Memory, Seed, Target, seeds};
use alloy_primitives::B256;
use rollwright_core::LayerError as _;
use rollwright_node::{FEED_VERSION, FeedEvidence, FeedFrame, FeedGoodbye, FeedHello};

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
    memory: Memory::BORSH,
    words: &[],
};

/// A file of evidence.
pub(super) const EVIDENCE: Target = Target {
    name: "feed-evidence",
    about: "A file is refused with a code, or is exactly what it encodes to; it convicts only a key \
            of the schedule, and of another block than DA's.",
    run: |input| match FeedEvidence::from_bytes(input) {
        Ok(evidence) => {
            assert_eq!(evidence.to_bytes()[..], *input, "two encodings of one file");
            let rules = &seeds::empty_world().rules;
            let chain = (seeds::CHAIN_ID, B256::repeat_byte(1));
            match evidence.verify(chain, rules) {
                Ok(signer) => {
                    assert_eq!(evidence.signed.signer(chain), Some(signer));
                    let (signed, derived) = (evidence.signed.block(), evidence.derived);
                    assert_eq!(signed.number, derived.number);
                    assert_ne!(signed.hash, derived.hash);
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        Err(error) => assert!(error.code().starts_with("RW-")),
    },
    seeds: || {
        let place = seeds::values().into_iter();
        place
            .filter(|(name, _)| *name == "feed-evidence")
            .map(|(name, bytes)| Seed::new(name, [&[FEED_VERSION], bytes.as_slice()].concat()))
            .collect()
    },
    max_len: 4 << 10,
    memory: Memory::BORSH,
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
