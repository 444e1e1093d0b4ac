//! Chains of Ethereum's own: `import`, `serve`, `evm`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Running, run, stderr, stdout};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Made by Ethereum's executable specification: see the README there.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../modules/evm/testdata")
        .join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn import(datadir: &Path, file: &Path) -> std::process::Output {
    let genesis = data("all-forks.genesis.json");
    run(&[
        "import",
        "--json",
        "--stats",
        "--datadir",
        text(datadir),
        "--genesis",
        text(&genesis),
        text(file),
    ])
}

fn result(output: &std::process::Output) -> Value {
    let text = stdout(output);
    let line = text.lines().next().expect("a line");
    serde_json::from_str::<Value>(line).expect("an envelope")["data"].clone()
}

fn call(url: &str, method: &str, params: &Value) -> Value {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let client = reqwest::blocking::Client::new();
    let answer = client.post(url).json(&request).send().expect("an answer");
    let answer: Value = answer.json().expect("JSON");
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer["result"].clone()
}

#[test]
fn a_chain_is_imported_once_and_then_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let datadir = folder.path().join("chain");
    let chain = data("all-forks.rlp");
    let done = import(&datadir, &chain);
    assert!(done.status.success(), "{}", stderr(&done));
    let first = result(&done);
    assert_eq!(first["blocks"], 43);
    let again = result(&import(&datadir, &chain));
    assert_eq!((&again["blocks"], &again["known"]), (&json!(0), &json!(43)));
    assert_eq!(again["head"], first["head"]);

    let served = Running::start(&["serve", "--datadir", text(&datadir), "--port", "auto"]);
    let url = served.rpc().to_owned();
    for tag in ["latest", "safe", "finalized"] {
        let block = call(&url, "eth_getBlockByNumber", &json!([tag, false]));
        assert_eq!(block["hash"], first["head"]["hash"], "{tag}");
    }
    assert_eq!(call(&url, "eth_chainId", &json!([])), "0x1");
    assert_eq!(call(&url, "eth_syncing", &json!([])), false);
    // Every header hashes to what the file said, through every fork.
    let blocks = fs::read_to_string(data("all-forks.blocks.json")).expect("a file");
    let blocks: Vec<Value> = serde_json::from_str(&blocks).expect("JSON");
    for expected in &blocks {
        let number = expected["number"].as_u64().expect("a number");
        let block = call(
            &url,
            "eth_getBlockByNumber",
            &json!([format!("{number:#x}"), true]),
        );
        assert_eq!(block["hash"], expected["hash"]);
        assert_eq!(block["stateRoot"], expected["stateRoot"]);
        let receipts = call(
            &url,
            "eth_getBlockReceipts",
            &json!([format!("{number:#x}")]),
        );
        let count = block["transactions"].as_array().map(Vec::len);
        assert_eq!(receipts.as_array().map(Vec::len), count, "{number}");
    }
    // Ommers, withdrawals and the size with them; old receipts have a root.
    let block = call(&url, "eth_getBlockByNumber", &json!(["0x4", false]));
    let ommer = call(
        &url,
        "eth_getUncleByBlockNumberAndIndex",
        &json!(["0x4", "0x0"]),
    );
    assert_eq!(block["uncles"], json!([ommer["hash"]]));
    assert_eq!(ommer["number"], "0x3");
    let count = call(&url, "eth_getUncleCountByBlockNumber", &json!(["0x4"]));
    assert_eq!(count, "0x1");
    let receipts = call(&url, "eth_getBlockReceipts", &json!(["0x4"]));
    assert!(receipts[0]["root"].is_string() && receipts[0].get("status").is_none());
    let block = call(&url, "eth_getBlockByNumber", &json!(["0x2b", false]));
    assert_eq!(block["withdrawals"][0]["amount"], "0x2b");
    let raw = call(&url, "debug_getRawReceipts", &json!(["0x2b"]));
    assert!(raw.as_array().is_some_and(|receipts| !receipts.is_empty()));
    let balance = call(
        &url,
        "eth_call",
        &json!([{ "to": "0xcccccccccccccccccccccccccccccccccccccccc", "gas": "0x7a120" }, "latest"]),
    );
    assert_eq!(balance, "0x");
    drop(served);
}

#[test]
fn a_wrong_block_is_named_and_the_rest_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let datadir = folder.path().join("chain");
    let mut bytes = fs::read(data("all-forks.rlp")).expect("a file");
    // The last byte of the file stands in the last block's body.
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let spoilt = folder.path().join("spoilt.rlp");
    fs::write(&spoilt, &bytes).expect("written");
    let done = import(&datadir, &spoilt);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(result(&done)["blocks"], 42);
    let message = stderr(&done);
    assert!(
        message.contains("RW-EVM-40") && message.contains("spoilt.rlp"),
        "{message}"
    );
    let right = import(&datadir, &data("all-forks.rlp"));
    assert_eq!(result(&right)["blocks"], 1, "{}", stderr(&right));
}

#[test]
fn a_folder_without_a_chain_and_one_of_another_chain_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let served = run(&["serve", "--datadir", text(folder.path()), "--port", "auto"]);
    assert_eq!(served.status.code(), Some(1));
    assert!(stderr(&served).contains("RW-CFG-023"));
    let datadir = folder.path().join("chain");
    assert!(import(&datadir, &data("all-forks.rlp")).status.success());
    let other = fs::read_to_string(data("all-forks.genesis.json")).expect("a file");
    let genesis = folder.path().join("genesis.json");
    fs::write(&genesis, other.replace("\"0x20000\"", "\"0x20001\"")).expect("written");
    let refused = run(&[
        "import",
        "--datadir",
        text(&datadir),
        "--genesis",
        text(&genesis),
        text(&data("all-forks.rlp")),
    ]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("RW-STORE-102"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn published_tests_end_with_a_count_and_fail_by_exit_code() {
    let passed = run(&["evm", "blocktest", text(&data("blocks.json"))]);
    assert!(passed.status.success(), "{}", stderr(&passed));
    assert_eq!(stdout(&passed).trim(), "31 passed, 0 failed, 0 skipped");
    let folder = tempfile::tempdir().expect("a folder");
    let tests = fs::read_to_string(data("blocks.json")).expect("a file");
    let below = folder.path().join("some/where");
    fs::create_dir_all(&below).expect("made");
    let unknown = tests.replace("INVALID_STATE_ROOT", "NEVER_HEARD_OF");
    fs::write(below.join("a.json"), unknown).expect("written");
    fs::write(below.join("b.json"), "{").expect("written");
    let output = run(&["evm", "blocktest", text(folder.path())]);
    assert_eq!(output.status.code(), Some(1));
    let text_out = stdout(&output);
    assert!(text_out.contains("OTHER REASON"), "{text_out}");
    assert!(text_out.contains("b.json"), "{text_out}");
    assert_eq!(
        text_out.lines().last(),
        Some("31 passed, 1 failed, 0 skipped")
    );
    let strict = run(&["evm", "blocktest", "--strict", text(&below.join("a.json"))]);
    assert_eq!(strict.status.code(), Some(1));
    assert_eq!(
        stdout(&strict).lines().last(),
        Some("27 passed, 4 failed, 0 skipped")
    );
}
