//! Starts the command and stops it by its process id.
#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "each test file uses a part")]

use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

/// The command under test.
pub(crate) const ROLLWRIGHT: &str = env!("CARGO_BIN_EXE_rollwright");

/// A running `rollwright …  --json`.
pub(crate) struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// The data of the `started` event.
    pub(crate) started: Value,
}

impl Running {
    /// Starts the command and waits for its `started` event.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(Path::new("."), arguments)
    }

    /// [`start`](Self::start) in a folder.
    pub(crate) fn start_in(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_with(folder, arguments, &[])
    }

    /// [`start_in`](Self::start_in) with variables of the environment.
    pub(crate) fn start_with(
        folder: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut child = Command::new(ROLLWRIGHT)
            .args(arguments)
            .args(["--json", "--quiet"])
            .current_dir(folder)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("rollwright starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let started = event(&mut lines, "started");
        Self {
            child,
            lines,
            started,
        }
    }

    /// `rollwright dev` on a free port, with a data directory.
    pub(crate) fn dev(datadir: &Path, more: &[&str]) -> Self {
        let datadir = datadir.to_str().expect("a path in UTF-8");
        Self::start(&[&["dev", "--datadir", datadir, "--port", "auto"], more].concat())
    }

    /// The address of JSON-RPC.
    pub(crate) fn rpc(&self) -> &str {
        self.started["rpc"].as_str().expect("an address")
    }

    /// Waits for the next event of that name; panics where the output ends.
    pub(crate) fn wait_for(&mut self, name: &str) -> Value {
        event(&mut self.lines, name)
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process at once, as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Asks the process to stop, as Ctrl-C does, and returns its exit code.
    pub(crate) fn interrupt(mut self) -> Option<i32> {
        let status = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(status.success());
        self.child.wait().expect("ended").code()
    }

    /// One JSON-RPC call.
    pub(crate) fn call(&self, method: &str, params: Value) -> Value {
        call(self.rpc(), method, params)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already after `kill` and `interrupt`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn event(lines: &mut BufReader<ChildStdout>, name: &str) -> Value {
    let mut line = String::new();
    loop {
        line.clear();
        let read = lines.read_line(&mut line).expect("readable");
        assert!(read > 0, "the output ended before the event `{name}`");
        let envelope: Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(envelope["ok"], true, "{line}");
        if envelope["data"]["event"] == name {
            return envelope["data"].clone();
        }
    }
}

/// One JSON-RPC call; panics on an error.
#[allow(clippy::needless_pass_by_value, reason = "callers pass `json!`")]
pub(crate) fn call(url: &str, method: &str, params: Value) -> Value {
    let body = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let client = reqwest::blocking::Client::new();
    let answer: Value = client
        .post(url)
        .json(&body)
        .send()
        .expect("an answer")
        .json()
        .expect("JSON");
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer["result"].clone()
}

/// Runs the command to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    run_in(Path::new("."), arguments)
}

/// [`run`] in a folder.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(ROLLWRIGHT)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("rollwright runs")
}

/// Stdout as text.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Stderr as text.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Receives what tests send.
pub(crate) const TO: &str = "0x00000000000000000000000000000000000a11ce";

/// A signed transfer on the development chain, as hex.
pub(crate) fn transfer(from: u32, nonce: u64, value: u64) -> String {
    transfer_on(42069, from, nonce, value)
}

/// [`transfer`] on another chain.
pub(crate) fn transfer_on(chain_id: u64, from: u32, nonce: u64, value: u64) -> String {
    let to = TO.parse().expect("an address");
    let value = rollwright::core::U256::from(value);
    rollwright::testing::signed_transfer(chain_id, from, nonce, to, value)
        .expect("signed")
        .to_string()
}

/// Waits until a transaction is in a block; its number.
pub(crate) fn included(node: &mut Running, hash: &Value) -> u64 {
    loop {
        let receipt = node.call("eth_getTransactionReceipt", serde_json::json!([hash]));
        if let Some(number) = receipt["blockNumber"].as_str() {
            return u64::from_str_radix(number.trim_start_matches("0x"), 16).expect("hex");
        }
        node.wait_for("block");
    }
}

/// One JSON-RPC call that is refused: code and message.
#[allow(clippy::needless_pass_by_value, reason = "callers pass `json!`")]
pub(crate) fn refused(url: &str, method: &str, params: Value) -> (i64, String) {
    let body = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let (_, answer) = post(url, &body.to_string());
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let error = &answer["error"];
    let code = error["code"].as_i64();
    let message = error["message"].as_str().unwrap_or_default().to_owned();
    (
        code.unwrap_or_else(|| panic!("not refused: {answer}")),
        message,
    )
}

/// Posts any bytes as JSON; HTTP status and body of the answer.
pub(crate) fn post(url: &str, body: &str) -> (u16, String) {
    let answer = reqwest::blocking::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .body(body.to_owned())
        .send()
        .expect("an answer");
    (answer.status().as_u16(), answer.text().expect("text"))
}

/// The error of a failed `--json` command, its envelope checked.
pub(crate) fn failure(output: &Output) -> Value {
    let text = stdout(output);
    let last = text.lines().last().expect("an envelope");
    let envelope: Value = serde_json::from_str(last).expect("JSON");
    assert_eq!(envelope["schema_version"], 1, "{last}");
    assert_eq!(envelope["ok"], false, "{last}");
    let error = &envelope["error"];
    assert!(
        error["code"]
            .as_str()
            .is_some_and(|code| code.starts_with("RW-")),
        "{last}"
    );
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty()),
        "{last}"
    );
    assert!(
        error["help"].is_array() && error["kind"].is_string(),
        "{last}"
    );
    let said = stderr(output);
    assert!(!said.contains("panicked"), "{said}");
    error.clone()
}
