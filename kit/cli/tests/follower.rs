//! Other nodes of one chain: follower, replica, and one from a snapshot.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Running, TO, call, run, stderr, stdout, transfer};
use serde_json::{Value, json};
use std::{fs, path::Path};

const FAST: [&str; 4] = ["--block-time", "200ms", "--da-block-time", "200ms"];

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Configuration of another node of the chain in `chain`.
fn settings(chain: &Path, own: &Path, more: &str) {
    fs::create_dir_all(own).expect("made");
    fs::copy(chain.join("genesis.json"), own.join("genesis.json")).expect("copied");
    let head = "schema = 1\n[chain]\nid = 42069\ndata-dir = \"data\"\n";
    fs::write(own.join("rollup.toml"), format!("{head}{more}")).expect("written");
}

fn follow(own: &Path, role: &str) -> Running {
    Running::start_in(own, &["run", "--role", role, "--port", "auto"])
}

fn hash(node: &Running, number: u64) -> Value {
    let block = node.call(
        "eth_getBlockByNumber",
        json!([format!("{number:#x}"), false]),
    );
    block["hash"].clone()
}

/// Waits until a head reaches a number.
fn reach(node: &mut Running, head: &str, number: u64) {
    loop {
        let heads = node.wait_for("heads");
        if heads[head]["number"].as_u64().expect("a number") >= number {
            return;
        }
    }
}

#[test]
fn a_follower_reaches_the_same_hashes_and_forwards_transactions() {
    let folder = tempfile::tempdir().expect("a folder");
    let (chain, own) = (folder.path().join("chain"), folder.path().join("own"));
    let mut sequencer = Running::dev(&chain, &FAST);
    let rpc = sequencer.rpc().to_owned();
    settings(
        &chain,
        &own,
        &format!("[da.local]\nurl = \"{rpc}/da\"\n[follower]\nsequencer = \"{rpc}\"\n"),
    );
    let mut follower = follow(&own, "follower");
    // Sent to the follower, made into a block by the sequencer, derived here.
    let sent = call(
        follower.rpc(),
        "eth_sendRawTransaction",
        json!([transfer(0, 0, 1)]),
    );
    let number = common::included(&mut sequencer, &sent);
    reach(&mut follower, "safe", number);
    assert_eq!(hash(&follower, number), hash(&sequencer, number));
    let balance = follower.call("eth_getBalance", json!([TO, "latest"]));
    assert_eq!(balance, "0x1");
    assert_eq!(follower.interrupt(), Some(0));
    assert_eq!(sequencer.interrupt(), Some(0));
}

#[test]
fn a_replica_follows_the_feed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (chain, own) = (folder.path().join("chain"), folder.path().join("own"));
    let mut sequencer = Running::dev(&chain, &FAST);
    let rpc = sequencer.rpc().to_owned();
    let feed = rpc.replace("http", "ws");
    let (da, feed) = (format!("{rpc}/da"), format!("{feed}/feed"));
    let config = chain.join("rollup.toml");
    let mut replica = Running::start(&[
        "run",
        "--role",
        "replica",
        "--config",
        text(&config),
        "--datadir",
        text(&own),
        "--da-url",
        &da,
        "--feed",
        &feed,
        "--sequencer",
        &rpc,
        "--port",
        "auto",
    ]);
    let sent = replica.call("eth_sendRawTransaction", json!([transfer(0, 0, 1)]));
    let number = common::included(&mut sequencer, &sent);
    reach(&mut replica, "latest", number);
    assert_eq!(hash(&replica, number), hash(&sequencer, number));
    assert_eq!(replica.interrupt(), Some(0));
}

#[test]
fn without_a_configuration_it_is_said_which_one_is_wanted() {
    let folder = tempfile::tempdir().expect("a folder");
    for more in [&["--datadir", "own"][..], &[]] {
        let arguments = [&["run", "--role", "follower"], more].concat();
        let output = common::run_in(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        assert!(said.contains("RW-CFG-001"), "{said}");
        assert!(said.contains("--config FILE"), "{said}");
    }
}

#[test]
fn a_follower_from_a_snapshot_reaches_the_same_hashes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (chain, own) = (folder.path().join("chain"), folder.path().join("own"));
    let file = folder.path().join("state.snapshot");
    let mut sequencer = Running::dev(&chain, &FAST);
    let sent = sequencer.call("eth_sendRawTransaction", json!([transfer(0, 0, 7)]));
    let number = common::included(&mut sequencer, &sent);
    reach(&mut sequencer, "finalized", number);
    assert_eq!(sequencer.interrupt(), Some(0));

    let export = [
        "snapshot",
        "export",
        "--datadir",
        text(&chain),
        text(&file),
        "--json",
    ];
    let output = run(&export);
    assert!(output.status.success(), "{}", stderr(&output));
    let exported: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let block = exported["data"]["block"]["number"]
        .as_u64()
        .expect("a number");
    assert!(block >= number);
    // Nothing is written over.
    assert_eq!(run(&export).status.code(), Some(1));
    let genesis = chain.join("genesis.json");
    let checked = run(&[
        "snapshot",
        "check",
        "--genesis",
        text(&genesis),
        text(&file),
    ]);
    assert!(checked.status.success(), "{}", stderr(&checked));

    let mut sequencer = Running::dev(&chain, &FAST);
    let url = format!("{}/da", sequencer.rpc());
    let import = [
        "snapshot",
        "import",
        "--datadir",
        text(&own),
        "--genesis",
        text(&genesis),
        "--da-url",
        &url,
        text(&file),
    ];
    let output = run(&import);
    assert!(output.status.success(), "{}", stderr(&output));
    let again = run(&import);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        stderr(&again).contains("RW-STORE-206"),
        "{}",
        stderr(&again)
    );

    let mut follower = Running::start_in(
        folder.path(),
        &[
            "run",
            "--role",
            "follower",
            "--datadir",
            text(&own),
            "--port",
            "auto",
        ],
    );
    assert_eq!(
        follower.call("eth_getBalance", json!([TO, "latest"])),
        "0x7"
    );
    let sent = sequencer.call("eth_sendRawTransaction", json!([transfer(0, 1, 1)]));
    let number = common::included(&mut sequencer, &sent);
    reach(&mut follower, "safe", number);
    assert_eq!(hash(&follower, number), hash(&sequencer, number));
    assert_eq!(follower.interrupt(), Some(0));

    let verified = run(&["verify", "--datadir", text(&own)]);
    assert!(verified.status.success(), "{}", stderr(&verified));
    let said = stdout(&verified);
    assert!(said.contains("came as a snapshot"), "{said}");
    assert!(
        said.lines()
            .last()
            .is_some_and(|line| line.starts_with("verified "))
    );
}

#[test]
fn a_damaged_snapshot_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let chain = folder.path().join("chain");
    let file = folder.path().join("state.snapshot");
    let mut sequencer = Running::dev(&chain, &FAST);
    reach(&mut sequencer, "finalized", 1);
    assert_eq!(sequencer.interrupt(), Some(0));
    let output = run(&["snapshot", "export", "--datadir", text(&chain), text(&file)]);
    assert!(output.status.success(), "{}", stderr(&output));
    let mut bytes = fs::read(&file).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).expect("written");
    let output = run(&["snapshot", "check", text(&file)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("RW-STORE-203"),
        "{}",
        stderr(&output)
    );
}
