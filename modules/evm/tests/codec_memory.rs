//! How much memory decoding a batch takes, measured: little for a bomb, a
//! stated multiple of the bound for the largest honest batch.

#![allow(
    clippy::expect_used,
    reason = "helpers of tests, outside of test functions"
)]

#[path = "../src/codec/tests/mix.rs"]
mod mix;

use alloy_consensus::TxEip1559;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use peak_alloc::PeakAlloc;
use rollwright_core::DaOrdinal;
use rollwright_derive::{BatchBlock, BatchCodec, CodecError, CodecId, CodecLimits, EncodedFacts};
use rollwright_evm::codec::EvmCodec;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The bound that everything is measured against.
const BOUND: usize = 512 << 10;
/// A decompressor's window.
const WINDOW: usize = 16 << 20;

const LIMITS: CodecLimits = CodecLimits {
    max_blocks: 1_000,
    max_block_transactions: 100_000,
    max_block_bytes: (BOUND as u64 - 65_536) / 17 * 16,
    max_decompressed_bytes: BOUND as u32,
};

/// Decodes; also returns the most memory taken at once meanwhile.
fn decode(id: CodecId, blocks: &[BatchBlock]) -> (Result<Vec<BatchBlock>, CodecError>, usize) {
    let encoded = EvmCodec::new(mix::CHAIN_ID)
        .encode(id, blocks)
        .expect("encodes");
    let facts = EncodedFacts {
        codec: id,
        decompressed_len: encoded.decompressed_len,
        blocks: blocks.len() as u32,
        transactions: encoded.transactions,
    };
    assert!(encoded.decompressed_len as usize <= BOUND, "not this bomb");
    let codec = EvmCodec::new(mix::CHAIN_ID);
    // The buffer of columns that are not compressed is the caller's.
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let result = codec.decode(&facts, &encoded.payload, &LIMITS);
    (result, MEMORY.peak_usage().saturating_sub(before))
}

/// Blocks of one transaction each.
fn blocks(count: u64, transaction: impl Fn(u64) -> TxEip1559) -> Vec<BatchBlock> {
    (0..count)
        .map(|number| BatchBlock {
            timestamp: 1_800_000_000 + number,
            origin: DaOrdinal(7),
            fee_recipient: Address::repeat_byte(7),
            transactions: vec![mix::sign(transaction(number), mix::key(0))],
        })
        .collect()
}

fn empty(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: mix::CHAIN_ID,
        nonce,
        gas_limit: 1 << 24,
        to: TxKind::Call(Address::repeat_byte(1)),
        ..Default::default()
    }
}

/// `bytes` bytes of calldata in each of `count` blocks, word by word.
fn calldata(count: u64, bytes: usize, word: U256) -> Vec<BatchBlock> {
    let word = word.to_be_bytes::<32>();
    let input: Bytes = [[1, 2, 3, 4].as_slice(), &word.repeat(bytes / 32)]
        .concat()
        .into();
    blocks(count, |nonce| TxEip1559 {
        input: input.clone(),
        ..empty(nonce)
    })
}

/// An access list of `entries` times the same address in each block.
fn access_lists(count: u64, entries: usize) -> Vec<BatchBlock> {
    let item = AccessListItem {
        address: Address::repeat_byte(2),
        storage_keys: Vec::new(),
    };
    blocks(count, |nonce| TxEip1559 {
        access_list: AccessList(vec![item.clone(); entries]),
        ..empty(nonce)
    })
}

fn assert_refused(name: &str, id: CodecId, bomb: &[BatchBlock], reason: &str) {
    let (result, peak) = decode(id, bomb);
    match result {
        Err(CodecError::TooLarge(text)) if text.contains(reason) => {}
        other => panic!("{name}: {:?}", other.map(|blocks| blocks.len())),
    }
    let room = match id {
        CodecId::NONE => BOUND,
        _ => 2 * BOUND + WINDOW,
    };
    assert!(peak <= room, "{name} took {peak} bytes to refuse");
}

/// One test, since all threads share the measure.
#[test]
fn decoding_takes_a_bounded_multiple_of_its_bound() {
    let block = LIMITS.max_block_bytes as usize - 512;
    let expands = "the batch expands to transactions of more than 524288 bytes";
    // 30 times its columns.
    let zeros = calldata(30, block, U256::ZERO);
    for id in [CodecId::NONE, CodecId::ZSTD, CodecId::BROTLI] {
        assert_refused("zero words", id, &zeros, expands);
    }
    // 16 times.
    let addresses = calldata(14, block, U256::MAX >> 96);
    assert_refused("address words", CodecId::NONE, &addresses, expands);
    // 11 times; the decoder has read the entries' numbers by then.
    let lists = access_lists(10, block / 23 - 10);
    assert_refused("access lists", CodecId::NONE, &lists, expands);
    // One block beyond its own bound.
    let one = calldata(1, BOUND, U256::ZERO);
    assert_refused("one block", CodecId::NONE, &one, "transactions of block 0");

    // The largest honest batches: of calldata, of entries, of transactions.
    let honest = [
        ("words", calldata(1, block, U256::ZERO)),
        ("address words", calldata(1, block, U256::MAX >> 96)),
        ("entries", access_lists(1, block / 23 - 10)),
        ("bytes", calldata(1, block, U256::MAX)),
        ("transactions", mix::mix(3, 5, 480, 2_000)),
    ];
    for (name, honest) in honest {
        let (result, peak) = decode(CodecId::NONE, &honest);
        assert!(result.as_ref() == Ok(&honest), "{name}");
        assert!(peak <= 6 * BOUND, "{name} took {peak} bytes");
        println!("{name}: {:.1} times the bound", peak as f64 / BOUND as f64);
        let (result, peak) = decode(CodecId::BROTLI, &honest);
        assert!(result.as_ref() == Ok(&honest), "{name}");
        assert!(peak <= 6 * BOUND + WINDOW, "{name} took {peak} bytes");
    }
}
