//! One command to a block.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{ROLLWRIGHT, Running};
use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

#[test]
fn dev_makes_a_block_with_an_empty_home_folder() {
    let home = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(ROLLWRIGHT)
        .args(["dev", "--port", "auto", "--color", "never"])
        .env_clear()
        .env("HOME", home.path())
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    // Block and banner come in either order.
    let (mut before, mut block, mut banner) = (Vec::new(), false, false);
    for line in BufReader::new(child.stderr.take().expect("a pipe")).lines() {
        let line = line.expect("text");
        block |= line.contains(" #1 ");
        banner |= line.starts_with("Ctrl-C stops");
        before.push(line);
        if block && banner {
            break;
        }
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(block, "no block 1 in:\n{}", before.join("\n"));

    let first = before.iter().position(|line| line.starts_with("dev "));
    let last = before
        .iter()
        .position(|line| line.starts_with("Ctrl-C stops"));
    let (first, last) = (first.expect("a banner"), last.expect("its end"));
    let banner = &before[first..=last];
    assert!(banner.len() <= 24, "{} lines", banner.len());
    let text = banner.join("\n");
    for fact in [
        "chain 42069",
        "RPC       http://127.0.0.1:",
        "DA        local ",
        "head ",
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    ] {
        assert!(text.contains(fact), "{fact} is missing in:\n{text}");
    }
    assert!(!text.contains("/.\n"), "{text}");
}

#[test]
fn a_stopped_chain_leaves_no_address_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut node = Running::dev(folder.path(), &["--block-time", "100ms"]);
    node.wait_for("block");
    assert!(folder.path().join("running.json").exists());
    assert!(folder.path().join("devnet.json").exists());
    assert_eq!(node.interrupt(), Some(0));
    assert!(!folder.path().join("running.json").exists());
}
