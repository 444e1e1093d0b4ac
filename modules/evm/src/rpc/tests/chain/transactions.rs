//! Transactions of the development accounts.

use super::{CHAIN_ID, STORER};
use crate::genesis::dev_account;
use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy,
    crypto::secp256k1::sign_message,
};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, bytes};

pub(in crate::rpc::tests) fn account(index: u32) -> Address {
    dev_account(index).unwrap().address
}

/// Signs as development account `index`.
pub(in crate::rpc::tests) fn sign<T>(transaction: T, index: u32) -> Bytes
where
    T: SignableTransaction<Signature>,
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let key = dev_account(index).unwrap().key;
    let signature = sign_message(key, transaction.signature_hash()).unwrap();
    let envelope: TxEnvelope = transaction.into_signed(signature).into();
    envelope.encoded_2718().into()
}

/// A call with plenty of gas and a tip of 2 gwei.
pub(in crate::rpc::tests) fn call_of(
    index: u32,
    nonce: u64,
    to: Address,
    input: impl Into<Bytes>,
) -> Bytes {
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 300_000,
        max_fee_per_gas: 20_000_000_000,
        max_priority_fee_per_gas: 2_000_000_000,
        to: TxKind::Call(to),
        value: U256::ZERO,
        access_list: AccessList::default(),
        input: input.into(),
    };
    sign(transaction, index)
}

pub(in crate::rpc::tests) fn legacy(index: u32, nonce: u64) -> Bytes {
    let transaction = TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce,
        gas_price: 5_000_000_000,
        gas_limit: 21_000,
        to: TxKind::Call(account(9)),
        value: U256::from(1_000),
        input: Bytes::new(),
    };
    sign(transaction, index)
}

pub(in crate::rpc::tests) fn access_listed(index: u32, nonce: u64) -> Bytes {
    let transaction = TxEip2930 {
        chain_id: CHAIN_ID,
        nonce,
        gas_price: 5_000_000_000,
        gas_limit: 100_000,
        to: TxKind::Create,
        value: U256::ZERO,
        access_list: AccessList(vec![AccessListItem {
            address: STORER,
            storage_keys: vec![B256::with_last_byte(7)],
        }]),
        // Deploys one byte of code: 0x00.
        input: bytes!("60015ff3"),
    };
    sign(transaction, index)
}

/// Account `index` delegates account `index + 1` to the STORER.
pub(in crate::rpc::tests) fn delegating(index: u32, nonce: u64) -> Bytes {
    let authorization = Authorization {
        chain_id: U256::from(CHAIN_ID),
        address: STORER,
        nonce: 0,
    };
    let key = dev_account(index + 1).unwrap().key;
    let signature = sign_message(key, authorization.signature_hash()).unwrap();
    let transaction = TxEip7702 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 200_000,
        max_fee_per_gas: 20_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: account(index + 1),
        value: U256::ZERO,
        access_list: AccessList::default(),
        authorization_list: vec![authorization.into_signed(signature)],
        input: Bytes::new(),
    };
    sign(transaction, index)
}

/// Concatenated words.
pub(in crate::rpc::tests) fn words<const N: usize>(words: [u64; N]) -> Bytes {
    words
        .iter()
        .flat_map(|word| B256::from(U256::from(*word)).0)
        .collect::<Vec<u8>>()
        .into()
}
