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
