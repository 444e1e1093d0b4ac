//! One command to a block.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{ROLLWRIGHT, Running};
use std::{
    fs,
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
    for line in banner {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let text = banner.join("\n");
    for fact in [
        "chain 42069",
        "RPC       http://127.0.0.1:",
        "DA        local ",
        "head ",
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    ] {
        assert!(text.contains(fact), "{fact} is missing in:\n{text}");
    }
    assert!(!text.contains("/.\n"), "{text}");
}

#[test]
fn a_quiet_chain_tells_its_port_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(ROLLWRIGHT)
        .args(["dev", "--quiet", "--port", "auto", "--datadir"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let url = lines.next().expect("a line").expect("text");
    let id = common::call(&url, "eth_chainId", serde_json::json!([]));
    assert_eq!(id, "0xa455");
    let asked = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(asked.expect("kill runs").success());
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success());
    assert!(lines.next().is_none(), "nothing else on stdout");
    assert_eq!(common::stderr(&output), "");
}

#[test]
fn ctrl_c_during_the_start_leaves_nothing_behind() {
    let temp = tempfile::tempdir().expect("a folder");
    let child = Command::new(ROLLWRIGHT)
        .args(["dev", "--port", "auto", "--accounts", "10000"])
        .env("TMPDIR", temp.path())
        .current_dir(temp.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    // The chain is being made once its folder is there.
    while fs::read_dir(temp.path())
        .expect("readable")
        .next()
        .is_none()
    {
        std::thread::yield_now();
    }
    let asked = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(asked.expect("kill runs").success());
    let output = child.wait_with_output().expect("ended");
    let said = common::stderr(&output);
    let left: Vec<_> = fs::read_dir(temp.path())
        .expect("readable")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert!(left.is_empty(), "{left:?} is left; {said}");
    // Before the handler stands, the signal's own meaning holds.
    assert!(
        output.status.success() || output.status.code().is_none(),
        "{said}"
    );
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
