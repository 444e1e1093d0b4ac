use crate::{Error, LocalDaConfig, Namespace, NetworkId, layer::Layer, proof};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{
    BlobRef, Clock, DaBlock, DaBlockId, DaCaps, DaClaim, DaFinality, DaHead, DaHeader, DaHeight,
    DaLane, DataAvailability, ErrorKind, LayerError, PostingUnit, Proof, Submission,
};
use std::{sync::Arc, time::Duration};

#[cfg(feature = "http")]
use crate::{LocalDaClient, RemoteConfig};

/// A rollup's handle on a local layer, whether it is embedded in this process
/// or served by another one. Clones share the layer.
#[derive(Clone, Debug)]
pub struct LocalDa {
    backend: Backend,
    namespace: Namespace,
}

#[derive(Clone, Debug)]
enum Backend {
    Embedded(Layer),
    #[cfg(feature = "http")]
    Remote(LocalDaClient),
}

/// What a local layer has reached and holds.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Status {
    /// Its network.
    pub network: NetworkId,
    /// Its newest block.
    pub head: DaHeader,
    /// Its newest final block.
    pub finalized: Option<DaHeader>,
    /// The oldest height whose blobs are served.
    pub oldest: DaHeight,
    /// Units that wait for a block, over all namespaces.
    pub pending_units: u64,
    /// Their contents' bytes.
    pub pending_bytes: u64,
}

impl LocalDa {
    /// Opens the layer's file, or creates it with its first block.
    ///
    /// One handle per file at a time, over all processes; clone it, or see
    /// [`for_namespace`](Self::for_namespace). Blocking; the file of a process
    /// that was killed is repaired first.
    ///
    /// Fails with a `Fatal` error that names the file and the cure: in use, of
    /// another network, of a later version, not a DA file, missing.
    pub fn open(config: LocalDaConfig, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let namespace = config.namespace;
        Ok(Self {
            backend: Backend::Embedded(Layer::open(config, clock)?),
            namespace,
        })
    }

    /// Reaches a layer that another process serves.
    ///
    /// `Temporary` where it cannot be reached; `Fatal` where it is another
    /// network than expected.
    #[cfg(feature = "http")]
    pub async fn connect(config: RemoteConfig) -> Result<Self, Error> {
        let namespace = config.namespace;
        Ok(Self {
            backend: Backend::Remote(LocalDaClient::connect(config).await?),
            namespace,
        })
    }

    /// A handle to another rollup's blobs on the same layer.
    #[must_use]
    pub fn for_namespace(&self, namespace: Namespace) -> Self {
        let backend = match &self.backend {
            Backend::Embedded(layer) => Backend::Embedded(layer.clone()),
            #[cfg(feature = "http")]
            Backend::Remote(client) => Backend::Remote(client.for_namespace(namespace)),
        };
        Self { backend, namespace }
    }

    /// Where this rollup's blobs lie.
    pub const fn namespace(&self) -> Namespace {
        self.namespace
    }

    /// The layer's network, as `caps().network` spells it.
    pub fn network(&self) -> NetworkId {
        match &self.backend {
            Backend::Embedded(layer) => layer.network(),
            #[cfg(feature = "http")]
            Backend::Remote(client) => client.network(),
        }
    }

    /// The layer as it is: heads, oldest block, what waits. No faults.
    pub async fn status(&self) -> Result<Status, Error> {
        match &self.backend {
            Backend::Embedded(layer) => layer.status(),
            #[cfg(feature = "http")]
            Backend::Remote(client) => client.status().await,
        }
    }

    /// Waits until the observed block is not `known` any more, and tells the
    /// head. Returns at once where it is another one already. A served layer
    /// may return early, with the head that is known.
    pub async fn next_head(&self, known: B256) -> Result<DaHead, Error> {
        match &self.backend {
            Backend::Embedded(layer) => {
                let mut heads = layer.heads();
                let head = heads.wait_for(|head| head.observed.hash != known).await;
                head.map(|head| *head).map_err(|_| Error::Closed)
            }
            #[cfg(feature = "http")]
            Backend::Remote(client) => client.next_head(known).await,
        }
    }

    /// Makes a block now, of what waits, whether or not blocks are also made
    /// by time. The block is durable when this returns; a future that is
    /// dropped may have made it.
    ///
    /// A served layer refuses unless its server allows commands.
    pub async fn seal(&self) -> Result<DaHeader, Error> {
        match &self.backend {
            Backend::Embedded(layer) => layer.seal().await,
            #[cfg(feature = "http")]
            Backend::Remote(client) => client.seal().await,
        }
    }

    /// Replaces the newest `depth` blocks by `depth + 1` empty ones. The units
    /// that they held are `Accepted` again and stand in the block after those,
    /// except for what the fault `lose` makes the layer forget.
    ///
    /// `Rejected` where final blocks, or the first block, would be replaced.
    pub async fn reorg(&self, depth: u64) -> Result<DaHead, Error> {
        match &self.backend {
            Backend::Embedded(layer) => layer.reorg(depth).await,
            #[cfg(feature = "http")]
            Backend::Remote(client) => client.reorg(depth).await,
        }
    }

    /// Drops the blobs of all blocks below a height, for good. Headers stay,
    /// and so does what is known of units.
    ///
    /// `Rejected` where blocks that are not final would be dropped.
    pub async fn prune(&self, below: DaHeight) -> Result<(), Error> {
        match &self.backend {
            Backend::Embedded(layer) => layer.prune(below).await,
            #[cfg(feature = "http")]
            Backend::Remote(client) => client.prune(below).await,
        }
    }

    /// Ends an embedded layer in an orderly way: makes no further block, lets
    /// writes under way finish, and releases the file for another process.
    /// Every later call through any clone fails with [`Error::Closed`].
    /// Without it the same happens once the last clone is dropped.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Embedded(layer) => layer.close().await,
            #[cfg(feature = "http")]
            Backend::Remote(_) => {}
        }
    }

    #[cfg(feature = "http")]
    pub(crate) const fn embedded(&self) -> Option<&Layer> {
        match &self.backend {
            Backend::Embedded(layer) => Some(layer),
            Backend::Remote(_) => None,
        }
    }

    /// A canonical header, of a pruned block too, and the oldest height served.
    async fn any_header(&self, height: DaHeight) -> Result<(DaHeader, DaHeight), Error> {
        match &self.backend {
            Backend::Embedded(layer) => layer.header(height).await,
            #[cfg(feature = "http")]
            Backend::Remote(client) => client.any_header(height).await,
        }
    }
}

impl DataAvailability for LocalDa {
    type Error = Error;

    fn caps(&self) -> DaCaps {
        match &self.backend {
            Backend::Embedded(layer) => {
                let config = layer.config();
                caps(
                    layer.network(),
                    Parameters {
                        block_time: config.blocks.time(),
                        finality_depth: config.finality_depth,
                        retention_blocks: config.retention_blocks,
                        max_blob_bytes: config.max_blob_bytes,
                        max_unit_bytes: config.max_block_bytes,
                    },
                )
            }
            #[cfg(feature = "http")]
            Backend::Remote(client) => client.caps(),
        }
    }

    async fn head(&self) -> Result<DaHead, Error> {
        match &self.backend {
            Backend::Embedded(layer) => Ok(crate::layer::head_of(&layer.state().await?)),
            #[cfg(feature = "http")]
            Backend::Remote(client) => client.head().await,
        }
    }

    async fn submit(&self, unit: &PostingUnit) -> Result<Submission, Error> {
        match &self.backend {
            Backend::Embedded(layer) => layer.submit(self.namespace, unit).await,
            #[cfg(feature = "http")]
            Backend::Remote(client) => client.submit(unit).await,
        }
    }

    async fn fetch(&self, height: DaHeight, hash: Option<B256>) -> Result<DaBlock, Error> {
        match &self.backend {
            Backend::Embedded(layer) => layer.block(self.namespace, height, hash).await,
            #[cfg(feature = "http")]
            Backend::Remote(client) => client.fetch(height, hash).await,
        }
    }

    async fn prove(&self, blob: &BlobRef) -> Result<Proof, Error> {
        match &self.backend {
            Backend::Embedded(layer) => layer.prove(self.namespace, blob).await,
            #[cfg(feature = "http")]
            Backend::Remote(client) => client.prove(blob).await,
        }
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

/// The header, unless its block is pruned; `found` is a canonical header and
/// the oldest height served.
pub(crate) fn served(found: (DaHeader, DaHeight)) -> Result<DaHeader, Error> {
    let (header, oldest) = found;
    if header.height < oldest {
        return Err(Error::Pruned {
            height: header.height,
            oldest,
        });
    }
    Ok(header)
}

/// Whether a block is the one found at its height; one above the head is not.
pub(crate) fn stands(
    block: DaBlockId,
    found: Result<(DaHeader, DaHeight), Error>,
) -> Result<bool, Error> {
    match found {
        Ok((header, _)) => Ok(header.hash == block.hash),
        Err(error) if error.kind() == ErrorKind::NotYet => Ok(false),
        Err(error) => Err(error),
    }
}

/// What a layer was opened with, as far as its users need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) block_time: Duration,
    pub(crate) finality_depth: u64,
    pub(crate) retention_blocks: Option<u64>,
    pub(crate) max_blob_bytes: u64,
    pub(crate) max_unit_bytes: u64,
}

pub(crate) fn caps(network: NetworkId, parameters: Parameters) -> DaCaps {
    DaCaps {
        layer: "local".into(),
        network: network.to_string(),
        lanes: vec![DaLane::Batch, DaLane::Forced],
        max_blob_bytes: parameters.max_blob_bytes,
        max_unit_bytes: parameters.max_unit_bytes,
        block_time: parameters.block_time,
        finality: match parameters.finality_depth {
            0 => DaFinality::Instant,
            depth => DaFinality::Depth(depth),
        },
        retention: parameters.retention_blocks.map(|blocks| {
            parameters
                .block_time
                .saturating_mul(u32::try_from(blocks).unwrap_or(u32::MAX))
        }),
    }
}
