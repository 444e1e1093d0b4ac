//! Arbitrary values of the DA layer and of blocks.

use proptest::prelude::*;
use rollwright_core::*;

pub(crate) fn hash() -> impl Strategy<Value = B256> + Clone {
    any::<[u8; 32]>().prop_map(B256::from)
}

pub(crate) fn bytes() -> impl Strategy<Value = Bytes> + Clone {
    prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

pub(crate) fn address() -> impl Strategy<Value = Address> + Clone {
    any::<[u8; 20]>().prop_map(Address::from)
}

pub(crate) fn word() -> impl Strategy<Value = U256> + Clone {
    any::<[u8; 32]>().prop_map(U256::from_be_bytes)
}

pub(crate) fn block_ref() -> impl Strategy<Value = BlockRef> + Clone {
    (any::<u64>(), hash()).prop_map(|(number, hash)| BlockRef { number, hash })
}

pub(crate) fn da_block_id() -> impl Strategy<Value = DaBlockId> + Clone {
    (any::<u64>(), hash()).prop_map(|(height, hash)| DaBlockId {
        height: DaHeight(height),
        hash,
    })
}

pub(crate) fn da_header() -> impl Strategy<Value = DaHeader> + Clone {
    (da_block_id(), hash(), any::<u64>(), hash()).prop_map(|(id, parent_hash, time, data_root)| {
        DaHeader {
            height: id.height,
            hash: id.hash,
            parent_hash,
            time,
            data_root,
        }
    })
}

pub(crate) fn lane() -> impl Strategy<Value = DaLane> + Clone {
    prop_oneof![Just(DaLane::Batch), Just(DaLane::Forced)]
}

pub(crate) fn proof() -> impl Strategy<Value = Proof> + Clone {
    (any::<u16>(), bytes()).prop_map(|(version, bytes)| Proof { version, bytes })
}

pub(crate) fn blob_ref() -> impl Strategy<Value = BlobRef> + Clone {
    (da_block_id(), any::<u32>(), hash()).prop_map(|(block, index, commitment)| BlobRef {
        block,
        index,
        commitment,
    })
}

pub(crate) fn posted() -> impl Strategy<Value = PostedBlob> + Clone {
    (blob_ref(), lane(), prop::option::of(bytes()), bytes()).prop_map(
        |(reference, lane, poster, data)| PostedBlob {
            reference,
            lane,
            poster,
            data,
        },
    )
}

pub(crate) fn da_block() -> impl Strategy<Value = DaBlock> + Clone {
    (da_header(), prop::collection::vec(posted(), 0..3), proof()).prop_map(
        |(header, blobs, completeness)| DaBlock {
            header,
            blobs,
            completeness,
        },
    )
}

pub(crate) fn unit() -> impl Strategy<Value = PostingUnit> + Clone {
    let blob = (lane(), bytes()).prop_map(|(lane, data)| Blob { lane, data });
    (hash(), prop::collection::vec(blob, 0..3))
        .prop_map(|(salt, blobs)| PostingUnit::new(salt, blobs))
}

pub(crate) fn submission() -> impl Strategy<Value = Submission> + Clone {
    let included = prop::collection::vec(blob_ref(), 1..3)
        .prop_map(|blobs| SubmissionStatus::Included { blobs });
    let status = prop_oneof![Just(SubmissionStatus::Accepted), included];
    let fee = any::<u128>().prop_map(|amount| Fee {
        amount,
        unit: "utia".into(),
    });
    (hash(), status, prop::option::of(fee)).prop_map(|(unit, status, fee)| Submission {
        unit: UnitId(unit),
        status,
        fee,
    })
}

pub(crate) fn anchor() -> impl Strategy<Value = Anchor> + Clone {
    let counterpart =
        (hash(), block_ref(), hash()).prop_map(|(rollup_id, block, state_root)| CounterpartRoot {
            rollup_id,
            number: block.number,
            block_hash: block.hash,
            state_root,
        });
    (
        any::<u32>(),
        da_header(),
        any::<u64>(),
        prop::collection::vec(counterpart, 0..3),
        hash(),
    )
        .prop_map(|(epoch, header, ordinal, counterparts, mailbox)| {
            let origin = DaPoint {
                epoch,
                height: header.height,
                hash: header.hash,
            };
            let ordinal = DaOrdinal(ordinal);
            Anchor {
                counterparts,
                mailbox,
                ..Anchor::at(origin, ordinal, header.data_root, header.time)
            }
        })
}

pub(crate) fn forced_tx() -> impl Strategy<Value = ForcedTx> + Clone {
    (any::<u64>(), any::<u32>(), bytes()).prop_map(|(ordinal, index, bytes)| ForcedTx {
        id: ForcedId {
            ordinal: DaOrdinal(ordinal),
            index,
        },
        bytes,
    })
}

pub(crate) fn outcome() -> impl Strategy<Value = ForcedOutcome> + Clone {
    prop_oneof![
        hash().prop_map(|hash| ForcedOutcome::Included { hash }),
        any::<u16>().prop_map(|reason| ForcedOutcome::Skipped { reason }),
        Just(ForcedOutcome::Underpriced),
        Just(ForcedOutcome::Waits),
    ]
}

pub(crate) fn list() -> impl Strategy<Value = Vec<Bytes>> + Clone {
    prop::collection::vec(bytes(), 0..3)
}

pub(crate) fn block_input() -> impl Strategy<Value = BlockInput> + Clone {
    let budget = any::<(u64, u64, u32)>().prop_map(|(gas, bytes, validations)| ForcedBudget {
        gas,
        bytes,
        validations,
    });
    (
        (block_ref(), any::<u64>(), address(), any::<u64>()),
        (anchor(), prop::collection::vec(forced_tx(), 0..3), budget),
        (list(), list(), list()),
    )
        .prop_map(|(head, middle, tail)| BlockInput {
            parent: head.0,
            timestamp: head.1,
            fee_recipient: head.2,
            gas_limit: head.3,
            anchor: middle.0,
            forced: middle.1,
            forced_budget: middle.2,
            transactions: tail.0,
            ticks: tail.1,
            inbox: tail.2,
        })
}

pub(crate) fn block_record() -> impl Strategy<Value = BlockRecord> + Clone {
    let forced = (forced_tx(), outcome()).prop_map(|(entry, outcome)| (entry.id, outcome));
    (
        (block_ref(), block_ref(), any::<u64>(), address(), hash()),
        (any::<u64>(), prop::option::of(anchor()), list()),
        (prop::collection::vec(forced, 0..3), list(), hash()),
    )
        .prop_map(|(head, middle, tail)| BlockRecord {
            block: head.0,
            parent: head.1,
            timestamp: head.2,
            fee_recipient: head.3,
            state_root: head.4,
            gas_used: middle.0,
            anchor: middle.1,
            forced_included: middle.2,
            forced: tail.0,
            transactions: tail.1,
            input_hash: tail.2,
        })
}

pub(crate) fn heads() -> impl Strategy<Value = Heads> + Clone {
    (block_ref(), block_ref(), block_ref()).prop_map(|(latest, safe, finalized)| Heads {
        latest,
        safe,
        finalized,
    })
}

pub(crate) fn effects() -> impl Strategy<Value = BlockEffects> + Clone {
    let events = prop::collection::vec(engine_log(), 0..3);
    (list(), hash(), events).prop_map(|(receipts, outbox_root, mailbox_events)| BlockEffects {
        receipts,
        outbox_root,
        mailbox_events,
    })
}

pub(crate) fn engine_log() -> impl Strategy<Value = EngineLog> + Clone {
    (address(), prop::collection::vec(hash(), 0..5), bytes()).prop_map(|(address, topics, data)| {
        EngineLog {
            address,
            topics,
            data,
        }
    })
}

pub(crate) fn record_change() -> impl Strategy<Value = RecordChange> + Clone {
    (bytes(), prop::option::of(bytes())).prop_map(|(key, value)| RecordChange { key, value })
}
