use super::kv::FjallOptions;

/// How much the store keeps: in memory, and of the past.
///
/// [`within`](Self::within) divides one number among all of it, the embedded
/// database's part too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Trie nodes in memory, in bytes. Exceeded by at most a quarter, and what
    /// the blocks beside the chain have changed.
    pub trie_bytes: usize,
    /// Accounts, slots and codes in memory, in bytes.
    pub cache_bytes: usize,
    /// Decoded blocks in memory, in bytes. The last block committed is kept in
    /// any case.
    pub block_bytes: usize,
    /// Blocks beside the chain: built or executed, and not canonical.
    pub pending_blocks: usize,
    /// Bytes that those blocks may hold. One block is kept in any case.
    pub pending_bytes: usize,
    /// Accounts and slots that may have changed between a state of the past and
    /// the head where tries are made again: for proofs at, and blocks on, what
    /// is not the head. About 300 bytes of memory each, while it lasts.
    pub replay_keys: usize,
    /// Accounts and slots whose history one commit removes at most, rounded up
    /// to a whole block.
    pub pruned_keys: usize,
    /// States of the past that stay readable.
    pub history: History,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self::within(1 << 30).0
    }
}

impl StoreOptions {
    /// Divides `bytes` among everything that a store holds, at least 256 MiB:
    ///
    /// | part | share |
    /// |---|---|
    /// | trie nodes | 3/10, and up to a quarter of that on top |
    /// | accounts, slots, codes | 2/10 |
    /// | blocks for readers | 1/20 |
    /// | blocks beside the chain | 1/10 |
    /// | the database's block cache | 1/10 |
    /// | the database's write buffers | what its journals allow: 64 to 128 MiB, and twice that in memory at worst |
    ///
    /// The rest is what short-lived work takes: a block's changes, a replay, and
    /// what the allocator does not give back.
    pub fn within(bytes: usize) -> (Self, FjallOptions) {
        let bytes = bytes.max(256 << 20);
        let options = Self {
            trie_bytes: bytes / 10 * 3,
            cache_bytes: bytes / 10 * 2,
            block_bytes: bytes / 20,
            pending_blocks: 4_096,
            pending_bytes: bytes / 10,
            replay_keys: bytes / 3_000,
            pruned_keys: 8_192,
            history: History::Archive,
        };
        let database = FjallOptions {
            cache_bytes: bytes as u64 / 10,
            journal_bytes: (bytes as u64 / 10).clamp(64 << 20, 128 << 20),
            write_buffer_bytes: (bytes as u64 / 64).clamp(4 << 20, 16 << 20),
            ..FjallOptions::default()
        };
        (options, database)
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
