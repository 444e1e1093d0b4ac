mod forced;
mod frames;
mod hostile;
pub(crate) mod mix;
mod panics;
mod round_trip;
mod samples;
mod size;
mod slots;

use super::EvmCodec;
use rollwright_derive::{
    BatchBlock, BatchCodec, CodecError, CodecId, CodecLimits, EncodedBlocks, EncodedFacts,
};

const CODECS: [CodecId; 3] = [CodecId::NONE, CodecId::ZSTD, CodecId::BROTLI];

const LIMITS: CodecLimits = CodecLimits {
    max_blocks: 1_000,
    max_block_transactions: 10_000,
    max_block_bytes: 8 << 20,
    max_decompressed_bytes: 16 << 20,
};

fn codec() -> EvmCodec {
    EvmCodec::new(mix::CHAIN_ID)
}

fn facts(codec: CodecId, blocks: &[BatchBlock], encoded: &EncodedBlocks) -> EncodedFacts {
    EncodedFacts {
        codec,
        decompressed_len: encoded.decompressed_len,
        blocks: blocks.len() as u32,
        transactions: encoded.transactions,
    }
}

fn decode(
    id: CodecId,
    blocks: &[BatchBlock],
    encoded: &EncodedBlocks,
) -> Result<Vec<BatchBlock>, CodecError> {
    codec().decode(&facts(id, blocks, encoded), &encoded.payload, &LIMITS)
}

fn assert_malformed<T: std::fmt::Debug>(result: Result<T, CodecError>, reason: &str) {
    match result {
        Err(CodecError::Malformed(text) | CodecError::Compression(text))
            if text.contains(reason) => {}
        other => panic!("expected a refusal that says \"{reason}\", got {other:?}"),
    }
}
