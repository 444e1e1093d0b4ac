use super::*;
use alloy_primitives::keccak256;

fn hash(index: u64) -> B256 {
    keccak256(index.to_be_bytes())
}

#[test]
fn a_cache_stays_within_its_capacity_and_keeps_what_is_used() {
    let cache = SenderCache::new(1_600);
    cache.insert(hash(0), Address::repeat_byte(1));
    for index in 1..20_000 {
        cache.insert(hash(index), Address::ZERO);
        assert_eq!(cache.get(&hash(0)), Some(Address::repeat_byte(1)));
    }
    assert!(cache.len() <= 1_600, "{}", cache.len());
    assert!(cache.len() >= 700, "{}", cache.len());
    assert_eq!(cache.get(&hash(1)), None);
}

#[test]
fn senders_of_many_are_recovered_at_once_and_garbage_is_left_alone() {
    use crate::codec::tests::mix;
    let mut transactions = mix::mix(9, 1, 40, 20).remove(0).transactions;
    let good = transactions.clone();
    transactions.push(Bytes::from_static(b"garbage"));
    let cache = SenderCache::default();
    cache.recover_all(&transactions);
    assert_eq!(cache.len(), good.len());
    for bytes in good {
        let (_, sender) = recover_bytes(&bytes).expect("recovers");
        assert_eq!(cache.get(&keccak256(bytes)), Some(sender));
    }
}

#[test]
fn an_encoding_with_a_leading_zero_is_not_canonical() {
    use crate::codec::tests::mix;
    let bytes = mix::mix(9, 1, 1, 5).remove(0).transactions.remove(0);
    assert!(decode_canonical(&bytes).is_ok());
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert_eq!(
        decode_canonical(&longer),
        Err(TransactionError::NotCanonical)
    );
    assert!(matches!(
        decode_canonical(&bytes[..bytes.len() - 1]),
        Err(TransactionError::Malformed(_))
    ));
}
