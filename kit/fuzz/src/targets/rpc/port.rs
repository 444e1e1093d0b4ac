//! Servers to ask: one over the chain of the seeds, one over a sandbox.

use super::legal::legal;
use crate::{
    node::{self, FuzzNode},
    seeds::DEV_KEY,
};
use rollwright_core::NodeApi;
use rollwright_evm::rpc::{EthConfig, eth_module};
use rollwright_rpc::{Methods, Server, ServerConfig, method_names};
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

pub(super) const MAX_REQUEST: usize = 3 << 10;
pub(super) const MAX_RESPONSE: usize = 256 << 10;
pub(super) const MAX_BATCH: usize = 8;

/// A server on a thread of its own runtime's.
pub(super) struct Port {
    pub(super) runtime: Runtime,
    pub(super) address: SocketAddr,
    /// All that it answers, ascending.
    pub(super) methods: Vec<&'static str>,
    /// One connection for all bodies; another once it is closed.
    connection: Mutex<Option<TcpStream>>,
}

/// Over the chain of the seeds, with a development key.
pub(super) fn chain() -> &'static Port {
    static PORT: OnceLock<Port> = OnceLock::new();
    PORT.get_or_init(|| {
        Port::open(|| {
            let node = FuzzNode::new();
            let api: Arc<dyn NodeApi> = Arc::new(node.clone());
            let config = EthConfig {
                dev_keys: vec![DEV_KEY],
                ..config()
            };
            let methods = eth_module(&node.engine, Arc::clone(&api), config).expect("a module");
            (methods, api)
        })
    })
}

/// Over a sandbox.
pub(super) fn sandbox() -> &'static Port {
    static PORT: OnceLock<Port> = OnceLock::new();
    PORT.get_or_init(|| {
        Port::open(|| {
            let sandbox = node::sandbox();
            let api: Arc<dyn NodeApi> = Arc::new(sandbox.clone());
            let config = EthConfig {
                dev_keys: vec![DEV_KEY],
                sandbox: Some(sandbox.clone()),
                ..config()
            };
            let methods = eth_module(sandbox.engine(), Arc::clone(&api), config).expect("a module");
            (methods, api)
        })
    })
}

/// Bounds that short inputs reach.
fn config() -> EthConfig {
    EthConfig {
        max_logs: 64,
        max_log_blocks: 100,
        call_gas_cap: 1_000_000,
        max_trace_bytes: 4 << 20,
        max_trace_blocks: 8,
        max_proof_slots: 8,
        max_filters: 8,
        max_fee_history: 16,
        sync_timeout: Duration::from_millis(1),
        max_sync_timeout: Duration::from_millis(2),
        ..EthConfig::default()
    }
}

/// Nothing that is sent takes longer to answer.
pub(super) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let answered = tokio::time::timeout(Duration::from_secs(60), future).await;
    answered.unwrap_or_else(|_| panic!("{what}: no answer"))
}

impl Port {
    fn open(node: impl FnOnce() -> (Methods, Arc<dyn NodeApi>)) -> Self {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder
            .enable_all()
            .max_blocking_threads(2)
            .build()
            .expect("a runtime");
        let (address, methods) = runtime.block_on(async {
            let (methods, api) = node();
            let names = method_names(methods.clone(), &api).expect("names");
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
            (address, names)
        });
        Self {
            runtime,
            address,
            methods,
            connection: Mutex::default(),
        }
    }

    /// Posts a body; the answer, which is legal.
    pub(super) fn http(&self, body: &[u8]) -> Vec<u8> {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let answer = self.runtime.block_on(in_time("http", async {
            if let Some(stream) = connection.as_mut()
                && let Some(answer) = post(stream, body).await
            {
                return Some(answer);
            }
            // The server may have closed what was idle.
            let mut stream = TcpStream::connect(self.address).await.expect("connects");
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
        answer
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
