use crate::{
    Error, LocalDa, Namespace, Status,
    layer::Layer,
    store::State,
    wire::{Failure, Heads, Info, OVERHEAD_BYTES, PROTOCOL},
};
use alloy_primitives::B256;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Request, State as Shared},
    http::{StatusCode, header::CONTENT_TYPE},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use borsh::BorshSerialize;
use rollwright_core::{BlobRef, DaHeight, ErrorKind, LayerError, PostingUnit};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// How a layer is served.
#[derive(Clone, Copy, Debug)]
pub struct ServeConfig {
    /// Whether clients may seal, reorganise and prune. Default no.
    pub commands: bool,
    /// Deadline of a request, its body included. Default 30 s.
    pub timeout: Duration,
    /// Longest wait for a new head. Default 10 s; at most half of `timeout`.
    pub longest_wait: Duration,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            commands: false,
            timeout: Duration::from_secs(30),
            longest_wait: Duration::from_secs(10),
        }
    }
}

#[derive(Clone, Debug)]
struct App {
    layer: Layer,
    config: ServeConfig,
}

/// Serves an embedded layer to other processes until `shutdown` completes, or
/// a write to its file fails for good; requests under way are answered first,
/// within their deadline.
///
/// The layer's faults apply to what is served. Any rollup may post, in any
/// namespace: whoever reaches the listener may, so bind it to 127.0.0.1 or to
/// a network of your own.
///
/// Fails where `da` is itself a served layer, where the listener breaks, and
/// with the file's own error: the layer can be opened again once the cause is
/// gone, and its clients go on then.
pub async fn serve(
    da: &LocalDa,
    listener: TcpListener,
    config: ServeConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let layer = da.embedded().ok_or_else(already_served)?.clone();
    let router = routes(App {
        layer: layer.clone(),
        config,
    });
    let failed = layer.failed();
    let address = listener
        .local_addr()
        .map_or_else(|_| "(unknown)".into(), |address| address.to_string());
    axum::serve(listener, router)
        .with_graceful_shutdown(async {
            tokio::select! {
                () = shutdown => {}
                () = failed => {}
            }
        })
        .await
        .map_err(|source| Error::Unreachable {
            url: address,
            source: Arc::new(source),
        })?;
    layer.failure().map_or(Ok(()), Err)
}

/// The layer's routes, to be nested in the server of another process, under
/// any path: the client's address then ends in that path. Otherwise as
/// [`serve`].
pub fn router(da: &LocalDa, config: ServeConfig) -> Result<Router, Error> {
    let layer = da.embedded().ok_or_else(already_served)?.clone();
    Ok(routes(App { layer, config }))
}

fn already_served() -> Error {
    Error::Config {
        key: "url",
        reason: "a layer that another process serves is not served again; give its file".into(),
    }
}

fn routes(app: App) -> Router {
    let body = app.layer.config().max_block_bytes + OVERHEAD_BYTES;
    Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/v1/info", get(info))
        .route("/v1/status", get(status))
        .route("/v1/head", get(head))
        .route("/v1/head/{known}", get(next_head))
        .route("/v1/header/{height}", get(header))
        .route("/v1/block/{namespace}/{height}", get(block))
        .route("/v1/block/{namespace}/{height}/{hash}", get(block_by_hash))
        .route("/v1/prove/{namespace}", post(prove))
        .route("/v1/submit/{namespace}", post(submit))
        .route("/v1/seal", post(seal))
        .route("/v1/reorg/{depth}", post(reorg))
        .route("/v1/prune/{below}", post(prune))
        .layer(DefaultBodyLimit::max(
            usize::try_from(body).unwrap_or(usize::MAX),
        ))
        .layer(middleware::from_fn_with_state(app.clone(), deadline))
        .with_state(app)
}

async fn deadline(Shared(app): Shared<App>, request: Request, next: Next) -> Response {
    let timeout = app.layer.clock().sleep(app.config.timeout);
    tokio::select! {
        response = next.run(request) => response,
        () = timeout => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

/// 200 with the value, or the failure with a status that fits its kind.
fn answer<T: BorshSerialize>(result: Result<T, Error>) -> Response {
    let (status, body) = match result {
        Ok(value) => (StatusCode::OK, borsh::to_vec(&value)),
        Err(error) => {
            let status = match error.kind() {
                ErrorKind::Temporary => StatusCode::SERVICE_UNAVAILABLE,
                ErrorKind::NotYet => StatusCode::NOT_FOUND,
                ErrorKind::Rejected => StatusCode::UNPROCESSABLE_ENTITY,
                ErrorKind::Pruned => StatusCode::GONE,
                ErrorKind::Fatal => StatusCode::INTERNAL_SERVER_ERROR,
            };
            if error.kind() == ErrorKind::Fatal {
                tracing::error!(%error, "the local DA layer failed");
            }
            (status, borsh::to_vec(&Failure::from(error)))
        }
    };
    match body {
        Ok(body) => (status, [(CONTENT_TYPE, "application/octet-stream")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn heads(state: &State) -> Heads {
    Heads {
        observed: state.head,
        finalized: state.finalized,
    }
}

async fn info(Shared(app): Shared<App>) -> Response {
    let config = app.layer.config();
    answer(Ok(Info {
        protocol: PROTOCOL,
        network: app.layer.network(),
        block_time_ms: u64::try_from(config.blocks.time().as_millis()).unwrap_or(u64::MAX),
        finality_depth: config.finality_depth,
        retention_blocks: config.retention_blocks,
        max_blob_bytes: config.max_blob_bytes,
        max_unit_bytes: config.max_block_bytes,
    }))
}

async fn status(Shared(app): Shared<App>) -> Response {
    answer::<Status>(app.layer.status())
}

async fn head(Shared(app): Shared<App>) -> Response {
    answer(app.layer.state().await.map(|state| heads(&state)))
}

async fn next_head(Shared(app): Shared<App>, Path(known): Path<B256>) -> Response {
    let longest = app.config.longest_wait.min(app.config.timeout / 2);
    let mut changes = app.layer.heads();
    tokio::select! {
        _ = changes.wait_for(|head| head.observed.hash != known) => {}
        () = app.layer.failed() => {}
        () = app.layer.clock().sleep(longest) => {}
    }
    answer(app.layer.state().await.map(|state| heads(&state)))
}

async fn header(Shared(app): Shared<App>, Path(height): Path<u64>) -> Response {
    answer(app.layer.header(DaHeight(height)).await)
}

async fn block(Shared(app): Shared<App>, Path((namespace, height)): Path<(B256, u64)>) -> Response {
    let height = DaHeight(height);
    answer(app.layer.block(Namespace(namespace), height, None).await)
}

async fn block_by_hash(
    Shared(app): Shared<App>,
    Path((namespace, height, hash)): Path<(B256, u64, B256)>,
) -> Response {
    let height = DaHeight(height);
    answer(
        app.layer
            .block(Namespace(namespace), height, Some(hash))
            .await,
    )
}

async fn prove(Shared(app): Shared<App>, Path(namespace): Path<B256>, body: Bytes) -> Response {
    match borsh::from_slice::<BlobRef>(&body) {
        Ok(blob) => answer(app.layer.prove(Namespace(namespace), &blob).await),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn submit(Shared(app): Shared<App>, Path(namespace): Path<B256>, body: Bytes) -> Response {
    match borsh::from_slice::<PostingUnit>(&body) {
        Ok(unit) => answer(app.layer.submit(Namespace(namespace), &unit).await),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

impl App {
    fn command(&self, command: &'static str) -> Result<(), Error> {
        if self.config.commands {
            return Ok(());
        }
        Err(Error::Forbidden { command })
    }
}

async fn seal(Shared(app): Shared<App>) -> Response {
    answer(match app.command("seal") {
        Ok(()) => app.layer.seal().await,
        Err(error) => Err(error),
    })
}

async fn reorg(Shared(app): Shared<App>, Path(depth): Path<u64>) -> Response {
    answer(match app.command("reorg") {
        Ok(()) => app.layer.reorg(depth).await,
        Err(error) => Err(error),
    })
}

async fn prune(Shared(app): Shared<App>, Path(below): Path<u64>) -> Response {
    answer(match app.command("prune") {
        Ok(()) => app.layer.prune(DaHeight(below)).await,
        Err(error) => Err(error),
    })
}
