//! The columns of a batch, in every compression.
//!
//! An input is a header of seven bytes (blocks, transactions as u16,
//! decompressed length as u32) and the payload. The length is only used where
//! columns are compressed.

use crate::{Memory, Seed, Target, seeds};
use rollwright_derive::{BatchCodec, CodecId, CodecLimits, EncodedFacts};
use rollwright_evm::codec::EvmCodec;

/// Columns as they are.
pub(super) const NONE: Target = Target {
    name: "codec-none",
    about: "Columns are refused, or are the one encoding of their blocks.",
    run: |input| decode(CodecId::NONE, input),
    seeds: || batches(CodecId::NONE),
    max_len: 8_192,
    memory: MEMORY,
    words: &[],
};

/// Columns in a zstd frame.
pub(super) const ZSTD: Target = Target {
    name: "codec-zstd",
    about: "A zstd payload is refused, or gives blocks within the bounds that encode again.",
    run: |input| decode(CodecId::ZSTD, input),
    seeds: || batches(CodecId::ZSTD),
    max_len: 4_096,
    memory: MEMORY,
    words: &[b"\x28\xb5\x2f\xfd"],
};

/// Columns in a brotli stream.
pub(super) const BROTLI: Target = Target {
    name: "codec-brotli",
    about: "A brotli payload is refused, or gives blocks within the bounds that encode again.",
    run: |input| decode(CodecId::BROTLI, input),
    seeds: || batches(CodecId::BROTLI),
    max_len: 4_096,
    memory: MEMORY,
    words: &[],
};

/// A transaction of the forced lane.
pub(super) const FORCED: Target = Target {
    name: "codec-forced",
    about: "A forced transaction is refused with the same reason each time, or has a gas limit.",
    run: forced,
    seeds: seeds::transactions,
    max_len: 2_048,
    memory: Memory::megabytes(1),
    words: &[],
};

/// A decompressor's window and tables, beside 1 MiB of columns.
const MEMORY: Memory = Memory {
    base: 32 << 20,
    per_byte: 256,
};

const LIMITS: CodecLimits = CodecLimits {
    max_blocks: 64,
    max_block_transactions: 128,
    max_block_bytes: 64 << 10,
    max_decompressed_bytes: 1 << 20,
};

fn codec() -> EvmCodec {
    EvmCodec::new(seeds::CHAIN_ID)
}

fn decode(codec_id: CodecId, input: &[u8]) {
    let Some((header, payload)) = input.split_at_checked(7) else {
        return;
    };
    let stated = u32::from_le_bytes([header[3], header[4], header[5], header[6]]);
    let facts = EncodedFacts {
        codec: codec_id,
        decompressed_len: if codec_id == CodecId::NONE {
            payload.len() as u32
        } else {
            stated
        },
        blocks: u32::from(header[0]),
        transactions: u32::from(u16::from_le_bytes([header[1], header[2]])),
    };
    let first = codec().decode(&facts, payload, &LIMITS);
    assert_eq!(
        first,
        codec().decode(&facts, payload, &LIMITS),
        "two verdicts on one payload"
    );
    let Ok(blocks) = first else { return };
    assert_eq!(blocks.len(), facts.blocks as usize);
    assert!(blocks.len() <= LIMITS.max_blocks as usize);
    let mut transactions = 0;
    for block in &blocks {
        transactions += block.transactions.len();
        assert!(block.transactions.len() <= LIMITS.max_block_transactions as usize);
        let bytes: usize = block.transactions.iter().map(|bytes| bytes.len()).sum();
        assert!(bytes as u64 <= LIMITS.max_block_bytes);
    }
    assert_eq!(transactions, facts.transactions as usize);
    let again = codec()
        .encode(CodecId::NONE, &blocks)
        .expect("what decodes encodes");
    assert_eq!(again.decompressed_len, facts.decompressed_len);
    assert_eq!(again.transactions, facts.transactions);
    if codec_id == CodecId::NONE {
        assert_eq!(again.payload[..], *payload, "two payloads for one batch");
    }
}

fn batches(codec_id: CodecId) -> Vec<Seed> {
    seeds::batches()
        .into_iter()
        .map(|(name, blocks)| {
            let encoded = codec().encode(codec_id, &blocks).expect("encodes");
            let mut bytes = vec![blocks.len() as u8];
            bytes.extend_from_slice(&(encoded.transactions as u16).to_le_bytes());
            bytes.extend_from_slice(&encoded.decompressed_len.to_le_bytes());
            bytes.extend_from_slice(&encoded.payload);
            Seed::new(name, bytes)
        })
        .collect()
}

fn forced(input: &[u8]) {
    let verdict = codec().check_forced(input);
    assert_eq!(verdict, codec().check_forced(input));
    if let Err(error) = verdict {
        assert!(error.to_string().len() < 512, "{error}");
    }
}
