//! Scenes on the in-memory engine.

use super::{Engine, ledger::Ledger};
use crate::{Executor, MemoryPayloads};
use alloy_primitives::{Address, B256, Bytes, U256};
use rollwright_core::{
    BlockInput, BlockRef, ExecuteOutcome,
    memory::{MemoryAction, MemoryExecution, MemoryExecutionError, MemoryTx},
};
use rollwright_derive::{CodecId, Derivable as _, MemoryCodec, RollupConfig, memory_genesis};

/// Wei per gas of every block where the chain has a base fee.
const RICH: u64 = 1_000_000_000;

/// The in-memory engine.
#[derive(Debug)]
pub struct MemoryEngine {
    ledger: Ledger<MemoryExecution>,
}

impl MemoryEngine {
    fn chain_id(&self) -> u64 {
        self.ledger.engine.config().chain_id
    }
}

impl Executor for MemoryEngine {
    type Error = MemoryExecutionError;

    fn execute(&mut self, input: &BlockInput) -> Result<ExecuteOutcome, MemoryExecutionError> {
        self.ledger.execute(input, |bytes| {
            let transaction = borsh::from_slice::<MemoryTx>(bytes).ok()?;
            Some((transaction.sender, transaction.nonce))
        })
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
        let ledger = Ledger::new(MemoryExecution::new(genesis))?;
        Ok(Self { ledger })
    }

    fn genesis(&self) -> (BlockRef, u64, B256) {
        self.ledger.genesis()
    }

    fn codec(&self) -> MemoryCodec {
        self.ledger.engine.codec()
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
        self.ledger.nonce(head, self.user(user))
    }
}
