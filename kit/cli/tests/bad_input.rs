//! Each bad input: what, where, what to do; never a panic.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Running, failure, included, post, refused, run, run_in, transfer, transfer_on};
use serde_json::{Value, json};
use std::{fs, net::TcpListener, path::Path};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn send(node: &Running, raw: &str) -> (i64, String) {
    refused(node.rpc(), "eth_sendRawTransaction", json!([raw]))
}

#[test]
fn requests_are_answered_with_json_rpc_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut node = Running::dev(folder.path(), &["--block-time", "100ms"]);
    let malformed: [(&str, i64); 4] = [
        ("{\"jsonrpc\":", -32700),
        ("{\"jsonrpc\":\"2.0\",\"id\":1}", -32600),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_nothing\"}",
            -32601,
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getBalance\",\"params\":[\"x\"]}",
            -32602,
        ),
    ];
    for (body, code) in malformed {
        let (_, answer) = post(node.rpc(), body);
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["error"]["code"], code, "{body}: {answer}");
    }
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId" });
    let long = json!(vec![call; 1_001]).to_string();
    let (_, answer) = post(node.rpc(), &long);
    assert!(
        answer.contains("error") && !answer.contains("result"),
        "{answer}"
    );

    for (raw, reason) in [
        ("0x02ff".to_owned(), ""),
        (transfer_on(1, 0, 0, 1), "chain"),
        (transfer(11, 0, 1), "insufficient funds"),
    ] {
        let (code, message) = send(&node, &raw);
        assert!(code < 0, "{message}");
        assert!(
            message.to_lowercase().contains(reason),
            "{reason}: {message}"
        );
    }
    // A signature whose s is zero recovers to nobody.
    let signed = transfer(0, 0, 1);
    let broken = format!("{}{}", &signed[..signed.len() - 64], "0".repeat(64));
    send(&node, &broken);

    // A gap waits, and is filled.
    let second = node.call("eth_sendRawTransaction", json!([transfer(0, 1, 1)]));
    node.wait_for("block");
    let receipt = node.call("eth_getTransactionReceipt", json!([second]));
    assert!(receipt.is_null(), "{receipt}");
    let first = node.call("eth_sendRawTransaction", json!([transfer(0, 0, 1)]));
    assert!(included(&mut node, &first) <= included(&mut node, &second));
    assert_eq!(node.interrupt(), Some(0));
}

#[test]
fn folders_ports_and_layers_of_others_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    for chain in [&one, &two] {
        let mut node = Running::dev(chain, &["--block-time", "100ms"]);
        node.wait_for("block");
        assert_eq!(node.interrupt(), Some(0));
    }
    let dev = |more: &[&str]| {
        let datadir = ["dev", "--json", "--datadir", text(&one)];
        failure_of(&[&datadir, more].concat(), 1)
    };

    // A datadir of another chain.
    let error = dev(&["--port", "auto", "--chain-id", "7"]);
    assert_eq!(error["code"], "RW-CFG-020");
    // Another number of accounts.
    let error = dev(&["--port", "auto", "--accounts", "3"]);
    assert_eq!(error["code"], "RW-CFG-026");
    // A taken port names who has it.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    let error = dev(&["--port", &port]);
    assert_eq!(error["code"], "RW-RPC-001");
    let message = error["message"].as_str().expect("text");
    let me = std::process::id().to_string();
    assert!(
        message.contains(&port) && message.contains("--port auto"),
        "{message}"
    );
    if cfg!(target_os = "linux") {
        assert!(message.contains(&me), "{message}");
    }
    // A datadir in use by another process.
    let node = Running::dev(&one, &[]);
    let error = dev(&["--port", "auto"]);
    let code = error["code"].as_str().expect("a code");
    assert!(["RW-STORE-114", "RW-DA-104"].contains(&code), "{error}");
    let error = failure_of(&["verify", "--json", "--datadir", text(&one)], 1);
    let code = error["code"].as_str().expect("a code");
    assert!(["RW-STORE-114", "RW-DA-104"].contains(&code), "{error}");
    assert_eq!(node.interrupt(), Some(0));
    // A DA file of another network.
    fs::rename(one.join("da"), one.join("da-kept")).expect("moved");
    fs::rename(two.join("da"), one.join("da")).expect("moved");
    assert_eq!(dev(&["--port", "auto"])["code"], "RW-DA-105");
    // No DA file: a command that reads makes none.
    fs::remove_file(one.join("da")).expect("removed");
    let error = failure_of(&["verify", "--json", "--datadir", text(&one)], 1);
    assert_eq!(error["code"], "RW-DA-106");
    // A genesis file of another chain beside the state.
    fs::rename(one.join("da-kept"), one.join("da")).expect("moved");
    let genesis = fs::read_to_string(one.join("genesis.json")).expect("text");
    let changed = genesis.replacen("0x21e19e0c9bab2400000", "0x21e19e0c9bab2400001", 1);
    assert_ne!(genesis, changed);
    fs::write(one.join("genesis.json"), changed).expect("written");
    assert_eq!(dev(&["--port", "auto"])["code"], "RW-STORE-102");
}

fn failure_of(arguments: &[&str], exit: i32) -> Value {
    let output = run(arguments);
    assert_eq!(
        output.status.code(),
        Some(exit),
        "{arguments:?}: {}",
        common::stderr(&output)
    );
    failure(&output)
}

#[test]
fn configurations_and_calls_are_refused_with_their_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases: [(&str, &str, &str); 5] = [
        (
            "schema = 1\n[da]\nbatch-intervall = \"4s\"\n",
            "RW-CFG-003",
            "rollup.toml:3",
        ),
        (
            "schema = 1\n[chain]\nblock-time = \"1 parsec\"\n",
            "RW-CFG-004",
            "rollup.toml:3",
        ),
        ("schema = 9\n", "RW-CFG-010", "rollup.toml:1"),
        ("schema = \n", "RW-CFG-002", "rollup.toml:1"),
        (
            "schema = 1\n[sequencer]\nkey = \"0x12\"\n",
            "RW-CFG-005",
            "rollup.toml:3",
        ),
    ];
    for (content, code, at) in cases {
        fs::write(folder.path().join("rollup.toml"), content).expect("written");
        for command in [&["run", "--json"][..], &["config", "validate", "--json"]] {
            let output = run_in(folder.path(), command);
            assert_eq!(output.status.code(), Some(1), "{content}");
            let error = failure(&output);
            assert_eq!(error["code"], code, "{error}");
            assert_eq!(error["at"], at, "{error}");
        }
    }
    for arguments in [
        &["dev", "--json", "--chain-id", "0"][..],
        &["dev", "--json", "--chain-id", "0x20000000000000"],
        &["new", "x", "--json", "--yes", "--chain-id", "ten"],
        &["dev", "--json", "--blocktime", "1s"],
        &["dev", "--json", "--port", "99999"],
        &["dev", "--json", "--block-time", "1"],
        &["dev", "--json", "--da-block-time", "200s"],
        &["nothing", "--json"],
        &["explain", "RW-NO-000", "--json"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(failure(&output)["code"], "RW-CLI-001");
    }
}

#[test]
fn what_a_configuration_says_otherwise_than_the_genesis_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = run_in(
        folder.path(),
        &["new", "mine", "--yes", "--no-git", "--chain-id", "0xa455"],
    );
    assert!(made.status.success(), "{}", common::stderr(&made));
    let project = folder.path().join("mine");
    let path = project.join("rollup.toml");
    let good = fs::read_to_string(&path).expect("text");
    assert!(good.contains("id = 42069"), "{good}");
    let validate = || run_in(&project, &["config", "validate", "--json"]);
    assert!(validate().status.success());
    for (from, to, code) in [
        (
            "hardfork = \"osaka\"",
            "hardfork = \"prague\"",
            "RW-CFG-025",
        ),
        (
            "max-batch = \"120KiB\"",
            "max-batch = \"1GiB\"",
            "RW-CFG-025",
        ),
        ("keys/sequencer.key", "keys/no.key", "RW-CFG-007"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from}");
        fs::write(&path, bad).expect("written");
        let output = validate();
        assert_eq!(output.status.code(), Some(1), "{to}");
        assert_eq!(failure(&output)["code"], code);
    }
    // A key of somebody else.
    fs::write(&path, &good).expect("written");
    fs::remove_file(project.join("keys/sequencer.key")).expect("removed");
    assert!(run_in(&project, &["keys", "new"]).status.success());
    assert_eq!(failure(&validate())["code"], "RW-CFG-018");
}

#[test]
fn outside_of_a_project_the_way_in_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    for command in [
        &["da", "status"][..],
        &["verify"],
        &["da", "tail", "--da-url", "http://127.0.0.1:1"],
        &["force-include", "0x02"],
    ] {
        let output = run_in(folder.path(), &[command, &["--json"]].concat());
        let error = failure(&output);
        assert_eq!(error["code"], "RW-CFG-001", "{error}");
        let help = error["help"].to_string();
        assert!(help.contains("--datadir DIR"), "{error}");
    }
}

#[test]
fn da_commands_say_what_they_did_not_find() {
    let folder = tempfile::tempdir().expect("a folder");
    let datadir = text(folder.path());
    let mut node = Running::dev(folder.path(), &["--da-block-time", "15s"]);
    node.wait_for("block");
    let output = run(&["da", "tail", "--no-follow", "--datadir", datadir]);
    assert!(output.status.success());
    let said = common::stderr(&output);
    assert!(said.contains("no blobs of this rollup"), "{said}");
    let error = failure_of(
        &["da", "tail", "--from", "0", "--json", "--datadir", datadir],
        1,
    );
    assert_eq!(error["code"], "RW-DA-126");
    let error = failure_of(
        &["force-include", "hello", "--json", "--datadir", datadir],
        2,
    );
    assert!(error["help"].to_string().contains("cast mktx"), "{error}");
    let error = failure_of(
        &["force-include", "0x02ff", "--json", "--datadir", datadir],
        1,
    );
    assert_eq!(error["code"], "RW-CLI-006");
    assert!(
        error["help"]
            .to_string()
            .contains("whole signed transaction"),
        "{error}"
    );
    assert_eq!(node.interrupt(), Some(0));
}
