use super::{Batcher, BatcherError, flight::Flight, posting_unit, signer::PartSigner};
use crate::{PART_WIRE_OVERHEAD_BYTES, Part, PartClaim};
use alloc::vec::Vec;
use alloy_primitives::Bytes;
use rollwright_core::{Blob, DaLane, PostingUnit};

/// The largest piece of an envelope that a layer with these limits takes in one
/// blob, in bytes; 0 where not even an empty part fits.
pub const fn piece_bytes(max_blob_bytes: u64, max_unit_bytes: u64) -> u64 {
    let blob = if max_blob_bytes < max_unit_bytes {
        max_blob_bytes
    } else {
        max_unit_bytes
    };
    blob.saturating_sub(PART_WIRE_OVERHEAD_BYTES as u64)
}

impl Batcher {
    /// Largest piece that fits into a blob of the layer.
    pub(super) fn piece_capacity(&self) -> Result<u64, BatcherError> {
        let (blob, unit) = (self.settings.max_blob_bytes, self.settings.max_unit_bytes);
        match piece_bytes(blob, unit) {
            0 => Err(BatcherError::BlobTooSmall {
                max_blob_bytes: blob.min(unit),
                least: PART_WIRE_OVERHEAD_BYTES as u64 + 1,
            }),
            room => Ok(room),
        }
    }

    /// Number of parts that an envelope needs.
    pub(super) fn part_count(&self, envelope_bytes: u64) -> Result<u64, BatcherError> {
        Ok(envelope_bytes.div_ceil(self.piece_capacity()?).max(1))
    }

    /// Signs the parts of a batch under the present attempt, and groups them
    /// into units.
    pub(super) fn sign_parts(
        &self,
        flight: &Flight,
        envelope: &Bytes,
        signer: &impl PartSigner,
    ) -> Result<Vec<PostingUnit>, BatcherError> {
        let rollup_id = self.rules.rollup_id();
        let total = envelope.len() as u64;
        let count = self.part_count(total)?;
        let size = total.div_ceil(count).max(1);
        let mut units: Vec<Vec<Blob>> = Vec::new();
        let mut room = 0;
        for index in 0..count {
            let start = (index * size).min(total) as usize;
            let end = ((index + 1) * size).min(total) as usize;
            let piece = envelope.slice(start..end);
            let claim = PartClaim {
                key_entry: flight.key_entry,
                attempt: self.attempt,
                number: flight.number,
                batch_id: flight.id,
                index: index as u32,
                count: count as u32,
                total_len: total as u32,
            };
            let signature = signer.sign(&claim.signing_hash(&rollup_id, &piece))?;
            let part = Part {
                claim,
                signature: signature.into(),
                piece,
            };
            let data = Bytes::from(part.encode(&rollup_id));
            let len = data.len() as u64;
            let blob = Blob {
                lane: DaLane::Batch,
                data,
            };
            match units.last_mut() {
                Some(unit) if len <= room => unit.push(blob),
                _ => {
                    room = self.settings.max_unit_bytes;
                    units.push(Vec::from([blob]));
                }
            }
            room = room.saturating_sub(len);
        }
        let unit = |blobs| posting_unit(flight.id, blobs);
        Ok(units.into_iter().map(unit).collect())
    }
}
