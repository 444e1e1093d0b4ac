//! The embedded DA layer: proofs, names, its server, its client.

use crate::{Memory, Seed, Target};
use alloy_primitives::{B128, B256, Bytes, hex};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use rollwright_core::{
    Blob, Clock, DaBlock, DaClaim, DaHeader, DaHeight, DaLane, DataAvailability as _, LayerError,
    ManualClock, PostingUnit, Proof,
};
use rollwright_da_local::{
    BlockProduction, Faults, LocalDa, LocalDaConfig, Namespace, NetworkId, RemoteConfig,
    ServeConfig, router, verify, verify_header,
};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};
use tokio::{net::TcpListener, runtime::Runtime};
use tower::ServiceExt as _;

/// Claims about a block, with proofs.
pub(super) const PROOF: Target = Target {
    name: "da-proof",
    about: "A claim that is proved against a true header is a true one.",
    run: proof,
    seeds: || {
        let claims = layer().claims.iter();
        claims
            .map(|(name, claim)| Seed::new(*name, borsh::to_vec(claim).expect("encodes")))
            .collect()
    },
    max_len: 4 << 10,
    memory: Memory::BORSH,
    words: &[],
};

/// Spellings of a namespace.
pub(super) const NAMESPACE: Target = Target {
    name: "da-namespace",
    about: "A spelling is refused with a code, or names a namespace that its own spelling names.",
    run: namespace,
    seeds: || {
        vec![
            Seed::new("name", b"my-rollup_1.0".to_vec()),
            Seed::new("hex", format!("0x{}", "ab".repeat(32)).into_bytes()),
        ]
    },
    max_len: 128,
    memory: Memory::SMALL,
    words: &[b"0x", b"-", b"_", b"."],
};

/// Faults that an operator asks for.
pub(super) const FAULTS: Target = Target {
    name: "da-faults",
    about: "A list of faults is refused with a code, or reads again as what it was.",
    run: |input| {
        let Ok(text) = std::str::from_utf8(input) else {
            return;
        };
        match text.parse::<Faults>() {
            Ok(faults) => assert_eq!(faults.to_string().parse::<Faults>().ok(), Some(faults)),
            Err(error) => {
                assert!(error.code().starts_with("RW-"));
                assert!(error.to_string().len() < 1_024, "what is quoted is bounded");
            }
        }
    },
    seeds: || {
        let all = "latency=50ms..2s,refuse=5%,prune=100,reorg=3@2.5%,lose=10%,shuffle";
        vec![Seed::new("all", all), Seed::new("none", "none")]
    },
    max_len: 128,
    memory: Memory::SMALL,
    words: &[
        b"latency=",
        b"refuse=",
        b"prune=",
        b"reorg=",
        b"lose=",
        b"shuffle",
        b"ms",
        b"%",
        b"@",
        b"..",
    ],
};

/// Requests to the layer's server: method, path and body, by lines.
pub(super) const SERVER: Target = Target {
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

/// Answers of a server to the layer's client.
pub(super) const CLIENT: Target = Target {
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

type Claimed = (DaHeader, DaClaim, Proof);

/// A layer with three blocks, in memory.
#[derive(Debug)]
struct Layer {
    da: LocalDa,
    network: NetworkId,
    namespace: Namespace,
    blocks: Vec<DaBlock>,
    claims: Vec<(&'static str, Claimed)>,
}

/// The layer of all targets, in memory or in a file.
pub(super) fn open(
    path: Option<PathBuf>,
) -> Result<(LocalDa, Namespace), rollwright_da_local::Error> {
    let namespace = Namespace::new("rollup")?;
    let config = LocalDaConfig {
        path,
        network: Some(NetworkId(B128::repeat_byte(5))),
        blocks: BlockProduction::Manual(Duration::from_secs(2)),
        max_blob_bytes: 64 << 10,
        max_block_bytes: 256 << 10,
        max_pending_bytes: 256 << 10,
        genesis_time: Some(1_700_000_000),
        ..LocalDaConfig::new(namespace)
    };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(1_700_000_000_000));
    Ok((LocalDa::open(config, clock)?, namespace))
}

/// Runs to the end on the thread's own runtime.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(future)
}

/// The layer's blocks.
pub(super) fn blocks() -> &'static [DaBlock] {
    &layer().blocks
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().expect("a runtime")
    })
}

pub(super) fn unit(data: &[&[u8]]) -> PostingUnit {
    let blobs = data.iter().map(|data| Blob {
        lane: DaLane::Batch,
        data: Bytes::copy_from_slice(data),
    });
    PostingUnit::new(B256::repeat_byte(3), blobs.collect())
}

fn layer() -> &'static Layer {
    static LAYER: OnceLock<Layer> = OnceLock::new();
    LAYER.get_or_init(|| runtime().block_on(made()).expect("a layer"))
}

/// Makes the layer's blocks.
pub(super) async fn fill(da: &LocalDa) -> Result<Vec<DaBlock>, rollwright_da_local::Error> {
    let mut blocks = Vec::new();
    for data in [&[][..], &[&b"one"[..], b"two"][..], &[&b"three"[..]][..]] {
        if !data.is_empty() {
            da.submit(&unit(data)).await?;
        }
        let header = da.seal().await?;
        blocks.push(da.fetch(header.height, None).await?);
    }
    Ok(blocks)
}

async fn made() -> Result<Layer, rollwright_da_local::Error> {
    let (da, namespace) = open(None)?;
    let network = da.network();
    let blocks = fill(&da).await?;
    let other = da.for_namespace(Namespace::new("other")?);
    let mut claims = Vec::new();
    for (block, name) in blocks.iter().zip(["nothing", "two-blobs", "one-blob"]) {
        let claim = DaClaim::Complete {
            blobs: block.blobs.clone(),
        };
        claims.push((name, (block.header, claim, block.completeness.clone())));
    }
    let blob = blocks[1].blobs[1].clone();
    let included = DaClaim::Included {
        reference: blob.reference,
        lane: blob.lane,
        data: blob.data.clone(),
    };
    claims.push((
        "included",
        (blocks[1].header, included, da.prove(&blob.reference).await?),
    ));
    let absent = other.fetch(blocks[1].header.height, None).await?;
    assert!(absent.blobs.is_empty());
    Ok(Layer {
        da,
        network,
        namespace,
        blocks,
        claims,
    })
}

fn proof(input: &[u8]) {
    let Ok((header, claim, proof)) = borsh::from_slice::<Claimed>(input) else {
        return;
    };
    let layer = layer();
    let _ = verify_header(layer.network, &header);
    if let Err(error) = verify(layer.network, layer.namespace, &header, &claim, &proof) {
        assert!(!error.to_string().is_empty());
        return;
    }
    let Some(block) = layer.blocks.iter().find(|block| block.header == header) else {
        return;
    };
    let true_one = match &claim {
        DaClaim::Complete { blobs } => *blobs == block.blobs,
        DaClaim::Included {
            reference,
            lane,
            data,
        } => block
            .blobs
            .iter()
            .any(|blob| blob.reference == *reference && blob.lane == *lane && blob.data == *data),
    };
    assert!(true_one, "a forged claim: {claim:?}");
}

fn namespace(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match Namespace::new(text) {
        Ok(namespace) => assert_eq!(Namespace::new(&namespace.to_string()).ok(), Some(namespace)),
        Err(error) => {
            assert!(error.code().starts_with("RW-"));
            assert!(error.to_string().len() < 1_024, "what is quoted is bounded");
        }
    }
}

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
