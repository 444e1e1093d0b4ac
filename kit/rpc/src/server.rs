use crate::{
    RpcError, ServerConfig,
    connections::Bounded,
    dispatch::Dispatcher,
    files,
    front::{Front, compression},
    http, methods, port, probes, websocket,
};
use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, header},
    routing::{any, get},
};
use jsonrpsee::Methods;
use rollwright_core::NodeApi;
use std::{
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicUsize},
};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
};
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

/// Entry point: [`Server::bind`].
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Takes the port, so that a taken one is known before anything starts.
    ///
    /// [`RpcError::PortTaken`] names the owner where the system tells it.
    pub async fn bind(config: ServerConfig) -> Result<BoundServer, RpcError> {
        let cors = cors(&config)?;
        let address = config.listen;
        let listener = TcpListener::bind(address).await.map_err(|source| {
            if source.kind() == io::ErrorKind::AddrInUse {
                let owner = port::owner(address.port());
                RpcError::PortTaken { address, owner }
            } else {
                RpcError::Bind { address, source }
            }
        })?;
        let local = listener
            .local_addr()
            .map_err(|source| RpcError::Bind { address, source })?;
        Ok(BoundServer {
            listener,
            local,
            config,
            cors,
        })
    }
}

/// A server that holds its port and does not answer yet.
pub struct BoundServer {
    listener: TcpListener,
    local: SocketAddr,
    config: ServerConfig,
    cors: CorsLayer,
}

/// What every request sees.
pub(crate) struct Shared {
    pub(crate) config: ServerConfig,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) node: Arc<dyn NodeApi>,
    pub(crate) next_connection: AtomicUsize,
    /// Room for long requests while they arrive, in bytes.
    pub(crate) bodies: Semaphore,
    pub(crate) stop: watch::Receiver<bool>,
}

impl BoundServer {
    /// The address that is listened on, with the port that was chosen.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `shutdown` completes, then lets calls in flight finish
    /// within the configured grace and closes WebSockets.
    ///
    /// `methods` are the modules' methods (an [`RpcModule`](crate::RpcModule)
    /// converts into them); this crate adds its own. `extra` routes win over
    /// none of the server's own paths; a path in both is a panic of axum at
    /// start. Dropping the future closes the listener and aborts nothing else.
    pub async fn serve(
        self,
        methods: impl Into<Methods>,
        node: Arc<dyn NodeApi>,
        extra: Router,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), RpcError> {
        let Self {
            listener,
            config,
            cors,
            ..
        } = self;
        let methods = methods::with_own(methods.into(), &node, &config)?;
        let (stopper, stop) = watch::channel(false);
        let grace = config.shutdown_grace;
        let shared = Arc::new(Shared {
            dispatcher: Dispatcher::new(methods, &config),
            node,
            next_connection: AtomicUsize::new(1),
            bodies: Semaphore::new(config.max_receiving_bytes.min(Semaphore::MAX_PERMITS)),
            stop: stop.clone(),
            config,
        });
        let connections = files::connections(shared.config.max_connections);
        let listener = Bounded::new(listener, connections, shared.config.io_timeout);
        let front = Arc::new(Front {
            router: router(Arc::clone(&shared), extra, cors),
            shared: Arc::clone(&shared),
        });
        let mut served = Box::pin(listener.serve(front, stop));
        tokio::select! {
            // Accepting goes on whatever fails: it ends when it is told to.
            () = &mut served => return Ok(()),
            () = shutdown => {}
        }
        stopper.send_replace(true);
        drop(shared);
        let finished = async move {
            served.await;
            // Every WebSocket holds a receiver.
            stopper.closed().await;
        };
        // What is not finished in time is cut off.
        let _ = tokio::time::timeout(grace, finished).await;
        Ok(())
    }
}

fn router(shared: Arc<Shared>, extra: Router, cors: CorsLayer) -> Router {
    let root = any(root);
    Router::new()
        .route("/", root.clone())
        .route("/ws", root)
        .route("/health", get(probes::health))
        .route("/ready", get(probes::ready))
        .route("/metrics", get(probes::metrics))
        .with_state(shared)
        .merge(extra)
        .layer(compression())
        .layer(cors)
}

async fn root(
    state: axum::extract::State<Arc<Shared>>,
    upgrade: Result<
        axum::extract::ws::WebSocketUpgrade,
        axum::extract::ws::rejection::WebSocketUpgradeRejection,
    >,
    request: axum::extract::Request,
) -> axum::response::Response {
    match upgrade {
        Ok(upgrade) => websocket::upgrade(state, request.headers(), upgrade),
        Err(_) if request.method() == Method::POST => http::post(&state, request).await,
        Err(_) => http::hint(),
    }
}

/// Completes once the server is to stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the server is gone: stop as well.
    let _ = stop.wait_for(|stopped| *stopped).await;
}

fn cors(config: &ServerConfig) -> Result<CorsLayer, RpcError> {
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            HeaderName::from_static("authorization"),
        ]);
    if config.cors.iter().any(|origin| origin == "*") {
        return Ok(layer.allow_origin(Any).allow_headers(Any));
    }
    let origins = config
        .cors
        .iter()
        .map(|origin| {
            let has_scheme = origin.contains("://");
            HeaderValue::from_str(origin)
                .ok()
                .filter(|_| has_scheme)
                .ok_or_else(|| RpcError::Origin {
                    origin: origin.clone(),
                })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(layer.allow_origin(AllowOrigin::list(origins)))
}

impl fmt::Debug for BoundServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundServer")
            .field("local", &self.local)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
