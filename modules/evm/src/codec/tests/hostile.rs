//! Nothing that is posted makes a node panic, and nothing but the one
//! canonical form is taken.

use super::*;
use proptest::{collection::vec, prelude::*};
use samples::every_column;

/// What decodes must be the canonical form of what it decodes to.
fn assert_canonical(facts: &EncodedFacts, payload: &[u8]) {
    if let Ok(blocks) = codec().decode(facts, payload, &LIMITS) {
        let again = codec()
            .encode(CodecId::NONE, &blocks)
            .expect("what decodes encodes");
        if facts.codec == CodecId::NONE {
            assert_eq!(again.payload[..], *payload, "two payloads for one batch");
        }
        assert_eq!(again.decompressed_len, facts.decompressed_len);
    }
}

#[test]
fn every_flipped_bit_is_refused_or_another_canonical_batch() {
    let blocks = every_column();
    let encoded = codec().encode(CodecId::NONE, &blocks).expect("encodes");
    let facts = facts(CodecId::NONE, &blocks, &encoded);
    for bit in 0..8 * encoded.payload.len() {
        let mut payload = encoded.payload.to_vec();
        payload[bit / 8] ^= 1 << (bit % 8);
        assert_canonical(&facts, &payload);
    }
}

#[test]
fn every_flipped_bit_of_compressed_columns_is_survived() {
    let blocks = every_column();
    for id in [CodecId::ZSTD, CodecId::BROTLI] {
        let encoded = codec().encode(id, &blocks).expect("encodes");
        let facts = facts(id, &blocks, &encoded);
        let raw = 1 + 64 * (encoded.transactions as usize + 4);
        for bit in 8 * raw..8 * encoded.payload.len() {
            let mut payload = encoded.payload.to_vec();
            payload[bit / 8] ^= 1 << (bit % 8);
            assert_canonical(&facts, &payload);
        }
    }
}

#[test]
fn every_truncation_and_a_byte_more_are_refused() {
    let blocks = every_column();
    for id in CODECS {
        let encoded = codec().encode(id, &blocks).expect("encodes");
        let facts = facts(id, &blocks, &encoded);
        for len in 0..encoded.payload.len() {
            let cut = &encoded.payload[..len];
            assert!(
                codec().decode(&facts, cut, &LIMITS).is_err(),
                "{id:?} cut to {len}"
            );
        }
        let mut longer = encoded.payload.to_vec();
        longer.push(0);
        assert!(codec().decode(&facts, &longer, &LIMITS).is_err());
        let stated = EncodedFacts {
            decompressed_len: facts.decompressed_len + 1,
            ..facts
        };
        assert!(codec().decode(&stated, &longer, &LIMITS).is_err());
    }
}

#[test]
fn counts_other_than_the_envelopes_are_refused() {
    let blocks = every_column();
    let encoded = codec().encode(CodecId::NONE, &blocks).expect("encodes");
    let facts = facts(CodecId::NONE, &blocks, &encoded);
    for transactions in [0, facts.transactions - 1, facts.transactions + 1, 10_000] {
        let facts = EncodedFacts {
            transactions,
            ..facts
        };
        assert!(codec().decode(&facts, &encoded.payload, &LIMITS).is_err());
    }
    for blocks in [0, facts.blocks - 1, facts.blocks + 1, u32::MAX] {
        let facts = EncodedFacts { blocks, ..facts };
        assert!(codec().decode(&facts, &encoded.payload, &LIMITS).is_err());
    }
}

#[test]
fn bounds_are_enforced() {
    let blocks = every_column();
    let encoded = codec().encode(CodecId::NONE, &blocks).expect("encodes");
    let facts = facts(CodecId::NONE, &blocks, &encoded);
    let sizes: Vec<usize> = blocks
        .iter()
        .map(|block| block.transactions.iter().map(|bytes| bytes.len()).sum())
        .collect();
    let largest = *sizes.iter().max().expect("blocks");
    let all: usize = sizes.iter().sum();
    assert!(
        all > facts.decompressed_len as usize,
        "these columns expand"
    );
    let exact = CodecLimits {
        max_blocks: facts.blocks,
        max_block_transactions: 5,
        max_block_bytes: largest as u64,
        max_decompressed_bytes: all as u32,
    };
    let decode = |limits| codec().decode(&facts, &encoded.payload, &limits);
    assert!(decode(exact).is_ok());
    let too_tight = [
        CodecLimits {
            max_blocks: facts.blocks - 1,
            ..exact
        },
        CodecLimits {
            max_block_transactions: 4,
            ..exact
        },
        CodecLimits {
            max_block_bytes: largest as u64 - 1,
            ..exact
        },
        CodecLimits {
            max_decompressed_bytes: all as u32 - 1,
            ..exact
        },
        CodecLimits {
            max_decompressed_bytes: facts.decompressed_len - 1,
            ..exact
        },
    ];
    for limits in too_tight {
        assert!(
            matches!(decode(limits), Err(CodecError::TooLarge(_))),
            "{limits:?}"
        );
    }
}

#[test]
fn words_that_exceed_a_block_are_refused_before_they_are_read() {
    // One transaction whose shape promises 2^32 - 1 words.
    let mut columns = vec![1];
    columns.extend([0x11; 20]); // one address
    columns.extend([0, 0, 1, 0]); // one block, its recipient new
    columns.extend([1, 0x40 | 3, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    let mut payload = vec![0];
    payload.extend([1; 64]);
    payload.push(0);
    payload.extend(&columns);
    let facts = EncodedFacts {
        codec: CodecId::NONE,
        decompressed_len: payload.len() as u32,
        blocks: 1,
        transactions: 1,
    };
    let result = codec().decode(&facts, &payload, &LIMITS);
    assert!(matches!(result, Err(CodecError::TooLarge(_))), "{result:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes_are_survived(
        payload in vec(any::<u8>(), 0..600),
        id in 0u8..3,
        blocks in 0u32..5,
        transactions in 0u32..6,
    ) {
        let facts = EncodedFacts {
            codec: CodecId(id),
            decompressed_len: payload.len() as u32,
            blocks,
            transactions,
        };
        assert_canonical(&facts, &payload);
    }

    #[test]
    fn changed_columns_are_refused_or_canonical(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of((any::<prop::sample::Index>(), any::<prop::sample::Index>())),
    ) {
        let blocks = every_column();
        let encoded = codec().encode(CodecId::NONE, &blocks).expect("encodes");
        let mut payload = encoded.payload.to_vec();
        let raw = 1 + 64 * (encoded.transactions as usize + 4);
        for (at, byte) in changes {
            let at = raw + at.index(payload.len() - raw);
            payload[at] = byte;
        }
        if let Some((from, to)) = cut {
            let (from, to) = (raw + from.index(payload.len() - raw), raw + to.index(payload.len() - raw));
            payload.drain(from.min(to)..from.max(to));
        }
        let facts = EncodedFacts {
            decompressed_len: payload.len() as u32,
            ..facts(CodecId::NONE, &blocks, &encoded)
        };
        assert_canonical(&facts, &payload);
    }
}
