//! How much a chain has to post.

use rollwright_core::{B256, Bytes, DaHeight, DataAvailability};
use rollwright_derive::{Envelope, WireBlob, parse_blob};
use rollwright_node::EpochSpan;
use std::collections::BTreeMap;

/// DA blocks that are looked at.
const BLOCKS: u64 = 24;

/// Bytes of transactions a second that the batches of the newest DA blocks
/// hold; 0 where there are none.
///
/// An estimate: batches whose parts lie in several places are counted where
/// all are in the blocks looked at.
pub async fn transaction_rate<D: DataAvailability>(
    layer: &D,
    span: &EpochSpan,
    rollup_id: B256,
) -> Result<u64, D::Error> {
    let Some(newest) = span.newest() else {
        return Ok(0);
    };
    let first = newest.0.saturating_sub(BLOCKS - 1).max(span.first.0);
    let mut times: Option<(u64, u64)> = None;
    let mut batches: BTreeMap<B256, (u32, BTreeMap<u32, Bytes>)> = BTreeMap::new();
    for height in first..=newest.0 {
        let block = layer.fetch(DaHeight(height), None).await?;
        let time = block.header.time;
        times = Some((times.map_or(time, |(begin, _)| begin), time));
        for blob in &block.blobs {
            if let Ok(WireBlob::Part(part)) = parse_blob(&blob.data, &rollup_id) {
                let (count, pieces) = batches.entry(part.claim.batch_id).or_default();
                *count = part.claim.count;
                pieces.insert(part.claim.index, part.piece);
            }
        }
    }
    let complete = batches
        .into_values()
        .filter(|(count, pieces)| pieces.len() as u64 == u64::from(*count));
    let bytes: u64 = complete
        .filter_map(|(_, pieces)| {
            let joined: Vec<u8> = pieces.into_values().flatten().collect();
            let envelope = Envelope::decode(&joined.into()).ok()?;
            Some(u64::from(envelope.decompressed_len))
        })
        .sum();
    let seconds = times.map_or(0, |(begin, end)| end.saturating_sub(begin));
    Ok(bytes / seconds.max(1))
}
