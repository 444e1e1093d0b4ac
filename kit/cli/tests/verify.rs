//! `verify` finds what does not fit.

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

/// Copies a folder with everything in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("readable") {
        let path = entry.expect("readable").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

/// A store whose DA file holds an older history: what was posted later is
/// safe in the store, and no longer on DA.
#[test]
fn a_da_layer_that_lost_batches_is_found_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (chain, old) = (folder.path().join("chain"), folder.path().join("old"));
    stopped(&chain, 1);
    copy(&chain.join("da"), &old);
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
    fs::remove_dir_all(chain.join("da")).expect("removed");
    copy(&old, &chain.join("da"));
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
    let files: Vec<_> = if da.is_dir() {
        fs::read_dir(&da)
            .expect("readable")
            .map(|entry| entry.expect("readable").path())
            .filter(|path| path.is_file())
            .collect()
    } else {
        vec![da]
    };
    let largest = files
        .iter()
        .max_by_key(|path| path.metadata().map_or(0, |data| data.len()))
        .expect("a file");
    let mut bytes = fs::read(largest).expect("read");
    for byte in bytes.iter_mut().take(512) {
        *byte ^= 0x5a;
    }
    fs::write(largest, bytes).expect("written");
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
