//! What an engine writes into a batch, read a second time.

mod ethereum;
mod memory;
mod refusal;

pub use ethereum::EthereumPayloads;
pub use memory::MemoryPayloads;
pub use refusal::Refusal;

use alloy_primitives::{Address, Bytes};

/// What the envelope says of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Codec id.
    pub codec: u8,
    /// Length in bytes once it is decompressed.
    pub decompressed_len: u32,
    /// Number of blocks.
    pub blocks: u32,
    /// Number of transactions in all blocks.
    pub transactions: u32,
}

/// What a block of a batch may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Transactions per block.
    pub block_transactions: u32,
    /// Encoded bytes of transactions per block.
    pub block_bytes: u64,
    /// Encoded bytes of transactions in all blocks.
    pub batch_bytes: u64,
}

/// A block as a batch gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadBlock {
    /// Unix seconds.
    pub timestamp: u64,
    /// Ordinal of the origin.
    pub origin: u64,
    /// Receives priority fees.
    pub fee_recipient: Address,
    /// EIP-2718 transactions, or the engine's own, in order.
    pub transactions: Vec<Bytes>,
}

/// How an engine writes batches, and what it admits to the forced lane: an
/// implementation that shares no code with the engine's own codec.
pub trait Payloads {
    /// Reads a payload whole, or refuses it whole.
    fn decode(
        &self,
        facts: &Facts,
        payload: &[u8],
        bounds: &Bounds,
    ) -> Result<Vec<PayloadBlock>, Refusal>;

    /// Checks a forced transaction; returns its gas limit.
    fn check_forced(&self, transaction: &[u8]) -> Result<u64, Refusal>;
}
