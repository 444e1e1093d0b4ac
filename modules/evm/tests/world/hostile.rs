//! Blobs that cost a reader more than they are worth, as small as they can be:
//! a poster pays by the byte.

use super::{GENESIS_TIME, sequencer, sign, signed};
use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEnvelope, crypto::secp256k1::sign_message,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, keccak256};
use rollwright_core::DaOrdinal;
use rollwright_derive::*;
use rollwright_evm::genesis::DEV_CHAIN_ID;

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
    /// Whole batches by a key of the schedule, of hundreds of bytes, which
    /// decode to the most that a batch may hold, and whose blocks are then
    /// found to be too early.
    Expanding,
    /// The same, with a first block that is invalid, of senders without funds.
    ExpandingUnfunded,
}

impl Hostile {
    /// What costs by the blob.
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
        let zeros = match self {
            Self::Expanding => Some(zeros(GENESIS_TIME)),
            Self::ExpandingUnfunded => Some(zeros(GENESIS_TIME + 1)),
            _ => None,
        };
        (0..count as u64)
            .map(|index| match &zeros {
                Some(zeros) => expanding(rules, zeros, index),
                None => self.blob(rules, index),
            })
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
            _ => whole(rules, &undecodable(rules, seed)),
        }
    }
}

/// An envelope in one part, by a key of the schedule.
fn whole(rules: &Rules, envelope: &Envelope) -> Bytes {
    let bytes = envelope.encode();
    let claim = PartClaim {
        key_entry: DaOrdinal(0),
        attempt: 0,
        number: envelope.number,
        batch_id: Envelope::id(&bytes),
        index: 0,
        count: 1,
        total_len: bytes.len() as u32,
    };
    signed(rules, &sequencer(), claim, bytes)
}

/// Three blocks with one transaction each, of 171,000 words of zeros, under one
/// signature over something else: whoever it recovers to, nobody knows.
fn zeros(timestamp: u64) -> EncodedBlocks {
    let signature = sign_message(B256::repeat_byte(5), B256::repeat_byte(6)).unwrap();
    let block = |number: u64| {
        let transaction = TxEip1559 {
            chain_id: DEV_CHAIN_ID,
            nonce: number,
            gas_limit: 100_000_000,
            max_fee_per_gas: 100_000_000_000,
            to: TxKind::Call(Address::repeat_byte(4)),
            input: vec![0; 4 + 32 * 171_000].into(),
            ..Default::default()
        };
        let transaction = TxEnvelope::from(transaction.into_signed(signature));
        BatchBlock {
            timestamp: timestamp + number,
            origin: DaOrdinal(0),
            fee_recipient: Address::repeat_byte(3),
            transactions: vec![transaction.encoded_2718().into()],
        }
    };
    let blocks: Vec<BatchBlock> = (0..3).map(block).collect();
    let codec = rollwright_evm::codec::EvmCodec::new(DEV_CHAIN_ID);
    codec.encode(CodecId::ZSTD, &blocks).unwrap()
}

/// A batch of [`zeros`] that differs from others by its term alone.
fn expanding(rules: &Rules, zeros: &EncodedBlocks, index: u64) -> Bytes {
    let envelope = Envelope {
        term: index % rules.config().limits.term_step,
        blocks: 3,
        transactions: zeros.transactions,
        decompressed_len: zeros.decompressed_len,
        payload: zeros.payload.clone(),
        ..undecodable(rules, B256::ZERO)
    };
    whole(rules, &envelope)
}

/// An envelope that is right up to its payload, which promises much.
fn undecodable(rules: &Rules, seed: B256) -> Envelope {
    let first = super::da_block(None, Vec::new());
    Envelope {
        version: ENVELOPE_VERSION,
        rollup_id: rules.rollup_id(),
        config_digest: rules.at(DaOrdinal(2)).digest,
        term: 0,
        number: 0,
        previous: B256::ZERO,
        first_block: 1,
        parent: rules.rollup_id(),
        last_origin: rules.point(DaOrdinal(0), &first.header),
        blocks: 1,
        transactions: 60_000,
        codec: CodecId::ZSTD,
        decompressed_len: 16 << 20,
        announced: None,
        payload: Bytes::copy_from_slice(seed.as_slice()),
    }
}
