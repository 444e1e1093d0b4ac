//! Scenes on the in-memory engine.

use super::Engine;
use crate::{Executor, MemoryPayloads, now};
use alloy_primitives::{Address, B256, Bytes, U256};
use rollwright_core::{
    BlockInput, BlockRef, ExecuteOutcome, Execution as _, ForcedOutcome,
    memory::{MemoryAction, MemoryExecution, MemoryExecutionError, MemoryTx},
};
use rollwright_derive::{CodecId, Derivable as _, MemoryCodec, RollupConfig, memory_genesis};
use std::collections::{BTreeMap, HashMap};

/// Wei per gas of every block where the chain has a base fee.
const RICH: u64 = 1_000_000_000;

/// The in-memory engine, and the nonces after each block that it executed.
#[derive(Debug)]
pub struct MemoryEngine {
    engine: MemoryExecution,
    genesis: BlockRef,
    nonces: HashMap<B256, BTreeMap<Address, u64>>,
}

impl MemoryEngine {
    fn chain_id(&self) -> u64 {
        self.engine.config().chain_id
    }

    /// Counts the transactions of a block's senders.
    fn count(&mut self, input: &BlockInput, block: BlockRef, forced: &[ForcedOutcome]) {
        let mut nonces = self
            .nonces
            .get(&input.parent.hash)
            .cloned()
            .unwrap_or_default();
        let included = input
            .forced
            .iter()
            .zip(forced)
            .filter_map(|(entry, outcome)| {
                matches!(outcome, ForcedOutcome::Included { .. }).then_some(&entry.bytes)
            });
        for bytes in included.chain(&input.transactions) {
            if let Ok(transaction) = borsh::from_slice::<MemoryTx>(bytes) {
                nonces.insert(transaction.sender, transaction.nonce.saturating_add(1));
            }
        }
        self.nonces.insert(block.hash, nonces);
    }
}

impl Executor for MemoryEngine {
    type Error = MemoryExecutionError;

    fn execute(&mut self, input: &BlockInput) -> Result<ExecuteOutcome, MemoryExecutionError> {
        let outcome = now(self.engine.execute(input))?;
        if let ExecuteOutcome::Valid(executed) = &outcome {
            self.count(input, executed.block, &executed.forced);
        }
        Ok(outcome)
    }
}

impl Engine for MemoryEngine {
    type Codec = MemoryCodec;
    type Payloads = MemoryPayloads;

    fn codecs() -> Vec<CodecId> {
        vec![CodecId::NONE]
    }

    fn new(config: &RollupConfig, base_fee: u64) -> Result<Self, MemoryExecutionError> {
        let mut genesis = memory_genesis(config);
        genesis.base_fee = base_fee;
        let engine = MemoryExecution::new(genesis);
        Ok(Self {
            genesis: now(engine.genesis())?,
            engine,
            nonces: HashMap::new(),
        })
    }

    fn genesis(&self) -> (BlockRef, u64, B256) {
        let time = self.engine.genesis_time();
        (self.genesis, time, self.engine.config_digest())
    }

    fn codec(&self) -> MemoryCodec {
        self.engine.codec()
    }

    fn payloads(&self) -> MemoryPayloads {
        MemoryPayloads {
            chain_id: self.chain_id(),
        }
    }

    fn transaction(&self, user: u8, nonce: u64, how: u8) -> Bytes {
        let sender = self.user(user);
        let mut transaction = match how % 4 {
            0 => MemoryTx::put(sender, nonce, B256::repeat_byte(how), u64::from(how)),
            _ => MemoryTx::transfer(sender, nonce, self.user(how), 1),
        };
        transaction.max_fee_per_gas = RICH;
        transaction.encode()
    }

    fn forced(&self, user: u8, nonce: u64, how: u8) -> Bytes {
        let sender = self.user(user);
        let mut transaction = MemoryTx::transfer(sender, nonce, self.user(how), 1);
        match how % 16 {
            0 => return Bytes::copy_from_slice(&[how, 1, 2, 3]),
            1 => transaction.chain_id += 1,
            2 => transaction.gas_limit = u64::MAX,
            3 => transaction.nonce += 5,
            4..=6 => transaction.max_fee_per_gas = 1,
            7 => {
                let amount = U256::MAX;
                transaction.action = MemoryAction::Transfer { to: sender, amount };
            }
            8 => transaction.gas_limit = 45_000,
            9 => return Bytes::from(vec![how; 700]),
            _ => transaction.max_fee_per_gas = RICH,
        }
        transaction.encode()
    }

    fn user(&self, user: u8) -> Address {
        Address::repeat_byte(1 + user % 8)
    }

    fn nonce(&self, head: &BlockRef, user: u8) -> u64 {
        let of_user = |nonces: &BTreeMap<Address, u64>| nonces.get(&self.user(user)).copied();
        self.nonces.get(&head.hash).and_then(of_user).unwrap_or(0)
    }
}
