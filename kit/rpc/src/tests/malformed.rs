//! JSON-RPC 2.0, sections 4, 5.1 and 6, as a table.

use super::fake::{config, start};
use serde_json::{Value, json};

const TABLE: &[(&str, i32, &str)] = &[
    // Not JSON.
    ("", -32700, "null"),
    ("nonsense", -32700, "null"),
    ("{", -32700, "null"),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"test_echo""#,
        -32700,
        "null",
    ),
    (
        r#"[{"jsonrpc":"2.0","id":1,"method":"test_echo"},"#,
        -32700,
        "null",
    ),
    (
        r#"{"jsonrpc":"2.0","id":1,"method":"test_echo"} {}"#,
        -32700,
        "null",
    ),
    ("[1] 2", -32700, "null"),
    ("\u{0}", -32700, "null"),
    // JSON, but no request.
    ("{}", -32600, "null"),
    ("[]", -32600, "null"),
    ("1", -32600, "null"),
    ("null", -32600, "null"),
    (r#""text""#, -32600, "null"),
    (r#"{"jsonrpc":"2.0","id":5}"#, -32600, "5"),
    (r#"{"jsonrpc":"2.0","id":5,"method":1}"#, -32600, "5"),
    (
        r#"{"jsonrpc":"1.0","id":5,"method":"test_echo"}"#,
        -32600,
        "5",
    ),
    (r#"{"id":5,"method":"test_echo"}"#, -32600, "5"),
    (
        r#"{"jsonrpc":"2.0","id":{},"method":"test_echo"}"#,
        -32600,
        "null",
    ),
    (
        r#"{"jsonrpc":"2.0","id":-1,"method":"test_echo"}"#,
        -32600,
        "null",
    ),
    // A request that nobody serves.
    (r#"{"jsonrpc":"2.0","id":5,"method":""}"#, -32601, "5"),
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"anvil_nodeInfo"}"#,
        -32601,
        "5",
    ),
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"hardhat_metadata"}"#,
        -32601,
        "5",
    ),
    // Parameters that do not fit.
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"test_echo"}"#,
        -32602,
        "5",
    ),
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"test_echo","params":[]}"#,
        -32602,
        "5",
    ),
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"test_echo","params":[1]}"#,
        -32602,
        "5",
    ),
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"test_echo","params":["a","b"]}"#,
        -32602,
        "5",
    ),
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"test_echo","params":{"a":1}}"#,
        -32602,
        "5",
    ),
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"test_echo","params":"x"}"#,
        -32602,
        "5",
    ),
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"web3_sha3","params":["0x0"]}"#,
        -32602,
        "5",
    ),
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"rollwright_anchor","params":["newest"]}"#,
        -32602,
        "5",
    ),
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"rollwright_anchor","params":[{}]}"#,
        -32602,
        "5",
    ),
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"rollwright_anchor","params":["latest",1]}"#,
        -32602,
        "5",
    ),
    (
        r#"{"jsonrpc":"2.0","id":5,"method":"rollwright_getBatchByBlock","params":["0xzz"]}"#,
        -32602,
        "5",
    ),
];

#[tokio::test]
async fn each_kind_of_malformed_input_has_its_code_and_the_server_lives() {
    let server = start(config()).await;
    for (body, code, id) in TABLE {
        let answer = server.answer(*body).await;
        let id: Value = serde_json::from_str(id).unwrap();
        assert_eq!(answer["error"]["code"], *code, "{body}: {answer}");
        assert_eq!(answer["id"], id, "{body}: {answer}");
        assert_eq!(answer["jsonrpc"], "2.0", "{body}");
        assert!(answer.get("result").is_none(), "{body}");
    }
    let invalid_utf8: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}";
    let answer = server.answer(invalid_utf8).await;
    assert_eq!(answer["error"]["code"], -32700);
    let deep = "[".repeat(100_000);
    let answer = server.answer(deep).await;
    assert_eq!(answer["error"]["code"], -32700);
    let answer = server.call("test_echo", json!(["alive"])).await;
    assert_eq!(answer["result"], "alive");
    server.stop().await;
}

#[tokio::test]
async fn an_unknown_method_is_quoted_within_bounds() {
    let server = start(config()).await;
    let answer = server.call(&"m".repeat(100_000), json!([])).await;
    assert_eq!(answer["error"]["code"], -32601);
    assert!(answer["error"]["message"].as_str().unwrap().len() < 200);
    server.stop().await;
}
