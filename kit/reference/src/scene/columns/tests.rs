use super::{super::Engine as _, *};
use crate::{Bounds, EthereumEngine, EthereumPayloads, Facts, Payloads as _, Refusal};
use rollwright_core::DaOrdinal;
use rollwright_derive::{
    BatchCodec as _, CodecId, CodecLimits, DevChain, EncodedFacts, LimitsConfig, RollupConfig,
};

fn engine() -> EthereumEngine {
    let config = RollupConfig::dev(DevChain {
        sequencer: Address::repeat_byte(1),
        fee_vault: Address::repeat_byte(2),
        ..DevChain::default()
    });
    EthereumEngine::new(&config, 0).unwrap()
}

const LIMITS: LimitsConfig = LimitsConfig {
    batch_lookahead: 2,
    batch_parts: 6,
    batch_bytes: 110_000,
    decompressed_bytes: 110_000,
    batch_blocks: 5,
    origin_blocks: 4,
    block_transactions: 4,
    block_bytes: 40_000,
    term_step: 3,
};

fn block() -> BatchBlock {
    BatchBlock {
        timestamp: 1_700_000_000,
        origin: DaOrdinal(3),
        fee_recipient: Address::repeat_byte(0xaa),
        transactions: Vec::new(),
    }
}

/// What the reference and the nodes' codec say of a batch.
fn read(engine: &EthereumEngine, packed: &Packed) -> (Option<Refusal>, bool) {
    let payloads: EthereumPayloads = engine.payloads();
    let facts = Facts {
        codec: packed.codec.0,
        decompressed_len: packed.decompressed_len,
        blocks: packed.blocks,
        transactions: packed.transactions,
    };
    let bounds = Bounds {
        block_transactions: LIMITS.block_transactions,
        block_bytes: LIMITS.block_bytes,
        batch_bytes: LIMITS.decompressed_bytes.into(),
    };
    let ours = payloads.decode(&facts, &packed.payload, &bounds);
    let facts = EncodedFacts {
        codec: packed.codec,
        decompressed_len: packed.decompressed_len,
        blocks: packed.blocks,
        transactions: packed.transactions,
    };
    let limits = CodecLimits {
        max_blocks: LIMITS.batch_blocks,
        max_block_transactions: LIMITS.block_transactions,
        max_block_bytes: LIMITS.block_bytes,
        max_decompressed_bytes: LIMITS.decompressed_bytes,
    };
    let theirs = engine.codec().decode(&facts, &packed.payload, &limits);
    (ours.err(), theirs.is_err())
}

#[test]
fn each_fault_of_the_format_is_refused_for_itself_by_one_reader_and_refused_by_the_other() {
    let engine = engine();
    let forced = |fault: &&Refusal| !format!("{fault:?}").starts_with("Forced");
    for (fault, how) in Refusal::FORMAT.iter().filter(forced).zip(0..) {
        for salt in 0..15 {
            let packed = engine.faulty(how, salt, &block(), &LIMITS).unwrap();
            let said = read(&engine, &packed);
            assert_eq!(said, (Some(*fault), true), "salt {salt}");
        }
    }
}

/// Blocks of all kinds of transactions that scenes have.
fn blocks(engine: &EthereumEngine, salt: u8) -> Vec<BatchBlock> {
    let transactions = |at: u8| {
        let of = |index: u8| {
            let how = salt.wrapping_mul(31).wrapping_add(at * 3 + index);
            engine.transaction(how / 5, u64::from(index), how)
        };
        (0..at % 5).map(of).collect()
    };
    (0..5u8)
        .map(|at| BatchBlock {
            timestamp: 1_700_000_000 + u64::from(at * (salt % 3)),
            transactions: transactions(at),
            fee_recipient: Address::repeat_byte(salt % 2 + at / 3),
            ..block()
        })
        .collect()
}

#[test]
fn two_writers_write_the_same_columns() {
    let engine = engine();
    let codec = engine.codec();
    let chain_id = engine.payloads().chain_id;
    for salt in 0..60 {
        let blocks = blocks(&engine, salt);
        let ours = pack(&blocks, chain_id, CodecId::NONE, None, 0).unwrap();
        let theirs = codec.encode(CodecId::NONE, &blocks).unwrap();
        assert_eq!(ours.payload, theirs.payload, "salt {salt}");
        assert_eq!(ours.decompressed_len, theirs.decompressed_len);
        assert_eq!(ours.transactions, theirs.transactions);
    }
}

#[test]
fn stored_blocks_are_read_by_both() {
    let engine = engine();
    let chain_id = engine.payloads().chain_id;
    for codec in EthereumEngine::codecs() {
        let packed = pack(&blocks(&engine, 7), chain_id, codec, None, 0).unwrap();
        assert_eq!(read(&engine, &packed), (None, false), "{codec:?}");
    }
}
