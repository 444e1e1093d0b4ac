use crate::{
    Judge,
    machine::{Chain, SEQUENCER_KEY, now, sure},
};
use alloy_primitives::{Address, B256, Bytes};
use rollwright_core::{DaOrdinal, ExecuteOutcome, Execution, ForcedId};
use rollwright_derive::{
    BatchBlock, BatchCodec, CodecId, Derivable, ENVELOPE_VERSION, Envelope, ForcedBlob, KeySigner,
    Part, PartClaim, PartSigner, Position, QueuedBlock, consumed_entries, due_entries,
};
use std::collections::BTreeSet;

/// Makes batches without a node: what a second sequencer, or somebody who has
/// stolen its key, can post.
#[derive(Debug)]
pub struct Forger<'a, C: Chain> {
    judge: &'a Judge<C>,
    /// The last block made; at first the derived head.
    pub tip: Position,
    consumed: BTreeSet<ForcedId>,
    /// Number and predecessor of the next batch.
    pub next: (u64, B256),
}

/// Signs with a key of 32 equal bytes.
///
/// # Panics
///
/// For a byte that gives no key: 0.
pub fn signer(secret: B256) -> KeySigner {
    match KeySigner::new(secret) {
        Ok(signer) => signer,
        Err(error) => panic!("{error}"),
    }
}

impl<'a, C: Chain> Forger<'a, C> {
    /// Goes on from the derived head.
    pub fn new(judge: &'a Judge<C>) -> Self {
        let state = judge.state();
        Self {
            judge,
            tip: *state.head(),
            consumed: BTreeSet::new(),
            next: (state.next_batch(), state.last_batch_id()),
        }
    }

    /// The newest DA block, as an origin.
    pub fn newest(&self) -> u64 {
        let last = self.judge.state().last_ordinal();
        last.map_or(0, |last| last.0)
    }

    /// A block on an origin that may still be named, as early as the rules
    /// allow; with due forced entries. `None` where the engine refuses it.
    pub fn block(&mut self, origin: u64, transactions: Vec<Bytes>) -> Option<QueuedBlock> {
        let state = self.judge.state();
        let header = *state.origin(DaOrdinal(origin))?;
        let rules = &*self.judge.rules;
        let times = rules.timestamps(&self.tip, DaOrdinal(origin), header.time);
        let inputs = BatchBlock {
            timestamp: *times.start(),
            origin: DaOrdinal(origin),
            fee_recipient: Address::repeat_byte(0xaa),
            transactions,
        };
        let forced = due_entries(rules, state, &self.consumed, inputs.origin);
        let ids: Vec<ForcedId> = forced.iter().map(|entry| entry.id).collect();
        let attributes = rules.attributes(
            inputs.origin,
            &header,
            inputs.timestamp,
            inputs.fee_recipient,
            forced,
        );
        let input = attributes.into_input(self.tip.block, inputs.transactions.clone());
        let outcome = sure(now(self.judge.engine.execute(&input)));
        let ExecuteOutcome::Valid(executed) = outcome else {
            return None;
        };
        let outcomes = ids.into_iter().zip(&executed.forced);
        self.consumed
            .extend(consumed_entries(rules, inputs.origin, outcomes));
        let parent = self.tip.block.hash;
        let place = rules.check_place(&self.tip, inputs.origin, header.time, inputs.timestamp);
        let mut tip = place.ok()?;
        tip.block = executed.block;
        self.tip = tip;
        Some(QueuedBlock {
            block: executed.block,
            parent,
            origin: rules.point(inputs.origin, &header),
            inputs,
            queued_ms: 0,
        })
    }

    /// The envelope of the next batch.
    pub fn envelope(&self, blocks: &[QueuedBlock]) -> Option<Envelope> {
        self.envelope_with(CodecId::NONE, blocks)
    }

    /// The envelope of the next batch, by a codec.
    pub fn envelope_with(&self, codec: CodecId, blocks: &[QueuedBlock]) -> Option<Envelope> {
        let inputs: Vec<BatchBlock> = blocks.iter().map(|block| block.inputs.clone()).collect();
        let encoded = self.judge.engine.codec().encode(codec, &inputs).ok()?;
        let rules = &self.judge.rules;
        let ordinal = self.judge.state().next_ordinal();
        Some(Envelope {
            version: ENVELOPE_VERSION,
            rollup_id: rules.rollup_id(),
            config_digest: rules.at(ordinal).digest,
            term: self.judge.state().term(),
            number: self.next.0,
            previous: self.next.1,
            first_block: blocks.first()?.block.number,
            parent: blocks.first()?.parent,
            last_origin: blocks.last()?.origin,
            blocks: u32::try_from(blocks.len()).ok()?,
            transactions: encoded.transactions,
            codec,
            decompressed_len: encoded.decompressed_len,
            announced: rules.announcement(ordinal),
            payload: encoded.payload,
        })
    }

    /// Numbers the next batch after this one.
    pub fn sealed(&mut self, envelope: &Envelope) -> Bytes {
        let encoded = envelope.encode();
        self.next = (envelope.number + 1, Envelope::id(&encoded));
        encoded
    }

    /// A batch of one block in so many parts, and so numbered.
    pub fn batch(&mut self, origin: u64, transactions: Vec<Bytes>, parts: usize) -> Vec<Bytes> {
        let Some(block) = self.block(origin, transactions) else {
            return Vec::new();
        };
        let Some(envelope) = self.envelope(&[block]) else {
            return Vec::new();
        };
        let encoded = self.sealed(&envelope);
        self.parts(&encoded, parts)
    }

    /// An envelope, or anything else, in signed parts of the sequencer's
    /// present attempt.
    pub fn parts(&self, envelope: &Bytes, count: usize) -> Vec<Bytes> {
        let key = signer(SEQUENCER_KEY);
        let attempt = self.judge.state().attempt_of(&key.address());
        self.parts_by(&key, attempt, envelope, count)
    }

    /// As [`parts`](Self::parts), by any key and attempt.
    pub fn parts_by(
        &self,
        key: &KeySigner,
        attempt: u64,
        envelope: &Bytes,
        count: usize,
    ) -> Vec<Bytes> {
        let decoded = Envelope::decode(envelope);
        let number = decoded.map_or(self.next.0, |envelope| envelope.number);
        let size = envelope.len().div_ceil(count).max(1);
        let ordinal = self.judge.state().next_ordinal();
        let claim = |index: usize| PartClaim {
            key_entry: self.judge.rules.at(ordinal).key_entry,
            attempt,
            number,
            batch_id: Envelope::id(envelope),
            index: u32::try_from(index).unwrap_or(u32::MAX),
            count: u32::try_from(count).unwrap_or(u32::MAX),
            total_len: u32::try_from(envelope.len()).unwrap_or(u32::MAX),
        };
        (0..count)
            .map(|index| {
                let end = ((index + 1) * size).min(envelope.len());
                let piece = envelope.slice((index * size).min(end)..end);
                self.sign(key, claim(index), piece)
            })
            .collect()
    }

    /// A part's blob.
    pub fn sign(&self, key: &KeySigner, claim: PartClaim, piece: Bytes) -> Bytes {
        let rollup_id = self.judge.rules.rollup_id();
        let hash = claim.signing_hash(&rollup_id, &piece);
        let part = Part {
            claim,
            signature: sure(key.sign(&hash)).into(),
            piece,
        };
        part.encode(&rollup_id).into()
    }

    /// A blob of the forced lane.
    pub fn forced(&self, transactions: &[Bytes]) -> Bytes {
        ForcedBlob::encode(&self.judge.rules.rollup_id(), transactions).into()
    }
}
