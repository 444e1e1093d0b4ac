//! A connection, below HTTP.

use super::{port, port::in_time, request};
use crate::{Memory, Seed, Target};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Bytes on a connection.
pub(in crate::targets) const RAW: Target = Target {
    name: "rpc-raw",
    about: "Whatever stands on a connection: no 500, and an end; what the port says beside \
            JSON-RPC too.",
    run: raw,
    seeds: raws,
    max_len: 2 << 10,
    memory: Memory {
        base: 16 << 20,
        per_byte: 1 << 10,
    },
    words: &[
        b"GET ",
        b"POST ",
        b"OPTIONS ",
        b" HTTP/1.1\r\n",
        b"/health",
        b"/ready",
        b"/metrics",
        b"/ws",
        b"?from=",
        b"host: ",
        b"origin: ",
        b"content-length: ",
        b"transfer-encoding: chunked\r\n",
        b"upgrade: websocket\r\n",
        b"connection: upgrade\r\n",
        b"sec-websocket-version: 13\r\n",
        b"sec-websocket-key: ",
        b"content-type: application/json\r\n",
        b"\r\n\r\n",
        b"18446744073709551616",
        b"%00",
    ],
};

fn raw(input: &[u8]) {
    let port = port::chain();
    let answer = port.runtime.block_on(in_time("raw", async {
        let mut stream = TcpStream::connect(port.address).await.expect("connects");
        // Thousands of connections a minute must not wait for their end.
        stream.set_zero_linger().expect("a socket");
        let (mut reader, mut writer) = stream.split();
        let write = async {
            let _ = writer.write_all(input).await;
            let _ = writer.shutdown().await;
        };
        let mut answer = Vec::new();
        let read = async {
            while matches!(reader.read_buf(&mut answer).await, Ok(count) if count > 0) {
                assert!(answer.len() < 8 << 20, "answers without end");
            }
        };
        tokio::join!(write, read);
        answer
    }));
    assert!(
        !answer.windows(13).any(|window| window == b"HTTP/1.1 500 "),
        "an error of the server's own"
    );
}

fn raws() -> Vec<Seed> {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let body = request(1, "eth_chainId", "[]");
    let post = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let chunked = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let upgrade = "GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    let cors = "OPTIONS / HTTP/1.1\r\nhost: localhost\r\norigin: http://a\r\n\
                access-control-request-method: POST\r\n\r\n";
    let mut seeds: Vec<Seed> = ["/health", "/ready", "/metrics", "/", "/none"]
        .iter()
        .enumerate()
        .map(|(index, path)| Seed::new(format!("get-{index}"), get(path)))
        .collect();
    seeds.push(Seed::new("two", [post.clone(), get("/health")].concat()));
    seeds.push(Seed::new("post", post));
    seeds.push(Seed::new("chunked", chunked));
    seeds.push(Seed::new("upgrade", upgrade));
    seeds.push(Seed::new("preflight", cors));
    seeds
}
