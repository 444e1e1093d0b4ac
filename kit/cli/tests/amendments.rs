//! Changes of the chain configuration by `amendments.json`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Running, failure, run, stderr, stdout};
use serde_json::{Value, json};
use std::{fs, path::Path};

const FAST: [&str; 4] = ["--block-time", "300ms", "--da-block-time", "300ms"];

fn data(arguments: &[&str]) -> Value {
    let output = run(arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    let last = text.lines().last().expect("an envelope");
    serde_json::from_str::<Value>(last).expect("JSON")["data"].clone()
}

fn gas_limit(node: &Running, number: &str) -> Value {
    node.call("eth_getBlockByNumber", json!([number, false]))["gasLimit"].clone()
}

/// Amends the gas limit some DA blocks after what is there now.
fn amend(folder: &Path) -> u64 {
    let dir = folder.to_str().expect("UTF-8");
    let status = data(&["da", "status", "--datadir", dir, "--json"]);
    let activation = status["ordinal"].as_u64().expect("an ordinal") + 6;
    let text = json!({
        "version": 1,
        "amendments": [{ "activation": activation, "change": { "gasLimit": 500_000_000 } }],
    });
    fs::write(folder.join("amendments.json"), text.to_string()).expect("written");
    activation
}

#[test]
fn an_amendment_holds_on_every_node_from_its_ordinal_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8").to_owned();
    let mut node = Running::dev(folder.path(), &FAST);
    node.wait_for("heads");
    assert_eq!(node.interrupt(), Some(0));
    let config = folder.path().join("rollup.toml");
    let config = config.to_str().expect("UTF-8");
    let before = data(&["config", "validate", "--config", config, "--json"]);
    amend(folder.path());
    let after = data(&["config", "validate", "--config", config, "--json"]);
    assert_eq!(after["rollupId"], before["rollupId"]);
    assert_eq!(after["amendments"], 1);
    assert_ne!(after["configDigest"], before["configDigest"]);

    // The sequencer follows it, and a follower that holds the same file.
    let mut node = Running::dev(folder.path(), &FAST);
    assert_eq!(gas_limit(&node, "0x1"), "0x3b9aca00");
    while gas_limit(&node, "safe") != "0x1dcd6500" {
        node.wait_for("heads");
    }
    let da = format!("{}/da", node.rpc());
    let other = tempfile::tempdir().expect("a folder");
    let copy = other.path().join("data");
    let mut follower = Running::start(&[
        "run",
        "--role",
        "follower",
        "--config",
        config,
        "--datadir",
        copy.to_str().expect("UTF-8"),
        "--da-url",
        &da,
        "--port",
        "auto",
    ]);
    let safe = node.call("eth_getBlockByNumber", json!(["safe", false]));
    loop {
        let found = follower.call("eth_getBlockByNumber", json!([safe["number"], false]));
        if found["hash"] == safe["hash"] {
            break;
        }
        follower.wait_for("heads");
    }
    assert!(
        copy.join("amendments.json").exists(),
        "commands find it by --datadir"
    );
    assert_eq!(follower.interrupt(), Some(0));

    // Amendments are only appended to.
    let file = folder.path().join("amendments.json");
    let text = fs::read_to_string(&file).expect("readable");
    fs::remove_file(&file).expect("removed");
    let mut arguments = vec!["run", "--role", "follower", "--config", config, "--datadir"];
    arguments.extend([copy.to_str().expect("UTF-8"), "--da-url", &da, "--json"]);
    assert_eq!(failure(&run(&arguments))["code"], "RW-CFG-028");
    fs::write(&file, text).expect("written");
    assert_eq!(node.interrupt(), Some(0));
    let verified = data(&["verify", "--datadir", &dir, "--json"]);
    assert!(verified["blocks"].as_u64() > Some(5), "{verified}");
    fs::remove_file(&file).expect("removed");
    let error = failure(&run(&[
        "dev",
        "--datadir",
        &dir,
        "--port",
        "auto",
        "--json",
    ]));
    assert_eq!(error["code"], "RW-NODE-001", "{error}");
    let message = error["message"].as_str().expect("text");
    assert!(message.contains("1 amendments"), "{message}");
}

#[test]
fn a_file_with_a_fault_is_refused_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8").to_owned();
    let node = Running::dev(folder.path(), &FAST);
    assert_eq!(node.interrupt(), Some(0));
    for (text, said) in [
        ("{", "line 1"),
        ("{\"version\":1,\"amendments\":[],\"more\":1}", "more"),
        ("{\"version\":9,\"amendments\":[]}", "version is 9"),
        (
            "{\"version\":1,\"amendments\":[{\"activation\":9,\"change\":{\"gasLimit\":5}}]}",
            "gasLimit",
        ),
        (
            "{\"version\":1,\"rollupId\":\"0x0000000000000000000000000000000000000000000000000000000000000001\",\"amendments\":[]}",
            "of the chain",
        ),
    ] {
        fs::write(folder.path().join("amendments.json"), text).expect("written");
        let error = failure(&run(&[
            "dev",
            "--datadir",
            &dir,
            "--port",
            "auto",
            "--json",
        ]));
        assert_eq!(error["code"], "RW-CFG-028", "{error}");
        let message = error["message"].as_str().expect("text");
        assert!(
            message.contains(said) && message.contains("amendments.json"),
            "{message}"
        );
    }
}
