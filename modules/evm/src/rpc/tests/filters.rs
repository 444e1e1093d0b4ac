use super::chain::{LOGGERS, Rpc, call_of, legacy, words};
use crate::rpc::EthConfig;
use rollwright_core::NodeApi;
use serde_json::{Value, json};

async fn changes(rpc: &Rpc, id: &Value) -> Value {
    rpc.ok("eth_getFilterChanges", json!([id])).await
}

/// Lets the journal's task see every event that was sent.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_block_filter_tells_each_block_once() {
    let rpc = Rpc::new();
    rpc.node.seal();
    settle().await;
    let id = rpc.ok("eth_newBlockFilter", json!([])).await;
    assert_eq!(changes(&rpc, &id).await, json!([]));
    let blocks = [rpc.node.seal(), rpc.node.seal()];
    settle().await;
    assert_eq!(
        changes(&rpc, &id).await,
        json!([blocks[0].hash, blocks[1].hash])
    );
    assert_eq!(changes(&rpc, &id).await, json!([]));
}

#[tokio::test]
async fn a_pending_filter_tells_hashes_or_whole_transactions() {
    let rpc = Rpc::new();
    let hashes = rpc.ok("eth_newPendingTransactionFilter", json!([])).await;
    let full = rpc
        .ok("eth_newPendingTransactionFilter", json!([true]))
        .await;
    let hash = rpc.node.put(legacy(0, 0));
    settle().await;
    assert_eq!(changes(&rpc, &hashes).await, json!([hash]));
    assert_eq!(changes(&rpc, &full).await[0]["hash"], json!(hash));
    assert_eq!(changes(&rpc, &hashes).await, json!([]));
}

#[tokio::test]
async fn a_log_filter_tells_new_logs_and_takes_back_removed_ones() {
    let rpc = Rpc::new();
    let filter = json!([{"address": LOGGERS[1].0, "topics": [words([7])]}]);
    let id = rpc.ok("eth_newFilter", filter).await;
    let genesis = rpc.node.heads().latest;
    let matching = call_of(0, 0, LOGGERS[1].0, words([7]));
    let other = call_of(0, 1, LOGGERS[1].0, words([8]));
    let old = rpc.node.make(genesis, 1, vec![matching.clone(), other]);
    settle().await;
    let found = changes(&rpc, &id).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["removed"], false);
    assert_eq!(found[0]["blockHash"], json!(old.hash));
    let new = rpc.node.make(genesis, 2, vec![matching]);
    settle().await;
    let found = changes(&rpc, &id).await;
    assert_eq!(found.as_array().unwrap().len(), 2, "{found}");
    assert_eq!(found[0]["removed"], true);
    assert_eq!(found[0]["blockHash"], json!(old.hash));
    assert_eq!(found[1]["removed"], false);
    assert_eq!(found[1]["blockHash"], json!(new.hash));
    // All logs of the range that the filter names, whatever was polled.
    let logs = rpc.ok("eth_getFilterLogs", json!([id])).await;
    assert_eq!(logs, json!([found[1]]));
}

#[tokio::test]
async fn unknown_and_uninstalled_filters_are_not_found() {
    let rpc = Rpc::new();
    let id = rpc.ok("eth_newBlockFilter", json!([])).await;
    assert_eq!(rpc.ok("eth_uninstallFilter", json!([id])).await, true);
    assert_eq!(rpc.ok("eth_uninstallFilter", json!([id])).await, false);
    for method in ["eth_getFilterChanges", "eth_getFilterLogs"] {
        let error = rpc.error(method, json!([id])).await;
        assert_eq!(
            error,
            json!({"code": -32000, "message": "filter not found"})
        );
    }
    let blocks = rpc.ok("eth_newBlockFilter", json!([])).await;
    assert_eq!(
        rpc.error("eth_getFilterLogs", json!([blocks])).await["code"],
        -32000
    );
}

#[tokio::test]
async fn the_filter_unused_for_longest_makes_room() {
    let rpc = Rpc::with(EthConfig {
        max_filters: 2,
        ..EthConfig::default()
    });
    let first = rpc.ok("eth_newBlockFilter", json!([])).await;
    let second = rpc.ok("eth_newBlockFilter", json!([])).await;
    changes(&rpc, &first).await;
    let third = rpc.ok("eth_newBlockFilter", json!([])).await;
    assert_eq!(
        rpc.error("eth_getFilterChanges", json!([second])).await["code"],
        -32000
    );
    changes(&rpc, &first).await;
    changes(&rpc, &third).await;
}
