use super::*;
use std::collections::BTreeSet;

/// A node's words, and the error that they mean, written with its fields.
const GOLDEN: &[(&str, &str)] = &[
    (
        "header: given height is from the future: networkHeight: 5, requestedHeight: 1005",
        "HeightAhead { head: 5, requested: 1005 }",
    ),
    (
        "requested header (3) is below Tail (17)",
        "HeightPruned { tail: 17, requested: 3 }",
    ),
    (
        "header: syncing in progress: localHeadHeight: 40, requestedHeight: 44",
        "HeightAhead { head: 40, requested: 44 }",
    ),
    ("timestamp outside sampling window", "OutsideWindow"),
    ("blob: not found", "NoBlob"),
    ("getting blob: BLOB: NOT FOUND", "NoBlob"),
    ("share: data not available", "NotAvailable"),
    (
        "broadcast tx error: tx already in mempool",
        "AlreadyPending",
    ),
    ("tx already exists in mempool", "AlreadyPending"),
    ("tx already exists in cache", "AlreadyPending"),
    (
        "insufficient minimum gas price for this node; got: 12utia, required: 323utia (min gas price: 0.004 utia/gas): insufficient fee",
        "FeeTooLow { required_utia: 323 }",
    ),
    (
        "tx size 8500000 bytes is larger than the application's configured MaxTxSize of 8388608 bytes for version 9: transaction size exceeds maximum allowed limit",
        "TooLarge { bytes: 0, max_bytes: 8388608 }",
    ),
    (
        "the number of shares occupied by blobs in this MsgPayForBlobs 20000 exceeds the max number of shares available for blob data 4: blob(s) too large",
        "TooLarge { bytes: 0, max_bytes: 1924 }",
    ),
    (
        "rejected valid incoming transaction; mempool is full (AB). Size: (5000:1)",
        "MempoolFull",
    ),
    (
        "timed out waiting for tx to be included in a block",
        "ConfirmTimeout",
    ),
    (
        "account sequence mismatch, expected 18, got 16: incorrect account sequence",
        "SequenceMismatch { expected: 18, got: 16 }",
    ),
    (
        "incorrect account sequence",
        "SequenceMismatch { expected: 0, got: 0 }",
    ),
    (
        "insufficient fees; got: 123utia required: 4567utia: insufficient fee",
        "FeeTooLow { required_utia: 4567 }",
    ),
    (
        "insufficient minimum gas price for this node; got: 0.001 required at least: 0.004",
        "FeeTooLow { required_utia: 0 }",
    ),
    (
        "estimated gas price exceeds max gas price 0.01",
        "FeeCapReached { cap: GasPrice { micro: 10000 } }",
    ),
    (
        "spendable balance 1utia is smaller than 80utia: insufficient funds",
        "OutOfFunds { address: \"\" }",
    ),
    (
        "account celestia1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnqj4n0v: insufficient funds",
        "OutOfFunds { address: \"celestia1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnqj4n0v\" }",
    ),
    (
        "blob: over size limit",
        "TooLarge { bytes: 0, max_bytes: 0 }",
    ),
    (
        "Tx too large. Max size is 8388608, but got 9000000",
        "TooLarge { bytes: 0, max_bytes: 8388608 }",
    ),
    (
        "Request rejected `413`",
        "TooLarge { bytes: 0, max_bytes: 0 }",
    ),
    ("mempool is full: number of txs 5000", "MempoolFull"),
    (
        "tx was previously rejected with code 5",
        "PreviouslyRejected",
    ),
    (
        "tx with hash 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF was evicted from the mempool",
        "Evicted { hash: \"00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\" }",
    ),
    ("node is running without state access", "NoStateAccess"),
    (
        "missing permission to invoke 'Submit' (need 'write')",
        "TokenScope",
    ),
    ("Request rejected `401`", "TokenScope"),
    (
        "something else",
        "Unknown { text: \"something else\", times: 1 }",
    ),
    ("", "Unknown { text: \"\", times: 1 }"),
];

#[test]
fn every_text_of_a_node_has_its_meaning() {
    for (text, meaning) in GOLDEN {
        assert_eq!(format!("{:?}", classify_text(text)), *meaning, "{text}");
    }
}

#[test]
fn numbers_out_of_range_are_none() {
    let text = "given height is from the future: networkHeight: 99999999999999999999999, requestedHeight: x";
    assert_eq!(
        format!("{:?}", classify_text(text)),
        "HeightAhead { head: 0, requested: 0 }"
    );
}

#[test]
fn a_long_answer_is_cut() {
    let text = "ü".repeat(1 << 20);
    let CelestiaError::Unknown { text, .. } = classify_text(&text) else {
        panic!("known");
    };
    assert_eq!(text.chars().count(), 300);
}

#[test]
fn an_unknown_answer_is_fatal_only_when_it_repeats() {
    for times in 1..8 {
        let error = CelestiaError::Unknown {
            text: String::new(),
            times,
        };
        let fatal = times >= CelestiaError::MAX_UNKNOWN;
        assert_eq!(error.kind() == ErrorKind::Fatal, fatal, "{times}");
    }
}

#[test]
fn codes_are_distinct() {
    let texts = GOLDEN.iter().map(|(text, _)| classify_text(text));
    let mut seen = BTreeSet::new();
    for error in texts {
        let variant = format!("{error:?}");
        let variant = variant.split([' ', '{']).next().unwrap().to_owned();
        seen.insert((variant, error.code()));
    }
    let codes: BTreeSet<_> = seen.iter().map(|(_, code)| code).collect();
    assert_eq!(codes.len(), seen.len());
}
