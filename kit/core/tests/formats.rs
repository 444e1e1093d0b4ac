//! Stored and sent formats: round trips, and hashes of seeded encodings that
//! change only on purpose.

use borsh::{BorshDeserialize, BorshSerialize};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use rollwright_core::*;
use std::fmt::Debug;

fn hash() -> impl Strategy<Value = B256> + Clone {
    any::<[u8; 32]>().prop_map(B256::from)
}

fn bytes() -> impl Strategy<Value = Bytes> + Clone {
    prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn address() -> impl Strategy<Value = Address> + Clone {
    any::<[u8; 20]>().prop_map(Address::from)
}

fn word() -> impl Strategy<Value = U256> + Clone {
    any::<[u8; 32]>().prop_map(U256::from_be_bytes)
}

fn block_ref() -> impl Strategy<Value = BlockRef> + Clone {
    (any::<u64>(), hash()).prop_map(|(number, hash)| BlockRef { number, hash })
}

fn da_block_id() -> impl Strategy<Value = DaBlockId> + Clone {
    (any::<u64>(), hash()).prop_map(|(height, hash)| DaBlockId {
        height: DaHeight(height),
        hash,
    })
}

fn da_header() -> impl Strategy<Value = DaHeader> + Clone {
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

fn lane() -> impl Strategy<Value = DaLane> + Clone {
    prop_oneof![Just(DaLane::Batch), Just(DaLane::Forced)]
}

fn proof() -> impl Strategy<Value = Proof> + Clone {
    (any::<u16>(), bytes()).prop_map(|(version, bytes)| Proof { version, bytes })
}

fn blob_ref() -> impl Strategy<Value = BlobRef> + Clone {
    (da_block_id(), any::<u32>(), hash()).prop_map(|(block, index, commitment)| BlobRef {
        block,
        index,
        commitment,
    })
}

fn posted() -> impl Strategy<Value = PostedBlob> + Clone {
    (blob_ref(), lane(), prop::option::of(bytes()), bytes()).prop_map(
        |(reference, lane, poster, data)| PostedBlob {
            reference,
            lane,
            poster,
            data,
        },
    )
}

fn da_block() -> impl Strategy<Value = DaBlock> + Clone {
    (da_header(), prop::collection::vec(posted(), 0..3), proof()).prop_map(
        |(header, blobs, completeness)| DaBlock {
            header,
            blobs,
            completeness,
        },
    )
}

fn unit() -> impl Strategy<Value = PostingUnit> + Clone {
    let blob = (lane(), bytes()).prop_map(|(lane, data)| Blob { lane, data });
    (hash(), prop::collection::vec(blob, 0..3))
        .prop_map(|(salt, blobs)| PostingUnit::new(salt, blobs))
}

fn submission() -> impl Strategy<Value = Submission> + Clone {
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

fn anchor() -> impl Strategy<Value = Anchor> + Clone {
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

fn forced_tx() -> impl Strategy<Value = ForcedTx> + Clone {
    (any::<u64>(), any::<u32>(), bytes()).prop_map(|(ordinal, index, bytes)| ForcedTx {
        id: ForcedId {
            ordinal: DaOrdinal(ordinal),
            index,
        },
        bytes,
    })
}

fn outcome() -> impl Strategy<Value = ForcedOutcome> + Clone {
    prop_oneof![
        hash().prop_map(|hash| ForcedOutcome::Included { hash }),
        any::<u16>().prop_map(|reason| ForcedOutcome::Skipped { reason }),
        Just(ForcedOutcome::Underpriced),
        Just(ForcedOutcome::Waits),
    ]
}

fn list() -> impl Strategy<Value = Vec<Bytes>> + Clone {
    prop::collection::vec(bytes(), 0..3)
}

fn block_input() -> impl Strategy<Value = BlockInput> + Clone {
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

fn block_record() -> impl Strategy<Value = BlockRecord> + Clone {
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

fn heads() -> impl Strategy<Value = Heads> + Clone {
    (block_ref(), block_ref(), block_ref()).prop_map(|(latest, safe, finalized)| Heads {
        latest,
        safe,
        finalized,
    })
}

fn commitment() -> impl Strategy<Value = Commitment> + Clone {
    (
        (any::<u8>(), hash(), hash(), block_ref(), any::<u64>()),
        (hash(), hash(), word(), hash(), da_block_id(), hash()),
    )
        .prop_map(|(head, tail)| Commitment {
            version: head.0,
            vm_id: VmId(head.1),
            config_hash: head.2,
            number: head.3.number,
            timestamp: head.4,
            block_hash: head.3.hash,
            state_root: tail.0,
            outbox_root: tail.1,
            burned_fees: tail.2,
            da_layer: tail.3,
            da_block: tail.4,
            deriver_state: tail.5,
        })
}

fn claim() -> impl Strategy<Value = Claim> + Clone {
    (
        hash(),
        da_block_id(),
        prop::collection::vec(hash(), 1..4),
        commitment(),
    )
        .prop_map(|(pre, da_target, steps, last)| Claim {
            pre,
            da_target,
            steps,
            last,
        })
}

fn packet() -> impl Strategy<Value = IbcPacket> + Clone {
    let payload = ("[a-z]{1,8}", "[a-z]{1,8}", bytes()).prop_map(|(from, to, value)| Payload {
        source_port: from,
        destination_port: to,
        version: "1".into(),
        encoding: "raw".into(),
        value,
    });
    (
        any::<u64>(),
        any::<u64>(),
        prop::collection::vec(payload, 1..3),
    )
        .prop_map(|(sequence, timeout_timestamp, payloads)| IbcPacket {
            sequence,
            source_client: ClientId("client-0".into()),
            destination_client: ClientId("client-1".into()),
            timeout_timestamp,
            payloads,
        })
}

fn state_proof() -> impl Strategy<Value = StateProof> + Clone {
    let slot =
        (hash(), word(), list()).prop_map(|(key, value, proof)| SlotProof { key, value, proof });
    let account = (any::<u64>(), word(), hash()).prop_map(|(nonce, balance, code_hash)| Account {
        nonce,
        balance,
        code_hash,
    });
    let account = (
        address(),
        prop::option::of(account),
        hash(),
        list(),
        prop::collection::vec(slot, 0..2),
    )
        .prop_map(
            |(address, account, storage_root, proof, slots)| AccountProof {
                address,
                account,
                storage_root,
                proof,
                slots,
            },
        );
    (hash(), prop::collection::vec(account, 0..2)).prop_map(|(state_root, accounts)| StateProof {
        state_root,
        accounts,
    })
}

fn witness() -> impl Strategy<Value = ExecutionWitness> + Clone {
    (list(), list(), list(), list()).prop_map(|(state, codes, headers, keys)| ExecutionWitness {
        state,
        codes,
        headers,
        keys,
    })
}

/// keccak256 over the encodings of 64 values from a fixed seed.
fn golden<T: BorshSerialize + Debug>(strategy: impl Strategy<Value = T>) -> String {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut all = Vec::new();
    for _ in 0..64 {
        let tree = strategy.new_tree(&mut runner).expect("a value");
        let value = proptest::strategy::ValueTree::current(&tree);
        borsh::to_writer(&mut all, &value).expect("encodes");
    }
    keccak256(all).to_string()
}

#[test]
fn encodings_change_only_on_purpose() {
    let found = [
        ("Anchor", golden(anchor())),
        ("BlobRef", golden(blob_ref())),
        ("BlockInput", golden(block_input())),
        ("BlockRecord", golden(block_record())),
        ("Claim", golden(claim())),
        ("Commitment", golden(commitment())),
        ("DaBlock", golden(da_block())),
        ("DaHeader", golden(da_header())),
        ("ExecutionWitness", golden(witness())),
        ("ForcedOutcome", golden(outcome())),
        ("ForcedTx", golden(forced_tx())),
        ("Heads", golden(heads())),
        ("IbcPacket", golden(packet())),
        ("PostingUnit", golden(unit())),
        ("Proof", golden(proof())),
        ("StateProof", golden(state_proof())),
        ("Submission", golden(submission())),
    ]
    .map(|(name, hash)| format!("{name} {hash}\n"))
    .concat();
    assert_eq!(found, include_str!("formats.golden"), "found:\n{found}");
}

fn round_trip<T: BorshSerialize + BorshDeserialize + PartialEq + Debug>(value: &T) {
    let encoded = borsh::to_vec(value).expect("encodes");
    let decoded: T = borsh::from_slice(&encoded).expect("decodes");
    assert_eq!(&decoded, value);
    // Neither more nor less decodes.
    let longer = [&encoded[..], &[0]].concat();
    assert!(borsh::from_slice::<T>(&longer).is_err());
    let shorter = &encoded[..encoded.len() - 1];
    assert!(borsh::from_slice::<T>(shorter).is_err());
}

proptest! {
    #![proptest_config(Config::with_cases(64))]

    #[test]
    fn da_values_survive_a_round_trip(
        block in da_block(), unit in unit(), submission in submission(),
    ) {
        round_trip(&block);
        round_trip(&unit);
        round_trip(&submission);
    }

    #[test]
    fn block_values_survive_a_round_trip(
        input in block_input(), record in block_record(), heads in heads(),
    ) {
        round_trip(&input);
        round_trip(&record);
        round_trip(&heads);
    }

    #[test]
    fn claims_packets_and_proofs_survive_a_round_trip(
        claim in claim(), packet in packet(), proof in state_proof(), witness in witness(),
    ) {
        round_trip(&claim);
        round_trip(&packet);
        round_trip(&proof);
        round_trip(&witness);
    }

    #[test]
    fn hostile_bytes_decode_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = borsh::from_slice::<DaBlock>(&bytes);
        let _ = borsh::from_slice::<BlockInput>(&bytes);
        let _ = borsh::from_slice::<BlockRecord>(&bytes);
        let _ = borsh::from_slice::<Claim>(&bytes);
        let _ = borsh::from_slice::<IbcPacket>(&bytes);
        if let Ok(proof) = borsh::from_slice::<StateProof>(&bytes) {
            let _ = proof.verify(B256::ZERO);
        }
    }
}
