//! Real clients from npm, unmodified, against `rollwright dev`.
//! Run `npm install --ignore-scripts` in `tests/clients` first.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::Running;
use std::{
    path::PathBuf,
    process::{Command, Output},
};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

fn client(program: &str) -> Command {
    let installed = folder().join("node_modules/.bin");
    assert!(
        installed.exists(),
        "run `npm install --ignore-scripts` in {}",
        folder().display()
    );
    let mut command = Command::new(installed.join(program));
    // forge keeps caches under HOME.
    command
        .current_dir(folder())
        .env("FOUNDRY_DISABLE_NIGHTLY_WARNING", "1");
    command
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("the client runs");
    assert!(output.status.success(), "{command:?}\n{}", text(&output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const OTHER_KEY: &str = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a";
const TO: &str = "0x00000000000000000000000000000000000a11ce";

fn node() -> (tempfile::TempDir, Running) {
    let folder = tempfile::tempdir().expect("a folder");
    let node = Running::dev(
        folder.path(),
        &["--block-time", "250ms", "--da-block-time", "500ms"],
    );
    (folder, node)
}

#[test]
fn cast_sends_and_reads() {
    let (_folder, node) = node();
    let rpc = ["--rpc-url", node.rpc()];
    assert_eq!(
        succeed(client("cast").args(["chain-id"]).args(rpc)),
        "42069"
    );
    assert_eq!(
        succeed(
            client("cast")
                .args(["balance", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"])
                .args(rpc)
        ),
        "10000000000000000000000"
    );
    let receipt = succeed(
        client("cast")
            .args([
                "send",
                TO,
                "--value",
                "1ether",
                "--private-key",
                KEY,
                "--json",
            ])
            .args(rpc),
    );
    let receipt: serde_json::Value = serde_json::from_str(&receipt).expect("JSON");
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(
        succeed(client("cast").args(["balance", TO]).args(rpc)),
        "1000000000000000000"
    );
    assert_eq!(
        succeed(
            client("cast")
                .args(["nonce", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"])
                .args(rpc)
        ),
        "1"
    );
    let block = succeed(client("cast").args(["block", "latest", "--json"]).args(rpc));
    assert!(block.contains("parentBeaconBlockRoot"), "{block}");

    let output = client("cast")
        .args(["send", TO, "--value", "20000ether", "--private-key", KEY])
        .args(rpc)
        .output();
    // The npm wrapper of cast does not pass its exit code on.
    let output = output.expect("runs");
    assert!(
        text(&output).to_lowercase().contains("insufficient funds"),
        "{}",
        text(&output)
    );
}

#[test]
fn forge_creates_a_contract() {
    let (_folder, node) = node();
    let out = tempfile::tempdir().expect("a folder");
    let created = succeed(
        client("forge")
            .current_dir(folder().join("contracts"))
            .env("FOUNDRY_OUT", out.path().join("out"))
            .env("FOUNDRY_CACHE_PATH", out.path().join("cache"))
            .args([
                "create",
                "--use",
                "../solc.mjs",
                "--rpc-url",
                node.rpc(),
                "--private-key",
                OTHER_KEY,
            ])
            .args([
                "--broadcast",
                "src/Counter.sol:Counter",
                "--constructor-args",
                "5",
            ]),
    );
    let address = created
        .lines()
        .find_map(|line| line.strip_prefix("Deployed to: "))
        .unwrap_or_else(|| panic!("no address in {created}"))
        .to_owned();
    let number = succeed(client("cast").args([
        "call",
        &address,
        "number()(uint256)",
        "--rpc-url",
        node.rpc(),
    ]));
    assert_eq!(number, "5");
}

#[test]
fn a_viem_script_runs() {
    let (_folder, node) = node();
    assert_eq!(
        succeed(
            Command::new("node")
                .current_dir(folder())
                .args(["viem.mjs", node.rpc()])
        ),
        "viem ok"
    );
}

#[test]
fn an_ethers_script_runs() {
    let (_folder, node) = node();
    assert_eq!(
        succeed(
            Command::new("node")
                .current_dir(folder())
                .args(["ethers.mjs", node.rpc()])
        ),
        "ethers ok"
    );
}

#[test]
fn clients_leave_a_chain_that_verifies() {
    let (folder_, node) = node();
    succeed(
        Command::new("node")
            .current_dir(folder())
            .args(["ethers.mjs", node.rpc()]),
    );
    assert_eq!(node.interrupt(), Some(0));
    let datadir = folder_.path().to_str().expect("UTF-8");
    let output = common::run(&["verify", "--datadir", datadir]);
    assert!(output.status.success(), "{}", common::stderr(&output));
    let last = common::stdout(&output)
        .lines()
        .last()
        .unwrap_or_default()
        .to_owned();
    assert!(
        last.starts_with("verified ") && last.contains(" blocks, head 0x"),
        "{last}"
    );
}

/// The script that drives every client, as somebody with a node of their own
/// would run it.
fn all_clients(rpc: &str) -> String {
    let hardhat = folder().join("hardhat/node_modules");
    assert!(
        hardhat.exists(),
        "run `npm install --ignore-scripts` in {}",
        folder().join("hardhat").display()
    );
    succeed(
        Command::new("bash")
            .args(["run.sh", rpc])
            .current_dir(folder()),
    )
}

#[test]
fn every_client_is_content_with_a_development_chain() {
    let (_folder, node) = node();
    let said = all_clients(node.rpc());
    assert!(said.contains("\nhardhat ok\n"), "{said}");
    assert!(said.ends_with("every client is content"), "{said}");
}

#[test]
fn every_client_is_content_with_a_sandbox() {
    let node = Running::start(&["dev", "--sandbox", "--port", "auto"]);
    let said = all_clients(node.rpc());
    assert!(said.contains("\nhardhat ok, in a sandbox\n"), "{said}");
    assert!(said.ends_with("every client is content"), "{said}");
}
