//! Blobs that cost a reader more than they are worth, as small as they can be:
//! a poster pays by the byte.

use super::{sequencer, sign, signed};
use alloy_primitives::{B256, Bytes, keccak256};
use rollwright_core::DaOrdinal;
use rollwright_derive::*;

/// What somebody posts by the thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hostile {
    /// Bytes of nobody.
    Garbage,
    /// Our header, and nothing true behind it.
    Headed,
    /// Parts of the next batch, each well signed by somebody who is no
    /// sequencer.
    Strangers,
    /// Parts whose signature recovers to no key.
    Unsigned,
    /// Forced blobs of many byte strings that are no transactions.
    ForcedGarbage,
    /// Forced transactions of accounts that have nothing.
    ForcedUnfunded,
    /// One part by a key of the schedule, again and again.
    Repeated,
    /// Whole batches by a key of the schedule that do not decode.
    Undecodable,
}

impl Hostile {
    pub(crate) const ALL: [Self; 8] = [
        Self::Garbage,
        Self::Headed,
        Self::Strangers,
        Self::Unsigned,
        Self::ForcedGarbage,
        Self::ForcedUnfunded,
        Self::Repeated,
        Self::Undecodable,
    ];

    /// So many blobs.
    pub(crate) fn blobs(self, rules: &Rules, count: usize) -> Vec<Bytes> {
        (0..count as u64)
            .map(|index| self.blob(rules, index))
            .collect()
    }

    fn blob(self, rules: &Rules, index: u64) -> Bytes {
        let seed = keccak256(index.to_be_bytes());
        let claim = PartClaim {
            key_entry: DaOrdinal(0),
            attempt: 0,
            number: 0,
            batch_id: seed,
            index: 0,
            count: 2,
            total_len: 300,
        };
        let piece = Bytes::copy_from_slice(&seed[..1]);
        match self {
            Self::Garbage => seed.repeat(6).into(),
            Self::Headed => [
                &MAGIC[..],
                &[WIRE_VERSION, 0],
                rules.rollup_id().as_slice(),
                &seed.repeat(4),
            ]
            .concat()
            .into(),
            Self::Strangers => {
                let stranger = KeySigner::new(B256::repeat_byte(9)).unwrap();
                signed(rules, &stranger, claim, piece)
            }
            Self::Unsigned => {
                let part = Part {
                    claim,
                    signature: PartSignature {
                        r: B256::repeat_byte(0xff),
                        s: B256::with_last_byte(1),
                        parity: 0,
                    },
                    piece,
                };
                part.encode(&rules.rollup_id()).into()
            }
            Self::ForcedGarbage => {
                let bytes: Vec<Bytes> = seed.chunks(4).map(Bytes::copy_from_slice).collect();
                ForcedBlob::encode(&rules.rollup_id(), &bytes).into()
            }
            Self::ForcedUnfunded => {
                let transaction = sign(seed, 0, 100_000_000_000);
                ForcedBlob::encode(&rules.rollup_id(), &[transaction]).into()
            }
            Self::Repeated => {
                let claim = PartClaim {
                    batch_id: B256::repeat_byte(7),
                    ..claim
                };
                signed(rules, &sequencer(), claim, Bytes::from_static(b"again"))
            }
            Self::Undecodable => {
                let envelope = undecodable(rules, seed);
                let claim = PartClaim {
                    batch_id: Envelope::id(&envelope),
                    count: 1,
                    total_len: envelope.len() as u32,
                    ..claim
                };
                signed(rules, &sequencer(), claim, envelope)
            }
        }
    }
}

/// An envelope that is right up to its payload, which promises much.
fn undecodable(rules: &Rules, seed: B256) -> Bytes {
    let first = super::da_block(None, Vec::new());
    let envelope = Envelope {
        version: ENVELOPE_VERSION,
        rollup_id: rules.rollup_id(),
        config_digest: rules.at(DaOrdinal(2)).digest,
        term: 0,
        number: 0,
        previous: B256::ZERO,
        first_block: 1,
        parent: rules.rollup_id(),
        last_origin: rules.point(&first.header),
        blocks: 1,
        transactions: 60_000,
        codec: CodecId::ZSTD,
        decompressed_len: 16 << 20,
        payload: Bytes::copy_from_slice(seed.as_slice()),
    };
    envelope.encode()
}
