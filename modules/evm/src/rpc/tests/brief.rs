//! What is brief is answered at once, and what turns out not to be gets a
//! thread, a place and a time limit.

use super::chain::{LOADER, LOGGERS, LOOPER, Rpc, account, call_of, words};
use crate::rpc::EthConfig;
use serde_json::json;
use std::time::Duration;

/// No time at all for what needs a thread.
fn no_threads() -> Rpc {
    let rpc = Rpc::with(EthConfig {
        call_timeout: Duration::ZERO,
        ..EthConfig::default()
    });
    rpc.node.put(call_of(0, 0, LOGGERS[1].0, words([7])));
    rpc.node.seal();
    rpc
}

#[tokio::test]
async fn brief_calls_estimates_and_log_queries_need_no_thread() {
    let rpc = no_threads();
    let call = json!({"to": LOADER, "data": words([1])});
    let word = rpc.ok("eth_call", json!([call, "latest"])).await;
    assert_eq!(word, json!(words([0])));
    let transfer = json!({"from": account(0), "to": account(1), "value": "0x1"});
    let gas = rpc.ok("eth_estimateGas", json!([transfer])).await;
    assert_eq!(gas, "0x5208");
    let range = json!({"fromBlock": "0x0", "toBlock": "latest"});
    let logs = rpc.ok("eth_getLogs", json!([range])).await;
    assert_eq!(logs.as_array().map(Vec::len), Some(1));
    // A call that fails is brief as well.
    let error = rpc.error("eth_call", json!([call, "0x63"])).await;
    assert_eq!(error["message"], "header not found");
}

#[tokio::test]
async fn what_takes_longer_needs_one() {
    let rpc = no_threads();
    let error = rpc.error("eth_call", json!([{"to": LOOPER}])).await;
    assert_eq!(error["code"], -32000);
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("execution aborted"), "{message}");
}

#[tokio::test]
async fn after_one_that_took_longer_answers_are_the_same() {
    let rpc = Rpc::new();
    let call = json!({"to": LOADER, "data": words([1])});
    let before = rpc.ok("eth_call", json!([call])).await;
    let out_of_gas = rpc
        .error("eth_call", json!([{"to": LOOPER, "gas": "0x186a0"}]))
        .await;
    assert_eq!(out_of_gas["message"], "out of gas");
    for _ in 0..40 {
        assert_eq!(rpc.ok("eth_call", json!([call])).await, before);
    }
}
