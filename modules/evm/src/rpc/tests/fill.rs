use super::chain::{CHAIN_ID, Rpc, STORER, account, legacy, quantity, words};
use alloy_consensus::{Transaction as _, TxEnvelope};
use alloy_eips::{Decodable2718 as _, eip2930::AccessList};
use alloy_primitives::Bytes;
use serde_json::json;

#[tokio::test]
async fn what_a_request_leaves_open_is_filled_in() {
    let rpc = Rpc::new();
    rpc.node.seal();
    rpc.node.put(legacy(0, 0));
    let request = json!({"from": account(0), "to": STORER, "input": words([5, 77])});
    let filled = rpc.ok("eth_fillTransaction", json!([request])).await;
    let tx = &filled["tx"];
    assert_eq!(tx["type"], "0x2");
    assert_eq!(tx["nonce"], "0x1", "after what waits");
    assert_eq!(tx["chainId"], quantity(CHAIN_ID));
    assert_eq!(tx["gas"], rpc.ok("eth_estimateGas", json!([request])).await);
    let tip = rpc.ok("eth_maxPriorityFeePerGas", json!([])).await;
    assert_eq!(tx["maxPriorityFeePerGas"], tip);
    let raw: Bytes = serde_json::from_value(filled["raw"].clone()).unwrap();
    let decoded = TxEnvelope::decode_2718_exact(&raw).unwrap();
    assert_eq!(json!(decoded), *tx);
    let base = rpc.ok("eth_baseFee", json!([])).await;
    let number = |value: &serde_json::Value| {
        u128::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    };
    assert_eq!(decoded.max_fee_per_gas(), 2 * number(&base) + number(&tip));
}

#[tokio::test]
async fn what_a_request_says_stays_and_decides_the_type() {
    let rpc = Rpc::new();
    let from = account(0);
    let legacy =
        json!({"from": from, "to": from, "gasPrice": "0x77", "gas": "0x9999", "nonce": "0x7"});
    let filled = rpc.ok("eth_fillTransaction", json!([legacy])).await;
    assert_eq!(filled["tx"]["type"], "0x0");
    assert_eq!(filled["tx"]["gasPrice"], "0x77");
    assert_eq!(filled["tx"]["gas"], "0x9999");
    assert_eq!(filled["tx"]["nonce"], "0x7");
    let mut listed = legacy;
    listed["accessList"] = json!(AccessList::default());
    let filled = rpc.ok("eth_fillTransaction", json!([listed])).await;
    assert_eq!(filled["tx"]["type"], "0x1");
    let both = json!({"from": from, "gasPrice": "0x1", "maxFeePerGas": "0x1"});
    let error = rpc.error("eth_fillTransaction", json!([both])).await;
    assert_eq!(error["code"], -32602);
}
