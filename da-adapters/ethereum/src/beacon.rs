//! Sources of blobs: the beacon API, as nodes and archives serve it.

mod answer;

use crate::{
    BlockIdForm, Error,
    codec::BLOB_BYTES,
    rpc::{chain, host, shortened},
};
use alloy_primitives::{B256, Bytes};
use answer::{Genesis, HeadSlot, Spec};
use reqwest::{Client, StatusCode, Url, header::ACCEPT};
use serde::de::DeserializeOwned;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::sync::OnceCell;

/// No block of any planned fork holds more.
const MAX_BLOBS: usize = 128;

/// An answer that is no blobs is read up to here.
const MAX_SMALL_BYTES: usize = 1 << 20;

/// A block whose blobs are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlobLocation {
    pub(crate) number: u64,
    pub(crate) time: u64,
    /// Root of the beacon block, where the next block names it.
    pub(crate) root: Option<B256>,
}

/// A blob as a source gave it: unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourcedBlob {
    pub(crate) bytes: Bytes,
    /// Commitment and proof, where the source gives them.
    pub(crate) proof: Option<(Bytes, Bytes)>,
}

/// Why a source did not serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("no answer ({0})")]
    Unreachable(String),
    #[error("it is at slot {head_slot}, before slot {slot}")]
    Behind { slot: u64, head_slot: u64 },
    #[error("status {status}: {text}")]
    Status { status: u16, text: String },
    #[error("an answer that does not read: {0}")]
    Malformed(String),
}

/// One beacon node or archive.
#[derive(Debug)]
pub(crate) struct Beacon {
    name: String,
    base: Url,
    client: Client,
    form: BlockIdForm,
    slot_time: Duration,
    slots: OnceCell<Slots>,
    /// True once the newer interface was found missing.
    older: AtomicBool,
}

#[derive(Clone, Copy, Debug)]
struct Slots {
    genesis: u64,
    millis: u64,
}

impl Beacon {
    pub(crate) fn new(
        url: &str,
        form: BlockIdForm,
        slot_time: Duration,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let (name, mut base) = host("beacon", url)?;
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let client = Client::builder().timeout(timeout).build();
        Ok(Self {
            name,
            base,
            client: client.map_err(|error| Error::Config {
                key: "beacon",
                reason: chain(&error),
            })?,
            form,
            slot_time,
            slots: OnceCell::new(),
            older: AtomicBool::new(false),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Genesis time and slot length: the node's, or as configured.
    async fn slots(&self) -> Result<Slots, SourceError> {
        let slots = self.slots.get_or_try_init(|| async {
            let genesis: Genesis = self.json("eth/v1/beacon/genesis").await?;
            let millis = match self.json::<Spec>("eth/v1/config/spec").await {
                Ok(spec) => spec.slot_millis(),
                Err(SourceError::Status { .. } | SourceError::Malformed(_)) => None,
                Err(error) => return Err(error),
            };
            let configured = u64::try_from(self.slot_time.as_millis()).unwrap_or(u64::MAX);
            Ok(Slots {
                genesis: genesis.time()?,
                millis: millis.unwrap_or(configured).max(1),
            })
        });
        slots.await.copied()
    }

    /// The slot of a block with this time.
    pub(crate) async fn slot(&self, time: u64) -> Result<u64, SourceError> {
        let slots = self.slots().await?;
        let since = time.saturating_sub(slots.genesis);
        Ok(since.saturating_mul(1_000) / slots.millis)
    }

    async fn block_id(&self, at: &BlobLocation) -> Result<(String, Option<u64>), SourceError> {
        match (self.form, at.root) {
            (BlockIdForm::Number, _) => Ok((at.number.to_string(), None)),
            (BlockIdForm::Root, Some(root)) if !root.is_zero() => Ok((root.to_string(), None)),
            _ => {
                let slot = self.slot(at.time).await?;
                Ok((slot.to_string(), Some(slot)))
            }
        }
    }

    /// The wanted blobs of a block, and perhaps others; unchecked, at most 128.
    pub(crate) async fn blobs(
        &self,
        at: &BlobLocation,
        wanted: &[B256],
    ) -> Result<Vec<SourcedBlob>, SourceError> {
        let (id, slot) = self.block_id(at).await?;
        if !self.older.load(Ordering::Relaxed) {
            match self.newer(&id, wanted).await {
                Err(SourceError::Status {
                    status: 404 | 405 | 410 | 501,
                    ..
                }) => {}
                result => return result,
            }
        }
        match self.sidecars(&id).await {
            Ok(blobs) => {
                self.older.store(true, Ordering::Relaxed);
                Ok(blobs)
            }
            Err(error) => Err(self.behind(slot).await.unwrap_or(error)),
        }
    }

    /// Whether a block is unknown because the node has not come so far.
    async fn behind(&self, slot: Option<u64>) -> Option<SourceError> {
        let slot = slot?;
        let head: HeadSlot = self.json("eth/v1/beacon/headers/head").await.ok()?;
        let head_slot = head.slot()?;
        (head_slot < slot).then_some(SourceError::Behind { slot, head_slot })
    }

    /// `/eth/v1/beacon/blobs`: asked for the wanted ones, and once more for all
    /// where the server reads the list in another way.
    async fn newer(&self, id: &str, wanted: &[B256]) -> Result<Vec<SourcedBlob>, SourceError> {
        let hashes: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        let some = format!(
            "eth/v1/beacon/blobs/{id}?versioned_hashes={}",
            hashes.join(",")
        );
        match self.blobs_at(&some, wanted.len()).await {
            Ok(blobs) if blobs.len() == wanted.len() => return Ok(blobs),
            Ok(_) | Err(SourceError::Status { status: 400, .. }) => {}
            Err(error) => return Err(error),
        }
        self.blobs_at(&format!("eth/v1/beacon/blobs/{id}"), MAX_BLOBS)
            .await
    }

    async fn blobs_at(&self, path: &str, most: usize) -> Result<Vec<SourcedBlob>, SourceError> {
        // SSZ has half the size; JSON has two digits a byte and its frame.
        let accept = "application/octet-stream;q=1.0,application/json;q=0.5";
        let body = self
            .get(path, accept, most * (2 * BLOB_BYTES + 64) + 4_096)
            .await?;
        answer::blobs(body, most)
    }

    /// `/eth/v1/beacon/blob_sidecars`: the older form.
    async fn sidecars(&self, id: &str) -> Result<Vec<SourcedBlob>, SourceError> {
        let path = format!("eth/v1/beacon/blob_sidecars/{id}");
        let most = MAX_BLOBS * (2 * BLOB_BYTES + 4_096);
        let body = self.get(&path, "application/json", most).await?;
        answer::sidecars(&body, MAX_BLOBS)
    }

    async fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, SourceError> {
        let body = self.get(path, "application/json", MAX_SMALL_BYTES).await?;
        answer::json(&body)
    }

    /// A body, read until it ends or exceeds `most` bytes.
    async fn get(&self, path: &str, accept: &str, most: usize) -> Result<Vec<u8>, SourceError> {
        let unreachable = |error: reqwest::Error| {
            SourceError::Unreachable(shortened(&chain(&error.without_url())))
        };
        let url = self
            .base
            .join(path)
            .map_err(|error| SourceError::Malformed(error.to_string()))?;
        let request = self.client.get(url).header(ACCEPT, accept);
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let most = if status == StatusCode::OK {
            most
        } else {
            4_096
        };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > most {
                if status == StatusCode::OK {
                    return Err(SourceError::Malformed(format!("more than {most} bytes")));
                }
                break;
            }
            body.extend_from_slice(&chunk);
        }
        if status == StatusCode::OK {
            Ok(body)
        } else {
            Err(SourceError::Status {
                status: status.as_u16(),
                text: shortened(&String::from_utf8_lossy(&body)),
            })
        }
    }
}
