//! The port: HTTP bodies, WebSocket frames, methods' parameters, against a
//! true server with a true engine behind it, on one thread.

use crate::{Memory, Seed, Target, node::FuzzNode, seeds};
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

/// What a client sends once a WebSocket is open: messages, split by lines; or,
/// after a first byte 0xff, frames as they are.
pub(super) const WEBSOCKET: Target = Target {
    name: "rpc-websocket",
    about: "Any frames get valid JSON-RPC in text frames, or a close frame, and the server goes on.",
    run: websocket,
    seeds: sessions,
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

const WORDS: &[&[u8]] = &[
    b"\"jsonrpc\":\"2.0\"",
    b"\"method\":",
    b"\"params\":",
    b"\"id\":",
    b"null",
    b"\"latest\"",
    b"\"pending\"",
    b"\"earliest\"",
    b"\"safe\"",
    b"\"finalized\"",
    b"\"0x0\"",
    b"\"0x6\"",
    b"\"0x\"",
    b"\"blockHash\":",
    b"\"requireCanonical\":true",
    b"\"fromBlock\":",
    b"\"toBlock\":",
    b"\"address\":",
    b"\"topics\":",
    b"\"from\":",
    b"\"to\":",
    b"\"gas\":",
    b"\"data\":",
    b"\"input\":",
    b"\"value\":",
    b"\"stateOverrides\":",
    b"\"balance\":",
    b"\"nonce\":",
    b"\"code\":",
    b"\"state\":",
    b"\"stateDiff\":",
    b"\"maxFeePerGas\":",
    b"\"accessList\":[]",
    b"\"authorizationList\":[]",
    b"true",
    b"false",
    b"1e999",
    b"\"newHeads\"",
    b"\"logs\"",
    b"\"eth_subscribe\"",
    b"\"eth_unsubscribe\"",
    b"\"eth_call\"",
    b"\"eth_getLogs\"",
    b"\\ud800",
    b"[",
    b"]",
    b"{",
    b"}",
    b"0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
    b"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
];

const ADDRESS: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

/// Methods with parameters that they take.
const METHODS: &[(&str, &str)] = &[
    (
        "eth_call",
        r#"[{"from":"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266","to":"0xc0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0","data":"0x0000000000000000000000000000000000000000000000000000000000000001"},"latest",{"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266":{"balance":"0x1","stateDiff":{}}},{"number":"0x9"}]"#,
    ),
    (
        "eth_estimateGas",
        r#"[{"to":"0x7777777777777777777777777777777777777777","value":"0x1"},"0x3"]"#,
    ),
    (
        "eth_getLogs",
        r#"[{"fromBlock":"0x0","toBlock":"latest","address":["0xc0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0"],"topics":[null,["0x0000000000000000000000000000000000000000000000000000000000000001"]]}]"#,
    ),
    ("eth_getBlockByNumber", r#"["0x3",true]"#),
    (
        "eth_getBlockByHash",
        r#"["0x0000000000000000000000000000000000000000000000000000000000000000",false]"#,
    ),
    ("eth_getBlockReceipts", r#"["safe"]"#),
    (
        "eth_getBlockTransactionCountByHash",
        r#"["0x0000000000000000000000000000000000000000000000000000000000000000"]"#,
    ),
    ("eth_getBlockTransactionCountByNumber", r#"["earliest"]"#),
    (
        "eth_getTransactionByHash",
        r#"["0x0000000000000000000000000000000000000000000000000000000000000000"]"#,
    ),
    (
        "eth_getTransactionByBlockHashAndIndex",
        r#"["0x0000000000000000000000000000000000000000000000000000000000000000","0x0"]"#,
    ),
    (
        "eth_getTransactionByBlockNumberAndIndex",
        r#"["latest","0x1"]"#,
    ),
    (
        "eth_getTransactionReceipt",
        r#"["0x0000000000000000000000000000000000000000000000000000000000000000"]"#,
    ),
    (
        "eth_getRawTransactionByHash",
        r#"["0x0000000000000000000000000000000000000000000000000000000000000000"]"#,
    ),
    (
        "eth_getUncleCountByBlockHash",
        r#"["0x0000000000000000000000000000000000000000000000000000000000000000"]"#,
    ),
    ("eth_getUncleCountByBlockNumber", r#"["0x1"]"#),
    (
        "eth_getUncleByBlockHashAndIndex",
        r#"["0x0000000000000000000000000000000000000000000000000000000000000000","0x0"]"#,
    ),
    ("eth_getUncleByBlockNumberAndIndex", r#"["0x1","0x0"]"#),
    (
        "eth_getBalance",
        r#"["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",{"blockNumber":"0x2"}]"#,
    ),
    (
        "eth_getCode",
        r#"["0xc0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0","latest"]"#,
    ),
    (
        "eth_getStorageAt",
        r#"["0xc0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0","0x1","latest"]"#,
    ),
    (
        "eth_getTransactionCount",
        r#"["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266","pending"]"#,
    ),
    (
        "eth_getProof",
        r#"["0xc0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0",["0x0","0x1"],"0x4"]"#,
    ),
    ("eth_feeHistory", r#"["0x4","latest",[25,50.5,75]]"#),
    ("eth_maxPriorityFeePerGas", "[]"),
    ("eth_gasPrice", "[]"),
    ("eth_blobBaseFee", "[]"),
    ("eth_baseFee", "[]"),
    ("eth_blockNumber", "[]"),
    ("eth_chainId", "[]"),
    ("eth_accounts", "[]"),
    ("eth_coinbase", "[]"),
    ("eth_syncing", "[]"),
    ("eth_sendRawTransaction", r#"["0x02c0"]"#),
    ("eth_sendRawTransactionSync", r#"["0x02c0",5]"#),
    (
        "eth_sendTransaction",
        r#"[{"from":"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266","to":"0x7777777777777777777777777777777777777777"}]"#,
    ),
    ("eth_newFilter", r#"[{"fromBlock":"0x1"}]"#),
    ("eth_newBlockFilter", "[]"),
    ("eth_newPendingTransactionFilter", "[]"),
    ("eth_getFilterChanges", r#"["0x1"]"#),
    ("eth_getFilterLogs", r#"["0x1"]"#),
    ("eth_uninstallFilter", r#"["0x1"]"#),
    ("eth_subscribe", r#"["logs",{"topics":[]}]"#),
    ("eth_unsubscribe", r#"["0x1"]"#),
    ("net_version", "[]"),
    ("net_listening", "[]"),
    ("net_peerCount", "[]"),
    ("web3_clientVersion", "[]"),
    ("rollwright_anchor", "[\"0x1\"]"),
    ("rollwright_getBatchByBlock", "[1]"),
    ("rollwright_status", "[]"),
    ("rollwright_heads", "[]"),
    ("evm_mine", "[]"),
    ("anvil_nodeInfo", "[]"),
    ("hardhat_metadata", "[]"),
];

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

fn websocket(input: &[u8]) {
    let port = port();
    let frames = match input.split_first() {
        Some((0xff, raw)) => raw.to_vec(),
        _ => input
            .split(|byte| *byte == b'\n')
            .take(8)
            .flat_map(|text| frame(1, text))
            .collect(),
    };
    port.runtime
        .block_on(in_time("websocket", session(port.address, &frames)));
}

/// A masked frame, the mask all zero.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | kind];
    match payload.len() {
        len @ ..126 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// Opens, sends the frames and a close frame, and reads until the server
/// closes; every text frame must be legal.
async fn session(address: SocketAddr, frames: &[u8]) {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    // Thousands of connections a minute must not wait for their end.
    stream.set_zero_linger().expect("a socket");
    let upgrade = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.expect("writes");
    let mut read = Vec::new();
    while !read.windows(4).any(|four| four == b"\r\n\r\n") {
        let count = stream.read_buf(&mut read).await.expect("reads");
        assert!(count > 0, "no upgrade");
    }
    let end = read
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(0, |at| at + 4);
    assert!(read.starts_with(b"HTTP/1.1 101"), "no upgrade");
    let mut read = read.split_off(end);
    let all = [frames, &frame(8, &[])].concat();
    // The server may close before it has read everything, and may send more
    // than the socket holds before it reads on.
    let (mut reader, mut writer) = stream.split();
    let write = async {
        let _ = writer.write_all(&all).await;
        let _ = writer.shutdown().await;
    };
    let receive = async {
        while matches!(reader.read_buf(&mut read).await, Ok(count) if count > 0) {
            assert!(read.len() < 8 << 20, "answers without end");
        }
    };
    tokio::join!(write, receive);
    let mut rest = &read[..];
    while let Some((kind, payload, after)) = unframe(rest) {
        match kind {
            1 => legal(payload),
            8..=10 => {}
            other => panic!("a frame of kind {other}"),
        }
        rest = after;
    }
}

/// The first frame of a server: its kind, its payload, what follows. Nothing
/// where it is not whole.
fn unframe(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(2)?;
    assert!(head[1] < 0x80, "a server does not mask");
    let (len, rest) = match head[1] {
        126 => {
            let (len, rest) = rest.split_at_checked(2)?;
            (u64::from(u16::from_be_bytes([len[0], len[1]])), rest)
        }
        127 => {
            let (len, rest) = rest.split_at_checked(8)?;
            (u64::from_be_bytes(len.try_into().ok()?), rest)
        }
        len => (u64::from(len), rest),
    };
    let (payload, after) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    Some((head[0] & 0xf, payload, after))
}

fn sessions() -> Vec<Seed> {
    let heads = request(1, "eth_subscribe", r#"["newHeads"]"#);
    let logs = request(2, "eth_subscribe", r#"["logs",{}]"#);
    let number = request(3, "eth_blockNumber", "[]");
    let raw = [
        frame(2, number.as_bytes()),
        frame(9, b"ping"),
        frame(1, b"[1,"),
    ]
    .concat();
    // In two frames, with a ping between.
    let mut split = frame(1, &number.as_bytes()[..9]);
    split[0] = 1;
    split.extend(frame(9, b""));
    split.extend(frame(0, &number.as_bytes()[9..]));
    vec![
        Seed::new(
            "subscriptions",
            [heads.clone(), logs, number.clone()].join("\n"),
        ),
        Seed::new("five-subscriptions", vec![heads; 5].join("\n")),
        Seed::new("batch", format!("[{number},{number}]")),
        Seed::new("frames", [&[0xff], raw.as_slice()].concat()),
        Seed::new("fragments", [&[0xff], split.as_slice()].concat()),
    ]
}
