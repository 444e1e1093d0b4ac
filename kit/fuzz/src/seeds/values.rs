//! Values of core.

use super::{CHAIN_ID, DEV_KEY};
use alloy_primitives::{Address, B256, Bytes};
use borsh::BorshSerialize;
use rollwright_core::*;
use rollwright_node::{FeedEvidence, SequencerKey, SignedBlock};

fn point() -> DaPoint {
    DaPoint {
        epoch: 0,
        height: DaHeight(5),
        hash: B256::repeat_byte(4),
    }
}

fn anchor() -> Anchor {
    Anchor::at(point(), DaOrdinal(3), B256::repeat_byte(6), 1_700_000_000)
}

fn input() -> BlockInput {
    let forced = ForcedTx {
        id: ForcedId {
            ordinal: DaOrdinal(1),
            index: 0,
        },
        bytes: Bytes::from_static(&[2, 0xc0]),
    };
    BlockInput {
        parent: BlockRef {
            number: 4,
            hash: B256::repeat_byte(2),
        },
        timestamp: 1_700_000_001,
        fee_recipient: Address::repeat_byte(3),
        gas_limit: 30_000_000,
        anchor: anchor(),
        forced: vec![forced],
        forced_budget: ForcedBudget {
            gas: 1,
            bytes: 2,
            validations: 3,
        },
        transactions: vec![super::transfer(0)],
        ticks: Vec::new(),
        inbox: Vec::new(),
    }
}

/// A block as the feed carries it.
pub(crate) fn signed_block() -> SignedBlock {
    let key = SequencerKey::from_bytes(DEV_KEY).expect("a valid key");
    let chain = (CHAIN_ID, B256::repeat_byte(1));
    SignedBlock::sign(&key, chain, 0, B256::repeat_byte(7), input()).expect("signs")
}

fn blob_ref() -> BlobRef {
    let block = DaBlockId {
        height: DaHeight(5),
        hash: B256::repeat_byte(4),
    };
    BlobRef {
        block,
        index: 1,
        commitment: B256::repeat_byte(8),
    }
}

fn header() -> DaHeader {
    DaHeader {
        height: DaHeight(5),
        hash: B256::repeat_byte(4),
        parent_hash: B256::repeat_byte(3),
        time: 1_700_000_000,
        data_root: B256::repeat_byte(6),
    }
}

fn da_block() -> DaBlock {
    let blob = PostedBlob {
        reference: blob_ref(),
        lane: DaLane::Forced,
        poster: Some(Bytes::from_static(b"poster")),
        data: Bytes::from_static(b"data"),
    };
    DaBlock {
        header: header(),
        blobs: vec![blob],
        completeness: Proof {
            version: 1,
            bytes: Bytes::from_static(b"proof"),
        },
    }
}

fn encoded(value: &impl BorshSerialize) -> Vec<u8> {
    borsh::to_vec(value).expect("encodes")
}

/// Encodings by the name of their type.
pub(crate) fn values() -> Vec<(&'static str, Vec<u8>)> {
    let evidence = FeedEvidence {
        signed: signed_block(),
        derived: BlockRef::default(),
        at: point(),
    };
    let account = AccountProof {
        account: Some(Account::default()),
        proof: vec![Bytes::from_static(b"node")],
        slots: vec![SlotProof::default()],
        ..AccountProof::default()
    };
    let proof = StateProof {
        state_root: B256::ZERO,
        accounts: vec![account],
    };
    let log = EngineLog {
        address: Address::ZERO,
        topics: vec![B256::ZERO],
        data: Bytes::from_static(b"log"),
    };
    let witness = ExecutionWitness {
        state: vec![Bytes::from_static(&[0x80])],
        ..ExecutionWitness::default()
    };
    vec![
        ("anchor", encoded(&anchor())),
        ("blob-ref", encoded(&blob_ref())),
        ("block-input", encoded(&input())),
        ("da-block", encoded(&da_block())),
        ("da-header", encoded(&header())),
        ("engine-log", encoded(&log)),
        ("execution-witness", encoded(&witness)),
        ("feed-evidence", encoded(&evidence)),
        (
            "record-change",
            encoded(&RecordChange::put(&b"k"[..], &b"v"[..])),
        ),
        ("rollup-config", encoded(&super::rollup())),
        ("signed-block", encoded(&signed_block())),
        ("state-proof", encoded(&proof)),
    ]
}
