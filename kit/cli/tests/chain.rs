//! `rollwright chain`: what a genesis file says of a chain's rules.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{run, stderr, stdout};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// A development chain's genesis file, changed by `edit`, in a folder.
fn genesis(folder: &Path, edit: impl FnOnce(&mut Value)) -> String {
    let source =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../modules/evm/src/genesis/tests/dev.json");
    let text = fs::read_to_string(source).expect("readable");
    let mut file: Value = serde_json::from_str(&text).expect("JSON");
    edit(&mut file);
    let path = folder.join("genesis.json");
    fs::write(&path, file.to_string()).expect("written");
    path.display().to_string()
}

fn data(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let envelope: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    envelope["data"].clone()
}

#[test]
fn the_differences_name_switches_and_precompiles() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = genesis(folder.path(), |file| {
        let config = &mut file["config"];
        config["osakaTime"] = json!(2_000_000_000u64);
        config["rollwright"]["eips"] = json!({"eip7939": 0, "eip7951": 1_900_000_000u64});
        config["rollwright"]["precompiles"] = json!([{
            "name": "acme/poseidon", "version": 2, "time": 0,
            "address": "0x4d65726b6c650000000000000000000000000001",
        }]);
    });
    let output = run(&["chain", "eips", &path]);
    let text = stdout(&output);
    for expected in [
        "EIP-7939: instruction CLZ",
        "from time 1900000000 on (Ethereum: from Osaka on)",
        "acme/poseidon version 2, from genesis on",
        "hash of the block's anchor",
    ] {
        assert!(text.contains(expected), "{expected} is missing:\n{text}");
    }
    let data = data(&["chain", "eips", &path]);
    assert_eq!(data["eips"][0]["key"], "eip7939");
    assert_eq!(data["precompiles"][0]["version"], 2);
}

#[test]
fn a_switch_that_nobody_knows_is_refused_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = genesis(folder.path(), |file| {
        file["config"]["rollwright"]["eips"] = json!({ "eip7928": 0 });
    });
    let output = run(&["chain", "show", &path]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains("RW-EVM-002"), "{text}");
    assert!(text.contains("config.rollwright.eips.eip7928"), "{text}");
    assert!(text.contains("whole fork"), "{text}");
}

#[test]
fn preinstalled_contracts_are_there_afterwards_and_twice_is_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = genesis(folder.path(), |_| ());
    let before = data(&["chain", "show", &path]);
    let added = data(&["chain", "preinstall", &path, "--l1-origin"]);
    assert_eq!(added["added"].as_array().map(Vec::len), Some(2));
    let after = data(&["chain", "show", &path]);
    assert_eq!(after["genesisHash"], added["genesisHash"]);
    assert_ne!(after["genesisHash"], before["genesisHash"]);
    assert_eq!(after["configHash"], before["configHash"]);
    let names: Vec<&str> = after["contracts"]
        .as_array()
        .expect("contracts")
        .iter()
        .filter_map(|contract| contract["what"].as_str())
        .collect();
    assert!(
        names.contains(&"Safe singleton factory (RIP-7740)"),
        "{names:?}"
    );
    assert!(
        names.iter().any(|name| name.contains("RIP-7859")),
        "{names:?}"
    );
    let again = data(&["chain", "preinstall", &path]);
    assert_eq!(again["added"], json!([]));
    assert_eq!(again["genesisHash"], after["genesisHash"]);
}

#[test]
fn other_code_than_createxs_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = genesis(folder.path(), |_| ());
    let code = folder.path().join("code.hex");
    fs::write(&code, "0x6001").expect("written");
    let before = fs::read(&path).expect("readable");
    let code = code.display().to_string();
    let output = run(&["chain", "preinstall", &path, "--create-x", &code]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("0xbd8a7ea8"),
        "{}",
        stderr(&output)
    );
    assert_eq!(fs::read(&path).expect("readable"), before);
}
