//! The values that pass between layers, in borsh.

use crate::{Memory, Seed, Target, seeds};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::*;
use rollwright_derive as derive;
use rollwright_node as node;
use std::fmt::Debug;

/// The first byte chooses the type.
pub(super) const VALUES: Target = Target {
    name: "core-values",
    about: "A value is refused, or is exactly what it encodes to.",
    run: |input| {
        let Some((choice, bytes)) = input.split_first() else {
            return;
        };
        if let Some((_, round)) = TYPES.get(usize::from(*choice)) {
            round(bytes);
        }
    },
    seeds: || {
        let place = |name: &str| TYPES.iter().position(|(known, _)| *known == name);
        seeds::values()
            .into_iter()
            .map(|(name, bytes)| {
                let choice = place(name).expect("a type of the table") as u8;
                Seed::new(name, [&[choice], bytes.as_slice()].concat())
            })
            .collect()
    },
    max_len: 2 << 10,
    memory: Memory::BORSH,
    words: &[],
};

fn round<T: BorshSerialize + BorshDeserialize + Debug>(bytes: &[u8]) {
    if let Ok(value) = borsh::from_slice::<T>(bytes) {
        let again = borsh::to_vec(&value).expect("what decodes encodes");
        assert_eq!(again, bytes, "two encodings of {value:?}");
    }
}

/// Decodes bytes, and compares with what the value encodes to.
type Round = fn(&[u8]);

macro_rules! types {
    ($($name:literal: $type:ty,)*) => {
        &[$(($name, round::<$type>),)*]
    };
}

/// Types by name. Appended to only: inputs in corpora count on their places.
const TYPES: &[(&str, Round)] = types! {
    "acknowledgement": Acknowledgement,
    "anchor": Anchor,
    "blob-ref": BlobRef,
    "block-effects": BlockEffects,
    "block-input": BlockInput,
    "block-record": BlockRecord,
    "claim": Claim,
    "commitment": Commitment,
    "da-block": DaBlock,
    "da-header": DaHeader,
    "da-claim": DaClaim,
    "engine-log": EngineLog,
    "evidence": Evidence,
    "execution-witness": ExecutionWitness,
    "forced-outcome": ForcedOutcome,
    "forced-tx": ForcedTx,
    "heads": Heads,
    "packet": IbcPacket,
    "move": Move,
    "outbound-item": OutboundItem,
    "packet-fact": PacketFact,
    "packet-proof": PacketProof,
    "posting-unit": PostingUnit,
    "proof": Proof,
    "record-change": RecordChange,
    "state-proof": StateProof,
    "submission": Submission,
    "batch-block": derive::BatchBlock,
    "rollup-config": derive::RollupConfig,
    "amendment": derive::Amendment,
    "pending-batch": derive::PendingBatch,
    "position": derive::Position,
    "feed-evidence": node::FeedEvidence,
    "signed-block": node::SignedBlock,
};
