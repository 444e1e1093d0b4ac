//! Stored and sent formats: round trips, and hashes of seeded encodings that
//! change only on purpose.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod messages;
mod values;

use borsh::{BorshDeserialize, BorshSerialize};
use messages::*;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use rollwright_core::*;
use std::fmt::Debug;
use values::*;

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
        ("Acknowledgement", golden(acknowledgement())),
        ("Anchor", golden(anchor())),
        ("BlobRef", golden(blob_ref())),
        ("BlockEffects", golden(effects())),
        ("BlockInput", golden(block_input())),
        ("BlockRecord", golden(block_record())),
        ("Claim", golden(claim())),
        ("Commitment", golden(commitment())),
        ("DaBlock", golden(da_block())),
        ("DaHeader", golden(da_header())),
        ("EngineLog", golden(engine_log())),
        ("Evidence", golden(evidence())),
        ("ExecutionWitness", golden(witness())),
        ("ForcedOutcome", golden(outcome())),
        ("ForcedTx", golden(forced_tx())),
        ("Heads", golden(heads())),
        ("IbcPacket", golden(packet())),
        ("Move", golden(dispute_move())),
        ("OutboundItem", golden(outbound_item())),
        ("PacketFact", golden(packet_fact())),
        ("PacketProof", golden(packet_proof())),
        ("PostingUnit", golden(unit())),
        ("Proof", golden(proof())),
        ("RecordChange", golden(record_change())),
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
    fn effects_logs_and_records_survive_a_round_trip(
        effects in effects(), log in engine_log(), change in record_change(),
    ) {
        round_trip(&effects);
        round_trip(&log);
        round_trip(&change);
    }

    #[test]
    fn disputes_survive_a_round_trip(evidence in evidence(), next in dispute_move()) {
        round_trip(&evidence);
        round_trip(&next);
    }

    #[test]
    fn messages_survive_a_round_trip(
        acknowledgement in acknowledgement(), item in outbound_item(),
        fact in packet_fact(), proof in packet_proof(),
    ) {
        round_trip(&acknowledgement);
        round_trip(&item);
        round_trip(&fact);
        round_trip(&proof);
    }

    #[test]
    fn hostile_bytes_decode_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = borsh::from_slice::<DaBlock>(&bytes);
        let _ = borsh::from_slice::<BlockInput>(&bytes);
        let _ = borsh::from_slice::<BlockRecord>(&bytes);
        let _ = borsh::from_slice::<Claim>(&bytes);
        let _ = borsh::from_slice::<Move>(&bytes);
        let _ = borsh::from_slice::<OutboundItem>(&bytes);
        let _ = borsh::from_slice::<BlockEffects>(&bytes);
        let _ = borsh::from_slice::<IbcPacket>(&bytes);
        if let Ok(proof) = borsh::from_slice::<StateProof>(&bytes) {
            let _ = proof.verify(B256::ZERO);
        }
    }
}
