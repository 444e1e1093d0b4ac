//! Parts by hand, garbage, and forced transactions.

use super::{
    Engine,
    keys::key,
    world::{Outcome, World},
};
use alloy_primitives::{B256, Bytes, U256, keccak256, uint};
use rollwright_core::{DaLane, DaOrdinal};
use rollwright_derive::{
    ForcedBlob, MAGIC, Part, PartClaim, PartSigner as _, WIRE_VERSION, WireBlob, parse_blob,
};

/// The order of secp256k1.
pub(super) const ORDER: U256 =
    uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

impl<E: Engine> World<E> {
    /// how: fault; key; numbers of the claim; which batch.
    pub(super) fn piece(&mut self, how: [u8; 5]) -> Outcome<E> {
        let [fault, signer, a, b, which] = how;
        let signer = signer % 5;
        let state = self.node.deriver.state();
        let attempt = state.attempt_of(&key(signer).address());
        let claim = PartClaim {
            key_entry: self.key_entry(),
            attempt,
            number: state.next_batch() + u64::from(b % 2),
            batch_id: B256::repeat_byte(which % 4),
            index: u32::from(a % 3),
            count: 3,
            total_len: 12,
        };
        let piece = Bytes::from(vec![b; 1 + usize::from(b % 6)]);
        let data = match fault % 24 {
            0 => {
                let key_entry = DaOrdinal(claim.key_entry.0 + 1);
                self.sign(signer, PartClaim { key_entry, ..claim }, piece)
            }
            1 => {
                let number = claim.number + 1 + u64::from(a % 4);
                self.sign(signer, PartClaim { number, ..claim }, piece)
            }
            2 => {
                let number = claim.number.saturating_sub(1 + u64::from(a % 2));
                self.sign(signer, PartClaim { number, ..claim }, piece)
            }
            3 => {
                let count = 7;
                self.sign(signer, PartClaim { count, ..claim }, piece)
            }
            4 => {
                let total_len = self.chain.config_at(self.ordinal()).limits.batch_bytes + 1;
                self.sign(signer, PartClaim { total_len, ..claim }, piece)
            }
            5 => {
                let attempt = claim.attempt + 1 + u64::from(a % 2);
                self.sign(signer, PartClaim { attempt, ..claim }, piece)
            }
            6 => {
                let attempt = claim.attempt.saturating_sub(1);
                self.sign(signer, PartClaim { attempt, ..claim }, piece)
            }
            7 => {
                let total_len = claim.total_len + 1;
                self.sign(signer, PartClaim { total_len, ..claim }, piece)
            }
            8 => {
                let count = claim.count + 1;
                self.sign(signer, PartClaim { count, ..claim }, piece)
            }
            9..=11 => {
                let total_len = 67_700;
                let piece = Bytes::from(vec![b; 30_000]);
                self.sign(signer, PartClaim { total_len, ..claim }, piece)
            }
            12..=16 => self.forge(fault % 24, &claim, piece),
            17 => self.sign(signer, PartClaim { index: 3, ..claim }, piece),
            18 => self.sign(signer, claim, Bytes::new()),
            19 => self.sign(
                signer,
                PartClaim {
                    total_len: 1,
                    ..claim
                },
                piece,
            ),
            23 => {
                // So many batches of one number that there is no room for more.
                let batch_id = B256::repeat_byte(which);
                self.sign(signer, PartClaim { batch_id, ..claim }, piece)
            }
            _ => self.sign(signer, claim, piece),
        };
        let lane = if which % 16 == 0 {
            DaLane::Forced
        } else {
            DaLane::Batch
        };
        self.post(lane, data);
        // Many of one kind, so that the bound on traces is met.
        if which == 0xff {
            for index in 0..80u32 {
                let count = 7 + index;
                let part = self.sign(
                    signer,
                    PartClaim { count, ..claim },
                    Bytes::from_static(b"x"),
                );
                self.post(DaLane::Batch, part);
            }
        }
        Ok(())
    }

    /// A part whose signature is wrong in one way.
    fn forge(&self, how: u8, claim: &PartClaim, piece: Bytes) -> Bytes {
        let rollup_id = self.chain.rollup_id();
        let Ok(signature) = key(0).sign(&claim.signing_hash(&rollup_id, &piece)) else {
            return Bytes::new();
        };
        let mut part = Part {
            claim: *claim,
            signature: signature.into(),
            piece,
        };
        let s = U256::from_be_bytes(part.signature.s.0);
        match how {
            12 => {
                // The other form of the same signature.
                part.signature.s = B256::from(ORDER - s);
                part.signature.parity ^= 1;
            }
            13 => part.signature.parity = 2,
            14 => part.signature.r = B256::ZERO,
            15 => part.signature.r = B256::repeat_byte(0xff),
            _ => part.signature.s = B256::ZERO,
        }
        part.encode(&rollup_id).into()
    }

    /// how: kind; content.
    pub(super) fn garbage(&mut self, how: [u8; 5]) -> Outcome<E> {
        let [kind, a, b, c, d] = how;
        let rollup_id = self.chain.rollup_id();
        let head = |version: u8, kind: u8, id: &B256| {
            [MAGIC.as_slice(), &[version, kind], id.as_slice()].concat()
        };
        let data = match kind % 9 {
            0 => vec![a; usize::from(b)],
            1 => head(WIRE_VERSION + 1, a % 2, &rollup_id),
            2 => head(WIRE_VERSION, 2 + a % 3, &rollup_id),
            3 => head(WIRE_VERSION, a % 2, &keccak256([c])),
            4 => head(WIRE_VERSION, 0, &rollup_id),
            5 => {
                let mut data = head(WIRE_VERSION, 1, &rollup_id);
                data.extend([b % 3, 0, 0, 0, c % 3, 0, 0, 0, d]);
                data
            }
            6 => head(WIRE_VERSION, a % 2, &rollup_id)[..usize::from(b % 38)].to_vec(),
            7 => {
                let mut data = head(WIRE_VERSION, 1, &rollup_id);
                data.extend([0xff; 4]);
                data
            }
            _ => head(WIRE_VERSION, 1, &rollup_id),
        };
        let lane = if d % 2 == 0 {
            DaLane::Batch
        } else {
            DaLane::Forced
        };
        self.post(lane, data.into());
        Ok(())
    }

    /// how: transactions; kinds; user; form of the blob.
    pub(super) fn force(&mut self, how: [u8; 5]) -> Outcome<E> {
        let [count, kind, step, user, form] = how;
        let head = self.node.deriver.state().head().block;
        let nonce = self.engine.nonce(&head, user);
        let mut transactions = Vec::new();
        for index in 0..1 + count % 5 {
            let kind = kind.wrapping_add(step.wrapping_mul(index));
            // Every other blob sends the same nonce again.
            let nonce = nonce + u64::from(index * (form % 2));
            transactions.push(self.engine.forced(user, nonce, kind));
        }
        let rollup_id = self.chain.rollup_id();
        let data = Bytes::from(ForcedBlob::encode(&rollup_id, &transactions));
        debug_assert!(matches!(
            parse_blob(&data, &rollup_id),
            Ok(WireBlob::Forced(_))
        ));
        let lane = if form % 16 == 0 {
            DaLane::Batch
        } else {
            DaLane::Forced
        };
        self.post(lane, data);
        Ok(())
    }
}
