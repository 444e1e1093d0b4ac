//! Answers to the layer's client.

use super::{layer, runtime, unit};
use crate::{Memory, Seed, Target};
use alloy_primitives::{B256, hex};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use rollwright_core::{DaHeight, DataAvailability as _, LayerError};
use rollwright_da_local::{LocalDa, RemoteConfig, ServeConfig, router};
use std::sync::{Arc, Mutex, OnceLock};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

/// Answers of a server to the layer's client.
pub(in crate::targets) const CLIENT: Target = Target {
    name: "da-client",
    about: "Whatever a server answers, the client has a value or an error with a code.",
    run: client,
    seeds: answers,
    max_len: 4 << 10,
    memory: Memory {
        base: 8 << 20,
        per_byte: 1_024,
    },
    words: &[],
};

/// What the server answers next: a status, and a body.
type Answer = (u16, Vec<u8>);

/// A server that answers each request with the next part of an input.
struct Canned {
    answers: Arc<Mutex<Vec<Answer>>>,
    url: String,
}

fn canned() -> &'static Canned {
    static CANNED: OnceLock<Canned> = OnceLock::new();
    CANNED.get_or_init(|| {
        let answers: Arc<Mutex<Vec<Answer>>> = Arc::default();
        let queue = Arc::clone(&answers);
        let respond = move || {
            let next = queue.lock().expect("nobody panicked").pop();
            async move {
                let (status, body) = next.unwrap_or((503, Vec::new()));
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
                (status, body)
            }
        };
        let url = runtime().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let url = format!("http://{}", listener.local_addr().expect("an address"));
            tokio::spawn(
                async move { axum::serve(listener, Router::new().fallback(respond)).await },
            );
            url
        });
        Canned { answers, url }
    })
}

/// A byte chooses the call; then, for each answer, status u16, length u16, body.
fn client(input: &[u8]) {
    let Some((choice, mut rest)) = input.split_first() else {
        return;
    };
    let mut answers = Vec::new();
    while let Some((head, after)) = rest.split_at_checked(4) {
        let len = usize::from(u16::from_le_bytes([head[2], head[3]])).min(after.len());
        let (body, after) = after.split_at(len);
        answers.push((u16::from_le_bytes([head[0], head[1]]), body.to_vec()));
        rest = after;
    }
    answers.reverse();
    // Made outside of the runtime.
    let _ = (layer(), canned());
    let canned = canned();
    *canned.answers.lock().expect("nobody panicked") = answers;
    runtime().block_on(async {
        if let Err(error) = call(&canned.url, *choice).await {
            assert!(error.code().starts_with("RW-"), "{}", error.code());
            let text = error.to_string();
            assert!(
                text.len() < 4_096,
                "what a server says is quoted within bounds"
            );
        }
    });
}

async fn call(url: &str, choice: u8) -> Result<(), rollwright_da_local::Error> {
    let config = RemoteConfig::new(url, layer().namespace);
    let da = LocalDa::connect(config).await?;
    let block = &layer().blocks[1];
    let reference = block.blobs[0].reference;
    match choice % 9 {
        0 => drop(da.head().await?),
        1 => drop(da.fetch(block.header.height, None).await?),
        2 => drop(
            da.fetch(block.header.height, Some(block.header.hash))
                .await?,
        ),
        3 => drop(da.header(DaHeight(1)).await?),
        4 => drop(da.prove(&reference).await?),
        5 => drop(da.submit(&unit(&[b"one"])).await?),
        6 => {
            da.status().await?;
        }
        7 => drop(da.is_canonical(block.header.id()).await?),
        _ => drop(da.next_head(B256::ZERO).await?),
    }
    Ok(())
}

/// The true answers of the layer to each call of [`call`].
fn answers() -> Vec<Seed> {
    let layer = layer();
    let config = ServeConfig {
        commands: true,
        ..ServeConfig::default()
    };
    let router = router(&layer.da, config).expect("an embedded layer");
    let name = layer.namespace.to_string();
    let block = &layer.blocks[1];
    let (height, hash) = (
        block.header.height.0,
        hex::encode_prefixed(block.header.hash),
    );
    let paths = [
        "/v1/head".to_owned(),
        format!("/v1/block/{name}/{height}"),
        format!("/v1/block/{name}/{height}/{hash}"),
        "/v1/header/1".to_owned(),
        "/v1/header/9".to_owned(),
        format!("/v1/block/{name}/99"),
        "/v1/status".to_owned(),
        format!("/v1/header/{height}"),
        "/v1/head".to_owned(),
    ];
    let mut seeds = Vec::new();
    for (choice, path) in paths.iter().enumerate() {
        let mut bytes = vec![choice as u8];
        for path in ["/v1/info", path] {
            let (status, body) = runtime().block_on(async {
                let request = Request::builder()
                    .uri(path)
                    .body(Body::empty())
                    .expect("a request");
                let response = router.clone().oneshot(request).await;
                let response = response.unwrap_or_else(|never| match never {});
                let status = response.status().as_u16();
                let body = axum::body::to_bytes(response.into_body(), 1 << 20).await;
                (status, body.expect("a body"))
            });
            bytes.extend_from_slice(&status.to_le_bytes());
            bytes.extend_from_slice(&(body.len() as u16).to_le_bytes());
            bytes.extend_from_slice(&body);
        }
        seeds.push(Seed::new(format!("call-{choice}"), bytes));
    }
    seeds
}
