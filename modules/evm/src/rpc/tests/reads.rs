use super::chain::{COINBASE, Rpc, account, legacy, quantity};
use alloy_primitives::B256;
use rollwright_core::NodeApi;
use serde_json::{Value, json};

#[tokio::test]
async fn the_small_reads_answer() {
    let rpc = Rpc::new();
    rpc.node.seal();
    rpc.node.seal();
    assert_eq!(rpc.ok("eth_chainId", json!([])).await, quantity(42_069_u64));
    assert_eq!(rpc.ok("eth_blockNumber", json!([])).await, "0x2");
    assert_eq!(rpc.ok("eth_syncing", json!([])).await, false);
    assert_eq!(rpc.ok("eth_coinbase", json!([])).await, json!(COINBASE));
    assert_eq!(rpc.ok("eth_accounts", json!([])).await, json!([]));
}

#[tokio::test]
async fn syncing_tells_how_far() {
    let rpc = Rpc::new();
    rpc.node.seal();
    rpc.node.set_syncing(true);
    let expected = json!({"startingBlock": "0x0", "currentBlock": "0x1", "highestBlock": "0x1"});
    assert_eq!(rpc.ok("eth_syncing", json!([])).await, expected);
}

#[tokio::test]
async fn tags_numbers_hashes_and_eip_1898_objects_name_blocks() {
    let rpc = Rpc::new();
    let blocks: Vec<_> = (0..4).map(|_| rpc.node.seal()).collect();
    rpc.node.finalize(blocks[2], blocks[1]);
    let hash = blocks[0].hash;
    let cases = [
        (json!("latest"), "0x4"),
        (json!("pending"), "0x4"),
        (json!("safe"), "0x3"),
        (json!("finalized"), "0x2"),
        (json!("earliest"), "0x0"),
        (json!("0x1"), "0x1"),
    ];
    for (tag, number) in &cases {
        let block = rpc.ok("eth_getBlockByNumber", json!([tag, false])).await;
        assert_eq!(block["number"], *number, "{tag}");
    }
    for named in [
        json!("0x1"),
        json!(hash),
        json!({"blockNumber": "0x1"}),
        json!({"blockHash": hash}),
        json!({"blockHash": hash, "requireCanonical": true}),
    ] {
        let receipts = rpc.ok("eth_getBlockReceipts", json!([named])).await;
        assert_eq!(receipts, json!([]), "{named}");
        let balance = rpc.ok("eth_getBalance", json!([account(0), named])).await;
        assert_eq!(balance, "0x21e19e0c9bab2400000");
    }
}

#[tokio::test]
async fn unknown_blocks_are_null_and_their_state_an_error() {
    let rpc = Rpc::new();
    let unknown = B256::repeat_byte(0xee);
    for (method, params) in [
        ("eth_getBlockByNumber", json!(["0x99", false])),
        ("eth_getBlockByHash", json!([unknown, true])),
        ("eth_getBlockReceipts", json!(["0x99"])),
        ("eth_getBlockReceipts", json!([unknown])),
        ("eth_getBlockTransactionCountByNumber", json!(["0x99"])),
        ("eth_getBlockTransactionCountByHash", json!([unknown])),
        ("eth_getUncleCountByBlockHash", json!([unknown])),
        ("eth_getTransactionByHash", json!([unknown])),
        ("eth_getTransactionReceipt", json!([unknown])),
        (
            "eth_getTransactionByBlockNumberAndIndex",
            json!(["0x99", "0x0"]),
        ),
        (
            "eth_getTransactionByBlockHashAndIndex",
            json!([unknown, "0x0"]),
        ),
    ] {
        assert_eq!(rpc.ok(method, params).await, Value::Null, "{method}");
    }
    for named in [json!("0x99"), json!(unknown), json!({"blockHash": unknown})] {
        let error = rpc
            .error("eth_getBalance", json!([account(0), named]))
            .await;
        assert_eq!(
            error,
            json!({"code": -32000, "message": "header not found"})
        );
    }
}

#[tokio::test]
async fn a_block_that_was_reorganised_away_is_not_canonical() {
    let rpc = Rpc::new();
    let genesis = rpc.node.heads().latest;
    let old = rpc.node.make(genesis, 1, vec![legacy(0, 0)]);
    rpc.node.make(genesis, 2, vec![]);
    let named = json!({"blockHash": old.hash, "requireCanonical": true});
    let error = rpc.raw("eth_getBalance", &json!([account(0), named])).await["error"].take();
    assert_eq!(error["code"], -32000);
    // Its transaction is not mined any more.
    let hash = alloy_primitives::keccak256(legacy(0, 0));
    let found = rpc.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(found, Value::Null);
}

#[tokio::test]
async fn transactions_are_counted_and_uncles_are_none() {
    let rpc = Rpc::new();
    rpc.node.put(legacy(0, 0));
    rpc.node.put(legacy(0, 1));
    let block = rpc.node.seal();
    for (by_number, by_hash, expected) in [
        (
            "eth_getBlockTransactionCountByNumber",
            "eth_getBlockTransactionCountByHash",
            "0x2",
        ),
        (
            "eth_getUncleCountByBlockNumber",
            "eth_getUncleCountByBlockHash",
            "0x0",
        ),
    ] {
        assert_eq!(rpc.ok(by_number, json!(["latest"])).await, expected);
        assert_eq!(rpc.ok(by_hash, json!([block.hash])).await, expected);
    }
    let none = rpc
        .ok("eth_getUncleByBlockNumberAndIndex", json!(["0x1", "0x0"]))
        .await;
    assert_eq!(none, Value::Null);
    let none = rpc
        .ok(
            "eth_getUncleByBlockHashAndIndex",
            json!([block.hash, "0x0"]),
        )
        .await;
    assert_eq!(none, Value::Null);
    let outside = rpc
        .ok(
            "eth_getTransactionByBlockNumberAndIndex",
            json!(["0x1", "0x2"]),
        )
        .await;
    assert_eq!(outside, Value::Null);
}
