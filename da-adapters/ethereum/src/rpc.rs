//! The execution nodes: JSON-RPC over HTTP, the preferred one first.

mod answers;

use crate::{
    Error, Transaction,
    block::SealedHeader,
    fees::{BlobSchedule, Market},
};
use alloy_consensus::Header;
use alloy_eips::{eip7840::BlobParams, eip7910::EthConfig};
use alloy_primitives::{Address, B256, Bytes, U64, U128, U256};
pub(crate) use answers::{Verdict, shortened};
use jsonrpsee::{
    core::client::{ClientT as _, Error as ClientError},
    http_client::{HttpClient, HttpClientBuilder},
};
use reqwest::Url;
use rollwright_core::DaHeight;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::time::Duration;

/// A block with all transactions; anvil adds the blobs to them, in hexadecimal
/// digits.
const MAX_ANSWER_BYTES: u32 = 64 << 20;
/// Six blobs with their proofs, in hexadecimal digits.
const MAX_REQUEST_BYTES: u32 = 4 << 20;

/// The execution nodes of one L1.
#[derive(Debug)]
pub(crate) struct Endpoints(Vec<Endpoint>);

#[derive(Debug)]
struct Endpoint {
    /// Host and port: a URL's path or user may hold a key.
    name: String,
    client: HttpClient,
}

/// An answer, and who gave it.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub(crate) endpoint: String,
    pub(crate) value: T,
}

/// Why a call failed.
enum Failure {
    /// No answer, or none that reads: another endpoint is asked.
    Transport(String),
    /// The node's own refusal.
    Node(String),
}

#[derive(Deserialize)]
struct RpcHeader {
    hash: B256,
    #[serde(flatten)]
    header: Header,
}

#[derive(Deserialize)]
struct RpcBlock {
    hash: B256,
    #[serde(flatten)]
    header: Header,
    transactions: Vec<Transaction>,
}

/// Where a transaction was included, and what it cost.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    pub(crate) block_number: U64,
    pub(crate) block_hash: B256,
    gas_used: U64,
    effective_gas_price: U128,
    blob_gas_used: Option<U64>,
    blob_gas_price: Option<U128>,
}

impl Receipt {
    /// In wei.
    pub(crate) fn paid(&self) -> u128 {
        let gas = u128::from(self.gas_used.to::<u64>());
        let blob_gas = u128::from(self.blob_gas_used.unwrap_or_default().to::<u64>());
        let price = self.effective_gas_price.to::<u128>();
        let blob_price = self.blob_gas_price.unwrap_or_default().to::<u128>();
        gas.saturating_mul(price)
            .saturating_add(blob_gas.saturating_mul(blob_price))
    }
}

#[derive(Deserialize)]
struct FeeHistory {
    #[serde(default)]
    reward: Option<Vec<Vec<U128>>>,
}

/// Which block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tag {
    Latest,
    Finalized,
    Number(u64),
}

impl Tag {
    fn json(self) -> Value {
        match self {
            Self::Latest => json!("latest"),
            Self::Finalized => json!("finalized"),
            Self::Number(number) => json!(format!("0x{number:x}")),
        }
    }
}

/// Host and port of a URL.
pub(crate) fn host(key: &'static str, url: &str) -> Result<(String, Url), Error> {
    let unusable = || Error::Config {
        key,
        // Not the URL itself: it may hold a key.
        reason: "it is not a URL of the form http://host:port or https://…".into(),
    };
    let parsed: Url = url.parse().map_err(|_| unusable())?;
    match (parsed.scheme(), parsed.host_str()) {
        ("http" | "https", Some(host)) => {
            let name = match parsed.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            };
            Ok((name, parsed))
        }
        _ => Err(unusable()),
    }
}

impl Endpoints {
    pub(crate) fn new(urls: &[String], timeout: Duration) -> Result<Self, Error> {
        let endpoint = |url: &String| {
            let (name, _) = host("rpc", url)?;
            let client = HttpClientBuilder::default()
                .max_request_size(MAX_REQUEST_BYTES)
                .max_response_size(MAX_ANSWER_BYTES)
                .request_timeout(timeout)
                .build(url)
                .map_err(|error| Error::Config {
                    key: "rpc",
                    reason: format!("{name}: {error}"),
                })?;
            Ok::<_, Error>(Endpoint { name, client })
        };
        Ok(Self(urls.iter().map(endpoint).collect::<Result<_, _>>()?))
    }

    async fn ask<T: DeserializeOwned>(
        endpoint: &Endpoint,
        method: &'static str,
        params: Vec<Value>,
    ) -> Result<T, Failure> {
        // Reads on its own, so that an answer of another shape is told from one
        // that is no JSON-RPC at all.
        let answer: Result<T, ClientError> = endpoint.client.request(method, params).await;
        answer.map_err(|error| match error {
            ClientError::Call(refusal) => Failure::Node(shortened(refusal.message())),
            ClientError::RequestTimeout => Failure::Transport("no answer in time".into()),
            ClientError::ParseError(error) => {
                Failure::Transport(format!("an answer that does not read ({error})"))
            }
            other => Failure::Transport(shortened(&chain(&other))),
        })
    }

    /// Asks one after another until one answers; a refusal is an answer.
    async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Vec<Value>,
    ) -> Result<Answer<T>, Error> {
        let mut tried = Vec::new();
        for endpoint in &self.0 {
            let name = &endpoint.name;
            match Self::ask(endpoint, method, params.clone()).await {
                Ok(value) => {
                    let endpoint = name.clone();
                    return Ok(Answer { endpoint, value });
                }
                Err(Failure::Node(message)) => {
                    return Err(Error::Rpc {
                        endpoint: name.clone(),
                        method,
                        message,
                    });
                }
                Err(Failure::Transport(cause)) => {
                    tracing::debug!(endpoint = name, method, cause, "execution node failed");
                    tried.push(format!("{name}: {cause}"));
                }
            }
        }
        Err(Error::Unreachable {
            tried: tried.join("; "),
        })
    }

    pub(crate) async fn chain_id(&self) -> Result<u64, Error> {
        Ok(self.call::<U64>("eth_chainId", vec![]).await?.value.to())
    }

    /// A header that hashes to the hash it was given under; `None` where there
    /// is no such block.
    pub(crate) async fn header(&self, tag: Tag) -> Result<Option<Answer<SealedHeader>>, Error> {
        let params = vec![tag.json(), json!(false)];
        let answer = self
            .call::<Option<RpcHeader>>("eth_getBlockByNumber", params)
            .await;
        let Answer { endpoint, value } = match answer {
            // Before the first final block, nodes answer so or with null.
            Err(Error::Rpc { message, .. })
                if matches!(tag, Tag::Finalized) && answers::is_unknown_block(&message) =>
            {
                return Ok(None);
            }
            Err(Error::Rpc {
                endpoint, message, ..
            }) if answers::is_pruned(&message) => {
                let height = match tag {
                    Tag::Number(number) => DaHeight(number),
                    _ => DaHeight(0),
                };
                return Err(Error::BlockPruned { endpoint, height });
            }
            answer => answer?,
        };
        let Some(found) = value else { return Ok(None) };
        let header = SealedHeader::check(found.header, found.hash);
        let dishonest = |what: String| Error::Dishonest {
            endpoint: endpoint.clone(),
            what,
        };
        let header = header.map_err(|error| dishonest(error.to_string()))?;
        match tag {
            Tag::Number(asked) if header.header().number != asked => Err(dishonest(format!(
                "block {} was answered where {asked} was asked for",
                header.header().number
            ))),
            _ => Ok(Some(Answer {
                endpoint,
                value: header,
            })),
        }
    }

    /// The transactions of the block with a hash; `None` where it is unknown.
    pub(crate) async fn transactions(
        &self,
        hash: B256,
    ) -> Result<Option<Answer<Vec<Transaction>>>, Error> {
        let params = vec![json!(hash), json!(true)];
        let Answer { endpoint, value } = self
            .call::<Option<RpcBlock>>("eth_getBlockByHash", params)
            .await?;
        let Some(block) = value else { return Ok(None) };
        match SealedHeader::check(block.header, block.hash) {
            Ok(header) if header.hash() == hash => Ok(Some(Answer {
                endpoint,
                value: block.transactions,
            })),
            _ => Err(Error::Dishonest {
                endpoint,
                what: format!("the block it gives for {hash} is another one"),
            }),
        }
    }

    pub(crate) async fn nonce(&self, account: Address, tag: &str) -> Result<u64, Error> {
        let params = vec![json!(account), json!(tag)];
        let nonce = self.call::<U64>("eth_getTransactionCount", params).await?;
        Ok(nonce.value.to())
    }

    /// In wei.
    pub(crate) async fn balance(&self, account: Address) -> Result<u128, Error> {
        let params = vec![json!(account), json!("latest")];
        let balance = self.call::<U256>("eth_getBalance", params).await?.value;
        Ok(u128::try_from(balance).unwrap_or(u128::MAX))
    }

    /// Gas that a transaction to the inbox uses.
    pub(crate) async fn gas(
        &self,
        from: Address,
        to: Address,
        input: &Bytes,
    ) -> Result<u64, Error> {
        let params = vec![json!({ "from": from, "to": to, "input": input })];
        Ok(self
            .call::<U64>("eth_estimateGas", params)
            .await?
            .value
            .to())
    }

    pub(crate) async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, Error> {
        let answer = self
            .call("eth_getTransactionReceipt", vec![json!(hash)])
            .await?;
        Ok(answer.value)
    }

    /// Whether the node has a transaction, in its pool or in a block.
    pub(crate) async fn knows(&self, hash: B256) -> Result<bool, Error> {
        let answer = self
            .call::<Option<Value>>("eth_getTransactionByHash", vec![json!(hash)])
            .await?;
        Ok(answer.value.is_some())
    }

    /// Prices for the next block.
    pub(crate) async fn market(&self, head: &Header) -> Result<Market, Error> {
        let blob = self.call::<U128>("eth_blobBaseFee", vec![]).await?.value;
        let params = vec![json!("0x5"), json!("latest"), json!([50.0])];
        let history = self
            .call::<FeeHistory>("eth_feeHistory", params)
            .await?
            .value;
        let mut tips: Vec<u128> = history
            .reward
            .unwrap_or_default()
            .iter()
            .filter_map(|block| Some(block.first()?.to::<u128>()))
            .collect();
        tips.sort_unstable();
        Ok(Market {
            base_fee: head.base_fee_per_gas.unwrap_or_default().into(),
            blob_base_fee: blob.to(),
            tip: tips.get(tips.len() / 2).copied().unwrap_or_default(),
        })
    }

    /// Blob parameters, now and planned (EIP-7910); `None` where the node does
    /// not tell.
    pub(crate) async fn schedule(&self) -> Result<Option<BlobSchedule>, Error> {
        match self.call::<EthConfig>("eth_config", vec![]).await {
            Ok(config) => Ok(Some(BlobSchedule {
                current: with_transaction_limit(config.value.current.blob_schedule),
                next: config.value.next.map(|fork| {
                    (
                        fork.activation_time,
                        with_transaction_limit(fork.blob_schedule),
                    )
                }),
            })),
            Err(Error::Rpc { .. } | Error::Unreachable { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Hands a signed transaction to every node. The best answer counts: it is
    /// enough that one has it.
    pub(crate) async fn send(&self, raw: &[u8]) -> Result<Answer<Verdict>, Error> {
        let params = vec![json!(Bytes::copy_from_slice(raw))];
        let mut best: Option<Answer<Verdict>> = None;
        let mut tried = Vec::new();
        for endpoint in &self.0 {
            let name = endpoint.name.clone();
            let value =
                match Self::ask::<B256>(endpoint, "eth_sendRawTransaction", params.clone()).await {
                    Ok(_) => Verdict::Taken,
                    Err(Failure::Node(message)) => Verdict::of(message),
                    Err(Failure::Transport(cause)) => {
                        tried.push(format!("{name}: {cause}"));
                        continue;
                    }
                };
            if best.as_ref().is_none_or(|best| value < best.value) {
                best = Some(Answer {
                    endpoint: name,
                    value,
                });
            }
        }
        best.ok_or_else(|| Error::Unreachable {
            tried: tried.join("; "),
        })
    }
}

/// Since EIP-7594 a transaction carries six blobs, whatever a block holds.
fn with_transaction_limit(params: BlobParams) -> BlobParams {
    params.with_max_blobs_per_tx(params.max_blob_count.min(6))
}

/// An error with its causes, which name the socket's failure.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
