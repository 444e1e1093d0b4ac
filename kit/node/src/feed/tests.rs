use super::{FEED_VERSION, FeedFrame, FeedGoodbye, FeedHello, SignedBlock};
use crate::SequencerKey;
use alloy_primitives::{Address, B256, b256};
use proptest::prelude::*;
use rollwright_core::{Anchor, BlockInput, BlockRef, DaOrdinal, DaPoint, ForcedBudget};

const CHAIN: (u64, B256) = (42_069, B256::repeat_byte(3));

fn key() -> SequencerKey {
    SequencerKey::from_bytes(B256::repeat_byte(7)).unwrap()
}

fn input() -> BlockInput {
    BlockInput {
        parent: BlockRef {
            number: 6,
            hash: B256::repeat_byte(1),
        },
        timestamp: 1_700_000_000,
        fee_recipient: Address::repeat_byte(2),
        gas_limit: 30_000_000,
        anchor: Anchor::at(DaPoint::default(), DaOrdinal(4), B256::ZERO, 1_699_999_999),
        forced: Vec::new(),
        forced_budget: ForcedBudget::default(),
        transactions: vec![vec![1, 2, 3].into()],
        ticks: Vec::new(),
        inbox: Vec::new(),
    }
}

fn signed() -> SignedBlock {
    SignedBlock::sign(&key(), CHAIN, 2, B256::repeat_byte(9), input()).unwrap()
}

#[test]
fn a_signature_holds_for_its_block_on_its_chain_alone() {
    let block = signed();
    assert_eq!(block.signer(CHAIN), Some(key().address()));
    assert_ne!(block.signer((1, CHAIN.1)), Some(key().address()));
    assert_ne!(block.signer((CHAIN.0, B256::ZERO)), Some(key().address()));
    let mut other = block.clone();
    other.term = 3;
    assert_ne!(other.signer(CHAIN), Some(key().address()));
    let mut other = block.clone();
    other.input.transactions.clear();
    assert_ne!(other.signer(CHAIN), Some(key().address()));
    let mut other = block;
    other.signature[64] ^= 27;
    assert_eq!(other.signer(CHAIN), None);
}

#[test]
fn the_signed_content_is_pinned() {
    assert_eq!(
        signed().signing_hash(CHAIN),
        b256!("6c5ac81d93574aeb4f858c5d67d42dbd3cea114a850b4eaa0b1ba2830f347fe4")
    );
}

#[test]
fn frames_survive_the_wire_and_nothing_else_does() {
    let frames = [
        FeedFrame::Hello(FeedHello {
            chain_id: 1,
            rollup_id: B256::ZERO,
            latest: BlockRef::default(),
        }),
        FeedFrame::Block(Box::new(signed())),
        FeedFrame::Goodbye(FeedGoodbye::TooOld { first: 5 }),
        FeedFrame::Goodbye(FeedGoodbye::TooSlow),
    ];
    for frame in frames {
        let bytes = frame.encode();
        assert_eq!(FeedFrame::decode(&bytes), Some(frame));
        assert_eq!(FeedFrame::decode(&bytes[..bytes.len() - 1]), None);
        let mut long = bytes.to_vec();
        long.push(0);
        assert_eq!(FeedFrame::decode(&long), None);
        let mut newer = bytes.to_vec();
        newer[0] = FEED_VERSION + 1;
        assert_eq!(FeedFrame::decode(&newer), None);
    }
}

proptest! {
    #[test]
    fn garbage_is_no_frame_or_reads_back(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let mut framed = vec![FEED_VERSION];
        framed.extend(bytes);
        if let Some(frame) = FeedFrame::decode(&framed) {
            prop_assert_eq!(frame.encode().to_vec(), framed);
        }
    }
}

#[test]
fn an_address_without_the_path_gets_a_hint() {
    use super::client::path_hint;
    for url in ["ws://a:1", "ws://a:1/", "ws://a:1/feeds"] {
        assert!(path_hint(url).contains("/feed"), "{url}");
    }
    for url in ["ws://a:1/feed", "ws://a:1/feed/", "ws://a/x/feed"] {
        assert_eq!(path_hint(url), "", "{url}");
    }
}
