//! Reading the L1: heads, blocks, and the blobs that they name.

mod blobs;

use crate::{
    BlockIdForm, Error, EthereumDaConfig, Inbox,
    beacon::Beacon,
    block::SealedHeader,
    codec,
    namespace::{Carried, Item},
    onchain::TransactionProof,
    proof::{BlockBody, RootRule},
    rpc::{Endpoints, Tag},
    store::{Content, Store},
};
use alloy_primitives::{B256, Bytes};
use parking_lot::Mutex;
use rollwright_core::{
    BlobRef, Clock, DaBlock, DaBlockId, DaHead, DaHeader, DaHeight, ErrorKind, LayerError as _,
    PostedBlob, Proof,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) rpc: Arc<Endpoints>,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<dyn Clock>,
    sources: Vec<Beacon>,
    inbox: Inbox,
    rule: RootRule,
    confirmations: u64,
    retention: Duration,
    slot_time: Duration,
    /// Whether sources are asked by the beacon block's root.
    wants_roots: bool,
    finalized: Mutex<Option<DaBlockId>>,
}

impl Reader {
    pub(crate) fn new(
        config: &EthereumDaConfig,
        rpc: Arc<Endpoints>,
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let source =
            |url: &String| Beacon::new(url, config.block_id, config.slot_time, config.timeout);
        let urls = config.beacon.iter().chain(&config.archive);
        Ok(Self {
            rpc,
            store,
            clock,
            sources: urls.map(source).collect::<Result<_, _>>()?,
            inbox: config.inbox.clone(),
            rule: config.root_rule(),
            confirmations: config.confirmations,
            retention: config.retention,
            slot_time: config.slot_time,
            wants_roots: config.block_id == BlockIdForm::Root,
            finalized: Mutex::new(None),
        })
    }

    /// The newest block.
    pub(crate) async fn latest(&self) -> Result<SealedHeader, Error> {
        match self.rpc.header(Tag::Latest).await? {
            Some(found) => Ok(found.value),
            None => Err(Error::Rpc {
                endpoint: "the preferred one".into(),
                method: "eth_getBlockByNumber",
                message: "it has no newest block".into(),
            }),
        }
    }

    /// Observed and final block. The final one never moves back: a node that
    /// falls behind is not asked to say more, one that contradicts is refused.
    pub(crate) async fn head(&self) -> Result<DaHead, Error> {
        let latest = self.latest().await?;
        let observed = match self.confirmations.min(latest.header().number) {
            0 => latest.facts().id(),
            behind => self
                .header_at(latest.header().number - behind)
                .await?
                .facts()
                .id(),
        };
        let finalized = self.finalized(&latest).await?;
        Ok(DaHead {
            observed,
            finalized,
        })
    }

    async fn finalized(&self, latest: &SealedHeader) -> Result<Option<DaBlockId>, Error> {
        let told = self.rpc.header(Tag::Finalized).await?;
        let known = *self.finalized.lock();
        let Some(told) = told else { return Ok(known) };
        let (endpoint, told) = (told.endpoint, told.value.facts().id());
        if told.height > latest.facts().height {
            // The two answers are of different moments, or of a node that syncs.
            return Ok(known);
        }
        let broken = |known: DaBlockId, found: B256| Error::Dishonest {
            endpoint: endpoint.clone(),
            what: format!(
                "block {} was final with hash {} and is now {found}",
                known.height, known.hash
            ),
        };
        match known {
            Some(known) if known.height == told.height && known.hash != told.hash => {
                Err(broken(known, told.hash))
            }
            Some(known) if told.height <= known.height => Ok(Some(known)),
            Some(known) => {
                let found = self.header_at(known.height.0).await?.hash();
                if found != known.hash {
                    return Err(broken(known, found));
                }
                *self.finalized.lock() = Some(told);
                Ok(Some(told))
            }
            None => {
                *self.finalized.lock() = Some(told);
                Ok(Some(told))
            }
        }
    }

    /// The canonical header at a height, whatever is observed.
    async fn header_at(&self, height: u64) -> Result<SealedHeader, Error> {
        match self.rpc.header(Tag::Number(height)).await? {
            Some(found) => Ok(found.value),
            None => {
                let head = self.latest().await?.facts().height;
                Err(Error::Ahead {
                    height: DaHeight(height),
                    head,
                })
            }
        }
    }

    /// What derivation uses of the canonical header at a height.
    pub(crate) async fn facts(&self, height: DaHeight) -> Result<DaHeader, Error> {
        match self.rule {
            RootRule::Signed => Ok(self.header(height).await?.facts()),
            RootRule::WithSidecars => Ok(self.body(height, None).await?.facts()),
        }
    }

    /// The canonical header at a height up to the observed head.
    async fn header(&self, height: DaHeight) -> Result<SealedHeader, Error> {
        let header = self.header_at(height.0).await?;
        if self.confirmations > 0 {
            let head = self.latest().await?.facts().height;
            let observed = DaHeight(head.0.saturating_sub(self.confirmations));
            if height > observed {
                return Err(Error::Ahead {
                    height,
                    head: observed,
                });
            }
        }
        Ok(header)
    }

    pub(crate) async fn is_canonical(&self, block: DaBlockId) -> Result<bool, Error> {
        match self.header_at(block.height.0).await {
            Ok(header) => Ok(header.hash() == block.hash),
            Err(error) if error.kind() == ErrorKind::NotYet => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A block's checked transactions, as far as they matter.
    pub(crate) async fn body(
        &self,
        height: DaHeight,
        hash: Option<B256>,
    ) -> Result<BlockBody, Error> {
        let header = self.header(height).await?;
        if let Some(asked) = hash.filter(|hash| *hash != header.hash()) {
            return Err(Error::NotCanonical {
                height,
                asked,
                canonical: header.hash(),
            });
        }
        if let Some(body) = BlockBody::of_header(header.clone(), &self.inbox) {
            return Ok(body);
        }
        match self.rpc.transactions(header.hash()).await? {
            Some(found) => {
                BlockBody::new(header, found.value, self.rule).map_err(|error| Error::Dishonest {
                    endpoint: found.endpoint,
                    what: error.to_string(),
                })
            }
            // It was there a moment ago.
            None => Err(self.moved(height, header.hash()).await?),
        }
    }

    /// What to say of a block that disappeared while it was read.
    async fn moved(&self, height: DaHeight, asked: B256) -> Result<Error, Error> {
        let canonical = self.header_at(height.0).await?.hash();
        Ok(if canonical == asked {
            Error::Rpc {
                endpoint: "the preferred one".into(),
                method: "eth_getBlockByHash",
                message: format!("it does not have block {height} that it names as canonical"),
            }
        } else {
            Error::NotCanonical {
                height,
                asked,
                canonical,
            }
        })
    }

    /// Everything of ours in a block.
    pub(crate) async fn fetch(
        &self,
        height: DaHeight,
        hash: Option<B256>,
    ) -> Result<DaBlock, Error> {
        let body = self.body(height, hash).await?;
        let items = body.items(&self.inbox);
        let contents = self.contents(&body, &items).await?;
        let header = body.facts();
        let blobs = (0..).zip(&items).map(|(index, item)| PostedBlob {
            reference: reference(&header, index, item),
            lane: item.lane,
            poster: Some(Bytes::copy_from_slice(item.poster.as_slice())),
            data: data(item, &contents),
        });
        Ok(DaBlock {
            header,
            blobs: blobs.collect(),
            completeness: body.prove_completeness(refused(&items, &contents)),
        })
    }

    /// A block and what a referenced blob is in it.
    async fn item(&self, blob: &BlobRef) -> Result<(BlockBody, Item), Error> {
        let body = self.body(blob.block.height, Some(blob.block.hash)).await?;
        let mut items = body.items(&self.inbox);
        let index = blob.index as usize;
        if items.get(index).map(Item::commitment) != Some(blob.commitment) {
            return Err(Error::NoSuchBlob {
                height: blob.block.height,
                index: blob.index,
                commitment: blob.commitment,
            });
        }
        Ok((body, items.swap_remove(index)))
    }

    /// The proof that a referenced blob stands in its block.
    pub(crate) async fn prove(&self, blob: &BlobRef) -> Result<Proof, Error> {
        let (body, item) = self.item(blob).await?;
        let item = std::slice::from_ref(&item);
        let contents = self.contents(&body, item).await?;
        Ok(body.prove_inclusion(blob.index, refused(item, &contents).pop()))
    }

    /// As [`prove`](Self::prove), for contracts.
    pub(crate) async fn prove_for_contract(
        &self,
        blob: &BlobRef,
    ) -> Result<TransactionProof, Error> {
        let (body, item) = self.item(blob).await?;
        let proof = body.prove_for_contract(item.transaction);
        proof.ok_or(Error::NoSuchBlob {
            height: blob.block.height,
            index: blob.index,
            commitment: blob.commitment,
        })
    }

    /// Where the items of one transaction stand in a block.
    pub(crate) async fn places(
        &self,
        block: DaBlockId,
        transaction: B256,
    ) -> Result<Vec<BlobRef>, Error> {
        let body = self.body(block.height, Some(block.hash)).await?;
        let items = body.items(&self.inbox);
        let header = body.facts();
        Ok((0..)
            .zip(&items)
            .filter(|(_, item)| item.transaction == transaction)
            .map(|(index, item)| reference(&header, index, item))
            .collect())
    }
}

type Contents = BTreeMap<B256, Content>;

fn reference(header: &DaHeader, index: u32, item: &Item) -> BlobRef {
    BlobRef {
        block: header.id(),
        index,
        commitment: item.commitment(),
    }
}

fn data(item: &Item, contents: &Contents) -> Bytes {
    match &item.carried {
        Carried::Calldata(part) => part.clone(),
        Carried::Blob(hash) => match contents.get(hash) {
            Some(Content::Payload(payload)) => payload.clone(),
            Some(Content::Refused(_)) | None => Bytes::new(),
        },
    }
}

/// Raw blobs without payload, each once, by first appearance.
fn refused(items: &[Item], contents: &Contents) -> Vec<Vec<u8>> {
    let mut seen = Vec::new();
    let mut raw = Vec::new();
    for item in items {
        if let Carried::Blob(hash) = &item.carried
            && let Some(Content::Refused(bytes)) = contents.get(hash)
            && !seen.contains(hash)
        {
            seen.push(*hash);
            raw.push(bytes.to_vec());
        }
    }
    raw
}

/// What a checked blob holds.
fn content(raw: &Bytes) -> Content {
    match codec::decode(raw) {
        Ok(payload) => Content::Payload(payload.into()),
        Err(_) => Content::Refused(raw.clone()),
    }
}
