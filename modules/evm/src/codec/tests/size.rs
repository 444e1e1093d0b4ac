use super::*;

/// Bytes of a 5,000-transaction batch of the mix under each codec.
fn bytes_per_transaction(id: CodecId) -> f64 {
    let blocks = mix::mix(7, 25, 200, 5_000);
    let encoded = codec().encode(id, &blocks).expect("blocks encode");
    encoded.payload.len() as f64 / f64::from(encoded.transactions)
}

#[test]
fn a_mixed_load_takes_at_most_84_bytes_a_transaction() {
    let (zstd, brotli) = (
        bytes_per_transaction(CodecId::ZSTD),
        bytes_per_transaction(CodecId::BROTLI),
    );
    let plain = bytes_per_transaction(CodecId::NONE);
    assert!(
        zstd < 84.0,
        "zstd {zstd:.2}, brotli {brotli:.2}, plain {plain:.2}"
    );
    assert!(
        brotli < 83.0,
        "zstd {zstd:.2}, brotli {brotli:.2}, plain {plain:.2}"
    );
}

#[test]
fn a_block_that_nothing_compresses_takes_at_most_a_sixteenth_more() {
    // No field of one transaction occurs in another, and all are as short as
    // can be: what columns cost besides their contents weighs most.
    let word = |index: u32| alloy_primitives::keccak256(index.to_be_bytes());
    let transactions: Vec<_> = (0..2_000u32)
        .map(|index| {
            let seed = word(index);
            let number = |at: usize| {
                u128::from(u32::from_be_bytes([
                    1,
                    seed[at],
                    seed[at + 1],
                    seed[at + 2],
                ]))
            };
            let transaction = alloy_consensus::TxEip1559 {
                chain_id: mix::CHAIN_ID,
                nonce: number(0) as u64,
                gas_limit: number(3) as u64,
                max_fee_per_gas: number(6) << 8 | 1,
                max_priority_fee_per_gas: number(9) | 1,
                to: alloy_primitives::TxKind::Call(alloy_primitives::Address::from_word(seed)),
                value: alloy_primitives::U256::from(number(12) | 1),
                access_list: Default::default(),
                input: Default::default(),
            };
            mix::sign(transaction, word(index + 1_000_000))
        })
        .collect();
    let raw: usize = transactions.iter().map(|bytes| bytes.len()).sum();
    let block = BatchBlock {
        transactions,
        ..Default::default()
    };
    for id in CODECS {
        let encoded = codec()
            .encode(id, std::slice::from_ref(&block))
            .expect("encodes");
        let most = raw + raw / 16;
        assert!(
            encoded.payload.len() <= most,
            "{id:?}: {} of {raw}",
            encoded.payload.len()
        );
        assert!(encoded.decompressed_len as usize <= most);
    }
}
