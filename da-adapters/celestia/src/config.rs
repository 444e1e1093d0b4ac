use crate::GasPrice;
use alloy_primitives::B256;
use celestia_types::nmt::Namespace;
use rollwright_core::DaHeight;
use std::{fmt, path::PathBuf, time::Duration};

/// A header that is trusted without proof; everything else follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its height.
    pub height: DaHeight,
    /// Its hash.
    pub hash: B256,
}

/// What the adapter needs to know.
#[derive(Clone)]
pub struct CelestiaConfig {
    /// RPC addresses of nodes, `http`, `https`, `ws` or `wss`; at least one.
    pub endpoints: Vec<String>,
    /// RPC addresses of nodes that keep every block, asked only for what the
    /// others have pruned; the token is not sent to them.
    pub archive: Vec<String>,
    /// Sent to each of the endpoints.
    pub token: Option<String>,
    /// The chain id that every header must name.
    pub network: String,
    /// Where the rollup's blobs lie.
    pub namespace: Namespace,
    /// Where trust begins; without it the first header that an endpoint gives
    /// is believed.
    pub checkpoint: Option<Checkpoint>,
    /// How old the newest trusted header may be when newer ones are judged by
    /// it; `None` on a devnet, which may rest for months.
    pub trusting_period: Option<Duration>,
    /// The journal's file; `None` keeps it in memory, where it does not
    /// survive a restart.
    pub path: Option<PathBuf>,
    /// The price to begin with.
    pub gas_price: GasPrice,
    /// The price that is never exceeded.
    pub max_gas_price: GasPrice,
    /// Largest blob; lowered at run time where a node takes less.
    pub max_blob_bytes: u64,
    /// Blocks that a transaction may wait in a mempool.
    pub ttl_blocks: u64,
    /// Blocks that are waited for on top of that.
    pub margin_blocks: u64,
    /// Nominal time between blocks.
    pub block_time: Duration,
    /// How long one question may take.
    pub request_timeout: Duration,
    /// How long blocks are served.
    pub retention: Option<Duration>,
    /// Posts with keys of our own; without it the first endpoint's key pays.
    #[cfg(feature = "grpc")]
    pub own_key: Option<OwnKeyConfig>,
}

/// Posting with keys of our own through consensus nodes.
#[cfg(feature = "grpc")]
#[derive(Clone, Default)]
pub struct OwnKeyConfig {
    /// gRPC addresses of consensus nodes, `http` or `https`; at least one.
    pub grpc: Vec<String>,
    /// Secret secp256k1 keys, 32 bytes in hexadecimal each. Units are spread
    /// over them; the order of units of different keys is not promised.
    pub keys: Vec<String>,
    /// Whether the consensus node is asked for a price; `gas_price` is then
    /// the lowest that is offered.
    pub estimate: bool,
    /// Most utia that are signed for within 24 hours, counted by the hour.
    pub max_spend_per_day: Option<u64>,
    /// The account that pays the fees in the keys' place.
    pub fee_granter: Option<String>,
}

/// Without the keys.
#[cfg(feature = "grpc")]
impl fmt::Debug for OwnKeyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<_> = self.grpc.iter().map(|url| redact(url)).collect();
        f.debug_struct("OwnKeyConfig")
            .field("grpc", &nodes)
            .field("keys", &self.keys.len())
            .field("estimate", &self.estimate)
            .field("max_spend_per_day", &self.max_spend_per_day)
            .field("fee_granter", &self.fee_granter)
            .finish()
    }
}

impl CelestiaConfig {
    /// The defaults of a public network.
    pub fn new(endpoints: Vec<String>, network: impl Into<String>, namespace: Namespace) -> Self {
        Self {
            endpoints,
            archive: Vec::new(),
            token: None,
            network: network.into(),
            namespace,
            checkpoint: None,
            trusting_period: Some(Duration::from_secs(9 * 86_400)),
            path: None,
            gas_price: GasPrice::NODE_DEFAULT,
            max_gas_price: GasPrice::from_micro(10_000),
            max_blob_bytes: 7_000_000,
            ttl_blocks: 36,
            margin_blocks: 4,
            block_time: Duration::from_millis(2_600),
            request_timeout: Duration::from_secs(10),
            retention: Some(Duration::from_secs(7 * 86_400)),
            #[cfg(feature = "grpc")]
            own_key: None,
        }
    }
}

/// Without the token, and without what addresses carry beside host and path.
impl fmt::Debug for CelestiaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<_> = self.endpoints.iter().map(|url| redact(url)).collect();
        f.debug_struct("CelestiaConfig")
            .field("endpoints", &endpoints)
            .field("network", &self.network)
            .field("namespace", &crate::namespace_text(self.namespace))
            .field("checkpoint", &self.checkpoint)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// An address without user, password and query.
pub(crate) fn redact(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credentials_are_shown() {
        for (url, shown) in [
            ("http://127.0.0.1:26658", "http://127.0.0.1:26658"),
            (
                "https://user:secret@node.example/rpc?key=secret",
                "https://node.example/rpc",
            ),
            ("wss://node.example/#secret", "wss://node.example/"),
        ] {
            assert_eq!(redact(url), shown);
        }
        let mut config = CelestiaConfig::new(
            vec!["http://a:secret@b".into()],
            "private",
            crate::parse_namespace("gizmo").unwrap(),
        );
        config.token = Some("secret".into());
        assert!(!format!("{config:?}").contains("secret"));
    }
}
