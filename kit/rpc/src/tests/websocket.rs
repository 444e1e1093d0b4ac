use super::fake::{Running, config, start};
use crate::ServerConfig;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::CloseFrame},
};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

async fn open(server: &Running) -> Socket {
    let url = format!("ws://{}/", server.address);
    connect_async(url).await.unwrap().0
}

async fn send(socket: &mut Socket, value: Value) {
    socket.send(Message::text(value.to_string())).await.unwrap();
}

/// The next JSON message.
async fn next(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "every caller writes a literal"
)]
fn call(id: u64, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

#[tokio::test]
async fn calls_and_batches_are_answered_on_the_same_port() {
    let server = start(config()).await;
    let mut socket = open(&server).await;
    send(&mut socket, call(1, "test_echo", json!(["hi"]))).await;
    assert_eq!(next(&mut socket).await["result"], "hi");
    let batch = json!([
        call(2, "test_async", json!([5])),
        call(3, "test_echo", json!(["x"]))
    ]);
    send(&mut socket, batch).await;
    let answers = next(&mut socket).await;
    assert_eq!(answers[0]["result"], 5);
    assert_eq!(answers[1]["result"], "x");
    server.stop().await;
}

#[tokio::test]
async fn malformed_messages_are_answered_and_the_connection_lives() {
    let server = start(config()).await;
    let mut socket = open(&server).await;
    for (body, code) in [("nonsense", -32700), ("{}", -32600), ("[]", -32600)] {
        socket.send(Message::text(body)).await.unwrap();
        assert_eq!(next(&mut socket).await["error"]["code"], code);
    }
    send(&mut socket, call(1, "test_panic", json!([]))).await;
    assert_eq!(next(&mut socket).await["error"]["code"], -32603);
    send(&mut socket, call(2, "test_echo", json!(["alive"]))).await;
    assert_eq!(next(&mut socket).await["result"], "alive");
    server.stop().await;
}

#[tokio::test]
async fn a_subscription_answers_with_a_hex_id_then_notifies_in_order_until_unsubscribed() {
    let server = start(config()).await;
    let mut socket = open(&server).await;
    send(&mut socket, call(1, "test_subscribe", json!([3]))).await;
    let answer = next(&mut socket).await;
    let id = answer["result"].as_str().unwrap().to_owned();
    assert!(id.starts_with("0x") && id[2..].bytes().all(|byte| byte.is_ascii_hexdigit()));
    for number in 0..3 {
        let expected = json!({
            "jsonrpc": "2.0",
            "method": "test_subscription",
            "params": {"subscription": id, "result": number},
        });
        assert_eq!(next(&mut socket).await, expected);
    }
    for expected in [true, false] {
        send(&mut socket, call(2, "test_unsubscribe", json!([id]))).await;
        assert_eq!(next(&mut socket).await["result"], expected);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_slow_reader_holds_back_its_subscription_and_loses_nothing() {
    let server = start(ServerConfig {
        message_buffer: 4,
        ..config()
    })
    .await;
    let mut socket = open(&server).await;
    send(&mut socket, call(1, "test_subscribe", json!([20_000]))).await;
    next(&mut socket).await;
    for number in 0..20_000 {
        assert_eq!(next(&mut socket).await["params"]["result"], number);
    }
    server.stop().await;
}

#[tokio::test]
async fn subscriptions_of_a_connection_are_bounded() {
    let server = start(ServerConfig {
        max_subscriptions_per_connection: 1,
        ..config()
    })
    .await;
    let mut socket = open(&server).await;
    send(&mut socket, call(1, "test_subscribe", json!([0]))).await;
    let first = next(&mut socket).await["result"].clone();
    send(&mut socket, call(2, "test_subscribe", json!([0]))).await;
    assert_eq!(next(&mut socket).await["error"]["code"], -32006);
    send(&mut socket, call(3, "test_unsubscribe", json!([first]))).await;
    assert_eq!(next(&mut socket).await["result"], true);
    server.stop().await;
}

#[tokio::test]
async fn a_message_above_the_limit_is_refused_with_the_limit() {
    let server = start(ServerConfig {
        max_request_bytes: 1_000,
        ..config()
    })
    .await;
    let mut socket = open(&server).await;
    socket.send(Message::text(" ".repeat(1_500))).await.unwrap();
    let answer = next(&mut socket).await;
    assert_eq!(answer["error"]["code"], -32007);
    assert!(answer["error"]["data"].as_str().unwrap().contains("1000"));
    send(&mut socket, call(1, "test_echo", json!(["alive"]))).await;
    assert_eq!(next(&mut socket).await["result"], "alive");
    server.stop().await;
}

#[tokio::test]
async fn pages_of_foreign_origins_cannot_open_a_socket() {
    let listed = ServerConfig {
        cors: vec!["https://app.example".into()],
        ..config()
    };
    let server = start(listed).await;
    let own = format!("http://{}", server.address);
    for (origin, accepted) in [
        ("https://evil.example", false),
        ("https://app.example", true),
        (own.as_str(), true),
    ] {
        let mut request = format!("ws://{}/", server.address)
            .into_client_request()
            .unwrap();
        request
            .headers_mut()
            .insert("origin", origin.parse().unwrap());
        match connect_async(request).await {
            Ok(_) => assert!(accepted, "{origin}"),
            Err(Error::Http(response)) => {
                assert!(!accepted, "{origin}");
                assert_eq!(response.status(), 403);
            }
            Err(error) => panic!("{error}"),
        }
    }
    server.stop().await;
}

/// The code of the close frame that comes next; `None` where it has none.
async fn closed(socket: &mut Socket) -> Option<u16> {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Close(frame) => return frame.map(|frame| frame.code.into()),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_close_frame_is_answered_with_one() {
    let server = start(config()).await;
    let mut socket = open(&server).await;
    send(&mut socket, call(1, "test_subscribe", json!([0]))).await;
    next(&mut socket).await;
    let frame = CloseFrame {
        code: 1000.into(),
        reason: "done".into(),
    };
    socket.send(Message::Close(Some(frame))).await.unwrap();
    assert_eq!(closed(&mut socket).await, Some(1000));
    server.stop().await;
}

#[tokio::test]
async fn a_violation_is_told_by_its_close_code() {
    let server = start(ServerConfig {
        max_request_bytes: 1_000,
        ..config()
    })
    .await;
    let mut socket = open(&server).await;
    socket.send(Message::text(" ".repeat(5_000))).await.unwrap();
    assert_eq!(closed(&mut socket).await, Some(1009));
    server.stop().await;
}

#[tokio::test]
async fn stopping_the_server_closes_open_sockets_as_going_away() {
    let server = start(config()).await;
    let mut socket = open(&server).await;
    send(&mut socket, call(1, "test_echo", json!(["hi"]))).await;
    next(&mut socket).await;
    let ((), code) = tokio::join!(server.stop(), closed(&mut socket));
    assert_eq!(code, Some(1001));
}
