//! Past the sequencer.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Running, TO, included, run, stderr, transfer};
use serde_json::{Value, json};

#[test]
fn a_forced_transaction_is_included_without_the_sequencer_s_pool() {
    let folder = tempfile::tempdir().expect("a folder");
    let datadir = folder.path().to_str().expect("UTF-8");
    let mut node = Running::dev(
        folder.path(),
        &["--block-time", "200ms", "--da-block-time", "200ms"],
    );
    // It never reaches the node by JSON-RPC.
    let output = run(&[
        "force-include",
        &transfer(0, 0, 5),
        "--datadir",
        datadir,
        "--json",
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let envelope: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let hash = envelope["data"]["transactions"][0].clone();
    let number = included(&mut node, &hash);
    assert_eq!(node.call("eth_getBalance", json!([TO, "latest"])), "0x5");
    loop {
        let heads = node.wait_for("heads");
        if heads["safe"]["number"].as_u64() >= Some(number) {
            break;
        }
    }
    assert_eq!(node.interrupt(), Some(0));
    let verified = run(&["verify", "--datadir", datadir]);
    assert!(verified.status.success(), "{}", stderr(&verified));
}

#[test]
fn what_the_lane_does_not_admit_is_refused_before_it_is_posted() {
    let folder = tempfile::tempdir().expect("a folder");
    let datadir = folder.path().to_str().expect("UTF-8");
    let mut node = Running::dev(folder.path(), &["--block-time", "200ms"]);
    node.wait_for("block");
    let other = common::transfer_on(1, 0, 0, 5);
    for (transaction, code, exit) in [
        ("zz", "RW-CLI-001", 2),
        ("0x02ff", "RW-CLI-006", 1),
        (other.as_str(), "RW-CLI-006", 1),
    ] {
        let output = run(&["force-include", transaction, "--datadir", datadir, "--json"]);
        assert_eq!(output.status.code(), Some(exit), "{transaction}");
        assert_eq!(common::failure(&output)["code"], code, "{transaction}");
    }
}
