use super::chain::{LOGGERS, Rpc, call_of, legacy, words};
use jsonrpsee::Subscription;
use rollwright_core::NodeApi;
use serde_json::{Value, json};

async fn subscribe(rpc: &Rpc, params: Value) -> Subscription {
    let params = params.as_array().unwrap().clone();
    rpc.methods
        .subscribe("eth_subscribe", params, 64)
        .await
        .unwrap()
}

async fn next(subscription: &mut Subscription) -> Value {
    subscription.next::<Value>().await.unwrap().unwrap().0
}

#[tokio::test]
async fn new_heads_are_headers_without_transactions() {
    let rpc = Rpc::new();
    let mut heads = subscribe(&rpc, json!(["newHeads"])).await;
    rpc.node.put(legacy(0, 0));
    for number in ["0x1", "0x2"] {
        rpc.node.seal();
        let head = next(&mut heads).await;
        let mut block = rpc.ok("eth_getBlockByNumber", json!([number, false])).await;
        let block = block.as_object_mut().unwrap();
        for key in ["transactions", "uncles", "withdrawals"] {
            block.remove(key).unwrap();
        }
        assert_eq!(head, json!(block));
    }
}

#[tokio::test]
async fn a_reorganisation_is_told_in_heads_and_in_removed_logs() {
    let rpc = Rpc::new();
    let genesis = rpc.node.heads().latest;
    let mut heads = subscribe(&rpc, json!(["newHeads"])).await;
    let mut logs = subscribe(&rpc, json!(["logs", {"address": LOGGERS[1].0}])).await;
    let emitting = call_of(0, 0, LOGGERS[1].0, words([7]));
    let old = rpc.node.make(genesis, 1, vec![emitting.clone()]);
    assert_eq!(next(&mut heads).await["hash"], json!(old.hash));
    let first = next(&mut logs).await;
    assert_eq!(first["removed"], false);
    assert_eq!(first["blockHash"], json!(old.hash));
    let new = rpc.node.make(genesis, 2, vec![legacy(1, 0), emitting]);
    assert_eq!(next(&mut heads).await["hash"], json!(new.hash));
    let taken_back = next(&mut logs).await;
    let mut expected = first;
    expected["removed"] = json!(true);
    assert_eq!(taken_back, expected);
    let again = next(&mut logs).await;
    assert_eq!(again["removed"], false);
    assert_eq!(again["blockHash"], json!(new.hash));
    assert_eq!(again["transactionIndex"], "0x1");
}

#[tokio::test]
async fn logs_are_filtered_by_address_and_topics() {
    let rpc = Rpc::new();
    let topic = json!(alloy_primitives::B256::with_last_byte(2));
    let mut logs = subscribe(&rpc, json!(["logs", {"topics": [topic]}])).await;
    for (nonce, word) in [1, 2, 3, 2].into_iter().enumerate() {
        rpc.node
            .put(call_of(0, nonce as u64, LOGGERS[1].0, words([word])));
    }
    rpc.node.seal();
    for index in ["0x1", "0x3"] {
        assert_eq!(next(&mut logs).await["logIndex"], index);
    }
}

#[tokio::test]
async fn pending_transactions_are_hashes_or_whole() {
    let rpc = Rpc::new();
    let mut hashes = subscribe(&rpc, json!(["newPendingTransactions"])).await;
    let mut full = subscribe(&rpc, json!(["newPendingTransactions", true])).await;
    let hash = rpc.node.put(legacy(0, 0));
    assert_eq!(next(&mut hashes).await, json!(hash));
    let whole = next(&mut full).await;
    assert_eq!(whole["hash"], json!(hash));
    assert_eq!(whole["blockHash"], Value::Null);
}

#[tokio::test]
async fn syncing_is_told_when_it_begins_and_ends() {
    let rpc = Rpc::new();
    let mut syncing = subscribe(&rpc, json!(["syncing"])).await;
    rpc.node.set_syncing(true);
    assert_eq!(next(&mut syncing).await, json!({"syncing": true}));
    rpc.node.set_syncing(false);
    assert_eq!(next(&mut syncing).await, json!(false));
}

#[tokio::test]
async fn unknown_kinds_and_wrong_parameters_are_refused() {
    let rpc = Rpc::new();
    for params in [
        json!(["newBlocks"]),
        json!([]),
        json!([1]),
        json!(["logs", {"address": 1}]),
        json!(["newPendingTransactions", "yes"]),
        json!(["newHeads", 1]),
    ] {
        let error = rpc.error("eth_subscribe", params.clone()).await;
        assert_eq!(error["code"], -32602, "{params}");
    }
}
