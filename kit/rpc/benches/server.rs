//! One keep-alive connection over the loopback interface: what the server adds
//! to a method that costs nothing.
//!
//! `cargo bench -p rollwright-rpc --bench server`
#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "a benchmark stops at the first surprise"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::{StreamExt, future::BoxFuture, stream::BoxStream};
use rollwright_core::{
    Address, B256, BlockId, BlockRecord, BlockRef, Bytes, Heads, NodeApi, NodeEvent, NodeStatus,
    PoolEntry, PoolStatus, SubmitError,
};
use rollwright_rpc::{RpcModule, Server, ServerConfig};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

/// A node that nobody asks.
#[derive(Debug)]
struct Silent;

impl NodeApi for Silent {
    fn heads(&self) -> Heads {
        Heads::all(BlockRef::default())
    }

    fn submit(&self, _: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        Box::pin(async { Err(SubmitError::NotAdmitting("a benchmark".into())) })
    }

    fn pool_transaction(&self, _: &B256) -> Option<Bytes> {
        None
    }

    fn pool_content(&self, _: usize) -> Vec<PoolEntry> {
        Vec::new()
    }

    fn pool_nonce(&self, _: &Address) -> Option<u64> {
        None
    }

    fn pool_status(&self) -> PoolStatus {
        PoolStatus::default()
    }

    fn events(&self) -> BoxStream<'static, NodeEvent> {
        futures_util::stream::empty().boxed()
    }

    fn status(&self) -> NodeStatus {
        NodeStatus::alone("bench", 1, B256::ZERO, self.heads())
    }

    fn block(&self, _: BlockId) -> Option<BlockRecord> {
        None
    }
}

/// The address of a server that runs as long as the runtime.
fn start(runtime: &tokio::runtime::Runtime) -> SocketAddr {
    let mut module = RpcModule::new(());
    module
        .register_method("bench_number", |_, (), _| "0x1")
        .expect("a new name");
    module
        .register_async_method("bench_waits", |_, _, _| async {
            tokio::task::yield_now().await;
            "0x1"
        })
        .expect("a new name");
    let config = ServerConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        ..ServerConfig::default()
    };
    let bound = runtime.block_on(Server::bind(config)).expect("a port");
    let address = bound.local_addr();
    runtime.spawn(bound.serve(
        module,
        Arc::new(Silent),
        axum::Router::new(),
        std::future::pending(),
    ));
    address
}

/// A client as plain as can be, so that the server is what is measured.
struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Client {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connects");
        stream.set_nodelay(true).expect("a socket");
        Self {
            stream,
            answer: vec![0; 1 << 20],
        }
    }

    /// Sends a request and takes the whole answer; its length.
    fn ask(&mut self, request: &[u8]) -> usize {
        self.stream.write_all(request).expect("sends");
        let mut have = 0;
        loop {
            have += self.stream.read(&mut self.answer[have..]).expect("reads");
            let text = &self.answer[..have];
            let Some(head) = text.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let lower = String::from_utf8_lossy(&text[..head]).to_ascii_lowercase();
            let length = lower
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .and_then(|length| length.trim().parse::<usize>().ok())
                .expect("a length");
            if have >= head + 4 + length {
                assert!(lower.starts_with("http/1.1 200"), "{lower}");
                return have;
            }
        }
    }
}

fn request(body: &str) -> Vec<u8> {
    format!(
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn call(method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[]}}"#)
}

fn server(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let address = start(&runtime);
    let mut client = Client::open(address);
    let mut group = criterion.benchmark_group("rpc::server");
    for (method, batch) in [
        ("bench_number", 1),
        ("bench_number", 100),
        ("bench_waits", 100),
    ] {
        let body = match batch {
            1 => call(method),
            _ => format!("[{}]", vec![call(method); batch].join(",")),
        };
        let request = request(&body);
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(format!("call/method={method},batch={batch}"), |bencher| {
            bencher.iter(|| client.ask(&request));
        });
    }
    group.finish();
}

criterion_group!(benches, server);
criterion_main!(benches);
