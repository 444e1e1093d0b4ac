//! Clients that are slow, greedy, or too many.

use super::fake::{Running, config, start};
use crate::ServerConfig;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{process::Command, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{connect_async, tungstenite::Message};

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n";

fn impatient() -> ServerConfig {
    ServerConfig {
        io_timeout: Duration::from_millis(100),
        ..config()
    }
}

/// Sends what there is and reads until the server hangs up.
async fn until_cut_off(server: &Running, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Asks on new connections until one is served: the only place is free again.
async fn until_served(server: &Running) {
    loop {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(HEALTH).await.unwrap();
        let mut head = [0; 12];
        if stream.read_exact(&mut head).await.is_ok() && &head == b"HTTP/1.1 200" {
            return;
        }
    }
}

#[tokio::test]
async fn a_client_that_never_ends_its_request_is_cut_off() {
    let server = start(impatient()).await;
    let cases: [(&[u8], &str); 3] = [
        (b"", ""),
        (b"POST / HTTP/1.1\r\nhost: x\r\nx: aaaa", ""),
        (
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
              content-length: 9\r\nconnection: close\r\n\r\n{",
            "HTTP/1.1 408",
        ),
    ];
    for (bytes, expected) in cases {
        let answer = until_cut_off(&server, bytes).await;
        assert!(answer.starts_with(expected), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_loses_its_place() {
    let server = start(ServerConfig {
        max_connections: 1,
        ..impatient()
    })
    .await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "test_big", "params": [40 << 20]});
    let body = body.to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut deaf = TcpStream::connect(server.address).await.unwrap();
    deaf.write_all(head.as_bytes()).await.unwrap();
    deaf.write_all(body.as_bytes()).await.unwrap();
    until_served(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_loses_its_place() {
    const MESSAGES: u64 = 400_000;
    let server = start(ServerConfig {
        max_connections: 1,
        ..impatient()
    })
    .await;
    let url = format!("ws://{}/", server.address);
    let (mut socket, _) = connect_async(url).await.unwrap();
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "test_subscribe", "params": [MESSAGES]});
    socket.send(Message::text(call.to_string())).await.unwrap();
    until_served(&server).await;
    // What lay in the system's buffers arrives; most was never sent.
    let mut read = 0;
    while let Some(Ok(Message::Text(_))) = socket.next().await {
        read += 1;
    }
    assert!(read < MESSAGES, "{read}");
    server.stop().await;
}

#[tokio::test]
async fn long_requests_share_a_bounded_room_and_give_it_back() {
    const LONG: usize = 150_000;
    let server = start(ServerConfig {
        max_receiving_bytes: 2 * LONG,
        ..config()
    })
    .await;
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "test_echo", "params": ["x"]});
    let long = call.to_string() + &" ".repeat(LONG);
    // Half of a request holds its room for as long as it is awaited.
    let mut half = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        2 * LONG
    );
    half.write_all(head.as_bytes()).await.unwrap();
    half.write_all(long.as_bytes()).await.unwrap();
    loop {
        let response = server.post(long.clone()).send().await.unwrap();
        if response.status() == 503 {
            let answer: Value = response.json().await.unwrap();
            break assert_eq!(answer["error"]["code"], -32005);
        }
    }
    // Short ones need no room.
    assert_eq!(server.answer(call.to_string()).await["result"], "x");
    drop(half);
    while server.post(long.clone()).send().await.unwrap().status() != 200 {}
    server.stop().await;
}

#[tokio::test]
async fn calls_of_a_batch_wait_together_and_are_answered_in_order() {
    let server = start(config()).await;
    let call = |id: u64, method: &str, params: Value| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    let batch = json!([
        call(1, "test_meet", json!([])),
        call(2, "test_meet", json!([])),
        call(3, "test_echo", json!(["x"])),
        call(4, "test_async", json!([5])),
    ]);
    let answers = server.answer(batch.to_string()).await;
    let seen: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| (answer["id"].as_u64().unwrap(), answer["result"].clone()))
        .collect();
    let expected = [
        (1, json!("met")),
        (2, json!("met")),
        (3, json!("x")),
        (4, json!(5)),
    ];
    assert_eq!(seen, expected);
    server.stop().await;
}

/// Runs itself again with few open files, and uses them all up.
#[test]
fn accepting_goes_on_after_the_system_had_no_files_left() {
    const NAME: &str = "tests::overload::accepting_goes_on_after_the_system_had_no_files_left";
    const MARK: &str = "ROLLWRIGHT_TEST_FEW_FILES";
    if std::env::var_os(MARK).is_some() {
        return exhaust_files();
    }
    let output = Command::new("sh")
        .args([
            "-c",
            "ulimit -n 64 && exec \"$0\" --exact \"$1\" --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .arg(NAME)
        .env(MARK, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

fn exhaust_files() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = start(config()).await;
        let mut held = Vec::new();
        // Each takes a descriptor here and one in the server.
        let error = loop {
            match TcpStream::connect(server.address).await {
                Ok(stream) => held.push(stream),
                Err(error) => break error,
            }
        };
        assert_eq!(error.raw_os_error(), Some(24), "{error}");
        drop(held);
        until_served(&server).await;
        server.stop().await;
    });
}
