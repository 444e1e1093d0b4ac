//! The arrows between crates, read from `cargo metadata`.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// What each crate may depend on inside the workspace (not counting tests).
const ALLOWED: &[(&str, &[&str])] = &[
    ("rollwright-core", &[]),
    ("rollwright-derive", &["rollwright-core"]),
    ("rollwright-node", &["rollwright-core", "rollwright-derive"]),
    ("rollwright-rpc", &["rollwright-core"]),
    ("rollwright-evm", &["rollwright-core", "rollwright-derive"]),
    ("rollwright-da-local", &["rollwright-core"]),
    ("rollwright-da-celestia", &["rollwright-core"]),
    ("rollwright-da-ethereum", &["rollwright-core"]),
    (
        "rollwright",
        &[
            "rollwright-core",
            "rollwright-derive",
            "rollwright-node",
            "rollwright-rpc",
            "rollwright-evm",
            "rollwright-da-local",
            "rollwright-da-celestia",
            "rollwright-da-ethereum",
        ],
    ),
    ("rollwright-cli", &["rollwright"]),
    (
        "rollwright-reference",
        &["rollwright-core", "rollwright-derive", "rollwright-evm"],
    ),
    // Whole nodes in one process, for tests; nothing depends on it.
    (
        "rollwright-sim",
        &[
            "rollwright-core",
            "rollwright-derive",
            "rollwright-node",
            "rollwright-evm",
            "rollwright-reference",
        ],
    ),
    // Drives the command from outside; takes the development keys alone.
    ("rollwright-bench", &["rollwright-evm"]),
    ("rollwright-torture", &["rollwright"]),
    (
        "rollwright-fuzz",
        &[
            "rollwright",
            "rollwright-core",
            "rollwright-derive",
            "rollwright-node",
            "rollwright-rpc",
            "rollwright-evm",
            "rollwright-da-local",
            "rollwright-reference",
        ],
    ),
    ("embed-evm", &["rollwright-core", "rollwright-evm"]),
    (
        "custom-precompile",
        &["rollwright-core", "rollwright-derive", "rollwright-evm"],
    ),
    ("hello-rollup", &["rollwright"]),
    ("da-proof", &["rollwright"]),
    ("custom-da", &["rollwright-core"]),
    ("swap-da", &["rollwright"]),
];

/// Crates that stay free of runtimes, networks and databases.
const PURE: &[&str] = &["rollwright-core", "rollwright-derive"];

/// What a pure crate may not depend on, directly.
const IMPURE: &[&str] = &[
    "tokio",
    "axum",
    "hyper",
    "reqwest",
    "jsonrpsee",
    "redb",
    "fjall",
    "rayon",
    "tokio-tungstenite",
];

struct Workspace {
    /// Non-test dependencies of each member.
    dependencies: BTreeMap<String, BTreeSet<String>>,
    descriptions: BTreeMap<String, (String, std::path::PathBuf)>,
}

fn workspace() -> Workspace {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata is JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut workspace = Workspace {
        dependencies: BTreeMap::new(),
        descriptions: BTreeMap::new(),
    };
    for package in metadata["packages"].as_array().expect("packages") {
        let name = text(&package["name"]);
        let dependencies = package["dependencies"]
            .as_array()
            .expect("dependencies")
            .iter()
            .filter(|dependency| dependency["kind"] != "dev")
            .map(|dependency| text(&dependency["name"]))
            .collect();
        let manifest = std::path::PathBuf::from(text(&package["manifest_path"]));
        workspace.dependencies.insert(name.clone(), dependencies);
        workspace
            .descriptions
            .insert(name, (text(&package["description"]), manifest));
    }
    workspace
}

#[test]
fn every_crate_depends_only_on_what_lies_below_it() {
    let workspace = workspace();
    let members: BTreeSet<&String> = workspace.dependencies.keys().collect();
    for (name, dependencies) in &workspace.dependencies {
        let (_, allowed) = ALLOWED
            .iter()
            .find(|(known, _)| known == name)
            .unwrap_or_else(|| panic!("{name} is new: add it to ALLOWED and to ARCHITECTURE.md"));
        for dependency in dependencies
            .iter()
            .filter(|dependency| members.contains(dependency))
        {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} may not depend on {dependency}; it may on {allowed:?}"
            );
        }
    }
}

#[test]
fn every_crate_that_has_arrows_exists() {
    let workspace = workspace();
    for (name, _) in ALLOWED {
        assert!(
            workspace.dependencies.contains_key(*name),
            "{name} is gone: remove it from ALLOWED"
        );
    }
}

#[test]
fn pure_crates_have_no_runtime_network_or_database() {
    let workspace = workspace();
    for name in PURE {
        for dependency in &workspace.dependencies[*name] {
            assert!(
                !IMPURE.contains(&dependency.as_str()),
                "{name} may not depend on {dependency}"
            );
        }
    }
}

#[test]
fn every_readme_opens_with_the_description_of_its_crate() {
    for (name, (description, manifest)) in workspace().descriptions {
        let readme = manifest.with_file_name("README.md");
        let text = std::fs::read_to_string(&readme)
            .unwrap_or_else(|error| panic!("{}: {error}", readme.display()));
        let opening = text
            .lines()
            .skip(1)
            .skip_while(|line| line.is_empty())
            .take_while(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        assert_eq!(
            opening, description,
            "{name}: the README's first paragraph is not the description"
        );
    }
}
