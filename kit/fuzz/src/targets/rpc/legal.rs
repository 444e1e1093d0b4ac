//! What every answer has to be.

use super::port::{MAX_BATCH, MAX_RESPONSE};
use serde_json::{Value, json};

/// Checks that an answer is JSON-RPC 2.0.
pub(super) fn legal(answer: &[u8]) {
    assert!(
        answer.len() <= MAX_RESPONSE + 1_024,
        "an answer of {} bytes",
        answer.len()
    );
    let value: Value = serde_json::from_slice(answer).expect("an answer is JSON");
    match value {
        Value::Array(entries) => {
            assert!(!entries.is_empty() && entries.len() <= MAX_BATCH);
            entries.iter().for_each(legal_entry);
        }
        entry => legal_entry(&entry),
    }
}

fn legal_entry(entry: &Value) {
    let object = entry.as_object().expect("an object");
    assert_eq!(object.get("jsonrpc"), Some(&json!("2.0")), "{entry}");
    if object.get("method") == Some(&json!("eth_subscription")) {
        return assert!(object.contains_key("params"));
    }
    let id = object.get("id").expect("an id");
    assert!(id.is_null() || id.is_number() || id.is_string(), "{entry}");
    match (object.get("result"), object.get("error")) {
        (Some(_), None) => {}
        (None, Some(error)) => {
            let code = error["code"].as_i64().expect("a code");
            // Nothing that is sent is a fault of the server's: no -32603.
            let standard = matches!(code, -32700 | -32602..=-32600 | -32099..=-32000);
            // 3: reverted (geth); 4: not in time (EIP-7966); -380xx: of
            // simulations and overrides (execution-apis).
            assert!(
                standard || matches!(code, 3 | 4 | -38026..=-38010),
                "{entry}"
            );
            assert!(error["message"].is_string(), "{entry}");
        }
        _ => panic!("neither a result nor an error, or both: {entry}"),
    }
}
