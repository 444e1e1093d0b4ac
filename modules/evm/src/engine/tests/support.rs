//! A small chain: one funded account, a contract that writes slots.

use crate::{
    engine::{EvmConfig, EvmEngine, Location, TransactionList},
    genesis::{DevGenesis, Genesis, dev_account},
    machine::TxEnvelope,
    store::kv::{KeyValue, MemoryKv},
};
use alloy_consensus::{SignableTransaction, Signed, TxEip1559, crypto::secp256k1::sign_message};
use alloy_eips::eip2718::Encodable2718;
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Signature, TxKind, U256, hex};
use rollwright_core::{
    Address, Anchor, Attributes, B256, BlockRef, Built, Bytes, DaHeight, DaOrdinal, DaPoint,
    ForcedBudget, ForcedId, ForcedTx, Header, Heads, keccak256,
};
use rollwright_derive::{DevChain, RollupConfig};
use std::sync::{Arc, LazyLock, OnceLock};

/// Stores its second calldata word at the slot that the first one names, and
/// logs.
pub(crate) const WRITER: Address = Address::repeat_byte(0xc0);
const WRITER_CODE: [u8; 15] = hex!("60203560003555600060006000a100");

pub(crate) fn chain(salt: u8) -> Genesis {
    // Deriving development keys takes longer than most tests.
    static CHAINS: [OnceLock<Genesis>; 2] = [OnceLock::new(), OnceLock::new()];
    CHAINS[usize::from(salt)]
        .get_or_init(|| new_chain(salt))
        .clone()
}

fn new_chain(salt: u8) -> Genesis {
    let rollup = RollupConfig::dev(DevChain {
        sequencer: Address::repeat_byte(0x5e),
        fee_vault: Address::repeat_byte(0xfa),
        salt: B256::repeat_byte(salt),
        ..DevChain::default()
    });
    let mut genesis = DevGenesis::new(1_700_000_000, rollup).genesis();
    let slots = (0..4).map(|slot| (B256::with_last_byte(slot), B256::repeat_byte(slot + 1)));
    genesis.alloc.insert(
        WRITER,
        GenesisAccount::default()
            .with_code(Some(Bytes::from_static(&WRITER_CODE)))
            .with_storage(Some(slots.collect())),
    );
    genesis
}

pub(crate) fn memory() -> Arc<dyn KeyValue> {
    Arc::new(MemoryKv::new())
}

pub(crate) fn over(kv: &Arc<dyn KeyValue>, salt: u8) -> EvmConfig {
    EvmConfig {
        location: Location::Database(kv.clone()),
        ..EvmConfig::in_memory(chain(salt))
    }
}

pub(crate) fn engine() -> EvmEngine {
    EvmEngine::in_memory(chain(0)).expect("a chain in memory")
}

pub(crate) fn key(account: usize) -> B256 {
    static KEYS: LazyLock<Vec<B256>> = LazyLock::new(|| {
        (0..6)
            .filter_map(dev_account)
            .map(|account| account.key)
            .collect()
    });
    KEYS[account]
}

/// The fields that most tests leave alone.
pub(crate) fn fields(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: crate::genesis::DEV_CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(Address::repeat_byte(0x77)),
        value: U256::from(1),
        ..Default::default()
    }
}

pub(crate) fn sign<T: SignableTransaction<Signature>>(transaction: T, key: B256) -> Bytes
where
    TxEnvelope: From<Signed<T>>,
{
    let signature = sign_message(key, transaction.signature_hash()).expect("a valid key");
    TxEnvelope::from(transaction.into_signed(signature))
        .encoded_2718()
        .into()
}

/// The `n`th transaction of account 0: a write to the contract (deletions
/// among them), or a transfer to a new account.
pub(crate) fn nth(n: u64) -> Bytes {
    let transaction = match n % 2 {
        0 => {
            let words = [U256::from(n % 3), U256::from(n % 8)];
            TxEip1559 {
                to: TxKind::Call(WRITER),
                gas_limit: 100_000,
                value: U256::ZERO,
                input: words
                    .iter()
                    .flat_map(|word| word.to_be_bytes::<32>())
                    .collect(),
                ..fields(n)
            }
        }
        _ => TxEip1559 {
            to: TxKind::Call(Address::from_word(keccak256(n.to_be_bytes()))),
            value: U256::from(n),
            ..fields(n)
        },
    };
    sign(transaction, key(0))
}

/// One second and one DA block after the parent.
pub(crate) fn attributes(parent: &Header) -> Attributes {
    let ordinal = parent.number + 1;
    let origin = DaPoint {
        epoch: 0,
        height: DaHeight(ordinal),
        hash: keccak256(ordinal.to_le_bytes()),
    };
    Attributes {
        timestamp: parent.timestamp + 1,
        fee_recipient: Address::repeat_byte(0xfe),
        gas_limit: parent.gas_limit,
        anchor: Anchor::at(
            origin,
            DaOrdinal(ordinal),
            keccak256("data"),
            parent.timestamp,
        ),
        forced: Vec::new(),
        forced_budget: ForcedBudget {
            gas: parent.gas_limit / 2,
            bytes: 100_000,
            validations: 16,
        },
        ticks: Vec::new(),
        inbox: Vec::new(),
        max_bytes: 1_000_000,
        max_transactions: 1_000,
    }
}

pub(crate) fn forced(index: u32, bytes: Bytes) -> ForcedTx {
    ForcedTx {
        id: ForcedId {
            ordinal: DaOrdinal(1),
            index,
        },
        bytes,
    }
}

pub(crate) fn header(engine: &EvmEngine, block: &BlockRef) -> Header {
    let id = rollwright_core::BlockId::Hash(block.hash);
    engine
        .store()
        .header(id)
        .expect("reads")
        .expect("a known block")
}

/// Builds on the latest block with the given transactions, and makes it the
/// head.
pub(crate) fn extend(engine: &EvmEngine, transactions: Vec<Bytes>) -> Built {
    let parent = engine.heads().expect("heads").latest;
    let attributes = attributes(&header(engine, &parent));
    extend_with(engine, attributes, transactions)
}

pub(crate) fn extend_with(
    engine: &EvmEngine,
    attributes: Attributes,
    transactions: Vec<Bytes>,
) -> Built {
    let heads = engine.heads().expect("heads");
    let mut offered = TransactionList::new(transactions);
    let built = engine
        .build_block(&heads.latest, attributes, &mut offered)
        .expect("a block");
    let heads = Heads {
        latest: built.executed.block,
        ..heads
    };
    engine.commit(&heads, &[]).expect("commits");
    built
}
