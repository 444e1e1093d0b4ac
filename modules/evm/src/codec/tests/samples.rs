//! Transactions of every admitted type with every field in use, and a
//! proptest strategy over them.

use super::mix::{CHAIN_ID, key};
use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy,
    crypto::secp256k1::sign_message,
};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use proptest::{collection::vec, option, prelude::*};
use rollwright_core::DaOrdinal;
use rollwright_derive::BatchBlock;

/// Everything that a transaction may hold; `kind` says what of it is used.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) kind: u8,
    pub(super) signer: u64,
    pub(super) nonce: u64,
    pub(super) gas_limit: u64,
    pub(super) price: u128,
    pub(super) tip: u128,
    pub(super) to: Option<Address>,
    pub(super) value: U256,
    pub(super) input: Vec<u8>,
    pub(super) access_list: Vec<(Address, Vec<B256>)>,
    pub(super) authorisations: Vec<SignedAuthorization>,
}

fn signed<T: SignableTransaction<Signature>>(transaction: T, signer: u64) -> Bytes
where
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let signature = sign_message(key(signer), transaction.signature_hash()).expect("a valid key");
    TxEnvelope::from(transaction.into_signed(signature))
        .encoded_2718()
        .into()
}

impl Fields {
    /// Signs and encodes as type `kind % 5`: legacy, unprotected, 1, 2, 4.
    pub(super) fn encode(self) -> Bytes {
        let to = self.to.map_or(TxKind::Create, TxKind::Call);
        let input = Bytes::from(self.input);
        let access_list = AccessList(
            self.access_list
                .into_iter()
                .map(|(address, storage_keys)| AccessListItem {
                    address,
                    storage_keys,
                })
                .collect(),
        );
        match self.kind % 5 {
            kind @ (0 | 1) => signed(
                TxLegacy {
                    chain_id: (kind == 0).then_some(CHAIN_ID),
                    nonce: self.nonce,
                    gas_price: self.price,
                    gas_limit: self.gas_limit,
                    to,
                    value: self.value,
                    input,
                },
                self.signer,
            ),
            2 => signed(
                TxEip2930 {
                    chain_id: CHAIN_ID,
                    nonce: self.nonce,
                    gas_price: self.price,
                    gas_limit: self.gas_limit,
                    to,
                    value: self.value,
                    access_list,
                    input,
                },
                self.signer,
            ),
            3 => signed(
                TxEip1559 {
                    chain_id: CHAIN_ID,
                    nonce: self.nonce,
                    gas_limit: self.gas_limit,
                    max_fee_per_gas: self.price,
                    max_priority_fee_per_gas: self.tip,
                    to,
                    value: self.value,
                    access_list,
                    input,
                },
                self.signer,
            ),
            _ => signed(
                TxEip7702 {
                    chain_id: CHAIN_ID,
                    nonce: self.nonce,
                    gas_limit: self.gas_limit,
                    max_fee_per_gas: self.price,
                    max_priority_fee_per_gas: self.tip,
                    to: self.to.unwrap_or_default(),
                    value: self.value,
                    access_list,
                    authorization_list: self.authorisations,
                    input,
                },
                self.signer,
            ),
        }
    }
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        3 => (0u8..6).prop_map(Address::repeat_byte),
        1 => any::<[u8; 20]>().prop_map(Address::from),
        1 => any::<u32>().prop_map(|low| Address::left_padding_from(&low.to_be_bytes())),
    ]
}

/// Numbers of every length, round ones often.
fn number() -> impl Strategy<Value = U256> {
    (any::<[u8; 32]>(), 0usize..=32, 0usize..40).prop_map(|(bytes, len, zeros)| {
        let number = U256::from_be_slice(&bytes[..len]);
        number.wrapping_mul(U256::from(10).pow(U256::from(zeros)))
    })
}

fn input() -> impl Strategy<Value = Vec<u8>> {
    let words = (
        0u8..3,
        vec(
            prop_oneof![
                number(),
                address().prop_map(|address| { U256::from_be_bytes(address.into_word().0) })
            ],
            0..6,
        ),
    );
    prop_oneof![
        Just(Vec::new()),
        vec(any::<u8>(), 0..80),
        words.prop_map(|(selector, words)| {
            let mut out = vec![selector; 4];
            words
                .iter()
                .for_each(|word| out.extend(word.to_be_bytes::<32>()));
            out
        }),
    ]
}

fn authorisation() -> impl Strategy<Value = SignedAuthorization> {
    let chain = prop_oneof![Just(U256::ZERO), Just(U256::from(CHAIN_ID)), number()];
    (
        chain,
        address(),
        any::<u64>(),
        any::<u8>(),
        number(),
        number(),
    )
        .prop_map(|(chain_id, address, nonce, y_parity, r, s)| {
            let inner = Authorization {
                chain_id,
                address,
                nonce,
            };
            SignedAuthorization::new_unchecked(inner, y_parity, r, s)
        })
}

fn narrow(number: U256) -> u128 {
    number.wrapping_to::<u128>()
}

pub(super) fn transaction() -> impl Strategy<Value = Fields> {
    let fees = (
        0u64..5,
        prop_oneof![0u64..4, any::<u64>()],
        0u64..6,
        number(),
        number(),
    );
    let rest = (
        option::weighted(0.8, address()),
        number(),
        input(),
        vec(
            (address(), vec(any::<[u8; 32]>().prop_map(B256::from), 0..3)),
            0..3,
        ),
        vec(authorisation(), 1..3),
    );
    (any::<u8>(), fees, rest).prop_map(|(kind, fees, rest)| Fields {
        kind,
        signer: fees.0,
        nonce: fees.1,
        gas_limit: 21_000 * fees.2,
        price: narrow(fees.3),
        tip: narrow(fees.4),
        to: rest.0,
        value: rest.1,
        input: rest.2,
        access_list: rest.3,
        authorisations: rest.4,
    })
}

/// One to four blocks, empty ones among them.
pub(super) fn blocks() -> impl Strategy<Value = Vec<BatchBlock>> {
    let block = (
        any::<u64>(),
        any::<u64>(),
        address(),
        vec(transaction(), 0..6),
    )
        .prop_map(
            |(timestamp, origin, fee_recipient, transactions)| BatchBlock {
                timestamp,
                origin: DaOrdinal(origin),
                fee_recipient,
                transactions: transactions.into_iter().map(Fields::encode).collect(),
            },
        );
    vec(block, 1..4)
}

/// A fixed batch that uses every column.
pub(super) fn every_column() -> Vec<BatchBlock> {
    let fields = |kind, signer, nonce| Fields {
        kind,
        signer,
        nonce,
        gas_limit: 21_000 + 1_000 * signer,
        price: 3_000_000_007,
        tip: 1_000_000_000,
        to: Some(Address::repeat_byte(0x11)),
        value: U256::from(1_500_000_000_000_000_000u64),
        input: Vec::new(),
        access_list: vec![(
            Address::repeat_byte(0x22),
            vec![B256::repeat_byte(1), B256::ZERO],
        )],
        authorisations: vec![
            SignedAuthorization::new_unchecked(
                Authorization {
                    chain_id: U256::from(7),
                    address: Address::repeat_byte(0x33),
                    nonce: 9,
                },
                1,
                U256::from(5),
                U256::MAX,
            ),
            SignedAuthorization::new_unchecked(
                Authorization {
                    chain_id: U256::from(CHAIN_ID),
                    address: Address::repeat_byte(0x11),
                    nonce: 0,
                },
                0,
                U256::from(6),
                U256::from(7),
            ),
        ],
    };
    let call = |mut fields: Fields, words: &[U256]| {
        fields.input = vec![0xa9, 0x05, 0x9c, 0xbb];
        for word in words {
            fields.input.extend(word.to_be_bytes::<32>());
        }
        fields
    };
    let recipient = U256::from_be_bytes(Address::repeat_byte(0x44).into_word().0);
    let block = |timestamp, origin, transactions: Vec<Fields>| BatchBlock {
        timestamp,
        origin: DaOrdinal(origin),
        fee_recipient: Address::repeat_byte(0xfe),
        transactions: transactions.into_iter().map(Fields::encode).collect(),
    };
    let creation = Fields {
        to: None,
        input: (0..70).collect(),
        ..fields(3, 2, 0)
    };
    vec![
        block(
            1_700_000_000,
            3,
            vec![fields(0, 0, 7), fields(1, 1, 0), creation],
        ),
        block(1_700_000_002, 3, Vec::new()),
        block(
            1_700_000_003,
            5,
            vec![
                call(fields(3, 0, 8), &[recipient, U256::from(123_456)]),
                call(fields(3, 3, 1), &[recipient, U256::MAX]),
                call(fields(2, 0, 12), &[U256::ZERO]),
                fields(4, 1, 1),
                fields(4, 4, u64::MAX),
            ],
        ),
    ]
}
