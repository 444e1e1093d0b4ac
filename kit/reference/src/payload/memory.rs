//! Batches of the in-memory engine: borsh of a list of blocks, not compressed.

use super::{Bounds, Facts, PayloadBlock, Payloads, Refusal};
use alloy_primitives::{Address, Bytes};
use borsh::BorshDeserialize;
use rollwright_core::memory::MemoryTx;

/// Reads batches of the in-memory engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPayloads {
    /// Chain id that transactions must carry.
    pub chain_id: u64,
}

#[derive(BorshDeserialize)]
struct Block {
    timestamp: u64,
    origin: u64,
    fee_recipient: Address,
    transactions: Vec<Vec<u8>>,
}

impl MemoryPayloads {
    fn check(&self, transaction: &[u8]) -> Result<u64, Refusal> {
        let read: MemoryTx = borsh::from_slice(transaction).map_err(|_| Refusal::Memory)?;
        if read.chain_id != self.chain_id {
            return Err(Refusal::Memory);
        }
        Ok(read.gas_limit)
    }
}

impl Payloads for MemoryPayloads {
    fn decode(
        &self,
        facts: &Facts,
        payload: &[u8],
        bounds: &Bounds,
    ) -> Result<Vec<PayloadBlock>, Refusal> {
        if facts.codec != 0 || facts.decompressed_len as usize != payload.len() {
            return Err(Refusal::Memory);
        }
        let blocks: Vec<Block> = borsh::from_slice(payload).map_err(|_| Refusal::Memory)?;
        for block in &blocks {
            let bytes: usize = block.transactions.iter().map(Vec::len).sum();
            if block.transactions.len() as u64 > u64::from(bounds.block_transactions)
                || bytes as u64 > bounds.block_bytes
            {
                return Err(Refusal::Memory);
            }
            for transaction in &block.transactions {
                self.check(transaction)?;
            }
        }
        let lens = blocks
            .iter()
            .flat_map(|block| &block.transactions)
            .map(Vec::len);
        if lens.sum::<usize>() as u64 > bounds.batch_bytes {
            return Err(Refusal::Memory);
        }
        let transactions: usize = blocks.iter().map(|block| block.transactions.len()).sum();
        if transactions as u64 != u64::from(facts.transactions)
            || blocks.len() as u64 != u64::from(facts.blocks)
        {
            return Err(Refusal::Memory);
        }
        let blocks = blocks.into_iter().map(|block| PayloadBlock {
            timestamp: block.timestamp,
            origin: block.origin,
            fee_recipient: block.fee_recipient,
            transactions: block.transactions.into_iter().map(Bytes::from).collect(),
        });
        Ok(blocks.collect())
    }

    fn check_forced(&self, transaction: &[u8]) -> Result<u64, Refusal> {
        self.check(transaction)
    }
}
