//! A follower's way to its sequencer.

use crate::ProjectError;
use futures_util::future::BoxFuture;
use rollwright_core::{B256, Bytes, SubmitError, keccak256};
use rollwright_node::Forwarder;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

/// Deadline of one forwarded transaction.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer to one transaction, in bytes; what is longer is none.
const MAX_ANSWER: usize = 64 << 10;

struct ToSequencer {
    url: String,
    client: reqwest::Client,
}

/// Forwards transactions to the JSON-RPC port of a sequencer.
pub(crate) fn to(url: &str) -> Result<Arc<dyn Forwarder>, ProjectError> {
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .build()
        .map_err(|error| ProjectError::Invalid(format!("`follower.sequencer`: {error}")))?;
    Ok(Arc::new(ToSequencer {
        url: url.to_owned(),
        client,
    }))
}

#[derive(Deserialize)]
struct Answer {
    result: Option<B256>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Forwarder for ToSequencer {
    fn forward(&self, transaction: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        Box::pin(async move {
            let body = serde_json::json!({
                "jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [transaction],
            });
            let unreachable = |error: reqwest::Error| {
                SubmitError::NotAdmitting(format!(
                    "the sequencer cannot be reached: {}",
                    error.without_url()
                ))
            };
            let mut response = self
                .client
                .post(&self.url)
                .header("content-type", "application/json")
                .body(body.to_string())
                .send()
                .await
                .map_err(unreachable)?;
            let mut bytes = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
                if bytes.len() + chunk.len() > MAX_ANSWER {
                    return Err(SubmitError::Internal(format!(
                        "the sequencer's answer is longer than {MAX_ANSWER} bytes"
                    )));
                }
                bytes.extend_from_slice(&chunk);
            }
            read(&bytes, keccak256(&transaction))
        })
    }
}

/// What an answer says of the transaction with this hash.
fn read(answer: &[u8], hash: B256) -> Result<B256, SubmitError> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|error| {
        SubmitError::Internal(format!("the sequencer's answer is not JSON-RPC: {error}"))
    })?;
    match answer {
        Answer {
            result: Some(told), ..
        } if told == hash => Ok(hash),
        Answer {
            result: Some(told), ..
        } => Err(SubmitError::Internal(format!(
            "the sequencer answered with transaction {told}, not {hash}"
        ))),
        Answer {
            error: Some(refusal),
            ..
        } => Err(SubmitError::Invalid(refusal.message)),
        _ => Err(SubmitError::Internal(
            "the sequencer answered neither result nor error".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests;
