//! A live chain goes over to another DA layer.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Running, TO, failure, run, stderr, stdout, transfer};
use serde_json::{Value, json};
use std::path::Path;

const FAST: [&str; 4] = ["--block-time", "300ms", "--da-block-time", "300ms"];

fn data(arguments: &[&str]) -> Value {
    let output = run(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        stderr(&output)
    );
    let text = stdout(&output);
    let last = text.lines().last().expect("an envelope");
    serde_json::from_str::<Value>(last).expect("JSON")["data"].clone()
}

/// A chain whose transfers never stop.
struct Chain {
    node: Running,
    sent: u64,
}

impl Chain {
    fn start(folder: &Path, sent: u64) -> Self {
        let mut node = Running::dev(folder, &FAST);
        node.wait_for("block");
        Self { node, sent }
    }

    fn send(&mut self) {
        let raw = transfer(0, self.sent, 1);
        self.node.call("eth_sendRawTransaction", json!([raw]));
        self.sent += 1;
    }

    fn status(&self) -> Value {
        self.node.call("rollwright_status", json!([]))
    }

    /// Sends with every block until derivation has reached this ordinal.
    fn work_until(&mut self, ordinal: u64) {
        while self.status()["derivedOrdinal"].as_u64().unwrap_or(0) < ordinal {
            self.send();
            self.node.wait_for("block");
        }
    }

    fn kill(self) -> u64 {
        let sent = self.sent;
        self.node.kill();
        sent
    }
}

#[test]
fn a_live_chain_goes_over_to_celestia_through_kills_and_is_derived_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    let mut chain = Chain::start(folder.path(), 0);
    // The first batch has landed, and others are to be on their way.
    while chain.status()["heads"]["safe"]["number"]
        .as_u64()
        .unwrap_or(0)
        == 0
    {
        chain.send();
        chain.node.wait_for("block");
    }
    let planned = data(&["da", "use", "celestia", "--datadir", dir, "--json"]);
    assert_eq!(planned["epoch"]["layer"], "celestia");
    let activation = planned["activation"].as_u64().expect("an ordinal");
    let again = failure(&run(&["da", "use", "celestia", "--datadir", dir, "--json"]));
    assert_eq!(again["code"], "RW-DA-913", "{again}");

    // The amendment is taken over by a start; each step of the switch by one
    // after a kill.
    let mut sent = chain.kill();
    for step in [activation - 6, activation - 1, activation, activation + 3] {
        let mut chain = Chain::start(folder.path(), sent);
        chain.work_until(step);
        sent = chain.kill();
    }
    let mut chain = Chain::start(folder.path(), sent);
    chain.work_until(activation + 12);
    let status = chain.status();
    assert_eq!(status["derived"]["epoch"], 1, "{status}");
    assert_eq!(status["daLayer"], "celestia");
    let metrics = chain.node.started["metrics"].as_str().expect("an address");
    let metrics = reqwest::blocking::get(metrics).expect("an answer");
    let metrics = metrics.text().expect("text");
    assert!(metrics.contains("rollwright_da_epoch 1"), "{metrics}");

    let table = data(&["da", "epochs", "--datadir", dir, "--json"]);
    let epochs = table["epochs"].as_array().expect("a list");
    assert_eq!(epochs.len(), 2, "{table}");
    assert_eq!(epochs[0]["lastOrdinal"], activation - 1);
    assert_eq!(epochs[0]["lastHeight"], planned["lastHeight"]);
    assert_eq!(epochs[1]["state"], "present");

    // A fresh follower has nothing but the two layers and the three files.
    let (local, celestia) = (
        format!("local={}/da", chain.node.rpc()),
        format!("celestia={}", devnet(folder.path())),
    );
    let other = tempfile::tempdir().expect("a folder");
    let copy = other.path().join("copy");
    let config = folder.path().join("rollup.toml");
    let mut follower = Running::start(&[
        "run",
        "--role",
        "follower",
        "--config",
        config.to_str().expect("UTF-8"),
        "--datadir",
        copy.to_str().expect("UTF-8"),
        "--da-url",
        &local,
        "--da-url",
        &celestia,
        "--port",
        "auto",
    ]);
    let safe = chain
        .node
        .call("eth_getBlockByNumber", json!(["safe", false]));
    loop {
        let found = follower.call("eth_getBlockByNumber", json!([safe["number"], false]));
        if found["stateRoot"] == safe["stateRoot"] {
            assert_eq!(found["hash"], safe["hash"]);
            break;
        }
        follower.wait_for("heads");
    }
    assert_eq!(follower.interrupt(), Some(0));

    // Nothing that was taken is lost.
    let sent = chain.sent;
    while chain.node.call("eth_getBalance", json!([TO, "safe"])) != format!("{sent:#x}") {
        chain.node.wait_for("heads");
    }
    assert_eq!(chain.node.interrupt(), Some(0));
    let verified = data(&["verify", "--datadir", dir, "--json"]);
    assert!(verified["blocks"].as_u64() > Some(10), "{verified}");
    let tail = stdout(&run(&[
        "da",
        "tail",
        "--no-follow",
        "--datadir",
        dir,
        "--json",
    ]));
    let epochs = |epoch: u64| {
        tail.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .any(|line| line["data"]["epoch"] == epoch && line["data"]["kind"] == "part")
    };
    assert!(epochs(0) && epochs(1), "{tail}");
}

/// Where the running chain serves its Celestia network.
fn devnet(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join("running.json")).expect("a node runs");
    let running: Value = serde_json::from_str(&text).expect("JSON");
    let served = running["da"].as_array().expect("a list").iter();
    let url = served
        .filter(|da| da["layer"] == "celestia")
        .find_map(|da| da["url"].as_str());
    url.expect("the network is served").to_owned()
}

#[test]
fn a_switch_that_cannot_be_is_refused_with_a_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("UTF-8");
    let mut chain = Chain::start(folder.path(), 0);
    chain.work_until(2);
    let refused = |more: &[&str]| {
        let arguments = [&["da", "use"][..], more, &["--datadir", dir, "--json"]].concat();
        failure(&run(&arguments))["code"].clone()
    };
    assert_eq!(refused(&["celestia", "--last-height", "3"]), "RW-DA-914");
    assert_eq!(
        refused(&["celestia", "--da-block-time", "55m"]),
        "RW-DA-917"
    );
    assert!(!folder.path().join("amendments.json").exists());
    // The old layer's file is in use by nobody and gone.
    assert_eq!(chain.node.interrupt(), Some(0));
    std::fs::rename(folder.path().join("da"), folder.path().join("gone")).expect("moved");
    assert_eq!(refused(&["celestia"]), "RW-DA-911");
}

#[test]
fn a_chain_that_has_not_started_changes_its_genesis_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = common::run_in(
        folder.path(),
        &["new", "gizmo", "--yes", "--no-git", "--json"],
    );
    assert!(made.status.success(), "{}", stderr(&made));
    let project = folder.path().join("gizmo");
    let before = std::fs::read_to_string(project.join("rollup.toml")).expect("a file");
    let used = common::run_in(&project, &["da", "use", "celestia", "--json"]);
    assert!(used.status.success(), "{}", stderr(&used));
    let after = std::fs::read_to_string(project.join("rollup.toml")).expect("a file");
    let changed: Vec<_> = before
        .lines()
        .zip(after.lines())
        .filter(|(before, after)| before != after)
        .collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed[0].1.contains("celestia"), "{changed:?}");
    let genesis = std::fs::read_to_string(project.join("genesis.json")).expect("a file");
    let genesis: Value = serde_json::from_str(&genesis).expect("JSON");
    assert_eq!(genesis["config"]["rollwright"]["da"]["layer"], "celestia");
    let mut node = Running::start_in(&project, &["dev", "--stock", "--port", "auto"]);
    assert_eq!(node.started["da"]["layer"], "celestia");
    let hash = node.call("eth_sendRawTransaction", json!([transfer(0, 0, 1)]));
    let number = common::included(&mut node, &hash);
    loop {
        let heads = node.wait_for("heads");
        if heads["safe"]["number"].as_u64() >= Some(number) {
            break;
        }
    }
    assert_eq!(node.interrupt(), Some(0));
}

/// A development L1 in a process of its own, which outlives the nodes.
#[cfg(feature = "acceptance")]
struct L1 {
    child: std::process::Child,
    url: String,
}

#[cfg(feature = "acceptance")]
impl L1 {
    fn start() -> Self {
        let program = rollwright::da_ethereum::Anvil::find()
            .expect("anvil: npm install @foundry-rs/anvil, and ROLLWRIGHT_ANVIL or PATH");
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = port.local_addr().expect("an address");
        drop(port);
        let child = std::process::Command::new(program)
            .args(["--hardfork", "osaka", "--slots-in-an-epoch", "4"])
            .args(["--no-request-size-limit", "--quiet", "--block-time", "0.5"])
            .args(["--port", &address.port().to_string()])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("anvil starts");
        let url = format!("http://{address}");
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::yield_now();
        }
        Self { child, url }
    }
}

#[cfg(feature = "acceptance")]
impl Drop for L1 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Local, then Celestia, then Ethereum blobs, with a kill at each step.
#[cfg(feature = "acceptance")]
#[test]
fn a_live_chain_goes_over_three_layers_and_is_derived_again() {
    use rollwright::evm::genesis::dev_account;
    let l1 = L1::start();
    let folder = tempfile::tempdir().expect("a folder");
    let made = common::run_in(
        folder.path(),
        &["new", "gizmo", "--yes", "--no-git", "--json"],
    );
    assert!(made.status.success(), "{}", stderr(&made));
    let project = folder.path().join("gizmo");
    let config = project.join("rollup.toml");
    let key = dev_account(0).expect("an account").key.to_string();
    let file = project.join("keys/eth.key");
    std::fs::write(&file, key).expect("written");
    std::process::Command::new("chmod")
        .args(["600", file.to_str().expect("UTF-8")])
        .status()
        .expect("chmod runs");
    let text = std::fs::read_to_string(&config).expect("a file");
    let text = text.replace("block-time = \"2s\"", "block-time = \"300ms\"");
    let text = text.replace(
        "[da.ethereum]\n",
        &format!(
            "[da.ethereum]\nrpc = \"{0}\"\nbeacon = \"{0}\"\nblock-id = \"number\"\nslot-time = \"500ms\"\nsigner = {{ file = \"keys/eth.key\" }}\n",
            l1.url
        ),
    );
    std::fs::write(&config, text).expect("written");

    let start = || {
        let mut node = Running::start_in(&project, &["dev", "--stock", "--port", "auto"]);
        node.wait_for("block");
        node
    };
    let mut chain = Chain {
        node: start(),
        sent: 0,
    };
    for layer in ["celestia", "ethereum"] {
        // Something of each layer has landed before the next switch.
        let head = chain.node.call("eth_blockNumber", json!([]));
        let head = u64::from_str_radix(head.as_str().expect("hex").trim_start_matches("0x"), 16);
        let head = head.expect("a number") + 1;
        while chain.status()["heads"]["safe"]["number"]
            .as_u64()
            .unwrap_or(0)
            < head
        {
            chain.send();
            chain.node.wait_for("block");
        }
        let used = common::run_in(
            &project,
            &["da", "use", layer, "--yes", "--allow-pause", "--json"],
        );
        assert!(used.status.success(), "{}", stderr(&used));
        let planned = stdout(&used);
        let planned: Value =
            serde_json::from_str(planned.lines().last().expect("a line")).expect("JSON");
        let activation = planned["data"]["activation"].as_u64().expect("an ordinal");
        let mut sent = chain.kill();
        for step in [activation - 4, activation - 1, activation, activation + 2] {
            let mut chain = Chain {
                node: start(),
                sent,
            };
            chain.work_until(step);
            sent = chain.kill();
        }
        chain = Chain {
            node: start(),
            sent,
        };
        chain.work_until(activation + 4);
        assert_eq!(chain.status()["daLayer"], layer);
    }
    let head = chain.status()["heads"]["latest"]["number"]
        .as_u64()
        .expect("a number");
    while chain.status()["heads"]["safe"]["number"]
        .as_u64()
        .unwrap_or(0)
        < head
    {
        chain.send();
        chain.node.wait_for("block");
    }
    let data = project.join(".rollwright/data");
    let (local, celestia) = (
        format!("local={}/da", chain.node.rpc()),
        format!("celestia={}", devnet(&data)),
    );
    let copy = folder.path().join("copy");
    let mut arguments = vec!["run", "--role", "follower", "--datadir"];
    arguments.extend([copy.to_str().expect("UTF-8"), "--port", "auto"]);
    arguments.extend(["--da-url", &local, "--da-url", &celestia]);
    let mut follower = Running::start_in(&project, &arguments);
    let safe = chain
        .node
        .call("eth_getBlockByNumber", json!(["safe", false]));
    loop {
        let found = follower.call("eth_getBlockByNumber", json!([safe["number"], false]));
        if found["stateRoot"] == safe["stateRoot"] {
            assert_eq!(found["hash"], safe["hash"]);
            break;
        }
        follower.wait_for("heads");
    }
    assert_eq!(follower.interrupt(), Some(0));
    assert_eq!(chain.node.interrupt(), Some(0));
    let verified = common::run_in(&project, &["verify", "--json"]);
    assert!(verified.status.success(), "{}", stderr(&verified));
}
