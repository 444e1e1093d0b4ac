//! `verify` finds what does not fit.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Running, failure, run};
use std::{fs, path::Path};

fn stopped(folder: &Path, transfers: u64) {
    let mut node = Running::dev(
        folder,
        &["--block-time", "200ms", "--da-block-time", "200ms"],
    );
    for nonce in 0..transfers {
        let raw = common::transfer(0, nonce, 1);
        node.call("eth_sendRawTransaction", serde_json::json!([raw]));
    }
    loop {
        let heads = node.wait_for("heads");
        if heads["safe"]["number"].as_u64() >= Some(3) {
            break;
        }
    }
    assert_eq!(node.interrupt(), Some(0));
}

fn verify(folder: &Path) -> std::process::Output {
    let datadir = folder.to_str().expect("UTF-8");
    run(&["verify", "--datadir", datadir, "--json"])
}

/// A store whose DA file holds an older history: what was posted later is
/// safe in the store, and no longer on DA.
#[test]
fn a_da_layer_that_lost_batches_is_found_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (chain, old) = (folder.path().join("chain"), folder.path().join("old"));
    stopped(&chain, 1);
    fs::copy(chain.join("da"), &old).expect("copied");
    let mut node = Running::dev(
        &chain,
        &["--block-time", "200ms", "--da-block-time", "200ms"],
    );
    let safe = loop {
        let heads = node.wait_for("heads");
        if let Some(safe) = heads["safe"]["number"].as_u64() {
            break safe;
        }
    };
    loop {
        let heads = node.wait_for("heads");
        if heads["safe"]["number"].as_u64() > Some(safe + 10) {
            break;
        }
    }
    assert_eq!(node.interrupt(), Some(0));
    fs::copy(&old, chain.join("da")).expect("copied");
    let output = verify(&chain);
    assert_eq!(output.status.code(), Some(1));
    let error = failure(&output);
    assert_eq!(error["code"], "RW-NODE-005", "{error}");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("block")),
        "{error}"
    );
}

#[test]
fn a_damaged_da_file_is_a_clear_error() {
    let folder = tempfile::tempdir().expect("a folder");
    stopped(folder.path(), 1);
    let da = folder.path().join("da");
    let mut bytes = fs::read(&da).expect("read");
    for byte in bytes.iter_mut().take(512) {
        *byte ^= 0x5a;
    }
    fs::write(&da, bytes).expect("written");
    let output = verify(folder.path());
    assert_eq!(output.status.code(), Some(1));
    let error = failure(&output);
    assert!(
        error["code"]
            .as_str()
            .is_some_and(|code| code.starts_with("RW-DA-")),
        "{error}"
    );
}
