use metrics_exporter_prometheus::PrometheusHandle;
use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

/// Where the server listens, and its bounds.
#[derive(Clone)]
pub struct ServerConfig {
    /// Address and port. Port 0 lets the system choose a free one (`--port auto`).
    pub listen: SocketAddr,
    /// Origins that browsers may call from; `"*"` admits any. Empty: none but
    /// the server's own pages.
    pub cors: Vec<String>,
    /// Answer of `web3_clientVersion`.
    pub client_version: String,
    /// Source of `GET /metrics`; without it that path answers 404.
    pub metrics: Option<PrometheusHandle>,
    /// Longest request in bytes, over HTTP and WebSocket.
    pub max_request_bytes: usize,
    /// Bytes of long requests (above 64 KiB) that are received at the same
    /// time; more are refused with 503.
    pub max_receiving_bytes: usize,
    /// Longest answer in bytes, of a call and of a whole batch.
    pub max_response_bytes: usize,
    /// Most calls in a batch.
    pub max_batch: usize,
    /// Most open connections; more are refused with 503. Never more than the
    /// process may have open files, less what the node needs itself.
    pub max_connections: usize,
    /// Most subscriptions on one WebSocket.
    pub max_subscriptions_per_connection: u32,
    /// Most calls that run at once on one WebSocket; reading pauses beyond.
    pub max_calls_per_connection: usize,
    /// Messages that wait for a WebSocket client that reads slowly.
    pub message_buffer: usize,
    /// How long a client may take to send the head of a request (an idle
    /// connection included), to send its body, or to take an answer.
    pub io_timeout: Duration,
    /// How often an idle WebSocket is pinged; a client that stays silent for
    /// three such periods is disconnected.
    pub ping_interval: Duration,
    /// How long calls in flight may take to finish at shutdown.
    pub shutdown_grace: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8545)),
            cors: Vec::new(),
            client_version: concat!("rollwright/v", env!("CARGO_PKG_VERSION")).to_owned(),
            metrics: None,
            max_request_bytes: 15 << 20,
            max_receiving_bytes: 128 << 20,
            max_response_bytes: 64 << 20,
            max_batch: 1_000,
            max_connections: 1_000,
            max_subscriptions_per_connection: 1_024,
            max_calls_per_connection: 64,
            message_buffer: 64,
            io_timeout: Duration::from_secs(30),
            ping_interval: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(5),
        }
    }
}

impl ServerConfig {
    /// True where pages of this origin may call.
    pub(crate) fn allows_origin(&self, origin: &str) -> bool {
        self.cors
            .iter()
            .any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig")
            .field("listen", &self.listen)
            .field("cors", &self.cors)
            .field("max_request_bytes", &self.max_request_bytes)
            .field("max_response_bytes", &self.max_response_bytes)
            .field("max_batch", &self.max_batch)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}
