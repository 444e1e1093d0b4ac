use super::*;
use crate::machine::TxEnvelope;
use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Bytes, Signature, U256};

fn refused(transaction: &[u8], reason: &str) {
    match codec().check_forced(transaction) {
        Err(CodecError::Transaction { reason: text, .. }) if text.contains(reason) => {}
        other => panic!("expected a refusal that says \"{reason}\", got {other:?}"),
    }
}

fn sample() -> TxEip1559 {
    TxEip1559 {
        chain_id: mix::CHAIN_ID,
        gas_limit: 90_000,
        ..Default::default()
    }
}

#[test]
fn admitted_types_tell_their_gas_limit() {
    let transaction = mix::sign(sample(), mix::key(1));
    let facts = codec().check_forced(&transaction).expect("admitted");
    assert_eq!(facts.gas_limit, 90_000);
    for block in samples::every_column() {
        for transaction in block.transactions {
            let unprotected = matches!(
                crate::machine::RecoveredTx::envelope_of(&transaction),
                Ok(TxEnvelope::Legacy(signed)) if signed.tx().chain_id.is_none()
            );
            assert_eq!(codec().check_forced(&transaction).is_err(), unprotected);
        }
    }
}

#[test]
fn another_chain_is_refused() {
    let other = TxEip1559 {
        chain_id: 1,
        ..sample()
    };
    refused(&mix::sign(other, mix::key(1)), "another chain");
}

#[test]
fn blobs_are_refused() {
    let blob = alloy_consensus::TxEip4844 {
        chain_id: mix::CHAIN_ID,
        ..Default::default()
    };
    let signature = Signature::test_signature();
    let bytes = TxEnvelope::from(blob.into_signed(signature)).encoded_2718();
    refused(&bytes, "type");
}

#[test]
fn garbage_and_trailing_bytes_are_refused() {
    refused(&[], "");
    refused(&[2], "");
    refused(&[5, 0xc0], "");
    let mut longer = mix::sign(sample(), mix::key(1)).to_vec();
    longer.push(0);
    refused(&longer, "EIP-2718");
}

#[test]
fn high_s_is_refused() {
    let order = U256::from_str_radix(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        16,
    )
    .expect("a number");
    let bytes = mix::sign(sample(), mix::key(1));
    let recovered = crate::machine::RecoveredTx::decode(&bytes).expect("recovers");
    let low = *recovered.envelope().signature();
    let high = Signature::new(low.r(), order - low.s(), !low.v());
    let malleated: Bytes = TxEnvelope::from(sample().into_signed(high))
        .encoded_2718()
        .into();
    refused(&malleated, "does not recover");
    let blocks = [BatchBlock {
        transactions: vec![malleated],
        ..Default::default()
    }];
    assert!(codec().encode(CodecId::NONE, &blocks).is_err());
}

#[test]
fn zero_signatures_are_refused() {
    for (r, s) in [(0, 0), (0, 1), (1, 0)] {
        let signature = Signature::new(U256::from(r), U256::from(s), false);
        let bytes = TxEnvelope::from(sample().into_signed(signature)).encoded_2718();
        refused(&bytes, "does not recover");
    }
}

#[test]
fn an_empty_authorisation_list_is_refused() {
    let nobody = alloy_consensus::TxEip7702 {
        chain_id: mix::CHAIN_ID,
        gas_limit: 90_000,
        ..Default::default()
    };
    let signature = Signature::test_signature();
    let bytes = TxEnvelope::from(nobody.into_signed(signature)).encoded_2718();
    refused(&bytes, "authorisation list is empty");
}
