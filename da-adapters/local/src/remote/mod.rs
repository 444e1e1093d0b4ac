mod request;
mod seen;

use crate::{
    Error, Namespace, NetworkId, ProofError, RemoteConfig, Status,
    client::{Parameters, caps, served, stands},
    proof,
    wire::{Heads, Info, OVERHEAD_BYTES, PROTOCOL},
};
use alloy_primitives::{B256, Bytes, keccak256};
use borsh::BorshDeserialize;
use parking_lot::Mutex;
use request::{Asked, encode};
use reqwest::{Client, Method, redirect::Policy};
use rollwright_core::{
    BlobRef, DaBlock, DaBlockId, DaCaps, DaClaim, DaHead, DaHeader, DaHeight, DaLane,
    DataAvailability, PostingUnit, Proof, Submission, SubmissionStatus,
};
use seen::Seen;
use std::{sync::Arc, time::Duration};

/// A rollup's handle on a layer that another process serves, over HTTP.
///
/// Nothing is taken on trust but the choice of blocks above the newest final
/// one: each header is checked against its hash and against those already
/// seen, each block's blobs for completeness, each proof before it is handed
/// on. What fails is [`Error::Dishonest`], which names it. Clones share what
/// they have seen.
#[derive(Clone, Debug)]
pub struct LocalDaClient {
    shared: Arc<Shared>,
    namespace: Namespace,
}

#[derive(Debug)]
struct Shared {
    http: Client,
    url: String,
    info: Info,
    seen: Mutex<Seen>,
}

impl LocalDaClient {
    /// Asks a server what it serves.
    ///
    /// `Temporary` where it cannot be reached; `Fatal` where it serves another
    /// network, or is not a server of this layer.
    pub async fn connect(config: RemoteConfig) -> Result<Self, Error> {
        let url = config.url.trim_end_matches('/').to_owned();
        if !url.starts_with("http://") {
            return Err(Error::Config {
                key: "url",
                reason: format!("`{url}` does not begin with http://"),
            });
        }
        let http = Client::builder()
            .timeout(config.timeout)
            .connect_timeout(config.timeout)
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .map_err(|source| Error::Unreachable {
                url: url.clone(),
                source: Arc::new(source),
            })?;
        let asked = Asked {
            http: &http,
            url: &url,
            action: "tell what it serves",
        };
        let info: Info = asked
            .send(Method::GET, "/v1/info", None, OVERHEAD_BYTES)
            .await?;
        if info.protocol != PROTOCOL {
            return Err(Error::Config {
                key: "url",
                reason: format!(
                    "{url} speaks version {} of the protocol, this version of Rollwright speaks \
                     {PROTOCOL}",
                    info.protocol
                ),
            });
        }
        match config.network {
            Some(expected) if expected != info.network => Err(Error::WrongNetwork {
                place: format!("the server {url}"),
                expected,
                found: info.network,
            }),
            _ => Ok(Self {
                shared: Arc::new(Shared {
                    http,
                    url,
                    info,
                    seen: Mutex::default(),
                }),
                namespace: config.namespace,
            }),
        }
    }

    /// A handle to another rollup's blobs on the same server.
    #[must_use]
    pub fn for_namespace(&self, namespace: Namespace) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            namespace,
        }
    }

    /// The served network.
    pub fn network(&self) -> NetworkId {
        self.shared.info.network
    }

    /// See [`LocalDa::status`](crate::LocalDa::status).
    pub async fn status(&self) -> Result<Status, Error> {
        let status: Status = self.get("tell its status", "/v1/status").await?;
        self.admit_heads(&Heads {
            observed: status.head,
            finalized: status.finalized,
        })?;
        Ok(status)
    }

    /// See [`LocalDa::next_head`](crate::LocalDa::next_head).
    pub async fn next_head(&self, known: B256) -> Result<DaHead, Error> {
        let heads: Heads = self
            .get("tell its next head", &format!("/v1/head/{known}"))
            .await?;
        self.admit_heads(&heads)
    }

    /// See [`LocalDa::seal`](crate::LocalDa::seal).
    pub async fn seal(&self) -> Result<DaHeader, Error> {
        let header = self.post("seal", "/v1/seal", Vec::new()).await?;
        self.admit(&header)?;
        Ok(header)
    }

    /// See [`LocalDa::reorg`](crate::LocalDa::reorg).
    pub async fn reorg(&self, depth: u64) -> Result<DaHead, Error> {
        self.post("reorg", &format!("/v1/reorg/{depth}"), Vec::new())
            .await
    }

    /// See [`LocalDa::prune`](crate::LocalDa::prune).
    pub async fn prune(&self, below: DaHeight) -> Result<(), Error> {
        self.post("prune", &format!("/v1/prune/{below}"), Vec::new())
            .await
    }

    pub(crate) async fn any_header(&self, height: DaHeight) -> Result<(DaHeader, DaHeight), Error> {
        let answer: (DaHeader, DaHeight) = self
            .get("serve a header", &format!("/v1/header/{height}"))
            .await?;
        self.expect_height(&answer.0, height)?;
        self.admit(&answer.0)?;
        Ok(answer)
    }

    fn dishonest(&self, what: &'static str, detail: String) -> Error {
        Error::Dishonest {
            url: self.shared.url.clone(),
            what,
            detail,
        }
    }

    fn broken(&self, error: &ProofError) -> Error {
        let what = match error {
            ProofError::HeaderHash { .. } => "header hash",
            ProofError::DataRoot => "data root",
            _ => "proof",
        };
        self.dishonest(what, error.to_string())
    }

    fn expect_height(&self, header: &DaHeader, height: DaHeight) -> Result<(), Error> {
        if header.height == height {
            return Ok(());
        }
        let detail = format!("asked for block {height}, was given {}", header.height);
        Err(self.dishonest("height", detail))
    }

    /// Checks a header's hash, and the header against all that were seen.
    fn admit(&self, header: &DaHeader) -> Result<(), Error> {
        proof::verify_header(self.network(), header).map_err(|e| self.broken(&e))?;
        let admitted = self.shared.seen.lock().admit(header);
        admitted.map_err(|(what, detail)| self.dishonest(what, detail))
    }

    fn admit_heads(&self, heads: &Heads) -> Result<DaHead, Error> {
        self.admit(&heads.observed)?;
        if let Some(finalized) = &heads.finalized {
            if finalized.height > heads.observed.height {
                let detail = format!(
                    "{} is final, the newest is {}",
                    finalized.height, heads.observed.height
                );
                return Err(self.dishonest("final head", detail));
            }
            proof::verify_header(self.network(), finalized).map_err(|e| self.broken(&e))?;
            let moved = self.shared.seen.lock().finalize(finalized);
            moved.map_err(|(what, detail)| self.dishonest(what, detail))?;
        }
        Ok(DaHead {
            observed: heads.observed.id(),
            finalized: heads.finalized.map(|header| header.id()),
        })
    }

    fn check_submission(&self, unit: &PostingUnit, found: &Submission) -> Result<(), Error> {
        if found.unit != unit.id {
            let detail = format!("asked for {:?}, was told of {:?}", unit.id, found.unit);
            return Err(self.dishonest("posting unit", detail));
        }
        let SubmissionStatus::Included { blobs } = &found.status else {
            return Ok(());
        };
        let fits = blobs.len() == unit.blobs.len()
            && blobs
                .iter()
                .zip(&unit.blobs)
                .all(|(reference, blob)| reference.commitment == keccak256(&blob.data));
        if fits {
            return Ok(());
        }
        let detail = format!(
            "unit {:?} is said to be included with other contents",
            unit.id
        );
        Err(self.dishonest("posting unit", detail))
    }

    fn check_inclusion(
        &self,
        header: &DaHeader,
        blob: &BlobRef,
        data: Bytes,
        proof: &Proof,
    ) -> Result<(), Error> {
        let claim = DaClaim::Included {
            reference: *blob,
            lane: DaLane::Batch,
            data,
        };
        proof::verify(self.network(), self.namespace, header, &claim, proof)
            .map_err(|error| self.broken(&error))
    }

    async fn get<T: BorshDeserialize>(&self, action: &'static str, path: &str) -> Result<T, Error> {
        let limit = self
            .shared
            .info
            .max_unit_bytes
            .saturating_mul(2)
            .min(1 << 31)
            + OVERHEAD_BYTES;
        self.asked(action)
            .send(Method::GET, path, None, limit)
            .await
    }

    async fn post<T: BorshDeserialize>(
        &self,
        action: &'static str,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, Error> {
        let asked = self.asked(action);
        asked
            .send(Method::POST, path, Some(body), OVERHEAD_BYTES)
            .await
    }

    fn asked(&self, action: &'static str) -> Asked<'_> {
        Asked {
            http: &self.shared.http,
            url: &self.shared.url,
            action,
        }
    }
}

impl DataAvailability for LocalDaClient {
    type Error = Error;

    fn caps(&self) -> DaCaps {
        let info = &self.shared.info;
        caps(
            info.network,
            Parameters {
                block_time: Duration::from_millis(info.block_time_ms),
                finality_depth: info.finality_depth,
                retention_blocks: info.retention_blocks,
                max_blob_bytes: info.max_blob_bytes,
                max_unit_bytes: info.max_unit_bytes,
            },
        )
    }

    async fn head(&self) -> Result<DaHead, Error> {
        let heads: Heads = self.get("tell its head", "/v1/head").await?;
        self.admit_heads(&heads)
    }

    async fn submit(&self, unit: &PostingUnit) -> Result<Submission, Error> {
        let max_bytes = self.shared.info.max_unit_bytes;
        if unit.len_bytes() > max_bytes {
            return Err(Error::TooLarge {
                what: "a posting unit",
                bytes: unit.len_bytes(),
                max_bytes,
            });
        }
        let body = encode(unit)?;
        let path = format!("/v1/submit/{}", self.namespace);
        let submission = self.post("take a posting unit", &path, body).await?;
        self.check_submission(unit, &submission)?;
        Ok(submission)
    }

    async fn fetch(&self, height: DaHeight, hash: Option<B256>) -> Result<DaBlock, Error> {
        let mut path = format!("/v1/block/{}/{height}", self.namespace);
        if let Some(hash) = hash {
            path.push_str(&format!("/{hash}"));
        }
        let block: DaBlock = self.get("serve a block", &path).await?;
        self.expect_height(&block.header, height)?;
        if let Some(asked) = hash.filter(|hash| *hash != block.header.hash) {
            let detail = format!("asked for block {asked}, was given {}", block.header.hash);
            return Err(self.dishonest("block hash", detail));
        }
        self.admit(&block.header)?;
        let DaBlock {
            header,
            blobs,
            completeness,
        } = block;
        let claim = DaClaim::Complete { blobs };
        self.verify(&header, &claim, &completeness)
            .map_err(|error| match error {
                Error::Proof(error) => self.broken(&error),
                other => other,
            })?;
        let DaClaim::Complete { blobs } = claim else {
            return Err(self.dishonest("proof", "no claim of completeness".into()));
        };
        Ok(DaBlock {
            header,
            blobs,
            completeness,
        })
    }

    async fn prove(&self, blob: &BlobRef) -> Result<Proof, Error> {
        let path = format!("/v1/prove/{}", self.namespace);
        let proof: Proof = self.post("prove a blob", &path, encode(blob)?).await?;
        let block = self.fetch(blob.block.height, Some(blob.block.hash)).await?;
        let data = block
            .blobs
            .get(blob.index as usize)
            .filter(|posted| posted.reference == *blob)
            .map(|posted| posted.data.clone())
            .ok_or(Error::NoSuchBlob {
                height: blob.block.height,
                index: blob.index,
                commitment: blob.commitment,
            })?;
        self.check_inclusion(&block.header, blob, data, &proof)?;
        Ok(proof)
    }

    fn verify(&self, header: &DaHeader, claim: &DaClaim, proof: &Proof) -> Result<(), Error> {
        Ok(proof::verify(
            self.network(),
            self.namespace,
            header,
            claim,
            proof,
        )?)
    }

    async fn header(&self, height: DaHeight) -> Result<DaHeader, Error> {
        served(self.any_header(height).await?)
    }

    /// Answered for pruned blocks too: headers are kept.
    async fn is_canonical(&self, block: DaBlockId) -> Result<bool, Error> {
        stands(block, self.any_header(block.height).await)
    }
}
