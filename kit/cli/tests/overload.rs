//! A node under more than it can take: it says so, stays responsive, and has
//! everything back afterwards.
//!
//! `ROLLWRIGHT_TEST_CLIENTS=1000 cargo test -p rollwright-cli --test overload`
//! is the full crowd; `cargo run --release -p rollwright-bench -- overload`
//! measures it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Running, included, transfer};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

const POOL: usize = 40;
/// What the database, the DA layer and the runtime have open.
const OWN_FILES: usize = 128;

/// Clients of each kind.
fn clients() -> usize {
    let asked = std::env::var("ROLLWRIGHT_TEST_CLIENTS").ok();
    asked.map_or(120, |text| text.parse().expect("a number"))
}

/// A node with a small pool and so many connections.
fn node(folder: &Path, connections: usize) -> Running {
    // A development chain, run as any other: `dev` sets its own limits.
    let made = Running::dev(&folder.join("chain"), &["--block-time", "200ms"]);
    assert_eq!(made.interrupt(), Some(0));
    Running::start_with(
        folder,
        &["run", "--datadir", "chain", "--port", "auto"],
        &[
            ("ROLLWRIGHT_RPC__MAX_CONNECTIONS", &connections.to_string()),
            ("ROLLWRIGHT_SEQUENCER__POOL_TRANSACTIONS", &POOL.to_string()),
        ],
    )
}

fn open_files(node: &Running) -> usize {
    let folder = format!("/proc/{}/fd", node.id());
    fs::read_dir(folder).expect("Linux").count()
}

/// Resident memory in bytes.
fn memory(node: &Running) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", node.id())).expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a size");
    let kib: usize = line
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number");
    kib << 10
}

/// A connection of its own that is kept.
struct Client(TcpStream);

impl Client {
    fn open(node: &Running) -> Self {
        let address = node.rpc().trim_start_matches("http://");
        let stream = TcpStream::connect(address.trim_end_matches('/')).expect("connects");
        // Nobody waits for ever for a node that has died.
        stream
            .set_read_timeout(Some(Duration::from_secs(120)))
            .expect("a socket");
        Self(stream)
    }

    /// Sends a request whole.
    fn send(&mut self, body: &str) -> std::io::Result<()> {
        let head = format!(
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.0.write_all(head.as_bytes())?;
        self.0.write_all(body.as_bytes())
    }

    /// The next answer: its status, and its body as JSON.
    fn answer(&mut self) -> (u16, Value) {
        let mut bytes = Vec::new();
        let mut piece = [0; 64 << 10];
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .to_ascii_lowercase()
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
                if length.is_none_or(|length: usize| body.len() >= length) {
                    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
                    let body = serde_json::from_str(body).unwrap_or(Value::Null);
                    return (status.expect("a status"), body);
                }
            }
            let read = self.0.read(&mut piece).expect("an answer");
            assert!(read > 0, "the connection ended within an answer: {text}");
            bytes.extend_from_slice(&piece[..read]);
        }
    }

    #[allow(clippy::needless_pass_by_value, reason = "callers pass `json!`")]
    fn call(&mut self, method: &str, params: Value) -> Value {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.send(&call.to_string()).expect("sent");
        let (status, answer) = self.answer();
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

/// How many of the node's answers are errors of which code.
fn codes(answers: &Value) -> BTreeMap<i64, usize> {
    let mut codes = BTreeMap::new();
    for answer in answers.as_array().expect("a batch") {
        if let Some(code) = answer["error"]["code"].as_i64() {
            *codes.entry(code).or_default() += 1;
        }
    }
    codes
}

fn batch(calls: impl Iterator<Item = (&'static str, Value)>) -> String {
    let calls = calls.zip(0..).map(
        |((method, params), id)| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}),
    );
    Value::from(calls.collect::<Vec<_>>()).to_string()
}

#[test]
fn a_full_pool_refuses_with_a_code_for_it_and_takes_what_can_go_in_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut node = node(folder.path(), 100);
    let mut client = Client::open(&node);
    // Nonce 0 is missing: they wait for good.
    let waiting = (1..=2 * POOL as u64)
        .map(|nonce| ("eth_sendRawTransaction", json!([transfer(0, nonce, 1)])));
    client.send(&batch(waiting)).expect("sent");
    let (_, answers) = client.answer();
    assert_eq!(
        codes(&answers),
        BTreeMap::from([(-32_005, POOL)]),
        "{answers}"
    );
    let hash = client.call("eth_sendRawTransaction", json!([transfer(1, 0, 1)]));
    included(&mut node, &hash["result"]);
    // Once what was missing comes, what waited goes in.
    let hash = client.call("eth_sendRawTransaction", json!([transfer(0, 0, 1)]));
    included(&mut node, &hash["result"]);
    assert_eq!(node.interrupt(), Some(0));
}

#[test]
fn crowds_and_slow_readers_are_bounded_and_the_node_answers_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let crowd = clients();
    let room = crowd / 2;
    let mut node = node(folder.path(), room);
    // A good client that was there before.
    let mut good = Client::open(&node);
    let before = (open_files(&node), memory(&node));

    // Half of the room reads nothing of a long answer.
    let blocks = || ("eth_getBlockByNumber", json!(["latest", true]));
    let long = batch(std::iter::repeat_with(blocks).take(1_000));
    let mut slow: Vec<_> = (0..room / 2).map(|_| Client::open(&node)).collect();
    for client in &mut slow {
        client.send(&long).expect("sent");
    }
    // The others never end their requests; who finds no room is told so.
    let mut idle: Vec<_> = (0..crowd).map(|_| Client::open(&node)).collect();
    for client in &mut idle {
        // One that was refused may have been closed already.
        if let Err(error) = client.0.write_all(b"POST / HTTP/1.1\r\nx: ") {
            assert!(
                matches!(
                    error.kind(),
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
                ),
                "{error}"
            );
        }
    }
    let hash = good.call("eth_sendRawTransaction", json!([transfer(0, 0, 1)]));
    let mut refused = Client::open(&node);
    refused
        .send(r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#)
        .expect("sent");
    let (status, answer) = refused.answer();
    assert_eq!(status, 503, "{answer}");
    assert_eq!(answer["error"]["code"], -32_005, "{answer}");
    for _ in 0..20 {
        let answer = good.call("eth_blockNumber", json!([]));
        assert!(answer["result"].is_string(), "{answer}");
    }
    // Blocks are made: the transaction goes in.
    while good.call("eth_getTransactionReceipt", json!([hash["result"]]))["result"].is_null() {
        node.wait_for("block");
    }
    let (files, bytes) = (open_files(&node), memory(&node));
    // Refusals in the works have files of their own, 64 at most.
    assert!(files <= room + 64 + OWN_FILES, "{files} files");
    assert!(bytes < before.1 + (512 << 20), "{bytes} bytes");

    drop((slow, idle, refused));
    while open_files(&node) > before.0 + 16 {
        node.wait_for("block");
    }
    let mut new = Client::open(&node);
    assert!(new.call("eth_blockNumber", json!([]))["result"].is_string());
    assert_eq!(node.interrupt(), Some(0));
}

#[test]
fn batches_have_a_bound_and_run_up_to_it_beside_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = node(folder.path(), 100);
    let chain_id = || ("eth_chainId", json!([]));
    let of = |count| batch(std::iter::repeat_with(chain_id).take(count));
    let mut clients: Vec<_> = (0..16).map(|_| Client::open(&node)).collect();
    for (index, client) in clients.iter_mut().enumerate() {
        client.send(&of(1_000 + index % 2)).expect("sent");
    }
    let mut good = Client::open(&node);
    assert!(good.call("eth_blockNumber", json!([]))["result"].is_string());
    for (index, client) in clients.iter_mut().enumerate() {
        let (_, answer) = client.answer();
        match index % 2 {
            0 => assert_eq!(answer.as_array().map(Vec::len), Some(1_000)),
            _ => assert_eq!(answer["error"]["code"], -32_010, "{answer}"),
        }
    }
    assert_eq!(node.interrupt(), Some(0));
}
