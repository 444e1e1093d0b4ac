//! `rollwright new`: the project builds, passes its own test, and runs.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::{
    path::Path,
    process::{Command, Stdio},
};

#[test]
fn a_generated_project_builds_passes_its_test_and_runs_its_chain() {
    let kit = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the kit");
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = [
        "new",
        "gizmo",
        "--yes",
        "--da",
        "local",
        "--no-git",
        "--kit-path",
    ];
    let output = common::run_in(
        folder.path(),
        &[&arguments[..], &[kit.to_str().expect("UTF-8")]].concat(),
    );
    assert!(output.status.success(), "{}", common::stderr(&output));
    let next = common::stdout(&output);
    assert_eq!(next.lines().count(), 3, "{next}");

    let project = folder.path().join("gizmo");
    // The kit's own versions, so that nothing is resolved anew.
    std::fs::copy(kit.join("Cargo.lock"), project.join("Cargo.lock")).expect("copied");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| kit.join("target"), Into::into);
    let status = Command::new(env!("CARGO"))
        .args(["test", "--quiet"])
        .current_dir(&project)
        .env("CARGO_TARGET_DIR", target.join("generated"))
        .stdin(Stdio::null())
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the generated project's test failed");

    // The stock binary runs the project's own chain, before anything is compiled.
    let mut node = common::Running::start_in(&project, &["dev", "--port", "auto"]);
    let block = node.wait_for("block");
    assert_eq!(block["number"], 1);
    assert_eq!(node.call("eth_chainId", serde_json::json!([])), "0xa455");
    assert_eq!(node.interrupt(), Some(0));
}
