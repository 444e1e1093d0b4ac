use anyhow::Context;
use serde_json::{Value, json};
use std::time::Duration;

/// Longest wait for an answer: a node that stops is met with an end of the
/// connection, not with silence.
const PATIENCE: Duration = Duration::from_secs(30);

/// JSON-RPC over HTTP. Clones share connections.
#[derive(Clone, Debug)]
pub struct Rpc {
    client: reqwest::blocking::Client,
    url: String,
}

/// Why a call has no result.
#[derive(Debug)]
pub enum RpcError {
    /// No answer: what the call asked for may have happened.
    Lost(String),
    /// The node refused.
    Refused {
        /// JSON-RPC's code.
        code: i64,
        /// The node's words.
        message: String,
    },
}

impl Rpc {
    /// A client of the node at `url`.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            client: reqwest::blocking::Client::builder()
                .timeout(PATIENCE)
                .no_proxy()
                .build()?,
            url: url.to_owned(),
        })
    }

    /// One call.
    pub fn call(&self, method: &str, params: &Value) -> Result<Value, RpcError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        result_of(self.post(&body)?)
    }

    /// One call per parameter list, in one request; results in the same order.
    /// The node must answer all of them.
    pub fn batch(&self, method: &str, params: &[Value]) -> anyhow::Result<Vec<Value>> {
        let mut results = Vec::with_capacity(params.len());
        for chunk in params.chunks(200) {
            let body: Vec<Value> = (0..)
                .zip(chunk)
                .map(|(id, params): (usize, _)| {
                    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
                })
                .collect();
            let answer = self
                .post(&Value::Array(body))
                .map_err(anyhow::Error::from)?;
            let mut answers = answer
                .as_array()
                .cloned()
                .with_context(|| format!("{method}: no batch of answers: {answer}"))?;
            answers.sort_by_key(|answer| answer["id"].as_u64());
            anyhow::ensure!(
                answers.len() == chunk.len(),
                "{method}: {} answers to {} calls",
                answers.len(),
                chunk.len()
            );
            for answer in answers {
                results.push(result_of(answer)?);
            }
        }
        Ok(results)
    }

    fn post(&self, body: &Value) -> Result<Value, RpcError> {
        let lost = |error: reqwest::Error| RpcError::Lost(error.to_string());
        let answer = self
            .client
            .post(&self.url)
            .json(body)
            .send()
            .map_err(lost)?;
        answer.json().map_err(lost)
    }
}

fn result_of(mut answer: Value) -> Result<Value, RpcError> {
    match answer.get("error") {
        None | Some(Value::Null) => Ok(answer["result"].take()),
        Some(error) => Err(RpcError::Refused {
            code: error["code"].as_i64().unwrap_or_default(),
            message: error["message"].as_str().unwrap_or_default().to_owned(),
        }),
    }
}

impl std::fmt::Display for RpcError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost(cause) => write!(f, "no answer: {cause}"),
            Self::Refused { code, message } => write!(f, "refused ({code}): {message}"),
        }
    }
}

impl std::error::Error for RpcError {}
