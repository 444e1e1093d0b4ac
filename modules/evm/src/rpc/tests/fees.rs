use super::chain::{GAS_LIMIT, LOOPER, Rpc, call_of, legacy, quantity};
use crate::rpc::fees::rewards_at;
use alloy_consensus::TxEip1559;
use alloy_primitives::{Bytes, TxKind, U256};
use serde_json::{Value, json};

#[tokio::test]
async fn prices_follow_from_the_next_base_fee_and_the_least_tip() {
    let rpc = Rpc::new();
    rpc.node.seal();
    // Block 1 is empty: 875 000 000 × 7/8.
    let next = 765_625_000_u64;
    assert_eq!(rpc.ok("eth_baseFee", json!([])).await, quantity(next));
    assert_eq!(
        rpc.ok("eth_maxPriorityFeePerGas", json!([])).await,
        quantity(1_000_000_u64)
    );
    // A legacy price must also do for the block that was just made.
    assert_eq!(
        rpc.ok("eth_gasPrice", json!([])).await,
        quantity(875_000_000_u64 + 1_000_000)
    );
    assert_eq!(rpc.ok("eth_blobBaseFee", json!([])).await, "0x1");
}

#[tokio::test]
async fn full_blocks_raise_the_suggested_tip() {
    let rpc = Rpc::new();
    // Two transactions that burn 27 of 30 million gas, with tips of 3 and 5 gwei.
    for (index, tip) in [(0, 3_000_000_000), (1, 5_000_000_000)] {
        let transaction = TxEip1559 {
            chain_id: super::chain::CHAIN_ID,
            nonce: 0,
            gas_limit: 13_500_000,
            max_fee_per_gas: 20_000_000_000,
            max_priority_fee_per_gas: tip,
            to: TxKind::Call(LOOPER),
            value: U256::ZERO,
            access_list: Default::default(),
            input: Bytes::new(),
        };
        rpc.node.put(super::chain::sign(transaction, index));
    }
    rpc.node.seal();
    let tip = rpc.ok("eth_maxPriorityFeePerGas", json!([])).await;
    assert_eq!(tip, quantity(3_000_000_000_u64));
}

#[tokio::test]
async fn the_fee_history_has_one_base_fee_more_than_blocks() {
    let rpc = Rpc::new();
    rpc.node.put(legacy(0, 0));
    rpc.node.put(call_of(
        1,
        0,
        super::chain::STORER,
        super::chain::words([1, 2]),
    ));
    rpc.node.seal();
    rpc.node.seal();
    let history = rpc
        .ok("eth_feeHistory", json!(["0x2", "latest", [0, 50, 100]]))
        .await;
    let mut keys: Vec<&String> = history.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "baseFeePerBlobGas",
            "baseFeePerGas",
            "blobGasUsedRatio",
            "gasUsedRatio",
            "oldestBlock",
            "reward"
        ]
    );
    assert_eq!(history["oldestBlock"], "0x1");
    let base_fees = history["baseFeePerGas"].as_array().unwrap();
    assert_eq!(base_fees.len(), 3);
    assert_eq!(base_fees[0], quantity(875_000_000_u64));
    let block = rpc.ok("eth_getBlockByNumber", json!(["0x2", false])).await;
    assert_eq!(base_fees[1], block["baseFeePerGas"]);
    assert_eq!(base_fees[2], rpc.ok("eth_baseFee", json!([])).await);
    assert_eq!(history["baseFeePerBlobGas"], json!(["0x1", "0x1", "0x1"]));
    assert_eq!(history["blobGasUsedRatio"], json!([0.0, 0.0]));
    let used = rpc.ok("eth_getBlockByNumber", json!(["0x1", false])).await["gasUsed"].take();
    let used = u64::from_str_radix(&used.as_str().unwrap()[2..], 16).unwrap();
    let ratio = history["gasUsedRatio"][0].as_f64().unwrap();
    #[expect(clippy::cast_precision_loss, reason = "test values are small")]
    let expected = used as f64 / GAS_LIMIT as f64;
    assert!((ratio - expected).abs() < 1e-12);
    // The call's tip is 2 gwei; the legacy transaction pays 5 gwei less the base fee.
    let dear = quantity(5_000_000_000_u64 - 875_000_000);
    let cheap = quantity(2_000_000_000_u64);
    assert_eq!(history["reward"][0][0], cheap);
    assert_eq!(history["reward"][0][2], dear);
    assert_eq!(history["reward"][1], json!(["0x0", "0x0", "0x0"]));
}

#[tokio::test]
async fn fee_history_takes_decimal_counts_and_no_percentiles() {
    let rpc = Rpc::new();
    rpc.node.seal();
    for count in [json!(1), json!("1"), json!("0x1")] {
        let history = rpc.ok("eth_feeHistory", json!([count, "latest"])).await;
        assert_eq!(history["gasUsedRatio"].as_array().unwrap().len(), 1);
        assert_eq!(history.get("reward").unwrap_or(&Value::Null), &Value::Null);
    }
    // More than there are: from genesis on.
    let history = rpc.ok("eth_feeHistory", json!([1_000, "0x1", []])).await;
    assert_eq!(history["oldestBlock"], "0x0");
    assert_eq!(history["gasUsedRatio"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn wrong_percentiles_and_future_blocks_are_refused() {
    let rpc = Rpc::new();
    for params in [
        json!(["0x1", "latest", [101]]),
        json!(["0x1", "latest", [-1]]),
        json!(["0x1", "latest", [50, 40]]),
        json!(["0x1", "latest", vec![1; 101]]),
        json!(["0x1", "0x99", []]),
    ] {
        let error = rpc.error("eth_feeHistory", params.clone()).await;
        assert_eq!(error["code"], -32602, "{params}");
    }
}

#[test]
fn rewards_are_weighted_by_gas() {
    // Tips 1, 3, 9 with 10 %, 60 % and 30 % of the gas.
    let tips = vec![(9, 30), (1, 10), (3, 60)];
    let rewards = rewards_at(tips, 100, &[0.0, 10.0, 10.1, 11.0, 70.0, 71.0, 100.0]);
    assert_eq!(rewards, [1, 1, 1, 3, 3, 9, 9]);
    assert_eq!(rewards_at(Vec::new(), 0, &[0.0, 100.0]), [0, 0]);
}
