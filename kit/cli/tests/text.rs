//! What people read: help, error pages, completions.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{run, stderr, stdout};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Codes in a text: `RW-`, an area in capitals, three digits.
fn codes(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (start, _) in text.match_indices("RW-") {
        let rest = &text[start + 3..];
        let area = rest.chars().take_while(char::is_ascii_uppercase).count();
        let number: String = rest.chars().skip(area + 1).take(3).collect();
        let dashed = rest.chars().nth(area) == Some('-');
        if area > 0 && dashed && number.len() == 3 && number.chars().all(|c| c.is_ascii_digit()) {
            found.insert(format!("RW-{}-{number}", &rest[..area]));
        }
    }
    found
}

fn sources(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            // Tests may name codes that nothing gives.
            if !["target", "tests", "node_modules", "benches"].contains(&name.as_str()) {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            found.extend(codes(&fs::read_to_string(&path).expect("text")));
        }
    }
}

#[test]
fn each_code_has_a_page_and_each_page_a_code() {
    let mut given = BTreeSet::new();
    for folder in ["kit", "modules", "da-adapters"] {
        sources(&root().join(folder), &mut given);
    }
    assert!(given.len() > 100, "only {} codes were found", given.len());
    let listed = stdout(&run(&["explain"]));
    let pages: BTreeSet<String> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    assert_eq!(pages.len(), listed.lines().count(), "a page appears twice");
    let without: Vec<_> = given.difference(&pages).collect();
    assert!(without.is_empty(), "codes without a page: {without:?}");
    let unused: Vec<_> = pages.difference(&given).collect();
    assert!(unused.is_empty(), "pages without a code: {unused:?}");
}

#[test]
fn a_page_says_what_to_do() {
    let listed = stdout(&run(&["explain"]));
    for line in listed.lines() {
        let code = line.split_whitespace().next().expect("a code");
        assert!(
            code.split('-').count() == 3 && code.len() >= 9,
            "{code} is not RW-AREA-NNN"
        );
    }
    let page = run(&["explain", "rw-cfg-003"]);
    assert!(page.status.success());
    let page = stdout(&page);
    assert!(
        page.starts_with("RW-CFG-003: ") && page.contains("\nFix: "),
        "{page}"
    );
    let unknown = run(&["explain", "RW-XXX-999"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("rollwright explain"));
}

/// Help is compared with `tests/snapshots`; `UPDATE_SNAPSHOTS=1` writes it anew.
#[test]
fn help_is_as_checked_in() {
    let commands: [&[&str]; 32] = [
        &[],
        &["dev"],
        &["new"],
        &["run"],
        &["verify"],
        &["force-include"],
        &["celestia-devnet"],
        &["light"],
        &["snapshot"],
        &["snapshot", "export"],
        &["snapshot", "import"],
        &["snapshot", "check"],
        &["evidence"],
        &["evidence", "list"],
        &["evidence", "check"],
        &["da"],
        &["da", "status"],
        &["da", "tail"],
        &["da", "serve"],
        &["config"],
        &["chain"],
        &["chain", "eips"],
        &["chain", "show"],
        &["chain", "preinstall"],
        &["keys"],
        &["rpc", "methods"],
        &["explain"],
        &["import"],
        &["serve"],
        &["evm"],
        &["evm", "statetest"],
        &["evm", "blocktest"],
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    for command in commands {
        let output = run(&[command, &["--help"]].concat());
        assert!(output.status.success(), "{command:?}");
        let name = if command.is_empty() {
            "rollwright".to_owned()
        } else {
            command.join("-")
        };
        let path = folder.join(format!("{name}.txt"));
        let now = stdout(&output);
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            fs::create_dir_all(&folder).expect("made");
            fs::write(&path, &now).expect("written");
        }
        let then = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            then == now,
            "the help of `{name}` differs from {}; UPDATE_SNAPSHOTS=1 writes it anew:\n{now}",
            path.display()
        );
    }
}

/// `UPDATE_SNAPSHOTS=1` writes the table anew.
#[test]
fn the_table_of_methods_is_as_checked_in() {
    let now = stdout(&run(&["rpc", "methods", "--markdown"]));
    let path = root().join("kit/rpc/METHODS.md");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &now).expect("written");
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), now);
}

#[test]
fn each_shell_gets_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert!(output.status.success(), "{shell}");
        assert!(stdout(&output).contains("force-include"), "{shell}");
    }
    assert_eq!(run(&["completions", "cmd.exe"]).status.code(), Some(2));
}

/// Standard input is a pipe that never gives anything and never ends: who
/// reads it hangs.
#[test]
fn no_command_reads_standard_input_without_a_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let commands: [&[&str]; 8] = [
        &["new"],
        &["keys", "list"],
        &["config", "show"],
        &["verify", "--datadir", "nowhere"],
        &["run"],
        &["da", "status"],
        &["explain"],
        &["version"],
    ];
    for command in commands {
        let mut child = std::process::Command::new(common::ROLLWRIGHT)
            .args(command)
            .current_dir(folder.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("starts");
        let held = child.stdin.take();
        let (send, ended) = std::sync::mpsc::channel();
        let id = child.id();
        std::thread::spawn(move || {
            let _ = send.send(child.wait());
        });
        let status = ended.recv_timeout(Duration::from_secs(30));
        if status.is_err() {
            let _ = std::process::Command::new("kill")
                .args(["-9", &id.to_string()])
                .status();
        }
        drop(held);
        assert!(status.is_ok(), "{command:?} waits for standard input");
    }
}
