use super::chain::{Rpc, STORER, access_listed, account, call_of, legacy, words};
use serde_json::json;

#[tokio::test]
async fn the_pool_is_listed_by_sender_and_nonce() {
    let rpc = Rpc::new();
    assert_eq!(
        rpc.ok("txpool_status", json!([])).await,
        json!({"pending": "0x0", "queued": "0x0"})
    );
    let empty = json!({"pending": {}, "queued": {}});
    for method in ["txpool_content", "txpool_inspect"] {
        assert_eq!(rpc.ok(method, json!([])).await, empty, "{method}");
    }
    let first = rpc.node.put(legacy(0, 0));
    let second = rpc.node.put(call_of(0, 1, STORER, words([1, 2])));
    let create = rpc.node.put(access_listed(1, 0));
    let (alice, bob) = (account(0).to_string(), account(1).to_string());
    let content = rpc.ok("txpool_content", json!([])).await;
    assert_eq!(content["queued"], json!({}));
    assert_eq!(content["pending"][&alice]["0"]["hash"], json!(first));
    assert_eq!(content["pending"][&alice]["1"]["hash"], json!(second));
    assert_eq!(content["pending"][&bob]["0"]["hash"], json!(create));
    let by_hash = rpc.ok("eth_getTransactionByHash", json!([second])).await;
    assert_eq!(content["pending"][&alice]["1"], by_hash);
    let from = rpc.ok("txpool_contentFrom", json!([account(0)])).await;
    assert_eq!(
        from,
        json!({"pending": content["pending"][&alice], "queued": {}})
    );
    let inspect = rpc.ok("txpool_inspect", json!([])).await;
    assert_eq!(
        inspect["pending"][&alice]["0"],
        format!("{}: 1000 wei + 21000 gas × 5000000000 wei", account(9))
    );
    assert_eq!(
        inspect["pending"][&bob]["0"],
        "contract creation: 0 wei + 100000 gas × 5000000000 wei"
    );
    let error = rpc.error("txpool_contentFrom", json!([])).await;
    assert_eq!(error["code"], -32602);
}
