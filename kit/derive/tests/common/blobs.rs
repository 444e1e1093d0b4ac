//! What a sequencer and passers-by post.

use super::{World, key};
use alloy_primitives::Bytes;
use rollwright_derive::*;

impl World {
    /// The envelope of the next batch.
    pub(crate) fn envelope(&self, blocks: &[QueuedBlock]) -> Envelope {
        let inputs: Vec<BatchBlock> = blocks.iter().map(|block| block.inputs.clone()).collect();
        let encoded = self.engine.codec().encode(CodecId::NONE, &inputs).unwrap();
        Envelope {
            version: ENVELOPE_VERSION,
            rollup_id: self.rules.rollup_id(),
            config_digest: self.rules.at(self.ordinal()).digest,
            term: 0,
            number: self.next.0,
            previous: self.next.1,
            first_block: blocks[0].block.number,
            parent: blocks[0].parent,
            last_origin: blocks[blocks.len() - 1].origin,
            blocks: blocks.len() as u32,
            transactions: encoded.transactions,
            codec: CodecId::NONE,
            decompressed_len: encoded.decompressed_len,
            announced: None,
            payload: encoded.payload,
        }
    }

    /// Seals blocks as the next batch and returns its envelope.
    pub(crate) fn seal(&mut self, blocks: &[QueuedBlock]) -> Bytes {
        let encoded = self.envelope(blocks).encode();
        self.next = (self.next.0 + 1, Envelope::id(&encoded));
        encoded
    }

    pub(crate) fn parts(&self, envelope: &Bytes, count: usize) -> Vec<Bytes> {
        self.parts_by(&key(1), 0, envelope, count)
    }

    pub(crate) fn parts_by(
        &self,
        signer: &KeySigner,
        attempt: u64,
        envelope: &Bytes,
        count: usize,
    ) -> Vec<Bytes> {
        let number = Envelope::decode(envelope).map_or(self.next.0, |envelope| envelope.number);
        let size = envelope.len().div_ceil(count);
        let claim = |index: usize| PartClaim {
            key_entry: self.rules.at(self.ordinal()).key_entry,
            attempt,
            number,
            batch_id: Envelope::id(envelope),
            index: index as u32,
            count: count as u32,
            total_len: envelope.len() as u32,
        };
        (0..count)
            .map(|index| {
                let end = ((index + 1) * size).min(envelope.len());
                let piece = envelope.slice(index * size..end);
                self.sign(signer, claim(index), piece)
            })
            .collect()
    }

    pub(crate) fn sign(&self, signer: &KeySigner, claim: PartClaim, piece: Bytes) -> Bytes {
        let rollup_id = self.rules.rollup_id();
        let hash = claim.signing_hash(&rollup_id, &piece);
        let part = Part {
            claim,
            signature: signer.sign(&hash).unwrap().into(),
            piece,
        };
        part.encode(&rollup_id).into()
    }

    pub(crate) fn forced(&self, transactions: &[Bytes]) -> Bytes {
        ForcedBlob::encode(&self.rules.rollup_id(), transactions).into()
    }

    /// One batch with one block on an origin, in one blob.
    pub(crate) fn one_block_batch(&mut self, origin: u64, transactions: Vec<Bytes>) -> Bytes {
        let block = self.preconfirm(origin, transactions);
        let envelope = self.seal(&[block]);
        self.parts(&envelope, 1).remove(0)
    }
}
