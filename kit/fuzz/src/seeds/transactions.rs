//! Signed transactions of every type, and batches of them.

use super::{CHAIN_ID, DEV_KEY, WRITER};
use crate::Seed;
use alloy_consensus::{
    SignableTransaction, Signed, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy,
    crypto::secp256k1::sign_message,
};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use rollwright_core::DaOrdinal;
use rollwright_derive::BatchBlock;

/// Signed by a key, as EIP-2718 bytes.
pub(crate) fn sign<T: SignableTransaction<Signature>>(transaction: T, key: B256) -> Bytes
where
    TxEnvelope: From<Signed<T>>,
{
    let signature = sign_message(key, transaction.signature_hash()).expect("a valid key");
    TxEnvelope::from(transaction.into_signed(signature))
        .encoded_2718()
        .into()
}

fn fields(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(Address::repeat_byte(0x77)),
        value: U256::from(1),
        ..Default::default()
    }
}

/// A transfer of the funded account to an account of its own.
pub(crate) fn transfer(nonce: u64) -> Bytes {
    let to = Address::from_word(keccak256(nonce.to_be_bytes()));
    sign(
        TxEip1559 {
            to: TxKind::Call(to),
            ..fields(nonce)
        },
        DEV_KEY,
    )
}

/// A write of the funded account to a slot of the [`WRITER`].
pub(crate) fn write(nonce: u64, slot: u64, value: u64) -> Bytes {
    let words = [U256::from(slot), U256::from(value)];
    let input: Vec<u8> = words
        .iter()
        .flat_map(|word| word.to_be_bytes::<32>())
        .collect();
    let call = TxEip1559 {
        to: TxKind::Call(WRITER),
        gas_limit: 100_000,
        value: U256::ZERO,
        input: input.into(),
        ..fields(nonce)
    };
    sign(call, DEV_KEY)
}

fn access_list() -> AccessList {
    AccessList(vec![AccessListItem {
        address: WRITER,
        storage_keys: vec![B256::ZERO, B256::with_last_byte(1)],
    }])
}

fn legacy(chain_id: Option<u64>) -> TxLegacy {
    TxLegacy {
        chain_id,
        nonce: 3,
        gas_price: 2_000_000_000,
        gas_limit: 90_000,
        to: TxKind::Create,
        value: U256::ZERO,
        input: Bytes::from_static(&[0x60, 0, 0x60, 0, 0xf3]),
    }
}

fn delegating() -> TxEip7702 {
    let authorization = Authorization {
        chain_id: U256::from(CHAIN_ID),
        address: WRITER,
        nonce: 1,
    };
    let signature = sign_message(DEV_KEY, authorization.signature_hash()).expect("a valid key");
    TxEip7702 {
        chain_id: CHAIN_ID,
        nonce: 9,
        gas_limit: 200_000,
        max_fee_per_gas: 3_000_000_000,
        max_priority_fee_per_gas: 1,
        to: WRITER,
        value: U256::ZERO,
        access_list: access_list(),
        authorization_list: vec![authorization.into_signed(signature)],
        input: Bytes::from_static(b"some input"),
    }
}

fn kinds() -> Vec<(&'static str, Bytes)> {
    let listed = TxEip2930 {
        chain_id: CHAIN_ID,
        nonce: 4,
        gas_price: 2_000_000_000,
        gas_limit: 100_000,
        to: TxKind::Call(WRITER),
        value: U256::from(10).pow(U256::from(18)),
        access_list: access_list(),
        input: Bytes::new(),
    };
    vec![
        ("legacy", sign(legacy(Some(CHAIN_ID)), DEV_KEY)),
        ("unprotected", sign(legacy(None), DEV_KEY)),
        ("eip2930", sign(listed, DEV_KEY)),
        ("eip1559", transfer(0)),
        ("call", write(1, 2, 3)),
        ("eip7702", sign(delegating(), DEV_KEY)),
    ]
}

/// One transaction of each kind.
pub(crate) fn transactions() -> Vec<Seed> {
    let kinds = kinds().into_iter();
    kinds.map(|(name, bytes)| Seed::new(name, bytes)).collect()
}

/// Batches with few and many columns in use.
pub(crate) fn batches() -> Vec<(&'static str, Vec<BatchBlock>)> {
    let block = |timestamp, transactions| BatchBlock {
        timestamp,
        origin: DaOrdinal(timestamp / 2),
        fee_recipient: Address::repeat_byte(0xaa),
        transactions,
    };
    let every: Vec<Bytes> = kinds().into_iter().map(|(_, bytes)| bytes).collect();
    let other = B256::repeat_byte(9);
    let others = vec![
        sign(fields(0), other),
        transfer(5),
        sign(
            TxEip1559 {
                value: U256::MAX,
                ..fields(1)
            },
            other,
        ),
    ];
    vec![
        ("empty-blocks", vec![block(10, vec![]), block(11, vec![])]),
        ("transfers", vec![block(10, (0..4).map(transfer).collect())]),
        ("every-kind", vec![block(10, every), block(12, others)]),
    ]
}
