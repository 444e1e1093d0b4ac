use super::{kv::KvError, snapshot::SnapshotError};
use crate::trie::TrieError;
use rollwright_core::{B256, BlockRef, ErrorKind, LayerError};

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No genesis block yet.
    #[error("the store is empty: it has no genesis block yet")]
    Empty,
    /// The store holds another chain.
    #[error(
        "the store holds the chain with genesis {stored}, not {expected}; choose another data directory, or the genesis.json that this one was made with"
    )]
    OtherChain {
        /// Genesis hash in the store.
        stored: B256,
        /// Genesis hash of the chain that was asked for.
        expected: B256,
    },
    /// Written by a newer release.
    #[error(
        "the store has format version {stored}, and this release reads up to {supported}; use a newer release"
    )]
    NewerFormat {
        /// Version in the store.
        stored: u32,
        /// Newest version that this release reads.
        supported: u32,
    },
    /// No such block among the canonical ones and those in memory.
    #[error("block {} ({}) is not known: neither canonical nor executed since the store was opened", block.number, block.hash)]
    UnknownBlock {
        /// The block.
        block: BlockRef,
    },
    /// The state after that block is not kept any more.
    #[error(
        "the state of block {number} is not kept any more: the oldest is that of block {oldest}; ask an archive node"
    )]
    StatePruned {
        /// The block.
        number: u64,
        /// The oldest block whose state is kept.
        oldest: u64,
    },
    /// The heads do not lie on one chain.
    #[error("heads refused: {reason}")]
    BadHeads {
        /// What is wrong with them.
        reason: String,
    },
    /// The new heads would undo a final block.
    #[error(
        "refused to undo final blocks: block {finalized} is final, and the new chain leaves the present one after block {ancestor}"
    )]
    UndoesFinal {
        /// Number of the finalized head.
        finalized: u64,
        /// The last block that both chains have.
        ancestor: u64,
    },
    /// A block does not fit its parent or the state prepared for it.
    #[error("block {number} refused: {reason}")]
    BadBlock {
        /// The block's number.
        number: u64,
        /// What does not fit.
        reason: String,
    },
    /// Too many blocks or bytes wait beside the chain.
    #[error(
        "{blocks} blocks ({bytes} bytes) wait beside the chain, the most that are kept; set the heads before executing more"
    )]
    TooManyPending {
        /// Blocks that wait.
        blocks: usize,
        /// Bytes that they hold.
        bytes: usize,
    },
    /// A record's key is too long.
    #[error("a record's key has {length} bytes; at most 128 are allowed")]
    RecordKey {
        /// Its length.
        length: usize,
    },
    /// Code that an account names is missing.
    #[error("code {hash} is missing")]
    MissingCode {
        /// keccak256 of the code.
        hash: B256,
    },
    /// What is stored contradicts itself.
    #[error(
        "the store is damaged: {what}; restore a snapshot, or derive the chain again from DA into a fresh data directory"
    )]
    Corrupt {
        /// What does not fit.
        what: String,
    },
    /// Too much has changed since that block for its tries to be made again.
    #[error(
        "the tries of block {number} cannot be made again: more than {max_keys} accounts and slots have changed since; the nearest block for which it can be done is about {nearest}. Balances, storage and calls at block {number} are served all the same; to build on it, set the heads back to it first"
    )]
    TooDeep {
        /// The block.
        number: u64,
        /// About the oldest block for which it could be done.
        nearest: u64,
        /// The most that may have changed.
        max_keys: usize,
    },
    /// An earlier write failed, and what of it will be there after a restart is
    /// not known: the store only reads.
    #[error(
        "the store writes nothing any more, because a write failed ({cause}); see that the disk has space and works, then start again: the store goes on from what it had committed"
    )]
    Halted {
        /// What failed.
        cause: String,
    },
    /// Written by an older release in a format that this one does not read.
    #[error(
        "the store has format version {stored}, and this release reads {supported}; delete that folder and start again: the node derives the posted blocks from DA, or import a snapshot"
    )]
    OlderFormat {
        /// Version in the store.
        stored: u32,
        /// The version that this release reads.
        supported: u32,
    },
    /// The trie could not be read.
    #[error(transparent)]
    Trie(#[from] TrieError),
    /// The database failed.
    #[error(transparent)]
    Kv(#[from] KvError),
    /// A snapshot could not be written or read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

impl StoreError {
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}

impl LayerError for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Empty => ErrorKind::NotYet,
            Self::UnknownBlock { .. }
            | Self::BadHeads { .. }
            | Self::BadBlock { .. }
            | Self::RecordKey { .. } => ErrorKind::Rejected,
            Self::TooManyPending { .. } | Self::Kv(KvError::DiskFull { .. }) => {
                ErrorKind::Temporary
            }
            Self::StatePruned { .. } | Self::TooDeep { .. } => ErrorKind::Pruned,
            Self::OtherChain { .. }
            | Self::NewerFormat { .. }
            | Self::UndoesFinal { .. }
            | Self::MissingCode { .. }
            | Self::Halted { .. }
            | Self::OlderFormat { .. }
            | Self::Corrupt { .. }
            | Self::Trie(_)
            | Self::Kv(_) => ErrorKind::Fatal,
            Self::Snapshot(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "RW-STORE-101",
            Self::OtherChain { .. } => "RW-STORE-102",
            Self::NewerFormat { .. } => "RW-STORE-103",
            Self::UnknownBlock { .. } => "RW-STORE-104",
            Self::StatePruned { .. } => "RW-STORE-105",
            Self::BadHeads { .. } => "RW-STORE-106",
            Self::UndoesFinal { .. } => "RW-STORE-107",
            Self::BadBlock { .. } => "RW-STORE-108",
            Self::TooManyPending { .. } => "RW-STORE-109",
            Self::RecordKey { .. } => "RW-STORE-110",
            Self::MissingCode { .. } => "RW-STORE-111",
            Self::Corrupt { .. } => "RW-STORE-112",
            Self::Trie(_) => "RW-STORE-113",
            Self::Kv(KvError::InUse { .. }) => "RW-STORE-114",
            Self::Kv(KvError::DiskFull { .. }) => "RW-STORE-116",
            Self::Kv(KvError::Damaged { .. }) => "RW-STORE-117",
            Self::Kv(_) => "RW-STORE-115",
            Self::Halted { .. } => "RW-STORE-118",
            Self::OlderFormat { .. } => "RW-STORE-119",
            Self::TooDeep { .. } => "RW-STORE-120",
            Self::Snapshot(error) => error.code(),
        }
    }
}
