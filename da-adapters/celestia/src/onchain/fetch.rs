//! Proofs of the rollup's own blobs, from nodes.

use super::{HeaderWay, SharesProof};
use crate::{CelestiaDa, CelestiaError, ProofError, client::Inner, endpoints::Refusal};
use alloy_primitives::{B256, Bytes};
use celestia_rpc::{ShareClient, share::GetRangeResponse};
use celestia_types::{nmt::Namespace, state::AddressTrait};
use rollwright_core::{BlobRef, DaHeader, DaHeight};

/// Longest way down: each block costs a contract some 15,000 gas.
const MAX_WAY: u64 = 256;

/// A blob on Celestia with what a contract needs to believe that it is there.
#[derive(Clone, Debug)]
pub struct PublishedBlob {
    /// The block; its data root is what the proof leads to.
    pub header: DaHeader,
    /// Where the blob lies.
    pub namespace: Namespace,
    /// Who paid for it, where its shares say so.
    pub signer: Option<[u8; 20]>,
    /// The blob.
    pub data: Bytes,
    /// The proof.
    pub proof: SharesProof,
}

impl CelestiaDa {
    /// A proof for contracts that a blob of this rollup was published, checked
    /// here before it is returned.
    ///
    /// `Rejected` where the block holds no such blob.
    pub async fn prove_for_contract(&self, blob: &BlobRef) -> Result<PublishedBlob, CelestiaError> {
        self.inner().prove_for_contract(blob).await
    }

    /// The way for contracts from a block that an anchor names, at height
    /// `from`, down to the data root of the one at `to`, of at most 256 blocks.
    ///
    /// `Rejected` where `to` lies above or further below.
    pub async fn way_down(&self, from: DaHeight, to: DaHeight) -> Result<HeaderWay, CelestiaError> {
        if to > from || from.0 - to.0 > MAX_WAY {
            return Err(ProofError::Claim("the way down goes up, or too far down").into());
        }
        let inner = self.inner();
        let mut headers = Vec::new();
        for height in (to.0..=from.0).rev() {
            headers.push(inner.chain.header(&inner.endpoints, height).await?);
        }
        let headers: Vec<_> = headers.iter().map(|header| &**header).collect();
        HeaderWay::new(&headers).ok_or(CelestiaError::NotAvailable)
    }
}

impl Inner {
    async fn prove_for_contract(&self, blob: &BlobRef) -> Result<PublishedBlob, CelestiaError> {
        let height = blob.block.height;
        let content = self.content(height.0).await?;
        let header = content.header.facts();
        let missing = || CelestiaError::NoSuchBlob {
            height,
            index: blob.index,
            commitment: blob.commitment,
        };
        let placed = usize::try_from(blob.index)
            .ok()
            .and_then(|index| content.content.blobs.get(index))
            .filter(|placed| B256::from(*placed.blob.commitment.hash()) == blob.commitment)
            .filter(|_| header.hash == blob.block.hash)
            .ok_or_else(missing)?;
        let original = u64::from(content.header.extended_width() / 2);
        let start = u64::from(placed.row) * original + u64::from(placed.column);
        let end = start + u64::from(placed.shares);
        let signer = placed.blob.signer.map(|signer| {
            let mut bytes = [0; 20];
            for (to, from) in bytes.iter_mut().zip(signer.as_bytes()) {
                *to = *from;
            }
            bytes
        });
        let (namespace, data) = (self.config.namespace, &placed.blob.data);
        let proof = self
            .endpoints
            .ask(
                height.0,
                |client| Box::pin(client.share_get_range(height.0, start, end)),
                |answer: GetRangeResponse| {
                    let refuse = |error: super::OnchainError| Refusal::Proof(error.to_string());
                    let proof = SharesProof::from_share_proof(header.data_root, &answer.proof)
                        .map_err(refuse)?;
                    proof
                        .verify_blob(header.data_root, namespace, signer, data)
                        .map_err(refuse)?;
                    Ok(proof)
                },
            )
            .await?;
        Ok(PublishedBlob {
            header,
            namespace,
            signer,
            data: Bytes::copy_from_slice(data),
            proof,
        })
    }
}
