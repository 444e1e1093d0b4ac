//! A follower's way to its sequencer.

use crate::ProjectError;
use futures_util::future::BoxFuture;
use rollwright_core::{B256, Bytes, SubmitError};
use rollwright_node::Forwarder;
use serde::Deserialize;
use std::{sync::Arc, time::Duration};

/// Deadline of one forwarded transaction.
const TIMEOUT: Duration = Duration::from_secs(10);

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
            let response = self
                .client
                .post(&self.url)
                .header("content-type", "application/json")
                .body(body.to_string())
                .send()
                .await
                .map_err(unreachable)?;
            let bytes = response.bytes().await.map_err(unreachable)?;
            let answer: Answer = serde_json::from_slice(&bytes).map_err(|error| {
                SubmitError::Internal(format!("the sequencer's answer is not JSON-RPC: {error}"))
            })?;
            match answer {
                Answer {
                    result: Some(hash), ..
                } => Ok(hash),
                Answer {
                    error: Some(refusal),
                    ..
                } => Err(SubmitError::Invalid(refusal.message)),
                _ => Err(SubmitError::Internal(
                    "the sequencer answered neither result nor error".to_owned(),
                )),
            }
        })
    }
}
