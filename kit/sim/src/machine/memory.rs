use super::{Chain, now, stranger, sure};
use alloy_primitives::{Address, Bytes, U256};
use rollwright_core::{
    BlockId, BlockInput, BlockRef, ChainStore, ExecuteOutcome, Execution, ForcedOutcome, ForcedTx,
    Header, Heads, RecordChange,
    memory::{MemoryExecution, MemoryGenesis, MemoryStore, MemoryTx},
};
use rollwright_derive::{CodecId, Derivable, RollupConfig, Rules, memory_genesis};
use rollwright_reference::MemoryPayloads;

/// The ledger of `rollwright-core`: cheap, for most runs.
#[derive(Clone, Debug)]
pub struct MemoryChain {
    genesis: MemoryGenesis,
}

impl Chain for MemoryChain {
    type Engine = MemoryExecution;
    type Store = MemoryStore;
    type Payloads = MemoryPayloads;

    fn payloads(engine: &MemoryExecution) -> MemoryPayloads {
        MemoryPayloads {
            chain_id: engine.config().chain_id,
        }
    }

    fn new(config: &RollupConfig) -> Self {
        Self {
            genesis: memory_genesis(config),
        }
    }

    fn codecs() -> Vec<CodecId> {
        vec![CodecId::NONE]
    }

    fn store(&self) -> MemoryStore {
        MemoryStore::default()
    }

    fn open(&self, store: &MemoryStore) -> MemoryExecution {
        MemoryExecution::open(store, self.genesis.clone())
    }

    /// Executes the blocks again: the state is all that this engine has, so
    /// there is no shorter way to it.
    fn import(
        &self,
        from: &MemoryExecution,
        block: BlockRef,
        records: &[RecordChange],
    ) -> MemoryStore {
        let store = self.store();
        let engine = self.open(&store);
        let genesis = sure(now(engine.genesis()));
        let config = engine.rollup_config().as_ref().clone();
        let rules = Rules::new(genesis.hash, engine.config_digest(), config, Vec::new());
        let rules = sure(rules);
        let mut head = genesis;
        for number in 1..=block.number {
            let Some(record) = sure(from.block(BlockId::Number(number))) else {
                break;
            };
            let Some(anchor) = record.anchor else { break };
            let included = record
                .forced
                .iter()
                .filter(|(_, outcome)| matches!(outcome, ForcedOutcome::Included { .. }));
            let forced = included
                .zip(&record.forced_included)
                .map(|((id, _), bytes)| ForcedTx {
                    id: *id,
                    bytes: bytes.clone(),
                });
            let set = rules.at(anchor.ordinal);
            let input = BlockInput {
                parent: head,
                timestamp: record.timestamp,
                fee_recipient: record.fee_recipient,
                gas_limit: set.gas_limit,
                anchor,
                forced: forced.collect(),
                forced_budget: set.forced_budget(),
                transactions: record.transactions,
                ticks: Vec::new(),
                inbox: Vec::new(),
            };
            if let ExecuteOutcome::Valid(executed) = sure(now(engine.execute(&input))) {
                head = executed.block;
            }
        }
        sure(now(engine.set_heads(&Heads::all(head), records)));
        store
    }

    fn account(index: usize) -> Address {
        Address::repeat_byte(u8::try_from(index + 1).unwrap_or(u8::MAX))
    }

    fn transfer(from: usize, nonce: u64, to: Address, value: u64) -> Bytes {
        MemoryTx::transfer(Self::account(from), nonce, to, value).encode()
    }

    fn cheap(from: usize, nonce: u64, to: Address) -> Bytes {
        let mut transaction = MemoryTx::transfer(Self::account(from), nonce, to, 1);
        transaction.max_fee_per_gas = 0;
        transaction.encode()
    }

    fn unfunded(seed: u64) -> Bytes {
        MemoryTx::transfer(stranger(seed ^ 0xdead), 0, stranger(seed), 1).encode()
    }

    fn foreign(from: usize, nonce: u64) -> Bytes {
        let mut transaction = MemoryTx::transfer(Self::account(from), nonce, stranger(1), 1);
        transaction.chain_id += 1;
        transaction.encode()
    }

    fn burned(header: &Header) -> U256 {
        U256::from(header.base_fee_per_gas.unwrap_or(0)) * U256::from(header.gas_used)
    }
}
