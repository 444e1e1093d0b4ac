//! Every parameter of every method that servers have, replaced by what nobody
//! should send, through the port.

#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]

use rollwright_fuzz::{RpcMethod, check, rpc_call, rpc_methods, target, warm};
use serde_json::{Value, json};
use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// One test at a time: memory is counted for the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Values of every type and size, right for some parameters and wrong for
/// others, as JSON: not all of them are values of Rust.
fn nasty() -> Vec<String> {
    let word = |digit: &str, count: usize| format!("\"0x{}\"", digit.repeat(count));
    let mut all: Vec<String> = [
        "null",
        "true",
        "0",
        "-1",
        "1.5",
        "1e308",
        "18446744073709551615",
        "18446744073709551616",
        "\"\"",
        "\"0x\"",
        "\"0x0\"",
        "\"0x00\"",
        "\"0x1\"",
        "\"0X1\"",
        "\"1\"",
        "\"-0x1\"",
        "\"0x-1\"",
        "\"0xabcdefabcdefabc\"",
        "\"0xzz\"",
        "\"0x7\"",
        "\"0x2711\"",
        "\"0xffffffffffffffff\"",
        "\"0x10000000000000000\"",
        "\"latest\"",
        "\"pending\"",
        "\"finalized\"",
        "\"no such thing\"",
        "\"\\ud800\"",
        "\"\\u0000\u{e9}\"",
        "[]",
        "[[]]",
        "{}",
        "{\"\":null}",
        "{\"blockHash\":\"0x1\",\"blockNumber\":\"0x1\"}",
        "{\"tracer\":\"callTracer\",\"tracerConfig\":1}",
        "[null,null,null,null,null,null,null,null,null,null]",
    ]
    .map(str::to_owned)
    .to_vec();
    all.extend([
        // 20, 31, 32 and 33 bytes, and many.
        word("c0", 20),
        word("ff", 31),
        word("ff", 32),
        word("ff", 33),
        word("5b", 1_000),
        format!("\"{}\"", "x".repeat(2_000)),
        format!("{}{}", "[".repeat(500), "]".repeat(500)),
        format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200)),
        format!("[{}]", vec!["{}"; 300].join(",")),
        format!("[{}]", vec!["\"0x1\""; 300].join(",")),
    ]);
    all
}

/// Places of an example, as JSON pointers: all lists, objects and values.
fn places(example: &Value) -> Vec<String> {
    fn into(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Array(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    into(entry, &format!("{at}/{index}"), all);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    into(field, &format!("{at}/{name}"), all);
                }
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    into(example, "", &mut all);
    all
}

/// The example with another value at one place.
fn replaced(example: &Value, place: &str, value: &str) -> String {
    const MARK: &str = "put it here";
    let mut changed = example.clone();
    *changed.pointer_mut(place).expect("a place of its own") = json!(MARK);
    changed.to_string().replace(&format!("\"{MARK}\""), value)
}

fn input(method: &RpcMethod, params: &str) -> Vec<u8> {
    format!("{}\n{params}", method.name).into_bytes()
}

fn asked(method: &RpcMethod, params: &str) -> Value {
    serde_json::from_slice(&rpc_call(&input(method, params))).expect("an answer is JSON")
}

#[test]
fn every_parameter_of_every_method_may_be_anything() {
    let _alone = alone();
    let target = target("rpc-params").expect("a target");
    warm(target);
    let nasty = nasty();
    let (mut tried, mut failed) = (0, Vec::new());
    for method in rpc_methods() {
        let example: Value = serde_json::from_str(&method.params).expect("an example is JSON");
        let mut inputs = vec![replaced_root(&example)];
        for (at, place) in places(&example).iter().enumerate() {
            // What lies deep in a parameter gets a share of the values.
            let deep = place.matches('/').count() > 1;
            let values = nasty.iter().enumerate();
            let values = values.filter(|(index, _)| !deep || (index + at) % 4 == 0);
            inputs.extend(values.map(|(_, value)| replaced(&example, place, value)));
        }
        for params in inputs {
            tried += 1;
            let input = input(method, &params);
            let held = panic::catch_unwind(AssertUnwindSafe(|| check(target, &input)));
            if held.is_err() {
                failed.push(format!("{} {params:.300}", method.name));
            }
        }
    }
    assert!(tried > 8_000, "{tried} inputs");
    assert!(failed.is_empty(), "{} failed: {failed:#?}", failed.len());
}

/// One parameter more than there are.
fn replaced_root(example: &Value) -> String {
    let mut more = example.clone();
    let list = more.as_array_mut().expect("parameters are a list");
    list.extend([json!({}), json!(1), json!("x")]);
    more.to_string()
}

#[test]
fn examples_succeed_and_what_fits_nothing_is_an_invalid_parameter() {
    let _alone = alone();
    let mut wrong = Vec::new();
    for method in rpc_methods() {
        let answer = asked(method, &method.params);
        if method.succeeds != answer.get("result").is_some() {
            wrong.push(format!("{} {}: {answer}", method.name, method.params));
        }
        let example: Value = serde_json::from_str(&method.params).expect("an example is JSON");
        let count = example.as_array().map_or(0, Vec::len);
        // Those that need another connection say so, whatever they are given.
        if answer["error"]["code"] == -32601 {
            continue;
        }
        let misfits = ["-1", "1.5", "[[[]]]", "\"no such thing\"", "\"0xzz\""];
        let mut cases: Vec<_> = (0..count)
            .flat_map(|index| misfits.map(|misfit| (index, misfit)))
            .map(|(index, misfit)| {
                let params = replaced(&example, &format!("/{index}"), misfit);
                (format!("{misfit} as parameter {index}"), params)
            })
            .collect();
        cases.push(("more parameters".to_owned(), replaced_root(&example)));
        for (case, params) in cases {
            let answer = asked(method, &params);
            if answer["error"]["code"] != -32602 {
                let answer = answer.to_string();
                wrong.push(format!("{}, {case}: {answer:.200}", method.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong: {wrong:#?}", wrong.len());
}
