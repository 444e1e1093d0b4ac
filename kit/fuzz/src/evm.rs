//! A small EVM chain, and what stands in its store.

use crate::seeds::{self, DEV_KEY, WRITER};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use rollwright_core::{
    Anchor, Attributes, BlockId, BlockRef, DaHeight, DaOrdinal, DaPoint, ForcedBudget, Header,
    Heads, RecordChange,
};
use rollwright_evm::{
    engine::{EvmConfig, EvmEngine, Location, TransactionList},
    store::{
        StoreOptions,
        kv::{Batch, Column, KeyValue, MemoryKv, Row},
    },
};
use std::sync::{Arc, OnceLock};

/// Blocks above genesis.
pub(crate) const BLOCKS: u64 = 6;

/// Small sizes, so that most reads reach the database.
pub(crate) fn options() -> StoreOptions {
    StoreOptions {
        trie_bytes: 16 << 10,
        cache_bytes: 1 << 10,
        block_bytes: 1 << 10,
        pending_blocks: 16,
        pending_bytes: 1 << 20,
        replay_keys: 64,
        pruned_keys: 8,
        ..StoreOptions::default()
    }
}

/// Opens the chain of the seeds over a database.
pub(crate) fn config(kv: Arc<dyn KeyValue>) -> EvmConfig {
    EvmConfig {
        location: Location::Database(kv),
        store: options(),
        remembered_senders: 256,
        decoded_bytes: 1 << 20,
        ..EvmConfig::in_memory(seeds::genesis())
    }
}

/// What is known to be true of the chain.
#[derive(Debug)]
pub(crate) struct Chain {
    /// Everything in the database, by column.
    pub(crate) rows: Vec<(Column, Vec<Row>)>,
    /// Headers from genesis up.
    pub(crate) headers: Vec<Header>,
    /// Heads at the end.
    pub(crate) heads: Heads,
}

impl Chain {
    pub(crate) fn block(&self, number: u64) -> BlockRef {
        let header = &self.headers[number as usize];
        BlockRef {
            number,
            hash: header.hash_slow(),
        }
    }

    /// A database with the chain's rows.
    pub(crate) fn database(&self) -> MemoryKv {
        let mut batch = Batch::default();
        for (column, rows) in &self.rows {
            for (key, value) in rows {
                batch.put(*column, key.clone(), value.clone());
            }
        }
        let kv = MemoryKv::new();
        kv.commit(&batch.finish()).expect("memory takes it");
        kv
    }
}

/// A chain of [`BLOCKS`] blocks: transfers and writes, the fourth block safe,
/// the second final.
pub(crate) fn chain() -> &'static Chain {
    static CHAIN: OnceLock<Chain> = OnceLock::new();
    CHAIN.get_or_init(|| {
        let kv = MemoryKv::new();
        let engine = grow(Arc::new(kv.clone()));
        let store = engine.store();
        let header = |number| {
            let header = store.header(BlockId::Number(number)).expect("reads");
            header.expect("a block")
        };
        let snapshot = kv.snapshot();
        let rows = |column| -> Vec<Row> {
            let rows = snapshot.range(column, &[], None, false);
            rows.collect::<Result<_, _>>().expect("reads")
        };
        Chain {
            rows: Column::ALL
                .iter()
                .map(|column| (*column, rows(*column)))
                .collect(),
            headers: (0..=BLOCKS).map(header).collect(),
            heads: engine.heads().expect("heads"),
        }
    })
}

/// Makes the chain in a database.
pub(crate) fn grow(kv: Arc<dyn KeyValue>) -> EvmEngine {
    let engine = EvmEngine::open(config(kv)).expect("opens");
    let genesis = engine.init().expect("genesis");
    let mut blocks = vec![genesis];
    for number in 0..BLOCKS {
        let nonce = number * 2;
        let transactions = vec![
            seeds::transfer(nonce),
            seeds::write(nonce + 1, number % 5, number % 3),
        ];
        blocks.push(extend(&engine, transactions).expect("a block"));
    }
    let heads = Heads {
        latest: blocks[BLOCKS as usize],
        safe: blocks[4],
        finalized: blocks[2],
    };
    let record = RecordChange::put(&b"node/identity"[..], &b"a record"[..]);
    engine.commit(&heads, &[record]).expect("commits");
    engine
}

/// Builds on the latest block and makes it the head; the error as text with
/// its code.
pub(crate) fn extend(engine: &EvmEngine, transactions: Vec<Bytes>) -> Result<BlockRef, String> {
    use rollwright_core::LayerError as _;
    let told = |error: &rollwright_evm::engine::EngineError| format!("{} {error}", error.code());
    let heads = engine.heads().map_err(|error| told(&error))?;
    let parent = engine.store().header(BlockId::Hash(heads.latest.hash));
    let parent = parent.map_err(|error| format!("{} {error}", error.code()))?;
    let parent = parent.ok_or("RW-STORE-104 no header")?;
    let mut offered = TransactionList::new(transactions);
    let built = engine
        .build_block(&heads.latest, attributes(&parent), &mut offered)
        .map_err(|error| told(&error))?;
    let latest = built.executed.block;
    let heads = Heads { latest, ..heads };
    engine.commit(&heads, &[]).map_err(|error| told(&error))?;
    Ok(latest)
}

/// One second and one DA block after the parent.
pub(crate) fn attributes(parent: &Header) -> Attributes {
    let ordinal = parent.number.saturating_add(1);
    let origin = DaPoint {
        epoch: 0,
        height: DaHeight(ordinal),
        hash: keccak256(ordinal.to_le_bytes()),
    };
    Attributes {
        timestamp: parent.timestamp.saturating_add(1),
        fee_recipient: Address::repeat_byte(0xfe),
        gas_limit: parent.gas_limit,
        anchor: Anchor::at(
            origin,
            DaOrdinal(ordinal),
            B256::repeat_byte(1),
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

/// Accounts that the chain's transactions touch.
pub(crate) fn accounts() -> Vec<Address> {
    use rollwright_derive::{KeySigner, PartSigner as _};
    let sender = KeySigner::new(DEV_KEY).expect("a valid key").address();
    let receivers = (0..BLOCKS * 2)
        .step_by(2)
        .map(|nonce| Address::from_word(keccak256(nonce.to_be_bytes())));
    [sender, WRITER, Address::repeat_byte(0x99)]
        .into_iter()
        .chain(receivers)
        .collect()
}
