use super::fake::{anchor, block, config, start};
use rollwright_core::{B256, DaBlockId, DaHead, DaHeight};
use serde_json::{Value, json};

#[tokio::test]
async fn heads_are_named_by_number_and_hash() {
    let server = start(config()).await;
    let answer = server.call("rollwright_heads", json!([])).await;
    let named = |number| json!({"number": number, "hash": block(number).hash});
    let expected = json!({"latest": named(2), "safe": named(1), "finalized": named(0)});
    assert_eq!(answer["result"], expected);
    server.stop().await;
}

#[tokio::test]
async fn the_status_names_layers_heads_and_the_da_head() {
    let server = start(config()).await;
    let id = DaBlockId {
        height: DaHeight(19),
        hash: B256::with_last_byte(9),
    };
    server.node.status.lock().unwrap().da_head = Some(DaHead {
        observed: id,
        finalized: None,
    });
    let answer = server.call("rollwright_status", json!([])).await;
    let status = &answer["result"];
    assert_eq!(status["name"], "fake");
    assert_eq!(status["chainId"], 42_069);
    assert_eq!(status["role"], "sequencer");
    assert_eq!(status["daLayer"], "local");
    assert_eq!(status["settlement"], "sovereign");
    assert_eq!(status["daHead"]["observed"]["height"], 19);
    assert_eq!(status["daHead"]["finalized"], Value::Null);
    assert_eq!(status["heads"]["latest"]["number"], 2);
    server.stop().await;
}

#[tokio::test]
async fn the_anchor_comes_with_the_preimage_that_the_predeploy_opens() {
    let server = start(config()).await;
    let hash = block(2).hash.to_string();
    for argument in [
        json!(["0x2"]),
        json!([2]),
        json!(["2"]),
        json!([]),
        json!([hash]),
    ] {
        let answer = server.call("rollwright_anchor", argument).await;
        let result = &answer["result"];
        let preimage: rollwright_core::Bytes =
            serde_json::from_value(result["preimage"].clone()).unwrap();
        assert_eq!(preimage, anchor().encode());
        assert_eq!(result["hash"], json!(rollwright_core::keccak256(&preimage)));
        assert_eq!(result["block"]["number"], 2);
        assert_eq!(result["origin"]["height"], 17);
        assert_eq!(result["ordinal"], 7);
        assert_eq!(result["daTime"], 1_700);
    }
    for none in [json!(["earliest"]), json!(["0x99"])] {
        let answer = server.call("rollwright_anchor", none).await;
        assert_eq!(answer, json!({"jsonrpc": "2.0", "id": 1, "result": null}));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_block_leads_to_the_batch_that_carried_it() {
    let server = start(config()).await;
    let hash = block(1).hash.to_string();
    for argument in ["0x1", "safe", hash.as_str()] {
        let answer = server
            .call("rollwright_getBatchByBlock", json!([argument]))
            .await;
        assert_eq!(answer["result"]["firstBlock"], 1, "{argument}: {answer}");
        assert_eq!(answer["result"]["bytes"], 321);
        assert_eq!(answer["result"]["applied"]["height"], 17);
    }
    let answer = server
        .call("rollwright_getBatchByBlock", json!(["latest"]))
        .await;
    assert_eq!(answer["result"], Value::Null);
    server.stop().await;
}

#[tokio::test]
async fn the_small_namespaces_answer() {
    let server = start(config()).await;
    let cases = [
        ("net_version", json!([]), json!("42069")),
        ("net_listening", json!([]), json!(true)),
        ("net_peerCount", json!([]), json!("0x0")),
        // keccak256 of the empty string and of "hello world".
        (
            "web3_sha3",
            json!(["0x"]),
            json!("0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        ),
        (
            "web3_sha3",
            json!(["0x68656c6c6f20776f726c64"]),
            json!("0x47173285a8d7341e5e972fc677286384f802f8ef42a5ec5f03bbfa254cb01fad"),
        ),
        (
            "rpc_modules",
            json!([]),
            json!({"net": "1.0", "rollwright": "1.0", "rpc": "1.0", "test": "1.0", "web3": "1.0"}),
        ),
    ];
    for (method, params, expected) in cases {
        assert_eq!(
            server.call(method, params).await["result"],
            expected,
            "{method}"
        );
    }
    let version = server.call("web3_clientVersion", json!([])).await;
    assert!(
        version["result"]
            .as_str()
            .unwrap()
            .starts_with("rollwright/v")
    );
    server.stop().await;
}

#[tokio::test]
async fn every_method_is_listed() {
    let server = start(config()).await;
    let answer = server.call("rpc_methods", json!([])).await;
    let listed = answer["result"]["methods"].as_array().unwrap().clone();
    for name in [
        "net_version",
        "rollwright_heads",
        "rpc_methods",
        "rpc_modules",
        "web3_sha3",
    ] {
        assert!(listed.contains(&json!(name)), "{name}");
    }
    assert!(listed.is_sorted_by_key(|name| name.as_str().unwrap().to_owned()));
    server.stop().await;
}
