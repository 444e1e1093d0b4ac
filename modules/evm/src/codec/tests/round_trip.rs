use super::*;
use alloy_primitives::{b256, keccak256};
use proptest::prelude::*;
use samples::{blocks, every_column};

/// Columns before compression, signatures in front.
fn decompressed(blocks: &[BatchBlock]) -> EncodedBlocks {
    codec()
        .encode(CodecId::NONE, blocks)
        .expect("blocks encode")
}

#[test]
fn every_column_comes_back_through_every_codec() {
    let blocks = every_column();
    for id in CODECS {
        let encoded = codec().encode(id, &blocks).expect("blocks encode");
        assert_eq!(
            decode(id, &blocks, &encoded).expect("decodes"),
            blocks,
            "{id:?}"
        );
    }
}

#[test]
fn uncompressed_length_is_the_same_for_every_codec() {
    let blocks = every_column();
    let plain = decompressed(&blocks);
    assert_eq!(plain.payload.len(), plain.decompressed_len as usize);
    for id in CODECS {
        let encoded = codec().encode(id, &blocks).expect("blocks encode");
        assert_eq!(encoded.decompressed_len, plain.decompressed_len);
    }
}

#[test]
fn the_format_changes_deliberately_only() {
    let encoded = decompressed(&every_column());
    assert_eq!(
        keccak256(&encoded.payload),
        b256!("0xd9b101dcec46825baf981440993c89f56d1aab99fea615cf634e6b6df863a2ed"),
    );
    let encoded = decompressed(&mix::mix(1, 3, 20, 100));
    assert_eq!(
        keccak256(&encoded.payload),
        b256!("0x190274c0587923c849ef01826a792ab88f8a2ad4017f845081a65f430c627ee6"),
    );
}

#[test]
fn a_batch_of_one_empty_block_is_tiny() {
    let blocks = vec![BatchBlock::default()];
    let encoded = decompressed(&blocks);
    assert!(
        encoded.payload.len() < 40,
        "{} bytes",
        encoded.payload.len()
    );
    assert_eq!(
        decode(CodecId::NONE, &blocks, &encoded).expect("decodes"),
        blocks
    );
}

#[test]
fn a_batch_without_blocks_is_refused() {
    assert_malformed(codec().encode(CodecId::NONE, &[]), "holds no block");
}

#[test]
fn codes_beyond_one_byte_come_back() {
    let blocks = mix::mix(3, 4, 300, 2_000);
    for id in CODECS {
        let encoded = codec().encode(id, &blocks).expect("blocks encode");
        assert_eq!(
            decode(id, &blocks, &encoded).expect("decodes"),
            blocks,
            "{id:?}"
        );
    }
}

#[test]
fn decoding_fills_the_sender_cache_and_its_answers_do_not_depend_on_it() {
    let blocks = mix::mix(4, 2, 20, 50);
    let encoded = codec()
        .encode(CodecId::ZSTD, &blocks)
        .expect("blocks encode");
    let cache = std::sync::Arc::new(crate::senders::SenderCache::new(1_000, 0));
    let cached = codec().with_senders(cache.clone());
    let facts = facts(CodecId::ZSTD, &blocks, &encoded);
    for _ in 0..2 {
        let decoded = cached
            .decode(&facts, &encoded.payload, &LIMITS)
            .expect("decodes");
        assert_eq!(decoded, blocks);
        for bytes in blocks.iter().flat_map(|block| &block.transactions) {
            let recovered = crate::machine::RecoveredTx::decode(bytes).expect("recovers");
            assert_eq!(cache.get(&keccak256(bytes)), Some(recovered.sender()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_batch_comes_back(blocks in blocks(), id in 0u8..3) {
        let id = CodecId(id);
        let encoded = codec().encode(id, &blocks).expect("blocks encode");
        let decoded = decode(id, &blocks, &encoded).expect("decodes");
        prop_assert_eq!(&decoded, &blocks);
        // The other way: what decodes encodes to the same columns.
        let plain = decompressed(&blocks);
        let again = decompressed(&decoded);
        prop_assert_eq!(plain, again);
    }
}
