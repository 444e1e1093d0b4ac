use super::*;
use alloy_primitives::keccak256;
use rollwright_core::{ExecuteOutcome, Heads};
use rollwright_derive::{BatchBlock, BatchCodec, CodecId, CodecLimits, Derivable, EncodedFacts};

#[test]
fn a_chain_travels_through_a_batch_and_no_signature_is_recovered_twice() {
    let sequencer = engine();
    let built: Vec<_> = (0..4)
        .map(|n| extend(&sequencer, (5 * n..5 * n + 5).map(nth).collect()))
        .collect();
    let blocks: Vec<BatchBlock> = built
        .iter()
        .map(|built| BatchBlock {
            timestamp: built.input.timestamp,
            origin: built.input.anchor.ordinal,
            fee_recipient: built.input.fee_recipient,
            transactions: built.input.transactions.clone(),
        })
        .collect();
    let encoded = sequencer
        .codec()
        .encode(CodecId::ZSTD, &blocks)
        .expect("encodes");

    let follower = engine();
    let limits = CodecLimits {
        max_blocks: 10,
        max_block_transactions: 100,
        max_block_bytes: 1 << 20,
        max_decompressed_bytes: 1 << 20,
    };
    let facts = EncodedFacts {
        codec: CodecId::ZSTD,
        decompressed_len: encoded.decompressed_len,
        blocks: 4,
        transactions: encoded.transactions,
    };
    let decoded = follower
        .codec()
        .decode(&facts, &encoded.payload, &limits)
        .expect("decodes");
    assert_eq!(decoded, blocks);
    for bytes in decoded.iter().flat_map(|block| &block.transactions) {
        assert!(follower.senders().get(&keccak256(bytes)).is_some());
    }
    let known = follower.senders().len();
    for (built, block) in built.iter().zip(decoded) {
        let mut input = built.input.clone();
        input.transactions = block.transactions;
        let outcome = follower.execute_block(&input).expect("executes");
        assert_eq!(outcome, ExecuteOutcome::Valid(built.executed.clone()));
        follower
            .commit(&Heads::all(built.executed.block), &[])
            .expect("commits");
    }
    assert_eq!(follower.senders().len(), known);
}
