use super::{
    Batcher, BatcherError,
    flight::{Flight, UnitState},
    posting_unit,
    signer::PartSigner,
};
use crate::{PART_WIRE_OVERHEAD_BYTES, Part, PartClaim};
use alloc::vec::Vec;
use alloy_primitives::Bytes;
use rollwright_core::{Blob, DaLane};

impl Batcher {
    /// Largest piece that fits into a blob of the layer.
    pub(super) fn piece_capacity(&self) -> Result<u64, BatcherError> {
        let blob = self
            .settings
            .max_blob_bytes
            .min(self.settings.max_unit_bytes);
        let least = PART_WIRE_OVERHEAD_BYTES as u64 + 1;
        blob.checked_sub(PART_WIRE_OVERHEAD_BYTES as u64)
            .filter(|room| *room > 0)
            .ok_or(BatcherError::BlobTooSmall {
                max_blob_bytes: blob,
                least,
            })
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
        signer: &impl PartSigner,
    ) -> Result<Vec<UnitState>, BatcherError> {
        let rollup_id = self.rules.rollup_id();
        let total = flight.envelope.len() as u64;
        let count = self.part_count(total)?;
        let size = total.div_ceil(count).max(1);
        let mut units: Vec<Vec<Blob>> = Vec::new();
        let mut room = 0;
        for index in 0..count {
            let start = (index * size).min(total) as usize;
            let end = ((index + 1) * size).min(total) as usize;
            let piece: Bytes = flight.envelope.slice(start..end);
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
        let state = |blobs| UnitState {
            batch: flight.number,
            unit: posting_unit(flight.id, blobs),
            included: Vec::new(),
        };
        Ok(units.into_iter().map(state).collect())
    }
}
