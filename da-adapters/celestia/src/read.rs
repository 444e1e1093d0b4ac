//! What the rollup has in a block, with proof.

use crate::{
    CelestiaError, NamespaceContent, TrustedHeader, candidate_rows, client::Inner,
    endpoints::Refusal, posted, prove_complete, prove_included, verify_namespace,
};
use alloy_primitives::B256;
use celestia_rpc::ShareClient;
use celestia_types::namespace_data::NamespaceData;
use rollwright_core::{BlobRef, DaBlock, DaHeight, Proof};
use std::sync::Arc;

/// Blocks whose content stays in memory.
const CACHED: usize = 16;

/// A block's content, verified.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) header: Arc<TrustedHeader>,
    pub(crate) data: NamespaceData,
    pub(crate) content: NamespaceContent,
}

impl Inner {
    /// Everything of ours in the block at a height.
    pub(crate) async fn content(&self, height: u64) -> Result<Arc<Content>, CelestiaError> {
        {
            let cache = self.contents.lock();
            if let Some(found) = cache
                .iter()
                .find(|content| content.header.height() == height)
            {
                return Ok(Arc::clone(found));
            }
        }
        let header = self.chain.header(&self.endpoints, height).await?;
        let namespace = self.config.namespace;
        let (data, content) = if candidate_rows(header.dah(), namespace).is_empty() {
            // The header alone proves absence.
            (NamespaceData::new(Vec::new()), NamespaceContent::default())
        } else {
            self.endpoints
                .ask(
                    height,
                    |client| Box::pin(client.share_get_namespace_data(height, namespace)),
                    |data: NamespaceData| {
                        verify_namespace(&header, namespace, &data)
                            .map(|content| (data, content))
                            .map_err(|error| Refusal::Proof(error.to_string()))
                    },
                )
                .await?
        };
        for skipped in &content.skipped {
            tracing::debug!(target: "celestia", height, row = skipped.row, column = skipped.column, reason = %skipped.reason, "shares of the namespace are no blob");
        }
        let found = Arc::new(Content {
            header,
            data,
            content,
        });
        let mut cache = self.contents.lock();
        if cache.len() >= CACHED {
            cache.pop_front();
        }
        cache.push_back(Arc::clone(&found));
        Ok(found)
    }

    /// As [`content`](Self::content), of the block with a hash.
    async fn content_of(
        &self,
        height: DaHeight,
        hash: Option<B256>,
    ) -> Result<Arc<Content>, CelestiaError> {
        let content = self.content(height.0).await?;
        let canonical = content.header.facts().hash;
        match hash {
            Some(asked) if asked != canonical => Err(CelestiaError::NotCanonical {
                height,
                asked,
                canonical,
            }),
            _ => Ok(content),
        }
    }

    pub(crate) async fn fetch(
        &self,
        height: DaHeight,
        hash: Option<B256>,
    ) -> Result<DaBlock, CelestiaError> {
        let content = self.content_of(height, hash).await?;
        let header = content.header.facts();
        Ok(DaBlock {
            header,
            blobs: posted(&header, &content.content),
            completeness: prove_complete(&content.header, &content.data)?,
        })
    }

    pub(crate) async fn prove(&self, blob: &BlobRef) -> Result<Proof, CelestiaError> {
        let height = blob.block.height;
        let content = self.content_of(height, Some(blob.block.hash)).await?;
        let missing = || CelestiaError::NoSuchBlob {
            height,
            index: blob.index,
            commitment: blob.commitment,
        };
        let placed = usize::try_from(blob.index)
            .ok()
            .and_then(|index| content.content.blobs.get(index))
            .ok_or_else(missing)?;
        if *placed.blob.commitment.hash() != blob.commitment.0 {
            return Err(missing());
        }
        let proof = prove_included(
            &content.header,
            self.config.namespace,
            &content.data,
            &content.content,
            blob.index,
        );
        Ok(proof.ok_or_else(missing)??)
    }
}
