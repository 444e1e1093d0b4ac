//! Blobs by versioned hash, from whoever has them; every one is checked.

use super::{Contents, Reader, content};
use crate::{
    Error,
    beacon::{BlobLocation, SourceError, SourcedBlob},
    kzg,
    namespace::{Carried, Item},
    proof::BlockBody,
    rpc::Tag,
    store::Content,
};
use alloy_primitives::B256;
use std::collections::BTreeSet;

impl Reader {
    /// The contents of the items that are blobs: from our own store, then from
    /// each source in order.
    pub(super) async fn contents(
        &self,
        body: &BlockBody,
        items: &[Item],
    ) -> Result<Contents, Error> {
        let mut found = Contents::new();
        let mut missing = BTreeSet::new();
        for item in items {
            if let Carried::Blob(hash) = &item.carried {
                match self.store.blob(hash)? {
                    Some(content) => {
                        found.insert(*hash, content);
                    }
                    None => {
                        missing.insert(*hash);
                    }
                }
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let at = self.location(body).await?;
        let mut tried = Vec::new();
        let mut behind = None;
        for source in &self.sources {
            let wanted: Vec<B256> = missing.iter().copied().collect();
            match source.blobs(&at, &wanted).await {
                Ok(blobs) => {
                    let (fresh, others) = check(blobs, missing.clone()).await?;
                    if !fresh.is_empty() {
                        self.store.keep(&fresh, self.clock.now_ms())?;
                    }
                    for (hash, content) in fresh {
                        missing.remove(&hash);
                        found.insert(hash, content);
                    }
                    if missing.is_empty() {
                        return Ok(found);
                    }
                    let lacking = missing.len();
                    let lacking = format!(
                        "{}: {lacking} of the blobs are missing among {} others",
                        source.name(),
                        others
                    );
                    tracing::debug!(block = at.number, "{lacking}");
                    tried.push(lacking);
                }
                Err(error) => {
                    tracing::debug!(source = source.name(), block = at.number, %error, "no blobs");
                    if let SourceError::Behind { slot, head_slot } = error {
                        behind = Some(Error::BeaconBehind {
                            source_name: source.name().to_owned(),
                            slot,
                            head_slot,
                        });
                    }
                    tried.push(format!("{}: {error}", source.name()));
                }
            }
        }
        Err(self.absent(body, &at, missing, tried, behind).await?)
    }

    /// What to say when no source served: in this order, the block was
    /// reorganised away, the sources are behind, the blobs have expired, or
    /// they should be there.
    async fn absent(
        &self,
        body: &BlockBody,
        at: &BlobLocation,
        missing: BTreeSet<B256>,
        tried: Vec<String>,
        behind: Option<Error>,
    ) -> Result<Error, Error> {
        let header = body.facts();
        let canonical = self.header_at(at.number).await?.hash();
        if canonical != header.hash {
            return Ok(Error::NotCanonical {
                height: header.height,
                asked: header.hash,
                canonical,
            });
        }
        if let Some(behind) = behind {
            return Ok(behind);
        }
        let versioned_hash = missing.first().copied().unwrap_or_default();
        let tried = tried.join("; ");
        let age = (self.clock.now_ms() / 1_000).saturating_sub(header.time);
        if age <= self.retention.as_secs() {
            return Ok(Error::BlobUnavailable {
                height: header.height,
                versioned_hash,
                tried,
            });
        }
        let slot = match self.sources.first() {
            Some(source) => source.slot(header.time).await.ok(),
            None => None,
        };
        let slot = slot.unwrap_or_else(|| header.time / self.slot_time.as_secs().max(1));
        Ok(Error::BlobExpired {
            height: header.height,
            slot,
            age_days: age / 86_400,
            versioned_hash,
            tried,
        })
    }

    async fn location(&self, body: &BlockBody) -> Result<BlobLocation, Error> {
        let header = body.header().header();
        // The next block names this one's beacon block, if it is there.
        let next = match self.wants_roots {
            true => {
                self.rpc
                    .header(Tag::Number(header.number.saturating_add(1)))
                    .await?
            }
            false => None,
        };
        let root = next
            .filter(|next| next.value.header().parent_hash == body.header().hash())
            .and_then(|next| next.value.header().parent_beacon_block_root);
        Ok(BlobLocation {
            number: header.number,
            time: header.timestamp,
            root,
        })
    }
}

/// The wanted ones among some blobs, by content, and how many are not wanted.
async fn check(
    blobs: Vec<SourcedBlob>,
    wanted: BTreeSet<B256>,
) -> Result<(Vec<(B256, Content)>, usize), Error> {
    let work = move || {
        use rayon::prelude::*;
        let checked: Vec<Option<(B256, Content)>> = blobs
            .par_iter()
            .map(|blob| {
                let hash = match &blob.proof {
                    Some((commitment, proof)) => kzg::checked_hash(&blob.bytes, commitment, proof),
                    None => kzg::versioned_hash(&blob.bytes),
                };
                // One that KZG refuses is no blob of any block.
                let hash = hash.ok().filter(|hash| wanted.contains(hash))?;
                Some((hash, content(&blob.bytes)))
            })
            .collect();
        let others = checked.iter().filter(|blob| blob.is_none()).count();
        (checked.into_iter().flatten().collect(), others)
    };
    let task = tokio::task::spawn_blocking(work);
    task.await.map_err(|_| Error::Closed)
}
