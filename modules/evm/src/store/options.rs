/// How much the store keeps: in memory, and of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Trie nodes in memory, in bytes. Exceeded by at most what the blocks
    /// beside the chain have changed.
    pub trie_bytes: usize,
    /// Accounts in memory.
    pub cached_accounts: usize,
    /// Storage slots in memory.
    pub cached_slots: usize,
    /// Codes in memory, in bytes.
    pub code_bytes: usize,
    /// Decoded blocks in memory.
    pub cached_blocks: usize,
    /// Blocks beside the chain: built or executed, and not canonical.
    pub pending_blocks: usize,
    /// Bytes that those blocks may hold.
    pub pending_bytes: usize,
    /// States of the past that stay readable.
    pub history: History,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            trie_bytes: 256 << 20,
            cached_accounts: 200_000,
            cached_slots: 400_000,
            code_bytes: 64 << 20,
            cached_blocks: 128,
            pending_blocks: 4_096,
            pending_bytes: 1 << 30,
            history: History::Archive,
        }
    }
}

/// States of the past that stay readable. What is needed to roll back to the
/// finalized head is kept in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// All of them.
    Archive,
    /// Those of the last `n` blocks before the head.
    Last(u64),
}
