//! Where DA epochs lie on their layers, found from DA alone.

use crate::{DaLayers, NodeError, layers::first_block};
use rollwright_core::{DaHead, DaHeight, DaOrdinal, DataAvailability, ErrorKind, LayerError};
use rollwright_derive::DaEpoch;

/// A DA epoch that has begun, and where it lies on its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochSpan {
    /// Counted from 0.
    pub index: u32,
    /// Ordinal of its first block.
    pub begins: DaOrdinal,
    /// That block's height.
    pub first: DaHeight,
    /// Height of its last block; `None` where no amendment ends it.
    pub last: Option<DaHeight>,
    /// The layer's heads.
    pub head: DaHead,
}

impl EpochSpan {
    /// The newest height that the layer has and the epoch counts; `None` where
    /// the layer does not reach the epoch's begin.
    pub fn newest(&self) -> Option<DaHeight> {
        let head = self.head.observed.height;
        let newest = self.last.map_or(head, |last| last.min(head));
        (newest >= self.first).then_some(newest)
    }

    /// Ordinal of a height; `None` outside of the epoch.
    pub fn ordinal(&self, height: DaHeight) -> Option<DaOrdinal> {
        let into = height.0.checked_sub(self.first.0)?;
        let inside = self.last.is_none_or(|last| height <= last);
        inside.then(|| self.begins.plus(into))
    }
}

/// Finds where each epoch of a chain lies, without deriving anything: in order,
/// up to the first one that has not begun, or whose layer is not among
/// `layers`.
///
/// Reads heads and a few headers. The begin of the last epoch may still move
/// where the layer before is not final at its end. Errors are those of the
/// layers.
pub async fn find_epochs<D: DataAvailability>(
    epochs: &[DaEpoch],
    layers: &DaLayers<D>,
) -> Result<Vec<EpochSpan>, NodeError> {
    let mut found: Vec<EpochSpan> = Vec::new();
    for (at, epoch) in epochs.iter().enumerate() {
        let Some(da) = layers.get(at) else {
            break;
        };
        let first = match (
            found.last(),
            at.checked_sub(1).and_then(|at| layers.get(at)),
        ) {
            (Some(before), Some(layer)) => {
                let Some(last) = before.last else {
                    break;
                };
                let end = match layer.header(last).await {
                    Ok(header) => header.time,
                    Err(error) if error.kind() == ErrorKind::NotYet => break,
                    Err(error) => return Err(NodeError::da(error)),
                };
                let head = da.head().await.map_err(NodeError::da)?;
                let least = epoch.config.start_height;
                let begin = first_block(da, least, end, head.observed.height).await;
                match begin.map_err(NodeError::da)? {
                    Some(first) => first.block.header.height,
                    None => break,
                }
            }
            _ => epoch.config.start_height,
        };
        let next = epochs.get(at + 1);
        let length = next.map(|next| next.begins.since(epoch.begins));
        let last = length.and_then(|blocks| {
            let above_first = blocks.checked_sub(1)?;
            first.0.checked_add(above_first).map(DaHeight)
        });
        found.push(EpochSpan {
            index: epoch.index,
            begins: epoch.begins,
            first,
            last,
            head: da.head().await.map_err(NodeError::da)?,
        });
    }
    Ok(found)
}
