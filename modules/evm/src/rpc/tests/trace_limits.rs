//! What a trace records is bounded, whatever it records.

use super::chain::{Rpc, account};
use crate::rpc::EthConfig;
use serde_json::{Value, json};

/// Room for the record of one trace.
const ROOM: usize = 1 << 20;

fn rpc() -> Rpc {
    Rpc::with(EthConfig {
        max_trace_bytes: ROOM,
        ..EthConfig::default()
    })
}

/// State overrides that put code on accounts.
fn code<const N: usize>(codes: [(u32, String); N]) -> Value {
    let all = codes
        .into_iter()
        .map(|(index, code)| (account(index).to_string(), json!({"code": code})));
    Value::Object(all.collect())
}

/// Traces a call of account 5.
async fn traced(rpc: &Rpc, overrides: &Value, mut options: Value) -> Value {
    options["stateOverrides"] = overrides.clone();
    let params = json!([{"to": account(5)}, "latest", options]);
    rpc.raw("debug_traceCall", &params).await
}

fn refused(answer: &Value) {
    assert_eq!(answer["error"]["code"], -32000, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    let expected = format!("the trace takes more than {ROOM} bytes");
    assert!(message.starts_with(&expected), "{message}");
}

#[tokio::test]
async fn memory_counts_by_every_name_under_which_it_is_asked_for() {
    let rpc = rpc();
    // MLOAD at 512 KiB, and a few steps with that much memory.
    let code = code([(5, format!("0x620800005150{}00", "5b".repeat(20)))]);
    let fine = traced(&rpc, &code, json!({})).await;
    assert_eq!(fine["result"]["failed"], false);
    for options in [
        json!({"enableMemory": true}),
        json!({"disableMemory": false}),
        json!({"tracer": "erc7562Tracer"}),
    ] {
        refused(&traced(&rpc, &code, options).await);
    }
}

#[tokio::test]
async fn storage_counts_with_every_step_that_repeats_it() {
    let rpc = rpc();
    let loads: String = (0..200_u8)
        .map(|slot| format!("60{slot:02x}5450"))
        .collect();
    let code = code([(5, format!("0x{loads}00"))]);
    refused(&traced(&rpc, &code, json!({})).await);
    let fine = traced(&rpc, &code, json!({"disableStorage": true})).await;
    assert_eq!(fine["result"]["failed"], false);
}

#[tokio::test]
async fn what_calls_return_counts() {
    let rpc = rpc();
    let callee = account(6);
    let calls = |count| {
        let call = format!("5f5f5f5f73{}5afa50", &format!("{callee:x}")[..]);
        let caller = format!("0x{}00", call.repeat(count));
        // Returns 64 KiB.
        code([(5, caller), (6, "0x620100005ff3".to_owned())])
    };
    let options = json!({"tracer": "callTracer"});
    refused(&traced(&rpc, &calls(20), options.clone()).await);
    let fine = traced(&rpc, &calls(10), options).await;
    assert_eq!(fine["result"]["calls"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn what_steps_write_counts_in_a_trace_of_them() {
    let rpc = rpc();
    // MCOPY of 64 KiB onto itself.
    let copies = |count| code([(5, format!("0x{}00", "620100005f5f5e".repeat(count)))]);
    let trace = async |count, kind: &str| {
        let call = json!({"to": account(5)});
        let params = json!([call, [kind], "latest", copies(count)]);
        rpc.raw("trace_call", &params).await
    };
    refused(&trace(20, "vmTrace").await);
    assert!(trace(10, "vmTrace").await["result"]["vmTrace"].is_object());
    assert!(trace(20, "trace").await["result"]["trace"].is_array());
}
