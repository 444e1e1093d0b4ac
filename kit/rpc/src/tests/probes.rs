use super::fake::{FakeNode, config, start};
use crate::{ServerConfig, probes::not_ready};
use metrics_exporter_prometheus::PrometheusBuilder;
use rollwright_core::{NodeApi, Role};
use serde_json::{Value, json};

#[tokio::test]
async fn health_is_200_while_the_process_answers() {
    let server = start(config()).await;
    assert_eq!(server.get("/health").send().await.unwrap().status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn ready_is_503_with_the_reason_until_synced() {
    let server = start(config()).await;
    assert_eq!(server.get("/ready").send().await.unwrap().status(), 200);
    server.node.status.lock().unwrap().synced = false;
    let response = server.get("/ready").send().await.unwrap();
    assert_eq!(response.status(), 503);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["ready"], false);
    assert!(answer["reason"].as_str().unwrap().starts_with("syncing"));
    server.stop().await;
}

#[test]
fn every_way_of_not_being_ready_has_a_reason() {
    let healthy = FakeNode::default().status();
    assert_eq!(not_ready(&healthy), None);
    let mut blocked = healthy.clone();
    blocked.blocked = Some("the backlog is full".into());
    assert!(not_ready(&blocked).unwrap().contains("the backlog is full"));
    let mut lapsed = healthy.clone();
    lapsed.lapsed = true;
    assert!(not_ready(&lapsed).unwrap().contains("lapsed"));
    let mut silent = healthy.clone();
    silent.last_errors = vec![("da".into(), "reading: connection refused".into())];
    for synced in [true, false] {
        silent.synced = synced;
        let reason = not_ready(&silent).unwrap();
        assert!(
            reason.contains("DA layer") && reason.contains("refused"),
            "{reason}"
        );
    }
    let mut closed = healthy;
    closed.role = Role::Sequencer;
    closed.admitting = false;
    assert!(not_ready(&closed).unwrap().contains("admitted"));
    for role in [Role::Follower, Role::Replica] {
        closed.role = role;
        assert_eq!(not_ready(&closed), None);
    }
}

#[tokio::test]
async fn requests_are_counted_by_known_method_and_code() {
    // The recorder is process-wide, so the whole test is about this one.
    let handle = PrometheusBuilder::new().install_recorder().unwrap();
    let server = start(ServerConfig {
        metrics: Some(handle),
        ..config()
    })
    .await;
    server.call("test_async", json!([1])).await;
    server.call("test_async", json!(["x"])).await;
    server.call("made_up", json!([])).await;
    let text = server
        .get("/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let counted =
        |labels: &str| text.contains(&format!("rollwright_rpc_requests_total{{{labels}}}"));
    assert!(counted(r#"method="test_async",code="ok""#), "{text}");
    assert!(counted(r#"method="test_async",code="-32602""#), "{text}");
    assert!(counted(r#"method="unknown",code="-32601""#), "{text}");
    assert!(!text.contains("made_up"));
    server.stop().await;
}

#[tokio::test]
async fn without_a_recorder_there_are_no_metrics() {
    let server = start(config()).await;
    assert_eq!(server.get("/metrics").send().await.unwrap().status(), 404);
    server.stop().await;
}
