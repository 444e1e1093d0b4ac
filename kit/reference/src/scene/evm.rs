//! Scenes on the EVM.

use super::{
    Engine,
    columns::{Packed, pack},
    ledger::Ledger,
    pieces::ORDER,
};
use crate::{EthereumPayloads, Executor, Refusal};
use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxEnvelope, TxLegacy,
    transaction::{SignerRecoverable as _, Transaction as _},
};
use alloy_eips::{
    eip2718::{Decodable2718 as _, Encodable2718 as _},
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use rollwright_core::{BlockInput, BlockRef, ExecuteOutcome};
use rollwright_derive::{
    BatchBlock, CodecId, KeySigner, LimitsConfig, PartSigner as _, RollupConfig,
};
use rollwright_evm::{
    codec::EvmCodec,
    engine::{EngineError, EvmEngine},
    genesis::{DevGenesis, dev_account},
};

/// Genesis lies just below the first DA block.
const GENESIS_TIME: u64 = 1_699_999_999;

/// Users with an account.
const USERS: u8 = 8;

/// Wei per gas that is enough.
const RICH: u128 = 20_000_000_000;

/// The EVM.
#[derive(Debug)]
pub struct EthereumEngine {
    ledger: Ledger<EvmEngine>,
    users: Vec<KeySigner>,
}

impl EthereumEngine {
    fn signer(&self, user: u8) -> &KeySigner {
        &self.users[usize::from(user % USERS)]
    }

    fn sign<T>(&self, user: u8, transaction: T) -> TxEnvelope
    where
        T: SignableTransaction<Signature>,
        TxEnvelope: From<alloy_consensus::Signed<T>>,
    {
        let signature = self
            .signer(user)
            .sign(&transaction.signature_hash())
            .unwrap_or_else(|_| Signature::test_signature());
        transaction.into_signed(signature).into()
    }

    fn calldata(how: u8) -> Bytes {
        let selector = [how; 4];
        let word = |value: U256| value.to_be_bytes::<32>();
        match how % 6 {
            0 => Bytes::new(),
            1 => Bytes::from(vec![how; 1 + usize::from(how)]),
            2 => Bytes::copy_from_slice(&selector),
            3 => {
                let address = U256::from_be_slice(Address::repeat_byte(how).as_slice());
                let amount = U256::from(how) * U256::from(1_000_000);
                [selector.as_slice(), &word(address), &word(amount)]
                    .concat()
                    .into()
            }
            4 => {
                let hash = U256::from_be_bytes(keccak256([how]).0);
                let long = hash >> (usize::from(how) % 200);
                [selector.as_slice(), &word(long), &word(U256::ZERO)]
                    .concat()
                    .into()
            }
            _ => Bytes::from(vec![0; 36 + usize::from(how % 3)]),
        }
    }

    fn access_list(&self, how: u8) -> AccessList {
        let item = |at: u8| AccessListItem {
            address: self.user(how.wrapping_add(at)),
            storage_keys: vec![B256::repeat_byte(at); usize::from(at)],
        };
        AccessList((0..how % 3).map(item).collect())
    }

    /// Authorisations that nobody's nonce depends on.
    fn authorisations(&self, how: u8) -> Vec<SignedAuthorization> {
        let chain_id = match how % 3 {
            0 => U256::ZERO,
            1 => U256::from(self.payloads().chain_id),
            _ => U256::from(how) << 70,
        };
        let inner = Authorization {
            chain_id,
            address: Address::repeat_byte(how),
            nonce: 1 << 40,
        };
        let scalar = |tag: u8| U256::from_be_bytes(keccak256([how, tag]).0);
        let signed = SignedAuthorization::new_unchecked(inner, how % 5, scalar(0), scalar(1));
        vec![signed; 1 + usize::from(how % 2)]
    }

    /// Transactions that need every column together, two by two.
    fn every_column(&self, user: u8) -> [Vec<Bytes>; 3] {
        let of = |user: u8, nonce, how| self.transaction(user, nonce, how);
        [
            vec![of(user, 0, 0), of(user + 1, 5, 19)],
            vec![of(user + 1, 6, 37), of(user, 2, 17)],
            vec![of(user + 2, 9, 4), of(user, 1, 1)],
        ]
    }

    /// A call whose calldata is so many zero words.
    fn zero_words(&self, user: u8, words: usize) -> Bytes {
        let call = TxEip1559 {
            input: vec![0; 4 + 32 * words].into(),
            ..self.fee_market(0, user)
        };
        self.sign(user, call).encoded_2718().into()
    }

    fn fee_market(&self, nonce: u64, how: u8) -> TxEip1559 {
        TxEip1559 {
            chain_id: self.payloads().chain_id,
            nonce,
            gas_limit: 100_000,
            max_fee_per_gas: RICH + u128::from(how),
            max_priority_fee_per_gas: u128::from(how) * 1_000,
            to: TxKind::Call(self.user(how)),
            value: U256::from(how) * U256::from(100),
            access_list: AccessList::default(),
            input: Bytes::new(),
        }
    }

    fn legacy(&self, nonce: u64, how: u8) -> TxLegacy {
        TxLegacy {
            chain_id: Some(self.payloads().chain_id),
            nonce,
            gas_price: RICH,
            gas_limit: 21_000,
            to: TxKind::Call(self.user(how)),
            value: U256::from(how),
            input: Bytes::new(),
        }
    }
}

impl Executor for EthereumEngine {
    type Error = EngineError;

    fn execute(&mut self, input: &BlockInput) -> Result<ExecuteOutcome, EngineError> {
        self.ledger.execute(input, |bytes| {
            let transaction = TxEnvelope::decode_2718_exact(bytes).ok()?;
            Some((transaction.recover_signer().ok()?, transaction.nonce()))
        })
    }
}

impl Engine for EthereumEngine {
    type Codec = EvmCodec;
    type Payloads = EthereumPayloads;

    fn codecs() -> Vec<CodecId> {
        vec![CodecId::NONE, CodecId::ZSTD, CodecId::BROTLI]
    }

    fn new(config: &RollupConfig, _base_fee: u64) -> Result<Self, EngineError> {
        let genesis = DevGenesis::new(GENESIS_TIME, config.clone()).genesis();
        let engine = EvmEngine::in_memory(genesis)?;
        let users = (0..u32::from(USERS)).filter_map(|index| {
            let account = dev_account(index)?;
            KeySigner::new(account.key).ok()
        });
        Ok(Self {
            users: users.collect(),
            ledger: Ledger::new(engine)?,
        })
    }

    fn genesis(&self) -> (BlockRef, u64, B256) {
        self.ledger.genesis()
    }

    fn codec(&self) -> EvmCodec {
        self.ledger.engine.batch_codec()
    }

    fn payloads(&self) -> EthereumPayloads {
        EthereumPayloads {
            chain_id: self.ledger.engine.chain_config().chain_id,
        }
    }

    fn transaction(&self, user: u8, nonce: u64, how: u8) -> Bytes {
        let market = self.fee_market(nonce, how);
        let transaction = match how % 7 {
            0 => self.sign(user, self.legacy(nonce, how)),
            1 => {
                let mut legacy = self.legacy(nonce, how);
                legacy.chain_id = None;
                self.sign(user, legacy)
            }
            2 => {
                let plain = TxEip2930 {
                    chain_id: market.chain_id,
                    nonce,
                    gas_price: RICH,
                    gas_limit: 100_000,
                    to: market.to,
                    value: market.value,
                    access_list: self.access_list(how),
                    input: Self::calldata(how),
                };
                self.sign(user, plain)
            }
            3 => {
                let delegating = TxEip7702 {
                    chain_id: market.chain_id,
                    nonce,
                    gas_limit: 150_000,
                    max_fee_per_gas: market.max_fee_per_gas,
                    max_priority_fee_per_gas: market.max_priority_fee_per_gas,
                    to: self.user(how),
                    value: market.value,
                    access_list: self.access_list(how / 2),
                    authorization_list: self.authorisations(how),
                    input: Self::calldata(how / 4),
                };
                self.sign(user, delegating)
            }
            4 => {
                let creation = TxEip1559 {
                    to: TxKind::Create,
                    input: Bytes::from_static(&[0]),
                    ..market
                };
                self.sign(user, creation)
            }
            _ => {
                let call = TxEip1559 {
                    access_list: self.access_list(how / 3),
                    input: Self::calldata(how / 2),
                    ..market
                };
                self.sign(user, call)
            }
        };
        transaction.encoded_2718().into()
    }

    fn faulty(
        &self,
        how: u8,
        salt: u8,
        block: &BatchBlock,
        limits: &LimitsConfig,
    ) -> Option<Packed> {
        let fault = *Refusal::FORMAT.get(usize::from(how))?;
        let user = salt / 8;
        let words = match fault {
            Refusal::BlockBytes => limits.block_bytes / 32,
            Refusal::BatchBytes => limits.block_bytes / 32 - 8,
            _ => 0,
        };
        let transactions = match fault {
            Refusal::BlockBytes => vec![vec![self.zero_words(user, words as usize)]],
            Refusal::BatchBytes => (0..limits.batch_blocks)
                .map(|_| vec![self.zero_words(user, words as usize)])
                .collect(),
            _ => self.every_column(user).to_vec(),
        };
        let blocks: Vec<BatchBlock> = transactions
            .into_iter()
            .map(|transactions| BatchBlock {
                transactions,
                ..block.clone()
            })
            .collect();
        let codecs = Self::codecs();
        let codec = codecs[usize::from(salt) % codecs.len()];
        let chain_id = self.payloads().chain_id;
        pack(&blocks, chain_id, codec, Some(fault), salt)
    }

    fn forced(&self, user: u8, nonce: u64, how: u8) -> Bytes {
        let mut legacy = self.legacy(nonce, how);
        match how % 20 {
            0 => return Bytes::copy_from_slice(&[how, 1, 2, 3]),
            1 => legacy.chain_id = Some(1),
            2 => legacy.gas_limit = 10_000_000,
            3 => legacy.nonce += 5,
            4..=6 => legacy.gas_price = 1,
            7 => legacy.value = U256::MAX,
            8 => legacy.gas_limit = 45_000,
            9 => legacy.input = Bytes::from(vec![how; 700]),
            10 => legacy.chain_id = None,
            11 => {
                // The other form of the same signature.
                let signature = *self.sign(user, legacy.clone()).signature();
                let (r, s, v) = (signature.r(), signature.s(), signature.v());
                let other = Signature::new(r, ORDER - s, !v);
                return TxEnvelope::from(legacy.into_signed(other))
                    .encoded_2718()
                    .into();
            }
            12 => {
                let market = TxEip1559 {
                    gas_limit: 21_000,
                    ..self.fee_market(nonce, how)
                };
                let signed = self.sign(user, market).encoded_2718();
                return [signed.as_slice(), &[0]].concat().into();
            }
            16 => {
                let signature = Signature::test_signature();
                let blob = TxEip4844 {
                    chain_id: self.payloads().chain_id,
                    ..TxEip4844::default()
                };
                let blob = TxEnvelope::from(blob.into_signed(signature));
                return blob.encoded_2718().into();
            }
            17 => {
                let nobody = TxEip7702 {
                    chain_id: self.payloads().chain_id,
                    nonce,
                    gas_limit: 30_000,
                    max_fee_per_gas: RICH,
                    ..TxEip7702::default()
                };
                return self.sign(user, nobody).encoded_2718().into();
            }
            13 => {
                let market = TxEip1559 {
                    gas_limit: 21_000,
                    ..self.fee_market(nonce, how)
                };
                return self.sign(user, market).encoded_2718().into();
            }
            _ => {}
        }
        self.sign(user, legacy).encoded_2718().into()
    }

    fn user(&self, user: u8) -> Address {
        self.signer(user).address()
    }

    fn nonce(&self, head: &BlockRef, user: u8) -> u64 {
        self.ledger.nonce(head, self.user(user))
    }
}
