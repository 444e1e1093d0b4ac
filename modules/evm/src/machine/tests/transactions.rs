//! What makes a transaction invalid at its place.

use super::support::*;
use crate::machine::{RecoveredTx, TxError};
use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip1559, TxEip4844, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, uint};

/// Order of secp256k1.
const N: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

fn blob() -> Bytes {
    let tx = TxEip4844 {
        chain_id: CHAIN_ID,
        gas_limit: 100_000,
        max_fee_per_gas: 3 * GWEI,
        to: address(1),
        blob_versioned_hashes: vec![B256::with_last_byte(1)],
        max_fee_per_blob_gas: GWEI,
        ..Default::default()
    };
    sign(0, tx)
}

fn cheap(nonce: u64) -> TxEip1559 {
    eip1559(nonce, TxKind::Call(address(1)), Bytes::new())
}

#[test]
fn blob_transactions_are_refused() {
    let chain = Chain::new();
    let (index, reason) = chain.refusal(vec![transfer(0, 0, address(1), 1), blob()]);
    assert_eq!(index, Some(1));
    assert!(reason.contains("blob"), "{reason}");
}

#[test]
fn an_unprotected_legacy_transaction_is_an_ordinary_one() {
    let mut chain = Chain::new();
    let tx = TxLegacy {
        chain_id: None,
        ..legacy(0, address(1), 1)
    };
    assert_eq!(chain.block(vec![sign(0, tx)]).receipts.len(), 1);
}

#[test]
fn an_invalid_transaction_is_named_by_its_index_and_reason() {
    let chain = Chain::new();
    let other_chain = TxEip1559 {
        chain_id: 1,
        ..cheap(1)
    };
    let poor = TxEip1559 {
        value: U256::from(10_001) * U256::from(10).pow(U256::from(18)),
        ..cheap(1)
    };
    for (tx, word) in [
        (sign(0, other_chain), "chain id"),
        (sign(0, cheap(0)), "nonce too low"),
        (sign(0, cheap(2)), "nonce too high"),
        (sign(0, poor), "insufficient funds"),
        (
            sign(
                0,
                TxEip1559 {
                    max_fee_per_gas: 1,
                    max_priority_fee_per_gas: 0,
                    ..cheap(1)
                },
            ),
            "max fee per gas less than block base fee",
        ),
        (
            sign(
                0,
                TxEip1559 {
                    max_priority_fee_per_gas: 4 * GWEI,
                    ..cheap(1)
                },
            ),
            "max priority fee",
        ),
        (
            sign(
                0,
                TxEip1559 {
                    gas_limit: 20_999,
                    ..cheap(1)
                },
            ),
            "intrinsic gas too low",
        ),
        (
            sign(
                0,
                TxEip1559 {
                    gas_limit: 22_000,
                    input: vec![1; 60].into(),
                    ..cheap(1)
                },
            ),
            "floor data gas",
        ),
        (
            sign(
                0,
                TxEip1559 {
                    to: TxKind::Create,
                    input: vec![0; 49_153].into(),
                    gas_limit: 5_000_000,
                    ..cheap(1)
                },
            ),
            "initcode",
        ),
        (sign(0, eip7702(1, address(1), vec![])), "empty auth list"),
        (Bytes::from_static(&[2, 0xc0]), "not a transaction"),
        (Bytes::new(), "not a transaction"),
    ] {
        let (index, reason) = chain.refusal(vec![transfer(0, 0, address(1), 1), tx]);
        assert_eq!(index, Some(1), "{word}");
        assert!(reason.contains(word), "{word}: {reason}");
    }
}

#[test]
fn a_sender_with_code_is_refused_unless_it_is_a_delegation() {
    let mut genesis = dev_genesis().genesis();
    let account = genesis.alloc.get_mut(&address(0)).expect("funded");
    account.code = Some(Bytes::from_static(&[0]));
    let block = genesis.block().expect("valid");
    let mut chain = Chain::new();
    chain.state = Default::default();
    chain.state.apply(&block.changes);
    chain.header = block.header;
    let (_, reason) = chain.refusal(vec![transfer(0, 0, address(1), 1)]);
    assert!(reason.contains("sender not an eoa"), "{reason}");
    chain.block(vec![
        sign(
            1,
            eip7702(0, address(2), vec![authorization(2, 0, address(3))]),
        ),
        transfer(2, 1, address(1), 1),
    ]);
}

#[test]
fn a_high_s_or_a_longer_encoding_is_no_transaction() {
    let tx = cheap(0);
    let signature = sign_hash(0, tx.signature_hash());
    let flipped = Signature::new(signature.r(), N - signature.s(), !signature.v());
    let envelope: EthereumTxEnvelope<TxEip4844> = tx.clone().into_signed(flipped).into();
    assert_eq!(
        RecoveredTx::decode(&envelope.encoded_2718().into()),
        Err(TxError::Signature)
    );

    let mut bytes = sign(0, tx).to_vec();
    bytes.push(0);
    assert_eq!(RecoveredTx::decode(&bytes.into()), Err(TxError::Malformed));
    assert_eq!(RecoveredTx::decode(&blob()), Err(TxError::Blob));
}

#[test]
fn decoding_garbage_never_panics() {
    let valid = sign(
        0,
        eip7702(0, Address::ZERO, vec![authorization(1, 0, Address::ZERO)]),
    );
    for index in 0..valid.len() {
        let mut bytes = valid.to_vec();
        for bit in 0..8 {
            bytes[index] ^= 1 << bit;
            if let Ok(tx) = RecoveredTx::decode(&bytes.clone().into()) {
                assert_eq!(tx.envelope().encoded_2718(), bytes);
            }
            bytes[index] ^= 1 << bit;
        }
        assert!(RecoveredTx::decode(&valid.slice(..index)).is_err());
    }
}
