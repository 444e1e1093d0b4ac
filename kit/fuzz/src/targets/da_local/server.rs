//! Requests to the layer's server.

use super::{layer, open, runtime, unit};
use crate::{Memory, Seed, Target};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use rollwright_da_local::{ServeConfig, router};
use std::time::Duration;
use tower::ServiceExt as _;

/// Requests to the layer's server: method, path and body, by lines.
pub(in crate::targets) const SERVER: Target = Target {
    name: "da-server",
    about: "Any request is answered, and never by 500; what the layer holds stays within its bounds.",
    run: server,
    seeds: requests,
    max_len: 4 << 10,
    memory: Memory {
        base: 24 << 20,
        per_byte: 256,
    },
    words: &[
        b"GET /v1/head\n\n",
        b"GET /v1/info\n\n",
        b"/v1/head/",
        b"/v1/header/",
        b"/v1/block/",
        b"/v1/prove/",
        b"/v1/submit/",
        b"/v1/seal",
        b"/v1/reorg/",
        b"/v1/prune/",
        b"POST ",
        b"GET ",
        b"18446744073709551615",
        b"rollup",
    ],
};

/// `METHOD path`, an empty line, the body; for each request after the first,
/// the same again behind a byte 0x1e.
fn server(input: &[u8]) {
    let (da, _) = open(None).expect("opens in memory");
    let config = ServeConfig {
        commands: true,
        timeout: Duration::from_secs(60),
        longest_wait: Duration::ZERO,
    };
    let router = router(&da, config).expect("an embedded layer");
    runtime().block_on(async {
        for request in input.split(|byte| *byte == 0x1e).take(6) {
            ask(&router, request).await;
        }
        let status = da.status().await.expect("a layer that works");
        assert!(
            status.pending_bytes <= 256 << 10,
            "more waits than is allowed"
        );
        da.close().await;
    });
}

async fn ask(router: &Router, request: &[u8]) {
    let at = request.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = match at {
        Some(at) => (&request[..at], &request[at + 2..]),
        None => (request, &[][..]),
    };
    let Ok(head) = std::str::from_utf8(head) else {
        return;
    };
    let (method, path) = head.split_once(' ').unwrap_or(("GET", head));
    let built = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::from(body.to_vec()));
    // What is no HTTP never reaches the layer.
    let Ok(request) = built else { return };
    let response = router.clone().oneshot(request).await;
    let response = response.unwrap_or_else(|never| match never {});
    assert_ne!(
        response.status(),
        StatusCode::INTERNAL_SERVER_ERROR,
        "{head}"
    );
    let body = axum::body::to_bytes(response.into_body(), 4 << 20).await;
    assert!(body.is_ok(), "an answer without end");
}

fn requests() -> Vec<Seed> {
    let body = |path: &str, body: Vec<u8>| [format!("POST {path}\n\n").into_bytes(), body].concat();
    let one = borsh::to_vec(&unit(&[b"one"])).expect("encodes");
    let name = layer().namespace.to_string();
    let submit = body(&format!("/v1/submit/{name}"), one);
    let blob = borsh::to_vec(&layer().blocks[1].blobs[0].reference).expect("encodes");
    let get = |path: &str| format!("GET {path}\n\n").into_bytes();
    let mut seeds = vec![
        Seed::new("submit", submit.clone()),
        Seed::new("prove", body(&format!("/v1/prove/{name}"), blob)),
    ];
    let parts = [
        submit,
        body("/v1/seal", Vec::new()),
        get(&format!("/v1/block/{name}/1")),
        body("/v1/reorg/1", Vec::new()),
        body("/v1/prune/1", Vec::new()),
    ];
    seeds.push(Seed::new("session", parts.join(&0x1e)));
    for (index, path) in [
        "/v1/info",
        "/v1/status",
        "/v1/head",
        "/v1/header/1",
        "/health",
    ]
    .iter()
    .enumerate()
    {
        seeds.push(Seed::new(format!("get-{index}"), get(path)));
    }
    seeds
}
