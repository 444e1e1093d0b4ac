use super::fake::{config, start};
use crate::ServerConfig;
use serde_json::json;

#[tokio::test]
async fn a_call_is_answered_with_its_id() {
    let server = start(config()).await;
    for id in [json!(7), json!("seven"), json!(null)] {
        let body = json!({"jsonrpc": "2.0", "id": id, "method": "test_echo", "params": ["hi"]});
        let answer = server.answer(body.to_string()).await;
        assert_eq!(answer, json!({"jsonrpc": "2.0", "id": id, "result": "hi"}));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_batch_is_answered_in_order_without_its_notifications() {
    let server = start(config()).await;
    let body = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "test_async", "params": [1]},
        {"jsonrpc": "2.0", "method": "test_echo", "params": ["nobody hears"]},
        {"jsonrpc": "2.0", "id": 2, "method": "test_none"},
        17,
        {"jsonrpc": "2.0", "id": 3, "method": "test_echo", "params": ["c"]},
    ]);
    let answers = server.answer(body.to_string()).await;
    assert_eq!(
        answers,
        json!([
            {"jsonrpc": "2.0", "id": 1, "result": 1},
            {"jsonrpc": "2.0", "id": 2, "error": {"code": -32601, "message": "the method test_none does not exist/is not available"}},
            {"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": "Invalid request"}},
            {"jsonrpc": "2.0", "id": 3, "result": "c"},
        ])
    );
    server.stop().await;
}

#[tokio::test]
async fn a_notification_has_no_answer() {
    let server = start(config()).await;
    let body = r#"{"jsonrpc":"2.0","method":"test_echo","params":["x"]}"#;
    let response = server.post(body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "");
    server.stop().await;
}

#[tokio::test]
async fn a_panic_in_a_handler_ends_one_call_only() {
    let server = start(config()).await;
    for method in ["test_panic", "test_panicAsync"] {
        let answer = server.call(method, json!([])).await;
        assert_eq!(answer["error"]["code"], -32603);
        assert_eq!(answer["id"], 1);
        let answer = server.call("test_echo", json!(["alive"])).await;
        assert_eq!(answer["result"], "alive");
    }
    server.stop().await;
}

#[tokio::test]
async fn subscriptions_over_http_are_refused_with_the_reason() {
    let server = start(config()).await;
    let answer = server.call("test_subscribe", json!([1])).await;
    assert_eq!(answer["error"]["code"], -32601);
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("WebSocket")
    );
    server.stop().await;
}

#[tokio::test]
async fn browsers_are_answered_by_the_cors_list() {
    let listed = ServerConfig {
        cors: vec!["https://app.example".into()],
        ..config()
    };
    let any = ServerConfig {
        cors: vec!["*".into()],
        ..config()
    };
    let cases = [
        (config(), "https://app.example", None),
        (
            listed.clone(),
            "https://app.example",
            Some("https://app.example"),
        ),
        (listed, "https://other.example", None),
        (any, "https://other.example", Some("*")),
    ];
    for (config, origin, allowed) in cases {
        let server = start(config).await;
        let response = server
            .post("{}")
            .header("origin", origin)
            .send()
            .await
            .unwrap();
        let header = response.headers().get("access-control-allow-origin");
        assert_eq!(
            header.map(|value| value.to_str().unwrap()),
            allowed,
            "{origin}"
        );
        server.stop().await;
    }
}

#[tokio::test]
async fn a_preflight_request_is_answered() {
    let server = start(ServerConfig {
        cors: vec!["*".into()],
        ..config()
    })
    .await;
    let client = reqwest::Client::new();
    let response = client
        .request(reqwest::Method::OPTIONS, server.url("/"))
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    server.stop().await;
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_ask() {
    let server = start(config()).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"test_big","params":[100000]}"#;
    let response = server
        .post(body)
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(response.bytes().await.unwrap().len() < 10_000);
    server.stop().await;
}

#[tokio::test]
async fn other_content_types_and_verbs_are_refused() {
    let server = start(config()).await;
    let client = reqwest::Client::new();
    let form = client
        .post(server.url("/"))
        .body("x=1")
        .send()
        .await
        .unwrap();
    assert_eq!(form.status(), 415);
    assert_eq!(server.get("/").send().await.unwrap().status(), 405);
    assert_eq!(server.get("/none").send().await.unwrap().status(), 404);
    server.stop().await;
}

#[tokio::test]
async fn routes_of_the_caller_are_mounted_beside() {
    let server = start(config()).await;
    let text = server
        .get("/feed")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(text, "feed");
    server.stop().await;
}
