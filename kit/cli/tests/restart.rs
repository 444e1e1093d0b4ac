//! Nothing that was acknowledged as included is lost.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Running, TO, included, run, stderr, stdout, transfer};
use serde_json::{Value, json};
use std::path::Path;

const FAST: [&str; 4] = ["--block-time", "100ms", "--da-block-time", "150ms"];

/// Checks every receipt and that each transfer took effect once.
fn assert_kept(node: &Running, acknowledged: &[(Value, u64)]) {
    for (hash, number) in acknowledged {
        let receipt = node.call("eth_getTransactionReceipt", json!([hash]));
        assert_eq!(receipt["blockNumber"], format!("{number:#x}"), "{hash}");
    }
}

fn assert_verifies(folder: &Path) {
    let output = run(&["verify", "--datadir", folder.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", stderr(&output));
    let said = stdout(&output);
    assert!(
        said.lines()
            .last()
            .is_some_and(|line| line.starts_with("verified ")),
        "{said}"
    );
}

#[test]
fn a_chain_goes_on_after_ctrl_c() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut acknowledged = Vec::new();
    for nonce in 0..3 {
        let mut node = Running::dev(folder.path(), &FAST);
        assert_kept(&node, &acknowledged);
        let hash = node.call("eth_sendRawTransaction", json!([transfer(0, nonce, 1)]));
        let number = included(&mut node, &hash);
        acknowledged.push((hash, number));
        assert_eq!(node.interrupt(), Some(0));
    }
    assert_verifies(folder.path());
}

#[test]
fn kill_9_under_load_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut acknowledged = Vec::new();
    let (rounds, each) = (3, 40);
    for round in 0..rounds {
        let mut node = Running::dev(folder.path(), &FAST);
        assert_kept(&node, &acknowledged);
        // What the pool kept over the kill is known already, or included.
        let base = round * each;
        let mut hashes = Vec::new();
        for nonce in base..base + each {
            hashes.push(node.call("eth_sendRawTransaction", json!([transfer(0, nonce, 1)])));
        }
        // Half of the load is seen in blocks, then the process dies.
        for hash in hashes.iter().take(each as usize / 2) {
            let number = included(&mut node, hash);
            acknowledged.push((hash.clone(), number));
        }
        node.kill();
        // The rest was handed in and not acknowledged as included: it may be
        // sent again, and takes effect once.
        let mut node = Running::dev(folder.path(), &FAST);
        for nonce in base + each / 2..base + each {
            let raw = transfer(0, nonce, 1);
            let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [raw] });
            common::post(node.rpc(), &body.to_string());
        }
        for hash in &hashes {
            included(&mut node, hash);
        }
        node.kill();
    }
    let mut node = Running::dev(folder.path(), &FAST);
    assert_kept(&node, &acknowledged);
    let total = format!("{:#x}", rounds * each);
    assert_eq!(node.call("eth_getBalance", json!([TO, "latest"])), total);
    node.wait_for("block");
    assert_eq!(node.interrupt(), Some(0));
    assert_verifies(folder.path());
}
