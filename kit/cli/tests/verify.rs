//! `verify` finds what does not fit.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Running, failure, run};
use rollwright::evm::store::kv::{Batch, Column, FjallKv, FjallOptions, KeyValue};
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

/// Two histories of one chain: the store holds one, DA the other.
#[test]
fn a_block_that_da_says_otherwise_is_named_with_its_field() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    // A chain that has no block of its own yet: genesis, key and DA layer.
    let output = run(&[
        "dev",
        "--datadir",
        one.to_str().expect("UTF-8"),
        "--port",
        "1",
        "--host",
        "192.0.2.1",
    ]);
    assert!(!output.status.success(), "nobody listens at 192.0.2.1");
    fs::create_dir(&two).expect("made");
    for name in ["genesis.json", "sequencer.key", "da"] {
        fs::copy(one.join(name), two.join(name)).expect("copied");
    }
    let _ = fs::remove_dir_all(one.join("state"));
    stopped(&one, 1);
    stopped(&two, 2);
    fs::copy(two.join("da"), one.join("da")).expect("copied");
    let output = verify(&one);
    assert_eq!(output.status.code(), Some(1));
    let error = failure(&output);
    assert_eq!(error["code"], "RW-NODE-004", "{error}");
    let message = error["message"].as_str().expect("text");
    assert!(
        message.starts_with("block ") && message.contains(" differs from what DA says: "),
        "{message}"
    );
    let field = message.split(" says: ").nth(1).expect("a field");
    let field = field.split(' ').next().expect("a word");
    assert!(
        field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
        "{message}"
    );
    assert!(message.contains(" in the store and "), "{message}");
}

#[test]
fn everything_is_posted_after_an_orderly_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    // A DA block would come in 15 seconds, a batch in four seconds.
    let mut node = Running::dev(
        folder.path(),
        &["--block-time", "200ms", "--da-block-time", "15s"],
    );
    let hash = node.call(
        "eth_sendRawTransaction",
        serde_json::json!([common::transfer(0, 0, 1)]),
    );
    common::included(&mut node, &hash);
    assert_eq!(node.interrupt(), Some(0));
    let datadir = folder.path().to_str().expect("UTF-8");
    let output = run(&["verify", "--datadir", datadir]);
    let said = common::stdout(&output);
    assert!(said.starts_with("every block is posted\n"), "{said}");
    let quiet = common::stdout(&run(&["verify", "--quiet", "--datadir", datadir]));
    assert_eq!(quiet.lines().count(), 1, "{quiet}");
    assert!(quiet.starts_with("verified "), "{quiet}");
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

fn verify_state(folder: &Path) -> std::process::Output {
    let datadir = folder.to_str().expect("UTF-8");
    run(&["verify", "--datadir", datadir, "--state", "--json"])
}

#[test]
fn the_stored_state_is_checked_and_a_changed_balance_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    stopped(folder.path(), 2);
    let output = verify_state(folder.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let accounts = answer["data"]["accounts"].as_u64().expect("a number");
    assert!(accounts > 10, "{answer}");

    let kv = FjallKv::open(&folder.path().join("state"), FjallOptions::default()).expect("opens");
    let mut batch = Batch::default();
    let (key, mut value) = kv
        .snapshot()
        .first(Column::Accounts, &[], None)
        .expect("reads")
        .expect("an account");
    let last = value.last_mut().expect("bytes");
    *last ^= 1;
    batch.put(Column::Accounts, key, value);
    kv.commit(&batch.finish()).expect("commits");
    drop(kv);
    let output = verify_state(folder.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(failure(&output)["code"], "RW-STORE-112");
}
