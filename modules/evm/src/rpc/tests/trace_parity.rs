use super::chain::{CALLER, Rpc, STORER, access_listed, account, call_of, words};
use crate::rpc::EthConfig;
use alloy_primitives::{Address, B256};
use serde_json::{Value, json};

fn hex(address: Address) -> Value {
    json!(format!("{address:#x}"))
}

fn chain() -> (Rpc, [B256; 3]) {
    let rpc = Rpc::with(EthConfig {
        max_trace_blocks: 3,
        ..EthConfig::default()
    });
    let first = rpc.node.put(call_of(0, 0, STORER, words([5, 77])));
    let second = rpc.node.put(call_of(1, 0, CALLER, words([5, 78])));
    rpc.node.seal();
    let third = rpc.node.put(access_listed(2, 0));
    rpc.node.seal();
    (rpc, [first, second, third])
}

#[tokio::test]
async fn a_transactions_traces_say_where_they_stand() {
    let (rpc, hashes) = chain();
    let block = rpc.ok("eth_getBlockByNumber", json!(["0x1"])).await;
    let traces = rpc.ok("trace_transaction", json!([hashes[1]])).await;
    let traces = traces.as_array().unwrap();
    assert_eq!(traces.len(), 2);
    let outer = &traces[0];
    let mut keys: Vec<&String> = outer.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "action",
            "blockHash",
            "blockNumber",
            "result",
            "subtraces",
            "traceAddress",
            "transactionHash",
            "transactionPosition",
            "type",
        ]
    );
    assert_eq!(outer["blockHash"], block["hash"]);
    assert_eq!(outer["blockNumber"], 1);
    assert_eq!(outer["transactionPosition"], 1);
    assert_eq!(outer["subtraces"], 1);
    let inner = &traces[1];
    assert_eq!(inner["traceAddress"], json!([0]));
    assert_eq!(inner["action"]["from"], hex(CALLER));
    assert_eq!(inner["action"]["to"], hex(STORER));
    assert_eq!(inner["action"]["callType"], "call");
    let unknown = rpc.ok("trace_transaction", json!([B256::ZERO])).await;
    assert_eq!(unknown, Value::Null);
}

#[tokio::test]
async fn a_blocks_traces_are_those_of_its_transactions() {
    let (rpc, hashes) = chain();
    let block = rpc.ok("trace_block", json!(["0x1"])).await;
    let mut expected = Vec::new();
    for hash in &hashes[..2] {
        let one = rpc.ok("trace_transaction", json!([hash])).await;
        expected.extend(one.as_array().unwrap().clone());
    }
    assert_eq!(block, json!(expected));
    assert_eq!(rpc.ok("trace_block", json!(["0x0"])).await, json!([]));
    assert_eq!(rpc.ok("trace_block", json!(["0x63"])).await, Value::Null);
}

#[tokio::test]
async fn filters_find_by_sender_and_recipient() {
    let (rpc, _) = chain();
    let range = json!({"fromBlock": "0x0", "toBlock": "0x2"});
    let all = rpc.ok("trace_filter", json!([range])).await;
    assert_eq!(all.as_array().unwrap().len(), 4);
    for (key, address, count) in [
        ("fromAddress", CALLER, 1),
        ("toAddress", STORER, 2),
        ("fromAddress", account(2), 1),
        ("toAddress", account(2), 0),
    ] {
        let mut wanted = range.clone();
        wanted[key] = json!([address]);
        let found = rpc.ok("trace_filter", json!([wanted])).await;
        assert_eq!(found.as_array().unwrap().len(), count, "{key} {address}");
    }
    let mut page = range.clone();
    page["after"] = json!(1);
    page["count"] = json!(2);
    let found = rpc.ok("trace_filter", json!([page])).await;
    assert_eq!(found, json!(all.as_array().unwrap()[1..3]));
    rpc.node.seal();
    for wrong in [
        json!({"fromBlock": "0x2", "toBlock": "0x1"}),
        json!({"fromBlock": "0x0", "toBlock": "0x3"}),
        json!({"fromBlock": "0x1", "toBlock": "0x63"}),
    ] {
        let error = rpc.error("trace_filter", json!([wrong])).await;
        assert_eq!(error["code"], -32602, "{wrong}");
    }
}

#[tokio::test]
async fn replays_give_traces_and_differences_of_the_state() {
    let (rpc, hashes) = chain();
    let types = json!(["trace", "stateDiff", "vmTrace"]);
    let one = rpc
        .ok("trace_replayTransaction", json!([hashes[1], types]))
        .await;
    let slot = B256::with_last_byte(5).to_string();
    let storage = &one["stateDiff"][format!("{STORER:#x}")]["storage"][slot];
    assert_eq!(
        *storage,
        json!({"*": {"from": B256::with_last_byte(77), "to": B256::with_last_byte(78)}})
    );
    assert_eq!(one["trace"].as_array().unwrap().len(), 2);
    assert!(one["vmTrace"]["ops"].is_array());
    let block = rpc
        .ok("trace_replayBlockTransactions", json!(["0x1", types]))
        .await;
    let mut expected = one.clone();
    expected["transactionHash"] = json!(hashes[1]);
    assert_eq!(block[1], expected);
    assert_eq!(block.as_array().unwrap().len(), 2);
    let only = rpc
        .ok("trace_replayTransaction", json!([hashes[1], ["trace"]]))
        .await;
    assert_eq!(only["stateDiff"], Value::Null);
    assert_eq!(only["vmTrace"], Value::Null);
    let error = rpc
        .error("trace_replayTransaction", json!([hashes[1], ["nothing"]]))
        .await;
    assert_eq!(error["code"], -32602);
}

#[tokio::test]
async fn calls_are_traced_and_change_nothing() {
    let (rpc, _) = chain();
    let call = json!({"to": CALLER, "input": words([5, 3])});
    let types = json!(["trace", "stateDiff"]);
    let first = rpc.ok("trace_call", json!([call, types])).await;
    assert_eq!(first["trace"].as_array().unwrap().len(), 2);
    let slot = B256::with_last_byte(5).to_string();
    let storage = &first["stateDiff"][format!("{STORER:#x}")]["storage"][slot];
    assert_eq!(
        *storage,
        json!({"*": {"from": B256::with_last_byte(78), "to": B256::with_last_byte(3)}})
    );
    assert_eq!(rpc.ok("trace_call", json!([call, types])).await, first);
}
