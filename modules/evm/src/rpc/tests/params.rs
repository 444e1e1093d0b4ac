//! Wrong parameters, for every method: always −32602, never anything else.

use super::chain::{Rpc, STORER, account};
use crate::rpc::sandbox_methods;
use alloy_primitives::B256;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

/// Methods with parameters that are right.
fn methods() -> Vec<(&'static str, Value)> {
    let address = account(0);
    let hash = B256::ZERO;
    let block = "latest";
    vec![
        ("debug_executionWitness", json!(["0x1"])),
        ("debug_getRawBlock", json!([block])),
        ("debug_getRawHeader", json!([block])),
        ("debug_getRawReceipts", json!([block])),
        ("debug_traceBlockByNumber", json!([block, {}])),
        ("debug_traceCall", json!([{"to": STORER}, block, {}])),
        ("erigon_getHeaderByNumber", json!([block])),
        ("eth_accounts", json!([])),
        ("eth_baseFee", json!([])),
        ("eth_blobBaseFee", json!([])),
        ("eth_blockNumber", json!([])),
        ("eth_call", json!([{"to": STORER}, block, {}, {}])),
        ("eth_capabilities", json!([])),
        ("eth_chainId", json!([])),
        ("eth_coinbase", json!([])),
        ("eth_config", json!([])),
        ("eth_createAccessList", json!([{"to": STORER}, block, {}])),
        ("eth_estimateGas", json!([{"to": address}, block, {}, {}])),
        ("eth_feeHistory", json!(["0x1", block, [50]])),
        ("eth_fillTransaction", json!([{"to": address}])),
        ("eth_gasPrice", json!([])),
        ("eth_getBalance", json!([address, block])),
        ("eth_getBlockByHash", json!([hash, true])),
        ("eth_getBlockByNumber", json!([block, true])),
        ("eth_getBlockReceipts", json!([block])),
        ("eth_getBlockTransactionCountByHash", json!([hash])),
        ("eth_getBlockTransactionCountByNumber", json!([block])),
        ("eth_getCode", json!([address, block])),
        ("eth_getLogs", json!([{}])),
        ("eth_getProof", json!([address, ["0x0"], block])),
        ("eth_getRawTransactionByHash", json!([hash])),
        ("eth_getStorageAt", json!([address, "0x0", block])),
        (
            "eth_getStorageValues",
            json!([{address.to_string(): ["0x0"]}, block]),
        ),
        (
            "eth_getTransactionByBlockHashAndIndex",
            json!([hash, "0x0"]),
        ),
        (
            "eth_getTransactionByBlockNumberAndIndex",
            json!([block, "0x0"]),
        ),
        ("eth_getTransactionByHash", json!([hash])),
        ("eth_getTransactionCount", json!([address, block])),
        ("eth_getTransactionReceipt", json!([hash])),
        ("eth_getUncleByBlockHashAndIndex", json!([hash, "0x0"])),
        ("eth_getUncleByBlockNumberAndIndex", json!([block, "0x0"])),
        ("eth_getUncleCountByBlockHash", json!([hash])),
        ("eth_getUncleCountByBlockNumber", json!([block])),
        ("eth_maxPriorityFeePerGas", json!([])),
        ("eth_newBlockFilter", json!([])),
        ("eth_newFilter", json!([{}])),
        ("eth_newPendingTransactionFilter", json!([true])),
        ("eth_simulateV1", json!([{"blockStateCalls": [{}]}, block])),
        ("eth_syncing", json!([])),
        ("eth_uninstallFilter", json!(["0x1"])),
        ("ots_getApiLevel", json!([])),
        ("ots_getBlockDetails", json!([block])),
        ("ots_getBlockDetailsByHash", json!([hash])),
        ("ots_getBlockTransactions", json!([block, 0, 25])),
        ("ots_getContractCreator", json!([address])),
        ("ots_getInternalOperations", json!([hash])),
        ("ots_getTransactionBySenderAndNonce", json!([address, 0])),
        ("ots_getTransactionError", json!([hash])),
        ("ots_hasCode", json!([address, block])),
        ("ots_searchTransactionsAfter", json!([address, 0, 25])),
        ("ots_searchTransactionsBefore", json!([address, 0, 25])),
        ("ots_traceTransaction", json!([hash])),
        ("trace_block", json!([block])),
        (
            "trace_call",
            json!([{"to": STORER}, ["trace"], block, {}, {}]),
        ),
        ("trace_filter", json!([{"fromBlock": "0x0"}])),
        ("trace_replayBlockTransactions", json!([block, ["trace"]])),
        ("trace_transaction", json!([hash])),
        ("txpool_content", json!([])),
        ("txpool_contentFrom", json!([address])),
        ("txpool_inspect", json!([])),
        ("txpool_status", json!([])),
    ]
}

/// Methods that refuse what is not there, with parameters that are right.
fn about_what_is_not_there() -> Vec<(&'static str, Value)> {
    let hash = B256::ZERO;
    vec![
        ("debug_getRawTransaction", json!([hash])),
        ("debug_traceBlockByHash", json!([hash, {}])),
        ("debug_traceTransaction", json!([hash, {}])),
        ("trace_replayTransaction", json!([hash, ["trace"]])),
    ]
}

/// Every method of both tables.
fn all() -> Vec<(&'static str, Value)> {
    let mut all = methods();
    all.extend(about_what_is_not_there());
    all
}

/// Methods whose right parameters need more than this table.
const ELSEWHERE: [&str; 6] = [
    "eth_getFilterChanges",
    "eth_getFilterLogs",
    "eth_sendRawTransaction",
    "eth_sendRawTransactionSync",
    "eth_subscribe",
    "eth_unsubscribe",
];

/// Values that fit no parameter of any method.
fn misfits() -> Vec<Value> {
    vec![
        json!("no such thing"),
        json!("0xzz"),
        json!(-1),
        json!(1.5),
        json!([[[]]]),
        json!("0x1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
        json!({
            "address": 1, "to": 1, "blockNumber": [], "state": 1, "number": [], "0x": {},
            "tracer": 1, "fromBlock": [], "blockStateCalls": 1,
        }),
    ]
}

#[tokio::test]
async fn the_table_names_every_method() {
    let rpc = Rpc::new();
    let mut known: Vec<&str> = all().into_iter().map(|(name, _)| name).collect();
    known.extend(ELSEWHERE);
    known.extend(sandbox_methods());
    known.sort_unstable();
    let mut served: Vec<&str> = rpc.methods.method_names().collect();
    served.sort_unstable();
    assert_eq!(served, known);
}

#[tokio::test]
async fn right_parameters_succeed_and_one_too_many_does_not() {
    let rpc = Rpc::new();
    rpc.node.seal();
    for (method, params) in about_what_is_not_there() {
        let answer = rpc.raw(method, &params).await;
        assert_ne!(answer["error"]["code"], -32602, "{method}: {answer}");
    }
    for (method, params) in methods() {
        rpc.ok(method, params.clone()).await;
        let mut longer = params;
        longer.as_array_mut().unwrap().push(json!("0x0"));
        let error = rpc.error(method, longer).await;
        assert_eq!(error["code"], -32602, "{method}: {error}");
    }
}

#[tokio::test]
async fn a_wrong_type_at_any_position_is_an_invalid_parameter() {
    let rpc = Rpc::new();
    for (method, params) in all() {
        let params = params.as_array().unwrap();
        for position in 0..params.len() {
            for misfit in misfits() {
                let mut wrong = params.clone();
                wrong[position] = misfit.clone();
                let answer = rpc.raw(method, &json!(wrong)).await;
                let code = &answer["error"]["code"];
                assert_eq!(code, -32602, "{method} {position} {misfit}: {answer}");
            }
        }
        for wrong in [json!({"a": 1}), json!("x"), json!(1)] {
            let answer = rpc.raw(method, &wrong).await;
            assert_eq!(
                answer["error"]["code"], -32602,
                "{method} {wrong}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn optional_parameters_may_be_absent_or_null() {
    let rpc = Rpc::new();
    let address = account(0);
    for (method, params) in [
        ("eth_getBalance", json!([address])),
        ("eth_getBalance", json!([address, null])),
        ("eth_getCode", json!([address])),
        ("eth_getTransactionCount", json!([address])),
        ("eth_getStorageAt", json!([address, "0x0"])),
        ("eth_getProof", json!([address, []])),
        ("eth_call", json!([{}])),
        (
            "eth_call",
            json!([{"to": STORER, "gas": null, "input": null}, null, null]),
        ),
        ("eth_estimateGas", json!([{"to": address}])),
        ("eth_getBlockByNumber", json!(["latest"])),
        ("eth_newPendingTransactionFilter", json!([])),
    ] {
        rpc.ok(method, params).await;
    }
    for (method, _) in all() {
        // No parameters at all: fine where none is required.
        let answer = rpc.raw(method, &json!([])).await;
        let code = answer["error"]["code"].as_i64();
        assert!(code.is_none() || code == Some(-32602), "{method}: {answer}");
    }
}

#[tokio::test]
async fn methods_of_a_sandbox_say_so_elsewhere() {
    let rpc = Rpc::new();
    for method in sandbox_methods() {
        let error = rpc.error(method, json!([])).await;
        assert_eq!(error["code"], -32601, "as where a method is not known");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("rollwright dev --sandbox"), "{message}");
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(0x)?[0-9a-fg]{0,70}".prop_map(Value::from),
        "latest|pending|earliest|safe|finalized".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let key = "address|topics|fromBlock|toBlock|blockHash|blockNumber|to|from|gas|tracer|tracerConfig|blockStateCalls|calls|blockOverrides|stateOverrides|fromAddress|after|count|value|input|data|state|stateDiff|nonce|code|balance|[a-z]{1,4}";
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

#[tokio::test]
async fn no_parameters_whatever_make_a_handler_panic_or_fail_inside() {
    let rpc = Rpc::new();
    rpc.node.seal();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = prop::collection::vec(json_value(), 0..5);
    let names: Vec<&'static str> = rpc.methods.method_names().collect();
    for method in names
        .into_iter()
        .filter(|name| *name != "eth_sendRawTransactionSync")
        .filter(|name| sandbox_methods().all(|other| other != *name))
    {
        for _ in 0..30 {
            let params = strategy.new_tree(&mut runner).unwrap().current();
            let answer = rpc.raw(method, &Value::from(params.clone())).await;
            let code = answer["error"]["code"].as_i64();
            assert_ne!(code, Some(-32603), "{method} {params:?}: {answer}");
            assert_ne!(code, Some(-32601), "{method}");
        }
    }
}
