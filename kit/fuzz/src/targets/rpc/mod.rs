//! The port: HTTP bodies, WebSocket frames, methods' parameters, against a
//! true server with a true engine behind it, on one thread.

mod methods;
mod raw;
mod websocket;

pub(super) use raw::RAW;
pub(super) use websocket::WEBSOCKET;

use crate::{Memory, Seed, Target, node::FuzzNode, seeds};
use methods::{ADDRESS, METHODS, WORDS};
use rollwright_evm::rpc::{EthConfig, eth_module};
use rollwright_rpc::{Server, ServerConfig};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
};

/// Bodies of `POST /`.
pub(super) const HTTP: Target = Target {
    name: "rpc-http",
    about: "Any body is answered by valid JSON-RPC with a legal code and of bounded length.",
    run: http,
    seeds: bodies,
    max_len: 4 << 10,
    memory: MEMORY,
    words: WORDS,
};

/// Parameters of one method: the first byte chooses it.
pub(super) const PARAMS: Target = Target {
    name: "rpc-params",
    about: "Any parameters of any method are answered as above.",
    run: |input| {
        let Some((choice, params)) = input.split_first() else {
            return;
        };
        let (method, _) = METHODS[usize::from(*choice) % METHODS.len()];
        let mut body =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":"#).into_bytes();
        body.extend_from_slice(params);
        body.push(b'}');
        http(&body);
    },
    seeds: || {
        let methods = METHODS.iter().enumerate();
        methods
            .map(|(at, (name, params))| Seed::new(*name, [&[at as u8], params.as_bytes()].concat()))
            .collect()
    },
    max_len: 2 << 10,
    memory: MEMORY,
    words: WORDS,
};

/// Answers are at most 256 KiB; a call may use 1 MiB of EVM memory at its gas.
const MEMORY: Memory = Memory {
    base: 32 << 20,
    per_byte: 4 << 10,
};

const MAX_REQUEST: usize = 3 << 10;
const MAX_RESPONSE: usize = 256 << 10;
const MAX_BATCH: usize = 8;

struct Port {
    runtime: Runtime,
    address: SocketAddr,
    /// One connection for all bodies; another once it is closed.
    connection: Mutex<Option<TcpStream>>,
}

fn port() -> &'static Port {
    static PORT: OnceLock<Port> = OnceLock::new();
    PORT.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder
            .enable_all()
            .max_blocking_threads(2)
            .build()
            .expect("a runtime");
        let address = runtime.block_on(serve());
        Port {
            runtime,
            address,
            connection: Mutex::default(),
        }
    })
}

async fn serve() -> SocketAddr {
    let node = FuzzNode::new();
    let config = EthConfig {
        max_logs: 64,
        max_log_blocks: 100,
        call_gas_cap: 1_000_000,
        max_proof_slots: 8,
        max_filters: 8,
        max_fee_history: 16,
        sync_timeout: Duration::from_millis(1),
        max_sync_timeout: Duration::from_millis(2),
        ..EthConfig::default()
    };
    let api = Arc::new(node.clone());
    let methods = eth_module(&node.engine, api.clone(), config).expect("a module");
    let config = ServerConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        max_request_bytes: MAX_REQUEST,
        max_response_bytes: MAX_RESPONSE,
        max_batch: MAX_BATCH,
        max_subscriptions_per_connection: 4,
        message_buffer: 8,
        ..ServerConfig::default()
    };
    let bound = Server::bind(config).await.expect("a free port");
    let address = bound.local_addr();
    tokio::spawn(bound.serve(methods, api, axum::Router::new(), std::future::pending()));
    address
}

/// Nothing that is sent takes longer to answer.
async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let answered = tokio::time::timeout(Duration::from_secs(60), future).await;
    answered.unwrap_or_else(|_| panic!("{what}: no answer"))
}

fn http(body: &[u8]) {
    let port = port();
    let mut connection = port
        .connection
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let answer = port.runtime.block_on(in_time("http", async {
        if let Some(stream) = connection.as_mut()
            && let Some(answer) = post(stream, body).await
        {
            return Some(answer);
        }
        // The server may have closed what was idle.
        let mut stream = TcpStream::connect(port.address).await.expect("connects");
        let answer = post(&mut stream, body).await;
        *connection = Some(stream);
        answer
    }));
    let (status, answer) = answer.expect("an answer to every body");
    if body.len() > MAX_REQUEST {
        assert_eq!(status, 413);
    } else {
        assert_eq!(status, 200);
    }
    // Notifications alone are answered by nothing.
    if !answer.is_empty() {
        legal(&answer);
    }
}

/// Posts a body; the status and the body of the answer, or nothing where the
/// connection broke.
async fn post(stream: &mut TcpStream, body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(&[head.as_bytes(), body].concat())
        .await
        .ok()?;
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(read[..end].to_vec()).expect("a head of ASCII");
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.parse::<usize>().ok())
        .expect("answers tell their length");
    assert!(
        length <= MAX_RESPONSE + 1_024,
        "an answer of {length} bytes"
    );
    let mut answer = read.split_off(end + 4);
    while answer.len() < length {
        if stream.read_buf(&mut answer).await.ok()? == 0 {
            return None;
        }
    }
    Some((status, answer))
}

/// Checks that an answer is JSON-RPC 2.0.
fn legal(answer: &[u8]) {
    assert!(
        answer.len() <= MAX_RESPONSE + 1_024,
        "an answer of {} bytes",
        answer.len()
    );
    let value: Value = serde_json::from_slice(answer).expect("an answer is JSON");
    match value {
        Value::Array(entries) => {
            assert!(!entries.is_empty() && entries.len() <= MAX_BATCH);
            entries.iter().for_each(legal_entry);
        }
        entry => legal_entry(&entry),
    }
}

fn legal_entry(entry: &Value) {
    let object = entry.as_object().expect("an object");
    assert_eq!(object.get("jsonrpc"), Some(&json!("2.0")), "{entry}");
    if object.get("method") == Some(&json!("eth_subscription")) {
        return assert!(object.contains_key("params"));
    }
    let id = object.get("id").expect("an id");
    assert!(id.is_null() || id.is_number() || id.is_string(), "{entry}");
    match (object.get("result"), object.get("error")) {
        (Some(_), None) => {}
        (None, Some(error)) => {
            let code = error["code"].as_i64().expect("a code");
            let standard = matches!(code, -32700 | -32603..=-32600 | -32099..=-32000);
            // 3: reverted (geth); 4: not in time (EIP-7966).
            assert!(standard || matches!(code, 3 | 4), "{entry}");
            assert!(error["message"].is_string(), "{entry}");
        }
        _ => panic!("neither a result nor an error, or both: {entry}"),
    }
}

fn request(id: u32, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

fn bodies() -> Vec<Seed> {
    let raw = seeds::transfer(12);
    let mut seeds = vec![
        Seed::new("one", request(1, "eth_blockNumber", "[]")),
        Seed::new(
            "notification",
            r#"{"jsonrpc":"2.0","method":"eth_chainId"}"#,
        ),
        Seed::new(
            "send",
            request(2, "eth_sendRawTransaction", &format!("[\"{raw}\"]")),
        ),
        Seed::new("empty-batch", "[]"),
        Seed::new("no-json", "{\"jsonrpc\":"),
        Seed::new("no-request", r#"{"id":"x","foo":1}"#),
        Seed::new(
            "text-id",
            r#"{"jsonrpc":"2.0","id":"é\u0000","method":"net_version"}"#,
        ),
        Seed::new(
            "named",
            r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":{"address":"0x"}}"#,
        ),
    ];
    let batch: Vec<String> = METHODS
        .iter()
        .take(4)
        .enumerate()
        .map(|(id, (method, params))| request(id as u32, method, params))
        .collect();
    seeds.push(Seed::new("batch", format!("[{}]", batch.join(","))));
    let balance = format!("[\"{ADDRESS}\",\"latest\"]");
    let many = vec![request(7, "eth_getBalance", &balance); MAX_BATCH + 1];
    seeds.push(Seed::new("batch-too-long", format!("[{}]", many.join(","))));
    seeds
}
