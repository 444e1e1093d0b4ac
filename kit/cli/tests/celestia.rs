//! Chains on the embedded Celestia devnet.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Running, TO, failure, included, run, stderr, stdout, transfer};
use serde_json::{Value, json};
use std::path::Path;

const FAST: [&str; 4] = ["--block-time", "300ms", "--da-block-time", "500ms"];

/// Sends a transfer and waits until its block was derived from Celestia; the
/// block's number.
fn transfer_becomes_safe(node: &mut Running, nonce: u64) -> u64 {
    let hash = node.call("eth_sendRawTransaction", json!([transfer(0, nonce, 1)]));
    let number = included(node, &hash);
    loop {
        let heads = node.wait_for("heads");
        if heads["safe"]["number"].as_u64() >= Some(number) {
            return number;
        }
    }
}

fn datadir(folder: &Path) -> &str {
    folder.to_str().expect("UTF-8")
}

fn json_of(arguments: &[&str]) -> Value {
    let output = run(arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    let last = text.lines().last().expect("an envelope");
    let envelope: Value = serde_json::from_str(last).expect("JSON");
    envelope["data"].clone()
}

#[test]
fn a_chain_on_celestia_goes_on_and_is_derived_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = datadir(folder.path());
    let mut node = Running::dev(folder.path(), &[&["--da", "celestia"][..], &FAST].concat());
    assert_eq!(node.started["da"]["layer"], "celestia");
    let network = node.started["da"]["network"].clone();
    let url = node.started["da"]["url"].as_str().expect("an address");
    // The devnet answers as a Celestia node does, and on a port of its own.
    let head = common::call(url, "header.LocalHead", json!([]));
    assert_eq!(head["header"]["chain_id"], network);
    let before = transfer_becomes_safe(&mut node, 0);
    // Commands find the layer of the process that runs.
    let status = json_of(&["da", "status", "--datadir", dir, "--json"]);
    assert_eq!(status["layer"], "celestia");
    assert_eq!(status["network"], network);
    assert!(status["finalized"]["height"].as_u64() > Some(1), "{status}");
    assert_eq!(node.interrupt(), Some(0));

    // An old chain stays on its layer, without the flag too, and goes on.
    let mut node = Running::dev(folder.path(), &FAST);
    assert_eq!(node.started["da"]["network"], network);
    let after = transfer_becomes_safe(&mut node, 1);
    assert!(after > before);
    assert_eq!(node.call("eth_getBalance", json!([TO, "latest"])), "0x2");
    assert_eq!(node.interrupt(), Some(0));

    // So does a node of `run`, which has no flags about it at all.
    let config = folder.path().join("rollup.toml");
    let config = config.to_str().expect("UTF-8");
    let mut node = Running::start(&["run", "--config", config, "--port", "auto"]);
    let last = transfer_becomes_safe(&mut node, 2);
    assert!(last > after);
    assert_eq!(node.interrupt(), Some(0));

    let verified = json_of(&["verify", "--datadir", dir, "--json"]);
    assert!(verified["blocks"].as_u64() >= Some(last), "{verified}");
    // Nothing was made by those who only read.
    let status = json_of(&["da", "status", "--datadir", dir, "--json"]);
    let again = json_of(&["da", "status", "--datadir", dir, "--json"]);
    assert_eq!(status["head"], again["head"]);
    assert_eq!(status["sampling"], Value::Null);
    // With samples asked for, the newest block has a label.
    let labelled = std::process::Command::new(common::ROLLWRIGHT)
        .args(["da", "status", "--config", config, "--json"])
        .env("ROLLWRIGHT_DA__CELESTIA__SAMPLING", "3")
        .output()
        .expect("rollwright starts");
    let envelope: Value = serde_json::from_str(stdout(&labelled).trim()).expect("JSON");
    let sampling = &envelope["data"]["sampling"];
    assert_eq!(sampling["available"], true, "{envelope}");
    assert_eq!(sampling["verified"], 3, "{envelope}");
    assert_eq!(sampling["hash"], status["head"]["hash"], "{envelope}");
}

#[test]
fn a_chain_does_not_move_to_another_layer_by_a_flag() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = Running::dev(folder.path(), &FAST);
    assert_eq!(node.started["da"]["layer"], "local");
    assert_eq!(node.interrupt(), Some(0));
    let dir = datadir(folder.path());
    let moved = [
        "dev",
        "--datadir",
        dir,
        "--port",
        "auto",
        "--da",
        "celestia",
        "--json",
    ];
    let error = failure(&run(&moved));
    assert_eq!(error["code"], "RW-CFG-015");
}

#[test]
fn faults_of_the_local_layer_are_refused_on_celestia() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = datadir(folder.path());
    let faulty = [
        "dev",
        "--datadir",
        dir,
        "--da",
        "celestia",
        "--da-faults",
        "refuse=5%",
        "--json",
    ];
    let error = failure(&run(&faulty));
    assert_eq!(error["code"], "RW-CFG-021");
}

#[test]
fn the_devnet_runs_alone_and_goes_on_from_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("net.redb");
    let arguments = [
        "celestia-devnet",
        "--listen",
        "127.0.0.1:0",
        "--block-time",
        "100ms",
        "--network",
        "gizmo-net",
        "--path",
        file.to_str().expect("UTF-8"),
    ];
    let node = Running::start(&arguments);
    let first = node.started.clone();
    assert_eq!(first["network"], "gizmo-net");
    let url = first["url"].as_str().expect("an address");
    let head = common::call(url, "header.WaitForHeight", json!([3]));
    assert_eq!(head["header"]["chain_id"], "gizmo-net");
    assert_eq!(node.interrupt(), Some(0));
    let node = Running::start(&arguments);
    assert_eq!(node.started["firstHash"], first["firstHash"]);
    assert_eq!(node.started["address"], first["address"]);
    assert!(node.started["head"].as_u64() >= Some(3));
    assert_eq!(node.interrupt(), Some(0));
}

#[test]
fn every_key_of_celestia_is_explained_and_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("rollup.toml");
    let hash = "AB".repeat(32);
    let text = format!(
        "[da]\nuse = \"celestia\"\n[da.celestia]\nrpc = \"http://127.0.0.1:26658\"\ntoken = {{ env = \"CELESTIA_TOKEN\" }}\ncheckpoint = {{ height = 7, hash = \"{hash}\" }}\ngas-price = \"0.002utia\"\n"
    );
    std::fs::write(&config, text).expect("written");
    let config = config.to_str().expect("UTF-8");
    let shown = stdout(&run(&["config", "show", "--config", config]));
    for key in [
        "rpc",
        "token",
        "checkpoint",
        "trusting-period",
        "gas-price",
        "max-gas-price",
        "sampling",
        "block-time",
    ] {
        let key = format!("da.celestia.{key}");
        assert!(shown.contains(&key), "{key} is not in\n{shown}");
        assert!(run(&["config", "explain", &key]).status.success(), "{key}");
    }
    assert!(shown.contains("0.002utia"), "{shown}");
    std::fs::write(config, "[da.celestia]\ntoken = \"secret\"\n").expect("written");
    let refused = run(&["config", "show", "--config", config, "--json"]);
    assert_eq!(failure(&refused)["code"], "RW-CFG-005");
}

#[test]
fn a_light_client_samples_what_a_devnet_makes_and_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = datadir(folder.path());
    let devnet = Running::start(&[
        "celestia-devnet",
        "--listen",
        "127.0.0.1:0",
        "--block-time",
        "300ms",
    ]);
    let url = devnet.started["url"]
        .as_str()
        .expect("an address")
        .to_owned();
    let first = devnet.started["firstHash"].as_str().expect("a hash");
    let trust = format!("1:{first}");
    let arguments = [
        "light",
        "--endpoint",
        &url,
        "--trust",
        &trust,
        "--datadir",
        dir,
        "--block-time",
        "300ms",
    ];
    let mut light = Running::start(&arguments);
    assert_eq!(light.started["network"], "private");
    for height in 1..=3 {
        let block = light.wait_for("available");
        assert_eq!(block["height"], height);
        assert_eq!(block["available"], true);
        assert_eq!(block["verified"], block["samples"]);
        assert_eq!(block["confidence"], 1.0, "an empty square has one share");
    }
    assert_eq!(light.interrupt(), Some(0));
    let again = Running::start(&arguments);
    assert!(
        again.started["next"].as_u64() >= Some(4),
        "{}",
        again.started
    );
    assert_eq!(again.interrupt(), Some(0));

    // Once, up to the newest block.
    let output = run(&[
        "light",
        "--endpoint",
        &url,
        "--once",
        "--block-time",
        "300ms",
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let line = stdout(&output);
    assert!(
        line.contains("available") && line.contains("confidence 100.00 %"),
        "{line}"
    );

    let other = format!("1:0x{}", "11".repeat(32));
    let wrong = ["light", "--endpoint", &url, "--trust", &other, "--json"];
    assert_eq!(failure(&run(&wrong))["code"], "RW-DA-426");
    let wrong = [
        "light",
        "--endpoint",
        &url,
        "--network",
        "celestia",
        "--json",
    ];
    assert_eq!(failure(&run(&wrong))["code"], "RW-DA-419");
    assert_eq!(devnet.interrupt(), Some(0));
    let gone = run(&["light", "--endpoint", &url, "--once"]);
    assert_eq!(gone.status.code(), Some(4), "{}", stderr(&gone));
}
