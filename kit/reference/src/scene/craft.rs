//! Batches by hand: most with one fault, all signed by a key.

use super::{
    Engine,
    keys::key,
    sequencer::{Crafted, Tip},
    world::{Outcome, World},
};
use crate::Refusal;
use alloy_primitives::{B256, Bytes};
use rollwright_core::{DaHeight, DaLane, DaOrdinal, DaPoint};
use rollwright_derive::{
    BatchBlock, BatchCodec as _, CodecId, ENVELOPE_VERSION, Envelope, Part, PartClaim,
    PartSigner as _,
};

/// How the parts of a batch are signed and cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) key: u8,
    pub(super) attempt: u64,
    pub(super) parts: usize,
}

impl<E: Engine> World<E> {
    /// how: fault; key, attempt and cut; blocks; transactions; what it follows.
    pub(super) fn craft(&mut self, how: [u8; 5]) -> Outcome<E> {
        let [fault, cut, shape, content, onto] = how;
        let cut = Cut {
            key: [0, 0, 0, 1, 2, 3][usize::from(cut % 6)],
            attempt: self.attempt(cut),
            parts: 1 + usize::from(cut / 16 % 4),
        };
        let follows = self.crafted.clone().filter(|_| onto % 3 == 0);
        let state = self.node.deriver.state();
        let (mut tip, number, previous) = match follows {
            Some(before) => (before.tip, before.number + 1, before.id),
            None => {
                let tip = match onto % 8 {
                    1 => self.sequencer.tip.clone(),
                    _ => Tip::derived(&self.node),
                };
                (tip, state.next_batch(), state.last_batch_id())
            }
        };
        let parent = tip.position;
        let mut blocks: Vec<BatchBlock> = Vec::new();
        for index in 0..1 + shape % 4 {
            let how = [shape / 4, shape / 16, content.wrapping_add(index), content];
            let Some(block) = self.next_block(&tip, how) else {
                break;
            };
            if self.preconfirm(&mut tip, &block)?.is_none() {
                break;
            }
            blocks.push(block);
        }
        let newest = self.ordinal().saturating_sub(1);
        if let (136, Some(last), Some(header)) = (fault, blocks.last_mut(), self.header(newest)) {
            // On the newest DA block, however far above the parent's it is.
            (last.origin, last.timestamp) = (DaOrdinal(newest), header.time);
        }
        let Some(last) = blocks.last() else {
            return Ok(());
        };
        let ordinal = last.origin;
        let Some(origin) = self.header(ordinal.0) else {
            return Ok(());
        };
        self.spoil_blocks(fault, content, &parent, &mut blocks);
        let codecs = E::codecs();
        let codec = codecs[usize::from(content / 4) % codecs.len()];
        let Ok(encoded) = self.engine.codec().encode(codec, &blocks) else {
            return Ok(());
        };
        let rules = self.node.deriver.rules();
        let envelope = Envelope {
            version: ENVELOPE_VERSION,
            rollup_id: rules.rollup_id(),
            config_digest: rules.at(DaOrdinal(self.ordinal())).digest,
            term: state_term(self, content),
            number,
            previous,
            first_block: parent.block.number + 1,
            parent: parent.block.hash,
            last_origin: rules.point(ordinal, &origin),
            blocks: blocks.len() as u32,
            transactions: encoded.transactions,
            codec,
            decompressed_len: encoded.decompressed_len,
            announced: rules.announcement(DaOrdinal(self.ordinal())),
            payload: encoded.payload,
        };
        let sound = envelope.clone();
        let envelope = match fault {
            200..=235 => self.spoil_payload(content, onto, &blocks, envelope),
            _ => self.spoil_envelope(fault, content, envelope),
        };
        let bytes = spoil_bytes(fault, &envelope);
        if envelope == sound {
            self.crafted = Some(Crafted {
                tip,
                number,
                id: Envelope::id(&bytes),
            });
        }
        self.post_batch(fault, number, &bytes, cut);
        Ok(())
    }

    /// The key's own attempt, one above or one below it.
    fn attempt(&self, cut: u8) -> u64 {
        let state = self.node.deriver.state();
        let own = state.attempt_of(&key([0, 0, 0, 1, 2, 3][usize::from(cut % 6)]).address());
        match cut / 64 {
            3 => own + 1,
            _ => own,
        }
    }

    /// Faults of blocks, most of which the place rules find.
    fn spoil_blocks(
        &self,
        fault: u8,
        content: u8,
        parent: &rollwright_derive::Position,
        blocks: &mut Vec<BatchBlock>,
    ) {
        let Some(last) = blocks.last_mut() else {
            return;
        };
        match fault {
            100 => last.timestamp = parent.timestamp,
            101 => last.timestamp += 60,
            102 => last.timestamp = last.timestamp.saturating_sub(30),
            103 => last.origin.0 = last.origin.0.saturating_sub(2),
            104 => last.origin = DaOrdinal(self.ordinal()),
            105 => last.origin.0 += 1,
            106 => last.transactions = vec![Bytes::from_static(&[1, 2, 3])],
            107..=116 => {
                // A nonce that is used, or missing.
                let nonce = if fault.is_multiple_of(2) { 0 } else { 99 };
                last.transactions = vec![self.engine.transaction(content, nonce, 1)];
            }
            117..=120 => {
                let many = vec![last.clone(); 9];
                for (block, index) in many.into_iter().zip(1u64..) {
                    let timestamp = block.timestamp + index * u64::from(fault % 2);
                    blocks.push(BatchBlock { timestamp, ..block });
                }
            }
            121 => {
                let nonce = self.engine.nonce(&parent.block, content);
                let transaction = self.engine.transaction(content, nonce, 0);
                last.transactions = vec![transaction; 9];
            }
            122..=125 => {
                // As many blocks on one origin as a batch has room for.
                let block = last.clone();
                for index in 1..5 {
                    let timestamp = block.timestamp + index;
                    let transactions = Vec::new();
                    blocks.push(BatchBlock {
                        timestamp,
                        transactions,
                        ..block.clone()
                    });
                }
            }
            137 | 138 => {
                let first = BatchBlock {
                    origin: DaOrdinal(parent.origin.0.saturating_sub(1)),
                    ..last.clone()
                };
                blocks.insert(0, first);
            }
            126..=135 => {
                // Every origin from the parent's on, so that amendments lie between.
                let first = BatchBlock {
                    origin: parent.origin,
                    timestamp: parent.timestamp + 1,
                    transactions: Vec::new(),
                    ..last.clone()
                };
                blocks.insert(0, first);
            }
            _ => {}
        }
    }

    /// Another payload with one fault of the engine's format.
    fn spoil_payload(
        &self,
        which: u8,
        salt: u8,
        blocks: &[BatchBlock],
        envelope: Envelope,
    ) -> Envelope {
        let limits = &self.chain.config_at(self.ordinal()).limits;
        let last = blocks.last();
        let which = which % (Refusal::FORMAT.len() as u8);
        match last.and_then(|last| self.engine.faulty(which, salt, last, limits)) {
            None => envelope,
            Some(packed) => Envelope {
                blocks: packed.blocks,
                transactions: packed.transactions,
                codec: packed.codec,
                decompressed_len: packed.decompressed_len,
                payload: packed.payload.into(),
                ..envelope
            },
        }
    }

    fn spoil_envelope(&self, fault: u8, content: u8, mut envelope: Envelope) -> Envelope {
        let odd = content % 2 == 1;
        match fault {
            140 => envelope.version = 2,
            141 => envelope.rollup_id = B256::repeat_byte(1),
            142..=144 => envelope.config_digest = B256::repeat_byte(content),
            145 | 146 => envelope.term = if odd { 100 } else { 0 },
            147 => envelope.number += 1,
            148..=150 => envelope.previous = B256::repeat_byte(content),
            151 => envelope.first_block += 1,
            152..=156 => envelope.parent = B256::repeat_byte(content),
            157 => envelope.last_origin.epoch = 1,
            158 => envelope.last_origin.height = DaHeight(u64::from(content)),
            159 => envelope.last_origin.hash = B256::repeat_byte(content),
            160 => envelope.last_origin.height = DaHeight(100_000),
            161 => envelope.blocks = 0,
            162 => envelope.blocks = 6,
            163 => envelope.blocks += 1,
            164 => envelope.transactions = if odd { 200 } else { envelope.transactions + 1 },
            165 => envelope.codec = CodecId(if odd { 1 } else { 9 }),
            166 => {
                let bound = self
                    .chain
                    .config_at(self.ordinal())
                    .limits
                    .decompressed_bytes;
                let some = [1, bound, 2, bound + 1, bound / 64, bound / 33, 3, bound / 2];
                envelope.decompressed_len = some[usize::from(content % 8)];
            }
            167 => envelope.payload = Bytes::from_static(&[9; 30]),
            168 => {
                // A DA block that is canonical, and not the last block's.
                let other = self.header(envelope.last_origin.height.0.saturating_sub(101));
                if let Some(header) = other {
                    envelope.last_origin = DaPoint {
                        epoch: 0,
                        height: header.height,
                        hash: header.hash,
                    };
                }
            }
            169 | 170 => {
                let first = self.header(0);
                if let Some(header) = first {
                    envelope.last_origin = DaPoint {
                        epoch: 0,
                        height: header.height,
                        hash: header.hash,
                    };
                }
            }
            _ => {}
        }
        envelope
    }

    fn post_batch(&mut self, fault: u8, number: u64, envelope: &Bytes, cut: Cut) {
        let mut parts = self.parts(number, envelope, cut);
        match fault {
            180 => parts.truncate(1),
            181 => parts.reverse(),
            182 => {
                let id = B256::repeat_byte(fault);
                parts = self.parts_of(number, id, envelope.len() as u32, envelope, cut);
            }
            183 => {
                let id = Envelope::id(envelope);
                parts = self.parts_of(number, id, envelope.len() as u32 + 1, envelope, cut);
            }
            184 | 185 => {
                let other = Cut { key: 1, ..cut };
                parts.extend(self.parts(number, envelope, other));
            }
            _ => {}
        }
        for part in parts {
            self.post(DaLane::Batch, part);
        }
    }

    /// The parts of an envelope.
    pub(super) fn parts(&self, number: u64, envelope: &Bytes, cut: Cut) -> Vec<Bytes> {
        let id = Envelope::id(envelope);
        self.parts_of(number, id, envelope.len() as u32, envelope, cut)
    }

    fn parts_of(
        &self,
        number: u64,
        id: B256,
        total_len: u32,
        envelope: &Bytes,
        cut: Cut,
    ) -> Vec<Bytes> {
        let size = envelope.len().div_ceil(cut.parts).max(1);
        let count = envelope.len().div_ceil(size);
        let claim = |index: usize| PartClaim {
            key_entry: self.key_entry(),
            attempt: cut.attempt,
            number,
            batch_id: id,
            index: index as u32,
            count: count as u32,
            total_len,
        };
        (0..count)
            .map(|index| {
                let end = ((index + 1) * size).min(envelope.len());
                let piece = envelope.slice(index * size..end);
                self.sign(cut.key, claim(index), piece)
            })
            .collect()
    }

    pub(super) fn key_entry(&self) -> DaOrdinal {
        DaOrdinal(self.chain.keys_at(self.ordinal()).0)
    }

    pub(super) fn sign(&self, signer: u8, claim: PartClaim, piece: Bytes) -> Bytes {
        let rollup_id = self.chain.rollup_id();
        let hash = claim.signing_hash(&rollup_id, &piece);
        let Ok(signature) = key(signer).sign(&hash) else {
            return Bytes::new();
        };
        let part = Part {
            claim,
            signature: signature.into(),
            piece,
        };
        part.encode(&rollup_id).into()
    }
}

/// The last term, or one above it.
fn state_term<E: Engine>(world: &World<E>, content: u8) -> u64 {
    world.node.deriver.state().core().term + u64::from(content.is_multiple_of(16))
}

/// Faults of the joined bytes.
fn spoil_bytes(fault: u8, envelope: &Envelope) -> Bytes {
    let bytes = envelope.encode();
    match fault {
        171 => [bytes.as_ref(), &[0]].concat().into(),
        172 => bytes.slice(..bytes.len() - 1),
        173 => bytes.slice(..bytes.len().min(40)),
        _ => bytes,
    }
}
