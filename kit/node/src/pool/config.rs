use std::time::Duration;

/// Limits and order of a pool.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolConfig {
    /// Most transactions of all senders.
    pub max_transactions: usize,
    /// Largest sum of encoded lengths, in bytes.
    pub max_bytes: u64,
    /// Most transactions of one sender.
    pub max_per_sender: usize,
    /// Longest encoded transaction, in bytes.
    pub max_transaction_bytes: u64,
    /// Lowest fee cap, in wei per gas, that is admitted.
    pub min_fee_per_gas: u128,
    /// By how many percent a replacement must raise both fee cap and tip.
    pub replacement_percent: u8,
    /// In which order transactions go into blocks.
    pub order: PoolOrder,
    /// How long a transaction may wait that could go into a block.
    pub ready_lifetime: Duration,
    /// How long a transaction may wait behind a nonce gap.
    pub gap_lifetime: Duration,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            max_transactions: 200_000,
            max_bytes: 256 << 20,
            max_per_sender: 65_536,
            max_transaction_bytes: 128 << 10,
            min_fee_per_gas: 0,
            replacement_percent: 10,
            order: PoolOrder::Arrival,
            ready_lifetime: Duration::from_secs(24 * 3600),
            gap_lifetime: Duration::from_secs(3 * 3600),
        }
    }
}

/// In which order transactions go into blocks. A sender's own transactions
/// always go by nonce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PoolOrder {
    /// First come, first served. A replacement keeps its place.
    #[default]
    Arrival,
    /// Highest tip above the base fee first; equal tips by arrival.
    Tip,
}
