use super::chain::{
    CALLER, COINBASE, LOOPER, REVERTER, Rpc, STORER, account, call_of, legacy, quantity, words,
};
use crate::rpc::EthConfig;
use alloy_primitives::{Address, B256};
use serde_json::{Value, json};

fn hex(address: Address) -> Value {
    json!(format!("{address:#x}"))
}

/// Two stores to the same slot in one block, the second by a call of a call.
fn stored_twice() -> (Rpc, [B256; 2]) {
    let rpc = Rpc::new();
    rpc.node.seal();
    let hashes = [
        rpc.node.put(call_of(0, 0, STORER, words([5, 77]))),
        rpc.node.put(call_of(1, 0, CALLER, words([5, 78]))),
    ];
    rpc.node.seal();
    // Later changes are not seen by traces of the past.
    rpc.node.put(call_of(0, 1, STORER, words([5, 99])));
    rpc.node.seal();
    (rpc, hashes)
}

#[tokio::test]
async fn the_struct_logger_says_what_the_receipt_says() {
    let (rpc, hashes) = stored_twice();
    for hash in hashes {
        let trace = rpc.ok("debug_traceTransaction", json!([hash])).await;
        let receipt = rpc.ok("eth_getTransactionReceipt", json!([hash])).await;
        let gas = trace["gas"].as_u64().unwrap();
        assert_eq!(receipt["gasUsed"], quantity(gas));
        assert_eq!(trace["failed"], false);
        assert_eq!(trace["returnValue"], "0x");
    }
    let trace = rpc.ok("debug_traceTransaction", json!([hashes[0]])).await;
    let logs = trace["structLogs"].as_array().unwrap();
    let names: Vec<&str> = logs.iter().map(|log| log["op"].as_str().unwrap()).collect();
    // The STORER's code, opcode by opcode.
    assert_eq!(
        names,
        [
            "PUSH1",
            "CALLDATALOAD",
            "PUSH0",
            "CALLDATALOAD",
            "SSTORE",
            "STOP"
        ]
    );
    assert_eq!(logs[4]["pc"], 5);
    assert_eq!(logs[4]["depth"], 1);
    assert_eq!(logs[4]["stack"], json!(["0x4d", "0x5"]));
    assert!(logs[4].get("memory").is_none());
    let bare = json!({"disableStack": true, "enableMemory": true});
    let trace = rpc
        .ok("debug_traceTransaction", json!([hashes[0], bare]))
        .await;
    assert!(trace["structLogs"][4].get("stack").is_none());
}

#[tokio::test]
async fn the_call_tracer_shows_calls_in_calls() {
    let (rpc, hashes) = stored_twice();
    let options = json!({"tracer": "callTracer"});
    let trace = rpc
        .ok("debug_traceTransaction", json!([hashes[1], options]))
        .await;
    assert_eq!(trace["type"], "CALL");
    assert_eq!(trace["from"], hex(account(1)));
    assert_eq!(trace["to"], hex(CALLER));
    assert_eq!(trace["gas"], quantity(300_000_u64));
    let receipt = rpc
        .ok("eth_getTransactionReceipt", json!([hashes[1]]))
        .await;
    assert_eq!(trace["gasUsed"], receipt["gasUsed"]);
    let inner = &trace["calls"][0];
    assert_eq!(inner["from"], hex(CALLER));
    assert_eq!(inner["to"], hex(STORER));
    assert_eq!(inner["input"], json!(words([5, 78])));
    let top = json!({"tracer": "callTracer", "tracerConfig": {"onlyTopCall": true}});
    let trace = rpc
        .ok("debug_traceTransaction", json!([hashes[1], top]))
        .await;
    assert!(trace.get("calls").is_none());
}

#[tokio::test]
async fn the_prestate_is_that_before_the_transaction() {
    let (rpc, hashes) = stored_twice();
    let slot = B256::with_last_byte(5).to_string();
    let storer = format!("{STORER:#x}");
    let options = json!({"tracer": "prestateTracer"});
    let trace = rpc
        .ok("debug_traceTransaction", json!([hashes[1], options]))
        .await;
    assert_eq!(
        trace[&storer]["storage"],
        json!({&slot: B256::with_last_byte(77)}),
        "the first transaction of the block is seen, the next block is not"
    );
    let options = json!({"tracer": "prestateTracer", "tracerConfig": {"diffMode": true}});
    let trace = rpc
        .ok("debug_traceTransaction", json!([hashes[1], options]))
        .await;
    assert_eq!(
        trace["pre"][&storer]["storage"],
        json!({&slot: B256::with_last_byte(77)})
    );
    assert_eq!(
        trace["post"][&storer]["storage"],
        json!({&slot: B256::with_last_byte(78)})
    );
    let payer = format!("{:#x}", account(1));
    assert_eq!(trace["post"][&payer]["nonce"], 1);
    let balance = rpc.ok("eth_getBalance", json!([account(1), "0x2"])).await;
    assert_eq!(trace["post"][&payer]["balance"], balance);
    let earned = rpc.ok("eth_getBalance", json!([COINBASE, "0x2"])).await;
    assert_eq!(trace["post"][format!("{COINBASE:#x}")]["balance"], earned);
}

#[tokio::test]
async fn the_other_tracers_answer_in_their_shapes() {
    let (rpc, hashes) = stored_twice();
    let four = rpc
        .ok(
            "debug_traceTransaction",
            json!([hashes[0], {"tracer": "4byteTracer"}]),
        )
        .await;
    assert_eq!(four, json!({"0x00000000-60": 1}));
    let mux = json!({
        "tracer": "muxTracer",
        "tracerConfig": {"callTracer": {}, "4byteTracer": {}, "prestateTracer": {"diffMode": true}},
    });
    let all = rpc
        .ok("debug_traceTransaction", json!([hashes[0], mux]))
        .await;
    assert_eq!(all["4byteTracer"], four);
    for (tracer, config) in [
        ("callTracer", json!({})),
        ("prestateTracer", json!({"diffMode": true})),
    ] {
        let options = json!({"tracer": tracer, "tracerConfig": config});
        let alone = rpc
            .ok("debug_traceTransaction", json!([hashes[0], options]))
            .await;
        assert_eq!(all[tracer], alone, "{tracer}");
    }
    let flat = rpc
        .ok(
            "debug_traceTransaction",
            json!([hashes[1], {"tracer": "flatCallTracer"}]),
        )
        .await;
    let mut parity = rpc.ok("trace_transaction", json!([hashes[1]])).await;
    // Parity's first frame has the gas that is left after the transaction's own
    // cost, geth's all of it.
    assert_eq!(flat[0]["action"]["gas"], quantity(300_000_u64));
    parity[0]["action"]["gas"] = flat[0]["action"]["gas"].clone();
    assert_eq!(flat, parity);
    let noop = json!([hashes[0], {"tracer": "noopTracer"}]);
    assert_eq!(rpc.ok("debug_traceTransaction", noop).await, json!({}));
}

#[tokio::test]
async fn a_block_is_traced_transaction_by_transaction() {
    let (rpc, hashes) = stored_twice();
    let options = json!({"tracer": "callTracer"});
    let block = rpc.ok("eth_getBlockByNumber", json!(["0x2"])).await;
    let by_number = rpc
        .ok("debug_traceBlockByNumber", json!(["0x2", options]))
        .await;
    let by_hash = rpc
        .ok("debug_traceBlockByHash", json!([block["hash"], options]))
        .await;
    assert_eq!(by_number, by_hash);
    for (index, hash) in hashes.iter().enumerate() {
        let alone = rpc
            .ok("debug_traceTransaction", json!([hash, options]))
            .await;
        assert_eq!(by_number[index], json!({"txHash": hash, "result": alone}));
    }
    let empty = rpc.ok("debug_traceBlockByNumber", json!(["0x1"])).await;
    assert_eq!(empty, json!([]));
}

#[tokio::test]
async fn calls_are_traced_on_any_state_with_overrides() {
    let (rpc, _) = stored_twice();
    let call = json!({"to": REVERTER, "input": "0x1234"});
    let options = json!({"tracer": "callTracer"});
    let trace = rpc
        .ok("debug_traceCall", json!([call, "latest", options]))
        .await;
    assert_eq!(trace["error"], "execution reverted");
    assert_eq!(trace["output"], "0x1234");
    // The slot before the block's second transaction.
    let store = json!({"to": STORER, "input": words([5, 1])});
    let slot = B256::with_last_byte(5).to_string();
    let storer = format!("{STORER:#x}");
    for (block, index, expected) in [
        ("0x1", json!(null), 0_u8),
        ("0x2", json!("0x0"), 0),
        ("0x2", json!("0x1"), 77),
        ("0x2", json!(null), 78),
        ("latest", json!(null), 99),
    ] {
        let mut options = json!({"tracer": "prestateTracer", "tracerConfig": {"diffMode": true}});
        if !index.is_null() {
            options["txIndex"] = index.clone();
        }
        let trace = rpc
            .ok("debug_traceCall", json!([store, block, options]))
            .await;
        let before = match expected {
            0 => Value::Null,
            byte => json!(B256::with_last_byte(byte)),
        };
        let found = &trace["pre"][&storer]["storage"][&slot];
        assert_eq!(*found, before, "{block} {index}");
    }
    let options = json!({
        "tracer": "callTracer",
        "stateOverrides": {account(5).to_string(): {"code": "0x60005260206000f3"}},
    });
    let call = json!({"to": account(5)});
    let trace = rpc
        .ok("debug_traceCall", json!([call, "latest", options]))
        .await;
    assert_eq!(trace["error"], "stack underflow");
}

#[tokio::test]
async fn what_cannot_be_traced_is_refused_with_its_reason() {
    let rpc = Rpc::with(EthConfig {
        max_trace_bytes: 1 << 20,
        ..EthConfig::default()
    });
    let mined = rpc.node.put(legacy(0, 0));
    rpc.node.seal();
    let unknown = B256::repeat_byte(9);
    for (method, params, message) in [
        (
            "debug_traceTransaction",
            json!([unknown]),
            "transaction not found".to_owned(),
        ),
        (
            "debug_traceBlockByNumber",
            json!(["0x63"]),
            "block #99 not found".to_owned(),
        ),
        (
            "debug_traceBlockByHash",
            json!([unknown]),
            format!("block {unknown} not found"),
        ),
        (
            "debug_traceBlockByNumber",
            json!(["0x0"]),
            "genesis is not traceable".to_owned(),
        ),
        (
            "debug_traceTransaction",
            json!([mined, {"tracer": "{result: function() {}}"}]),
            "JS Tracer is not enabled".to_owned(),
        ),
    ] {
        let error = rpc.error(method, params.clone()).await;
        assert_eq!(error["code"], -32000, "{method} {params}");
        assert_eq!(error["message"], message, "{method} {params}");
    }
    let call = json!({"to": LOOPER});
    let error = rpc.error("debug_traceCall", json!([call, "latest"])).await;
    assert_eq!(error["code"], -32000);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("the trace takes more than 1048576 bytes"),
        "{message}"
    );
    let error = rpc.error("debug_traceTransaction", json!(["0x12"])).await;
    assert_eq!(error["code"], -32602);
}
