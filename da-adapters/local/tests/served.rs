//! A layer that several processes share, and servers that lie.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use common::{manual, namespace, open, unit};
use rollwright_core::{
    DaBlock, DaHeader, DaHeight, DataAvailability, ErrorKind, LayerError, PostedBlob,
    SubmissionStatus::{Accepted, Included},
};
use rollwright_da_local::{
    Error, LocalDa, LocalDaConfig, NetworkId, RemoteConfig, ServeConfig, header_hash, serve,
};
use std::sync::{Arc, Mutex};
use tokio::{net::TcpListener, sync::oneshot};

async fn serve_with(da: &LocalDa, config: ServeConfig) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let da = da.clone();
    tokio::spawn(async move {
        let never = std::future::pending();
        serve(&da, listener, config, never).await.unwrap();
    });
    url
}

async fn connect(url: &str) -> LocalDa {
    LocalDa::connect(RemoteConfig::new(url, namespace()))
        .await
        .unwrap()
}

#[tokio::test]
async fn what_one_process_posts_another_reads() {
    let host = open(manual(None));
    let url = serve_with(&host, ServeConfig::default()).await;
    let (writer, reader) = (connect(&url).await, connect(&url).await);
    assert_eq!(writer.caps(), host.caps());
    let posted = unit("shared", 3);
    assert_eq!(writer.submit(&posted).await.unwrap().status, Accepted);
    assert_eq!(host.submit(&posted).await.unwrap().status, Accepted);
    host.seal().await.unwrap();
    let Included { blobs } = reader.submit(&posted).await.unwrap().status else {
        panic!("not included");
    };
    let block = reader
        .fetch(blobs[0].block.height, Some(blobs[0].block.hash))
        .await
        .unwrap();
    let contents: Vec<_> = block.blobs.iter().map(|blob| blob.data.clone()).collect();
    let expected: Vec<_> = posted.blobs.iter().map(|blob| blob.data.clone()).collect();
    assert_eq!(contents, expected);
    assert_eq!(block, host.fetch(block.header.height, None).await.unwrap());
    let proof = reader.prove(&blobs[2]).await.unwrap();
    assert_eq!(proof, host.prove(&blobs[2]).await.unwrap());
}

#[tokio::test]
async fn a_height_that_no_block_has_is_told_over_http_too() {
    let host = open(manual(None));
    let url = serve_with(&host, ServeConfig::default()).await;
    let reader = connect(&url).await;
    for da in [&host, &reader] {
        let error = da.fetch(DaHeight(0), None).await.unwrap_err();
        assert_eq!(error.code(), "RW-DA-126", "{error}");
        assert_eq!(error.kind(), ErrorKind::Rejected);
        let error = da.fetch(DaHeight(9), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotYet);
    }
}

#[tokio::test]
async fn a_client_follows_a_reorganisation_above_the_final_block() {
    let host = open(manual(None));
    let url = serve_with(&host, ServeConfig::default()).await;
    let client = connect(&url).await;
    for _ in 0..8 {
        host.seal().await.unwrap();
        common::hashes(&client).await;
    }
    let head = client.head().await.unwrap().observed;
    host.reorg(4).await.unwrap();
    assert!(!client.is_canonical(head).await.unwrap());
    let error = client
        .fetch(head.height, Some(head.hash))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(common::hashes(&client).await, common::hashes(&host).await);
}

#[tokio::test]
async fn a_waiting_client_is_told_the_next_head() {
    let host = open(manual(None));
    let url = serve_with(&host, ServeConfig::default()).await;
    let client = connect(&url).await;
    let known = client.head().await.unwrap().observed.hash;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.next_head(known).await }
    });
    let sealed = host.seal().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().observed, sealed.id());
}

#[tokio::test]
async fn commands_need_a_server_that_allows_them() {
    let host = open(manual(None));
    let strict = connect(&serve_with(&host, ServeConfig::default()).await).await;
    assert!(matches!(
        strict.seal().await,
        Err(Error::Forbidden { command: "seal" })
    ));
    assert!(matches!(
        strict.reorg(1).await,
        Err(Error::Forbidden { .. })
    ));
    assert!(matches!(
        strict.prune(DaHeight(1)).await,
        Err(Error::Forbidden { .. })
    ));
    let config = ServeConfig {
        commands: true,
        ..ServeConfig::default()
    };
    let open = connect(&serve_with(&host, config).await).await;
    for _ in 0..8 {
        open.seal().await.unwrap();
    }
    open.reorg(2).await.unwrap();
    open.prune(DaHeight(3)).await.unwrap();
    assert!(matches!(
        open.reorg(9).await,
        Err(Error::ReorgTooDeep { .. })
    ));
    assert_eq!(
        open.fetch(DaHeight(2), None).await.unwrap_err().kind(),
        ErrorKind::Pruned
    );
    assert_eq!(open.status().await.unwrap(), host.status().await.unwrap());
}

#[tokio::test]
async fn another_network_and_a_silent_server_are_told_apart() {
    let host = open(manual(None));
    let url = serve_with(&host, ServeConfig::default()).await;
    let config = RemoteConfig {
        network: Some(NetworkId::random()),
        ..RemoteConfig::new(&url, namespace())
    };
    let error = LocalDa::connect(config).await.unwrap_err();
    assert!(matches!(error, Error::WrongNetwork { .. }), "{error}");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let error = LocalDa::connect(RemoteConfig::new(url, namespace()))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(error.is_retryable());
    let error = LocalDa::connect(RemoteConfig::new("ftp://x", namespace()))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Config { key: "url", .. }));
}

#[tokio::test]
async fn hostile_requests_are_refused_and_the_server_goes_on() {
    let host = open(manual(None));
    let url = serve_with(&host, ServeConfig::default()).await;
    let http = reqwest::Client::new();
    let submit = format!("{url}/v1/submit/{}", namespace());
    let post = |url: &str, body: Vec<u8>| http.post(url).body(body).send();
    assert_eq!(
        post(&submit, vec![0xff; 100]).await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
    // A server may close the connection before it has read so long a body.
    if let Ok(response) = post(&submit, vec![0; 4 << 20]).await {
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    for path in [
        "v1/block/0x12/1",
        "v1/header/-1",
        "v1/submit/x",
        "v1/nothing",
    ] {
        let status = http
            .get(format!("{url}/{path}"))
            .send()
            .await
            .unwrap()
            .status();
        assert!(status.is_client_error(), "{path}: {status}");
    }
    assert_eq!(
        connect(&url).await.head().await.unwrap(),
        host.head().await.unwrap()
    );
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_ends() {
    let host = open(manual(None));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let shutdown = async { drop(stopped.await) };
        serve(&host, listener, ServeConfig::default(), shutdown).await
    });
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

type Lie = Box<dyn Fn(&str, Vec<u8>) -> Vec<u8> + Send>;

/// Passes requests on to an honest server, and alters what it answers.
#[derive(Clone)]
struct Liar {
    upstream: Arc<Mutex<String>>,
    lie: Arc<Mutex<Lie>>,
}

impl Liar {
    async fn before(url: &str) -> (Self, LocalDa) {
        let liar = Self {
            upstream: Arc::new(Mutex::new(url.to_owned())),
            lie: Arc::new(Mutex::new(Box::new(|_, answer| answer))),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass_on).with_state(liar.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let client = connect(&url).await;
        (liar, client)
    }

    fn tell(&self, lie: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + 'static) {
        *self.lie.lock().unwrap() = Box::new(lie);
    }

    /// Alters every block that is served.
    fn alter_block(&self, alter: impl Fn(&mut DaBlock) + Send + 'static) {
        self.tell(move |path, answer| {
            if !path.starts_with("/v1/block/") {
                return answer;
            }
            let mut block = borsh::from_slice(&answer).unwrap();
            alter(&mut block);
            borsh::to_vec(&block).unwrap()
        });
    }
}

async fn pass_on(State(liar): State<Liar>, request: Request<Body>) -> Response {
    let path = request.uri().path().to_owned();
    let url = format!("{}{path}", liar.upstream.lock().unwrap());
    let method = request.method().clone();
    let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let answer = reqwest::Client::new()
        .request(method, url)
        .body(body)
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let mut contents = answer.bytes().await.unwrap();
    if status == StatusCode::OK {
        contents = liar.lie.lock().unwrap()(&path, contents.to_vec()).into();
    }
    (status, contents).into_response()
}

/// A host with a block of three blobs, and a liar before it.
async fn lied_to() -> (LocalDa, DaHeader, Liar, LocalDa) {
    let host = open(manual(None));
    host.submit(&unit("a", 3)).await.unwrap();
    let header = host.seal().await.unwrap();
    let url = serve_with(&host, ServeConfig::default()).await;
    let (liar, client) = Liar::before(&url).await;
    (host, header, liar, client)
}

fn caught(result: Result<DaBlock, Error>, expected: &str) {
    match result {
        Err(Error::Dishonest { what, detail, .. }) => assert_eq!(what, expected, "{detail}"),
        other => panic!("expected a lie about the {expected}, not {other:?}"),
    }
}

fn renumber(blobs: &mut [PostedBlob]) {
    for (index, blob) in (0..).zip(blobs) {
        blob.reference.index = index;
    }
}

#[tokio::test]
async fn a_lie_about_a_block_is_caught_and_named() {
    let (host, header, liar, client) = lied_to().await;
    let network = host.network();
    let fetch = || client.fetch(header.height, None);
    liar.alter_block(|block| {
        block.blobs.remove(1);
        renumber(&mut block.blobs);
    });
    caught(fetch().await, "data root");
    liar.alter_block(|block| block.blobs.clear());
    caught(fetch().await, "data root");
    liar.alter_block(|block| {
        block.blobs.swap(0, 1);
        renumber(&mut block.blobs);
    });
    caught(fetch().await, "data root");
    liar.alter_block(|block| block.blobs[0].data = "forged".into());
    caught(fetch().await, "proof");
    liar.alter_block(|block| block.header.time += 1);
    caught(fetch().await, "header hash");
    liar.alter_block(move |block| {
        block.header.height = DaHeight(3);
        block.header.hash = header_hash(network, &block.header);
    });
    caught(fetch().await, "height");
    liar.tell(|_, answer| answer);
    fetch().await.unwrap();
}

#[tokio::test]
async fn every_altered_byte_of_a_served_block_is_an_error() {
    let (host, header, liar, client) = lied_to().await;
    let honest = host.fetch(header.height, None).await.unwrap();
    let len = borsh::to_vec(&honest).unwrap().len();
    for at in 0..len {
        liar.tell(move |path, mut answer| {
            if path.starts_with("/v1/block/") {
                answer[at] ^= 1 << (at % 8);
            }
            answer
        });
        assert!(
            client.fetch(header.height, None).await.is_err(),
            "byte {at}"
        );
    }
}

#[tokio::test]
async fn a_block_served_for_another_hash_is_caught() {
    let (host, header, liar, client) = lied_to().await;
    let other = borsh::to_vec(&host.fetch(DaHeight(1), None).await.unwrap()).unwrap();
    liar.tell(move |_, _| other.clone());
    caught(
        client.fetch(header.height, Some(header.hash)).await,
        "height",
    );
}

#[tokio::test]
async fn a_forged_submission_proof_or_header_is_caught() {
    let (_, header, liar, client) = lied_to().await;
    let Included { blobs } = client.submit(&unit("a", 3)).await.unwrap().status else {
        panic!("not included");
    };
    liar.tell(|path, mut answer| {
        if path.starts_with("/v1/submit/") {
            let mut found: rollwright_core::Submission = borsh::from_slice(&answer).unwrap();
            if let Included { blobs } = &mut found.status {
                blobs.swap(0, 1);
            }
            answer = borsh::to_vec(&found).unwrap();
        }
        answer
    });
    let error = client.submit(&unit("a", 3)).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Dishonest {
                what: "posting unit",
                ..
            }
        ),
        "{error}"
    );
    liar.tell(|path, mut answer| {
        if path.starts_with("/v1/prove/") {
            *answer.last_mut().unwrap() ^= 1;
        }
        answer
    });
    let error = client.prove(&blobs[0]).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Dishonest {
                what: "data root",
                ..
            }
        ),
        "{error}"
    );
    liar.tell(|path, mut answer| {
        if path.starts_with("/v1/header/") {
            answer[50] ^= 1;
        }
        answer
    });
    let error = client.header(header.height).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Dishonest {
                what: "header hash",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_history_that_changes_below_the_final_block_is_caught() {
    let network = NetworkId::random();
    let layer = || {
        open(LocalDaConfig {
            network: Some(network),
            ..manual(None)
        })
    };
    let (first, second) = (layer(), layer());
    for round in 0..8 {
        first.seal().await.unwrap();
        second.submit(&unit(&format!("{round}"), 1)).await.unwrap();
        second.seal().await.unwrap();
    }
    let url = serve_with(&first, ServeConfig::default()).await;
    let (liar, client) = Liar::before(&url).await;
    client.head().await.unwrap();
    common::hashes(&client).await;
    *liar.upstream.lock().unwrap() = serve_with(&second, ServeConfig::default()).await;
    caught(client.fetch(DaHeight(3), None).await, "final block");
    let error = client.head().await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Dishonest {
                what: "final block",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Fatal);
}
