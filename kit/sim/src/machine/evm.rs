use super::{ACCOUNTS, Chain, stranger, sure};
use alloy_consensus::{
    SignableTransaction, Signed, TxEip1559, TxLegacy, crypto::secp256k1::sign_message,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use rollwright_core::{BlockRef, Header, RecordChange};
use rollwright_derive::{CodecId, RollupConfig};
use rollwright_evm::{
    engine::{EvmConfig, EvmEngine, Location},
    genesis::{DEV_CHAIN_ID, DevAccount, DevGenesis, Genesis, dev_account},
    machine::TxEnvelope,
    store::{StoreOptions, kv::MemoryKv},
};
use rollwright_reference::EthereumPayloads;
use std::sync::{Arc, LazyLock};

/// Ethereum, with its store in memory.
#[derive(Clone, Debug)]
pub struct EvmChain {
    genesis: Genesis,
}

/// Deriving the keys takes long.
static KEYS: LazyLock<Vec<DevAccount>> =
    LazyLock::new(|| (0..ACCOUNTS as u32).filter_map(dev_account).collect());

fn key(account: usize) -> B256 {
    KEYS.get(account).map_or(B256::ZERO, |account| account.key)
}

fn sign<T: SignableTransaction<Signature>>(transaction: T, key: B256) -> Bytes
where
    TxEnvelope: From<Signed<T>>,
{
    // The keys are constants, and valid.
    match sign_message(key, transaction.signature_hash()) {
        Ok(signature) => TxEnvelope::from(transaction.into_signed(signature))
            .encoded_2718()
            .into(),
        Err(_) => Bytes::new(),
    }
}

fn fields(nonce: u64, to: Address, value: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: DEV_CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000_000_000,
        max_priority_fee_per_gas: 1_000_000,
        to: TxKind::Call(to),
        value: U256::from(value),
        ..TxEip1559::default()
    }
}

impl EvmChain {
    fn config(&self, kv: &MemoryKv) -> EvmConfig {
        EvmConfig {
            location: Location::Database(Arc::new(kv.clone())),
            store: StoreOptions {
                trie_bytes: 16 << 20,
                cache_bytes: 1 << 20,
                ..StoreOptions::default()
            },
            remembered_senders: 4_096,
            decoded_bytes: 1 << 20,
            ..EvmConfig::in_memory(self.genesis.clone())
        }
    }
}

impl Chain for EvmChain {
    type Engine = EvmEngine;
    type Store = MemoryKv;
    type Payloads = EthereumPayloads;

    fn payloads(_: &EvmEngine) -> EthereumPayloads {
        EthereumPayloads {
            chain_id: DEV_CHAIN_ID,
        }
    }

    fn new(config: &RollupConfig) -> Self {
        let time = crate::START_MS / 1_000 - 1;
        let mut dev = DevGenesis::new(time, config.clone());
        dev.accounts = ACCOUNTS as u32;
        Self {
            genesis: dev.genesis(),
        }
    }

    fn codecs() -> Vec<CodecId> {
        vec![CodecId::NONE, CodecId::ZSTD, CodecId::BROTLI]
    }

    fn store(&self) -> MemoryKv {
        MemoryKv::new()
    }

    fn open(&self, store: &MemoryKv) -> EvmEngine {
        sure(EvmEngine::open(self.config(store)))
    }

    fn import(&self, from: &EvmEngine, block: BlockRef, records: &[RecordChange]) -> MemoryKv {
        let mut file = Vec::new();
        let exported = from.store().export(&block, records, &mut file);
        sure(exported.map_err(rollwright_evm::engine::EngineError::from));
        let store = self.store();
        let engine = self.open(&store);
        let imported = engine
            .store()
            .import(self.genesis_hash(&engine), &mut file.as_slice());
        sure(imported.map_err(rollwright_evm::engine::EngineError::from));
        store
    }

    fn account(index: usize) -> Address {
        KEYS.get(index)
            .map_or(Address::ZERO, |account| account.address)
    }

    fn transfer(from: usize, nonce: u64, to: Address, value: u64) -> Bytes {
        sign(fields(nonce, to, value), key(from))
    }

    fn cheap(from: usize, nonce: u64, to: Address) -> Bytes {
        let transaction = TxEip1559 {
            max_fee_per_gas: 7,
            max_priority_fee_per_gas: 0,
            ..fields(nonce, to, 1)
        };
        sign(transaction, key(from))
    }

    fn unfunded(seed: u64) -> Bytes {
        let secret = keccak256(seed.to_le_bytes());
        sign(fields(0, stranger(seed), 1), secret)
    }

    fn foreign(from: usize, nonce: u64) -> Bytes {
        let transaction = TxLegacy {
            chain_id: None,
            nonce,
            gas_price: 1_000_000_000_000,
            gas_limit: 21_000,
            to: TxKind::Call(stranger(1)),
            value: U256::from(1),
            input: Bytes::new(),
        };
        sign(transaction, key(from))
    }

    fn burned(header: &Header) -> U256 {
        U256::from(header.base_fee_per_gas.unwrap_or(0)) * U256::from(header.gas_used)
    }
}

impl EvmChain {
    fn genesis_hash(&self, engine: &EvmEngine) -> B256 {
        engine.genesis_block().rollup_id()
    }
}
