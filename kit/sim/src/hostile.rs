//! What anybody, or somebody who has the sequencer's key, may post.

use crate::{
    Draw, Forger, Judge, SimLayer,
    forger::signer,
    machine::{Chain, SEQUENCER_KEY, account, balances, stranger},
};
use alloy_primitives::{B256, Bytes, U256, keccak256};
use rollwright_core::DaHeight;
use rollwright_derive::{BLOB_HEADER_BYTES, PartClaim, PartSigner, WireBlob, parse_blob};

/// A kind of hostile blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostile {
    /// Bytes without meaning.
    Noise,
    /// A right header with anything behind it.
    HalfRight,
    /// A blob that stands on the layer, with some bytes changed.
    Mutated,
    /// A blob that stands on the layer, again.
    Replayed,
    /// A part with another signature for the same key.
    Malleated,
    /// Transactions of the forced lane that are none.
    ForcedNoise,
    /// Forced transactions of accounts that have nothing.
    ForcedUnfunded,
    /// As many valid forced transactions as go in.
    ForcedFlood,
    /// Parts by a key that is not in the schedule.
    OtherKey,
    /// By the sequencer's key: parts of nothing.
    SignedNoise,
    /// By the sequencer's key: first parts of many batches.
    SignedFlood,
    /// By the sequencer's key: a batch that is valid and not the sequencer's.
    Rival,
    /// By the sequencer's key: a batch whose block is not valid.
    RivalInvalid,
    /// By the sequencer's key: an envelope with one wrong field.
    WrongEnvelope,
    /// By the sequencer's key: the next attempt.
    HigherAttempt,
}

impl Hostile {
    /// What needs no key.
    pub const ANYBODY: [Self; 9] = [
        Self::Noise,
        Self::HalfRight,
        Self::Mutated,
        Self::Replayed,
        Self::Malleated,
        Self::ForcedNoise,
        Self::ForcedUnfunded,
        Self::ForcedFlood,
        Self::OtherKey,
    ];

    /// What needs the sequencer's key.
    pub const THIEF: [Self; 6] = [
        Self::SignedNoise,
        Self::SignedFlood,
        Self::Rival,
        Self::RivalInvalid,
        Self::WrongEnvelope,
        Self::HigherAttempt,
    ];

    /// The blobs.
    pub fn blobs<C: Chain>(
        self,
        judge: &Judge<C>,
        layer: &SimLayer,
        draw: &mut Draw,
    ) -> Vec<Bytes> {
        let mut forger = Forger::new(judge);
        match self {
            Self::Noise => {
                let len = draw.between(0, 200) as usize;
                vec![draw.bytes(len).into()]
            }
            Self::HalfRight => vec![half_right(&forger, draw)],
            Self::Mutated => standing(layer, draw)
                .map(|blob| mutated(&blob, draw))
                .into_iter()
                .collect(),
            Self::Replayed => (0..3).filter_map(|_| standing(layer, draw)).collect(),
            Self::Malleated => malleated(judge, layer, draw).into_iter().collect(),
            Self::ForcedNoise => {
                let noise: Vec<Bytes> = (0..draw.between(1, 30))
                    .map(|_| {
                        let len = draw.between(1, 90) as usize;
                        draw.bytes(len).into()
                    })
                    .chain([C::foreign(account::FLOODER, 0)])
                    .collect();
                vec![forger.forced(&noise)]
            }
            Self::ForcedUnfunded => {
                let all: Vec<Bytes> = (0..4).map(|_| C::unfunded(draw.next())).collect();
                vec![forger.forced(&all)]
            }
            Self::ForcedFlood => {
                let nonce = nonce(judge, account::FLOODER);
                let all: Vec<Bytes> = (nonce..nonce + 6)
                    .map(|nonce| C::transfer(account::FLOODER, nonce, stranger(4), 1))
                    .collect();
                vec![forger.forced(&all)]
            }
            Self::OtherKey => {
                let noise: Bytes = draw.bytes(300).into();
                forger.parts_by(&signer(B256::repeat_byte(0x55)), 0, &noise, 2)
            }
            Self::SignedNoise => {
                let noise: Bytes = draw.bytes(300).into();
                forger.next.0 += draw.below(5);
                let mut parts = forger.parts(&noise, 3);
                parts.truncate(draw.between(1, 3) as usize);
                parts
            }
            Self::SignedFlood => (0..12).map(|_| flood(&forger, judge, draw)).collect(),
            Self::Rival => rival(&mut forger, judge, draw),
            Self::RivalInvalid => rival_invalid(&mut forger, draw),
            Self::WrongEnvelope => wrong_envelope(&mut forger, draw),
            Self::HigherAttempt => {
                let key = signer(SEQUENCER_KEY);
                let attempt = judge.state().attempt_of(&key.address()) + 1;
                let noise: Bytes = draw.bytes(200).into();
                let mut parts = forger.parts_by(&key, attempt, &noise, 2);
                parts.truncate(1);
                parts
            }
        }
    }
}

fn nonce<C: Chain>(judge: &Judge<C>, who: usize) -> u64 {
    let found = balances(&judge.engine, judge.head(), &[C::account(who)]);
    found.first().map_or(0, |(_, nonce)| *nonce)
}

/// Any blob of the newest blocks.
fn standing(layer: &SimLayer, draw: &mut Draw) -> Option<Bytes> {
    let height = layer.read(crate::Layer::height);
    let back = draw.below(30);
    let block = layer.read(|layer| {
        (0..=height)
            .rev()
            .skip(usize::try_from(back).unwrap_or(0))
            .filter_map(|height| layer.archived(height))
            .find(|block| !block.blobs.is_empty())
    })?;
    let at = draw.index(block.blobs.len());
    block.blobs.get(at).map(|blob| blob.data.clone())
}

fn half_right<C: Chain>(forger: &Forger<'_, C>, draw: &mut Draw) -> Bytes {
    let mut blob = forger.forced(&[]).to_vec();
    blob.truncate(BLOB_HEADER_BYTES);
    if let Some(kind) = blob.get_mut(5) {
        *kind = draw.below(6) as u8;
    }
    let len = draw.between(0, 300) as usize;
    blob.extend(draw.bytes(len));
    blob.into()
}

fn mutated(blob: &Bytes, draw: &mut Draw) -> Bytes {
    let mut bytes = blob.to_vec();
    for _ in 0..draw.between(1, 3) {
        let at = draw.index(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << draw.below(8);
        }
    }
    if draw.permille(300) {
        bytes.truncate(draw.index(bytes.len()));
    }
    bytes.into()
}

/// Order of secp256k1.
const ORDER: U256 = U256::from_be_bytes(alloy_primitives::hex!(
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
));

/// The other signature of the same key for the same part: n − s, and the other
/// parity.
pub fn malleate(blob: &Bytes, rollup_id: &B256) -> Option<Bytes> {
    let Ok(WireBlob::Part(mut part)) = parse_blob(blob, rollup_id) else {
        return None;
    };
    let s = U256::from_be_bytes(part.signature.s.0);
    part.signature.s = B256::from(ORDER.saturating_sub(s));
    part.signature.parity ^= 1;
    Some(part.encode(rollup_id).into())
}

fn malleated<C: Chain>(judge: &Judge<C>, layer: &SimLayer, draw: &mut Draw) -> Option<Bytes> {
    malleate(&standing(layer, draw)?, &judge.rules.rollup_id())
}

fn flood<C: Chain>(forger: &Forger<'_, C>, judge: &Judge<C>, draw: &mut Draw) -> Bytes {
    let key = signer(SEQUENCER_KEY);
    let limits = &judge.rules.at(judge.state().next_ordinal()).limits;
    let claim = PartClaim {
        key_entry: judge.rules.at(judge.state().next_ordinal()).key_entry,
        attempt: judge.state().attempt_of(&key.address()),
        number: forger.next.0 + draw.below(limits.batch_lookahead),
        batch_id: keccak256(draw.next().to_le_bytes()),
        index: 0,
        count: limits.batch_parts,
        total_len: limits.batch_bytes,
    };
    let piece = draw.bytes(256).into();
    forger.sign(&key, claim, piece)
}

fn rival<C: Chain>(forger: &mut Forger<'_, C>, judge: &Judge<C>, draw: &mut Draw) -> Vec<Bytes> {
    let newest = forger.newest();
    let limits = &judge.rules.at(judge.state().next_ordinal()).timing;
    let least = forger.tip.origin.0;
    let most = newest.min(least + limits.max_step);
    let origin = draw.between(least.min(most), most);
    let nonce = nonce(judge, account::RIVAL);
    let transfer = C::transfer(account::RIVAL, nonce, stranger(3), 1);
    forger.batch(origin, vec![transfer], draw.between(1, 3) as usize)
}

fn rival_invalid<C: Chain>(forger: &mut Forger<'_, C>, draw: &mut Draw) -> Vec<Bytes> {
    let origin = forger.tip.origin.0;
    let Some(mut block) = forger.block(origin, Vec::new()) else {
        return Vec::new();
    };
    let bad = C::transfer(
        account::RIVAL,
        u64::from(u32::MAX),
        stranger(3),
        draw.below(9),
    );
    block.inputs.transactions.push(bad);
    let Some(envelope) = forger.envelope(&[block]) else {
        return Vec::new();
    };
    let encoded = forger.sealed(&envelope);
    forger.parts(&encoded, 1)
}

fn wrong_envelope<C: Chain>(forger: &mut Forger<'_, C>, draw: &mut Draw) -> Vec<Bytes> {
    let origin = forger.tip.origin.0;
    let Some(block) = forger.block(origin, Vec::new()) else {
        return Vec::new();
    };
    let Some(mut envelope) = forger.envelope(&[block]) else {
        return Vec::new();
    };
    match draw.below(10) {
        0 => envelope.version = 9,
        1 => envelope.rollup_id = B256::repeat_byte(1),
        2 => envelope.config_digest = B256::repeat_byte(2),
        3 => envelope.term = u64::MAX,
        4 => envelope.previous = B256::repeat_byte(3),
        5 => envelope.first_block += 1,
        6 => envelope.parent = B256::repeat_byte(4),
        7 => envelope.last_origin.hash = B256::repeat_byte(5),
        8 => envelope.last_origin.height = DaHeight(u64::MAX),
        _ => envelope.decompressed_len = u32::MAX,
    }
    let encoded = forger.sealed(&envelope);
    forger.parts(&encoded, 1)
}
