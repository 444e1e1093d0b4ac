//! Several nodes, none of which has to be honest.

use crate::{CelestiaConfig, CelestiaError, classify, config::redact};
use celestia_rpc::{BlobClient, Client, TxConfig};
use celestia_types::Blob;
use jsonrpsee::core::ClientError;
use parking_lot::Mutex;
use rollwright_core::{Clock, ErrorKind, LayerError};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};
use tokio::sync::OnceCell;

/// How long an endpoint that gave what does not hold is not asked.
const SET_ASIDE_MS: u64 = 3_600_000;

/// Failures after which another endpoint is asked first.
const MAX_STRIKES: u32 = 16;

pub(crate) type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T, ClientError>> + Send + 'a>>;

/// What an answer is found to be.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It does not hold; this is what failed.
    Proof(String),
    /// A header does not hold.
    Header(String),
    /// Nothing that the endpoint did.
    Other(CelestiaError),
}

#[derive(Clone, Debug, Default)]
struct Standing {
    strikes: u32,
    aside_until_ms: u64,
    why: Option<(u64, String)>,
}

struct Endpoint {
    url: String,
    token: Option<String>,
    shown: String,
    reader: OnceCell<Client>,
    writer: OnceCell<Client>,
    standing: Mutex<Standing>,
}

impl Endpoint {
    fn new(url: &str, token: Option<String>) -> Self {
        Self {
            url: url.to_owned(),
            token,
            shown: redact(url),
            reader: OnceCell::new(),
            writer: OnceCell::new(),
            standing: Mutex::default(),
        }
    }
}

/// The nodes of the configuration.
pub(crate) struct Endpoints {
    all: Vec<Endpoint>,
    /// Asked where the others no longer keep what is asked for.
    archive: Vec<Endpoint>,
    request_timeout: Duration,
    submit_timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.all.iter().map(|endpoint| &endpoint.shown))
            .finish()
    }
}

impl Endpoints {
    pub(crate) fn new(
        config: &CelestiaConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CelestiaError> {
        if config.endpoints.is_empty() {
            return Err(CelestiaError::Config {
                key: "rpc",
                reason: "name at least one node, such as \"http://127.0.0.1:26658\"".to_owned(),
            });
        }
        let keyed = |key, urls: &[String]| {
            urls.iter()
                .map(|url| (key, url.clone()))
                .collect::<Vec<_>>()
        };
        let urls = [
            keyed("rpc", &config.endpoints),
            keyed("archive", &config.archive),
        ];
        for (key, url) in urls.iter().flatten() {
            if !["http://", "https://", "ws://", "wss://"]
                .iter()
                .any(|scheme| url.starts_with(scheme))
            {
                return Err(CelestiaError::Config {
                    key,
                    reason: format!(
                        "`{}` does not begin with http://, https://, ws:// or wss://",
                        redact(url)
                    ),
                });
            }
        }
        let blocks = u32::try_from(config.ttl_blocks + config.margin_blocks).unwrap_or(u32::MAX);
        Ok(Self {
            all: config
                .endpoints
                .iter()
                .map(|url| Endpoint::new(url, config.token.clone()))
                .collect(),
            // Somebody else's: our token is none of their business.
            archive: config
                .archive
                .iter()
                .map(|url| Endpoint::new(url, None))
                .collect(),
            request_timeout: config.request_timeout,
            submit_timeout: config
                .block_time
                .saturating_mul(blocks)
                .max(Duration::from_secs(30)),
            clock,
        })
    }

    /// Asks one endpoint after the other, the best first, until an answer is
    /// accepted, and archives where one of them says that it no longer keeps
    /// what is asked for. What is not accepted sets its endpoint aside for an
    /// hour.
    ///
    /// `Fatal` once every endpoint is set aside.
    pub(crate) async fn ask<T, U>(
        &self,
        height: u64,
        call: impl for<'a> Fn(&'a Client) -> Call<'a, T>,
        accept: impl Fn(T) -> Result<U, Refusal>,
    ) -> Result<U, CelestiaError> {
        let mut last = None;
        let mut pruned = false;
        for endpoint in self.order(&self.all) {
            match self.once(endpoint, height, &call, &accept).await {
                Ok(answer) => {
                    endpoint.standing.lock().strikes = 0;
                    return Ok(answer);
                }
                Err(error) => {
                    tracing::debug!(target: "celestia", endpoint = %endpoint.shown, %error, "not answered");
                    pruned |= error.kind() == ErrorKind::Pruned;
                    last = Some(worse(last, error));
                }
            }
        }
        if pruned {
            for endpoint in self.order(&self.archive) {
                match self.once(endpoint, height, &call, &accept).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => {
                        tracing::warn!(target: "celestia", endpoint = %endpoint.shown, height, %error, "an archive does not answer");
                        last = Some(error);
                    }
                }
            }
        }
        if let Some((height, what)) = self.all_aside() {
            return Err(CelestiaError::NoHonestEndpoint { height, what });
        }
        Err(last.unwrap_or(CelestiaError::NotAvailable))
    }

    /// Asks one endpoint, by its number. As [`ask`](Self::ask) in the rest.
    pub(crate) async fn ask_one<T, U>(
        &self,
        number: usize,
        height: u64,
        call: impl for<'a> Fn(&'a Client) -> Call<'a, T>,
        accept: impl Fn(T) -> Result<U, Refusal>,
    ) -> Result<U, CelestiaError> {
        let endpoint = self.all.get(number).ok_or(CelestiaError::NotAvailable)?;
        self.once(endpoint, height, &call, &accept).await
    }

    /// Numbers of the endpoints that may be asked, in the order of the
    /// configuration.
    pub(crate) fn usable(&self) -> Vec<usize> {
        let now = self.clock.now_ms();
        let aside = |endpoint: &Endpoint| endpoint.standing.lock().aside_until_ms > now;
        (0..)
            .zip(&self.all)
            .filter(|(_, endpoint)| !aside(endpoint))
            .map(|(number, _)| number)
            .collect()
    }

    /// An endpoint's address, without credentials.
    pub(crate) fn name(&self, number: usize) -> &str {
        self.all.get(number).map_or("", |endpoint| &endpoint.shown)
    }

    async fn once<T, U>(
        &self,
        endpoint: &Endpoint,
        height: u64,
        call: &impl for<'a> Fn(&'a Client) -> Call<'a, T>,
        accept: &impl Fn(T) -> Result<U, Refusal>,
    ) -> Result<U, CelestiaError> {
        let client = self
            .client(endpoint, &endpoint.reader, self.request_timeout)
            .await?;
        let answer = match call(client).await {
            Ok(answer) => accept(answer),
            // Headers and shares are checked while they are read.
            Err(ClientError::ParseError(error)) if error.is_data() => {
                Err(Refusal::Proof(error.to_string()))
            }
            Err(ClientError::Custom(error)) => Err(Refusal::Proof(error)),
            Err(error) => {
                let error = classify(&endpoint.shown, &error);
                if matches!(
                    error,
                    CelestiaError::Transport { .. } | CelestiaError::NotAvailable
                ) {
                    let mut standing = endpoint.standing.lock();
                    standing.strikes = (standing.strikes + 1).min(MAX_STRIKES);
                }
                return Err(error);
            }
        };
        let name = || endpoint.shown.clone();
        let (error, what) = match answer {
            Ok(answer) => return Ok(answer),
            Err(Refusal::Other(error)) => return Err(error),
            Err(Refusal::Proof(what)) => (
                CelestiaError::BadProof {
                    endpoint: name(),
                    height,
                    what: what.clone(),
                },
                what,
            ),
            Err(Refusal::Header(what)) => (
                CelestiaError::BadHeader {
                    endpoint: name(),
                    height,
                    what: what.clone(),
                },
                what,
            ),
        };
        tracing::warn!(target: "celestia", endpoint = %endpoint.shown, height, %what, "a node is not to be trusted and is set aside");
        let mut standing = endpoint.standing.lock();
        standing.aside_until_ms = self.clock.now_ms().saturating_add(SET_ASIDE_MS);
        standing.why = Some((height, what));
        Err(error)
    }

    /// Posts through the best endpoint, once: the outcome of a post that fails
    /// may be open. Returns the height that the node names.
    pub(crate) async fn post(
        &self,
        blobs: &[Blob],
        options: TxConfig,
    ) -> Result<u64, CelestiaError> {
        let Some(endpoint) = self.order(&self.all).into_iter().next() else {
            let (height, what) = self.all_aside().unwrap_or_default();
            return Err(CelestiaError::NoHonestEndpoint { height, what });
        };
        let client = self
            .client(endpoint, &endpoint.writer, self.submit_timeout)
            .await?;
        client
            .blob_submit(blobs, options)
            .await
            .map_err(|error| classify(&endpoint.shown, &error))
    }

    async fn client<'a>(
        &self,
        endpoint: &Endpoint,
        cell: &'a OnceCell<Client>,
        timeout: Duration,
    ) -> Result<&'a Client, CelestiaError> {
        let (url, token) = (&endpoint.url, endpoint.token.as_deref());
        cell.get_or_try_init(|| Client::new(url, token, Some(self.request_timeout), Some(timeout)))
            .await
            .map_err(|error| CelestiaError::Transport {
                endpoint: endpoint.shown.clone(),
                text: error.to_string(),
            })
    }

    /// Those that may be asked, the best first.
    fn order<'a>(&self, endpoints: &'a [Endpoint]) -> Vec<&'a Endpoint> {
        let now = self.clock.now_ms();
        let mut order: Vec<_> = endpoints
            .iter()
            .filter(|endpoint| endpoint.standing.lock().aside_until_ms <= now)
            .collect();
        order.sort_by_key(|endpoint| endpoint.standing.lock().strikes);
        order
    }

    /// Why no endpoint is left, if none is.
    pub(crate) fn all_aside(&self) -> Option<(u64, String)> {
        if !self.order(&self.all).is_empty() {
            return None;
        }
        self.all
            .iter()
            .find_map(|endpoint| endpoint.standing.lock().why.clone())
    }
}

/// Of two endpoints' errors the one to report: what may pass before what is
/// final, since another endpoint may still answer.
fn worse(before: Option<CelestiaError>, now: CelestiaError) -> CelestiaError {
    match before {
        Some(before) if before.kind() == ErrorKind::NotYet && now.kind() != ErrorKind::NotYet => {
            now
        }
        Some(before) if before.kind() == ErrorKind::Temporary => before,
        _ => now,
    }
}
