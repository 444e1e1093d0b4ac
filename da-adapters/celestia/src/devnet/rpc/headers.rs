//! `header.*` and `blobstream.*`.

use super::{Answer, Params, RpcError, json};
use crate::devnet::{faults::Lie, node::Node};
use alloy_primitives::hex;
use celestia_types::{ExtendedHeader, MerkleProof, SyncState, hash::Hash};
use std::sync::Arc;

/// Headers in one answer.
const MAX_RANGE: u64 = 64;

/// Blocks under one root of tuples.
const MAX_TUPLES: u64 = 10_000;

impl Node {
    pub(super) async fn header_call(self: &Arc<Self>, name: &str, params: &mut Params) -> Answer {
        match name {
            "GetByHeight" => {
                let height = params.get(0)?;
                self.reach(height).await?;
                json(self.header_at(height).await?)
            }
            "WaitForHeight" => {
                let height: u64 = params.get(0)?;
                if height < self.tail() {
                    self.reach(height).await?;
                }
                if self.heads().wait_for(|head| *head >= height).await.is_err() {
                    return Err(RpcError::text("the node stops"));
                }
                json(self.header_at(height).await?)
            }
            "GetByHash" => {
                let hash: Hash = params.get(0)?;
                for height in (self.tail()..=self.head()).rev() {
                    let block = self.stored(height).await?;
                    if block.header.hash() == hash {
                        return json(&block.header);
                    }
                }
                Err(RpcError::text("header: not found"))
            }
            "GetRangeByHeight" => {
                let from: ExtendedHeader = params.get(0)?;
                let to: u64 = params.get(1)?;
                let first = from.height().saturating_add(1);
                if to < first {
                    return Err(RpcError::text("header/p2p: `from` must be less than `to`"));
                }
                if to == first {
                    return Err(RpcError::text("empty header range"));
                }
                if to - first > MAX_RANGE {
                    return Err(RpcError::text(
                        "header/p2p: header limit per 1 request exceeded",
                    ));
                }
                self.reach(to - 1).await?;
                let mut headers = Vec::new();
                for height in first..to {
                    self.reach(height).await?;
                    headers.push(self.header_at(height).await?);
                }
                json(headers)
            }
            "LocalHead" | "NetworkHead" => {
                let head = self.head();
                let head = match self.faults.lie() {
                    Some(Lie::StaleHead(height)) => height.clamp(self.tail(), head),
                    _ => head,
                };
                json(self.header_at(head).await?)
            }
            "SyncState" => {
                let head = self.stored(self.head()).await?;
                let tail = self.stored(self.tail()).await?;
                json(SyncState {
                    id: 1,
                    height: head.header.height(),
                    from_height: tail.header.height(),
                    to_height: head.header.height(),
                    from_hash: tail.header.hash(),
                    to_hash: head.header.hash(),
                    start: tail.header.time(),
                    end: head.header.time(),
                    error: None,
                })
            }
            "SyncWait" => json(()),
            _ => Err(RpcError::unknown(&format!("header.{name}"))),
        }
    }

    /// The header at a height that was reached, or what the lie in force
    /// makes of it.
    pub(super) async fn header_at(
        self: &Arc<Self>,
        height: u64,
    ) -> Result<ExtendedHeader, RpcError> {
        let block = self.stored(height).await?;
        match self.faults.lie() {
            Some(Lie::OtherHeight) if height > self.tail() => {
                Ok(self.stored(height - 1).await?.header.clone())
            }
            Some(Lie::Header(forgery)) => {
                let parent = match height {
                    1 => None,
                    _ => Some(self.stored(height - 1).await?),
                };
                let parent = parent.as_ref().map(|block| &block.header);
                Ok(self.validators.forge(&block.header, parent, forgery)?)
            }
            Some(Lie::Fork) => Ok(self.fork(height)?.unwrap_or_else(|| block.header.clone())),
            _ => Ok(block.header.clone()),
        }
    }

    pub(super) async fn blobstream_call(
        self: &Arc<Self>,
        name: &str,
        params: &mut Params,
    ) -> Answer {
        match name {
            "GetDataRootTupleRoot" => {
                let leaves = self.tuples(params.get(0)?, params.get(1)?).await?;
                let root = crate::blobstream::root(&leaves);
                json(hex::encode_upper(root))
            }
            "GetDataRootTupleInclusionProof" => {
                let (height, start, end): (u64, u64, u64) =
                    (params.get(0)?, params.get(1)?, params.get(2)?);
                let leaves = self.tuples(start, end).await?;
                let at = height
                    .checked_sub(start)
                    .and_then(|at| usize::try_from(at).ok())
                    .filter(|&at| at < leaves.len())
                    .ok_or_else(|| RpcError::text("height is not in the range"))?;
                let (proof, _) = MerkleProof::new(at, &leaves)
                    .map_err(|error| RpcError::text(error.to_string()))?;
                json(proof)
            }
            _ => Err(RpcError::unknown(&format!("blobstream.{name}"))),
        }
    }

    /// The encoded tuples of heights from `start` to before `end`.
    async fn tuples(self: &Arc<Self>, start: u64, end: u64) -> Result<Vec<[u8; 64]>, RpcError> {
        if start == 0 || end <= start || end - start > MAX_TUPLES {
            return Err(RpcError::text(format!(
                "invalid range of blocks from {start} to {end}"
            )));
        }
        self.reach(end - 1).await?;
        let mut leaves = Vec::new();
        for height in start..end {
            let block = self.stored(height).await?;
            let Hash::Sha256(root) = block.header.dah.hash() else {
                return Err(RpcError::text("header: no data root"));
            };
            leaves.push(crate::blobstream::tuple(height, root.into()));
        }
        Ok(leaves)
    }
}
