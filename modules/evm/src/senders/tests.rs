use super::*;
use crate::{
    codec::tests::mix,
    machine::{RecoveredTx, SenderSource},
};
use alloy_primitives::{Bytes, keccak256};
use rollwright_core::Candidate;
use std::sync::Arc;

fn hash(index: u64) -> B256 {
    keccak256(index.to_be_bytes())
}

#[test]
fn a_cache_stays_within_its_capacity_and_keeps_what_is_used() {
    let cache = SenderCache::new(1_600, 0);
    cache.insert(hash(0), Address::repeat_byte(1));
    for index in 1..20_000 {
        cache.insert(hash(index), Address::ZERO);
        assert_eq!(cache.get(&hash(0)), Some(Address::repeat_byte(1)));
    }
    assert!(cache.len() <= 1_616, "{}", cache.len());
    assert!(cache.len() >= 700, "{}", cache.len());
    assert_eq!(cache.get(&hash(1)), None);
}

#[test]
fn decoded_transactions_are_bounded_by_their_bytes() {
    let cache = SenderCache::new(10_000, 64 << 10);
    let transactions = mix::mix(9, 1, 300, 50).remove(0).transactions;
    for bytes in &transactions {
        let expected = RecoveredTx::decode(bytes).expect("decodes");
        assert_eq!(*cache.recovered(bytes).expect("decodes"), expected);
    }
    assert!(cache.decoded() <= 64 + 16, "{}", cache.decoded());
    assert_eq!(cache.len(), transactions.len());
}

#[test]
fn many_are_decoded_at_once_and_garbage_is_left_alone() {
    let good = mix::mix(9, 1, 40, 20).remove(0).transactions;
    let garbage = Bytes::from_static(b"garbage");
    let cache = SenderCache::default();
    cache.decode_all(&good.iter().chain([&garbage]).collect::<Vec<_>>());
    assert_eq!((cache.len(), cache.decoded()), (good.len(), good.len()));
    for bytes in &good {
        let expected = RecoveredTx::decode(bytes).expect("decodes");
        assert_eq!(cache.get(&keccak256(bytes)), Some(expected.sender()));
        // The very transaction that was decoded before.
        let (one, other) = (cache.recovered(bytes), cache.recovered(bytes));
        assert!(Arc::ptr_eq(
            &one.expect("decodes"),
            &other.expect("decodes")
        ));
    }
    assert!(cache.recovered(&garbage).is_err());
}

#[test]
fn a_candidate_with_the_hash_of_another_is_decoded_from_its_bytes() {
    let transactions = mix::mix(9, 1, 2, 20).remove(0).transactions;
    let cache = SenderCache::default();
    cache.decode_all(&transactions.iter().collect::<Vec<_>>());
    let lie = Candidate {
        hash: keccak256(&transactions[0]),
        bytes: transactions[1].clone(),
    };
    let decoded = cache.candidate(&lie).expect("decodes");
    assert_eq!(decoded.bytes(), &transactions[1]);
}
