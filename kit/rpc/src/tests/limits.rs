use super::fake::{config, start};
use crate::ServerConfig;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

fn echoes(count: usize) -> String {
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "test_echo", "params": ["x"]});
    Value::from(vec![call; count]).to_string()
}

#[tokio::test]
async fn a_batch_may_hold_the_limit_and_not_one_more() {
    let server = start(ServerConfig {
        max_batch: 100,
        ..config()
    })
    .await;
    let answers = server.answer(echoes(100)).await;
    assert_eq!(answers.as_array().unwrap().len(), 100);
    let answer = server.answer(echoes(101)).await;
    assert_eq!(answer["error"]["code"], -32010);
    assert!(answer["error"]["data"].as_str().unwrap().contains("100"));
    server.stop().await;
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_with_the_limit() {
    let server = start(ServerConfig {
        max_request_bytes: 200,
        ..config()
    })
    .await;
    let response = server.post(" ".repeat(201)).send().await.unwrap();
    assert_eq!(response.status(), 413);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["error"]["code"], -32007);
    assert!(answer["error"]["data"].as_str().unwrap().contains("200"));
    server.stop().await;
}

#[tokio::test]
async fn an_answer_above_the_limit_becomes_an_error() {
    let server = start(ServerConfig {
        max_response_bytes: 10_000,
        ..config()
    })
    .await;
    let answer = server.call("test_big", json!([20_000])).await;
    assert_eq!(answer["error"]["code"], -32008);
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "test_big", "params": [4_000]});
    let answer = server.answer(json!([call, call, call]).to_string()).await;
    assert_eq!(answer["error"]["code"], -32011);
    server.stop().await;
}

#[tokio::test]
async fn connections_above_the_limit_are_told_so_and_places_are_given_back() {
    let server = start(ServerConfig {
        max_connections: 2,
        ..config()
    })
    .await;
    let request = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        held.push(stream);
    }
    let mut refused = TcpStream::connect(server.address).await.unwrap();
    refused.write_all(request).await.unwrap();
    let mut answer = String::new();
    refused.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("-32005") && answer.contains("limit is 2"));
    // Closing frees places; the server notices in its own time.
    drop(held);
    loop {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.unwrap();
        if &head == b"HTTP/1.1 200" {
            break;
        }
    }
    server.stop().await;
}
