//! What the store asks of a key-value database, and two that offer it.

mod batch;
mod cause;
mod disk;
mod lock;
mod memory;
#[cfg(test)]
mod tests;

pub use batch::{Batch, Write};
pub use disk::{Durability, FjallKv, FjallOptions};
pub use memory::MemoryKv;

use std::{error::Error, fmt, path::PathBuf, sync::Arc};

/// An ordered key-value database with named columns, atomic commits and
/// consistent snapshots. Object-safe: the store holds an `Arc<dyn KeyValue>`.
///
/// Keys are at most 256 bytes, values at most 256 MiB. One store is the only
/// writer; snapshots are read from any thread.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a key-value database for the state store",
    note = "pass `FjallKv::open(..)` or `MemoryKv::new()`, or implement `KeyValue`"
)]
pub trait KeyValue: fmt::Debug + Send + Sync + 'static {
    /// The state after the last commit that returned, for as long as the
    /// snapshot lives. Cheap: no copy of the data.
    fn snapshot(&self) -> Arc<dyn KvRead>;

    /// Applies all writes or none, and is as durable on return as the
    /// database was opened for. A key stands at most once in a column.
    ///
    /// After an error nothing of the batch is visible to snapshots taken in
    /// this process; after a restart either all or nothing of it is.
    fn commit(&self, batch: &Batch) -> Result<(), KvError>;
}

/// A consistent, read-only view of a [`KeyValue`] database.
pub trait KvRead: fmt::Debug + Send + Sync + 'static {
    /// The value of a key; `None` if there is none.
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, KvError>;

    /// Pairs with `start <= key`, and `key < end` where an end is given,
    /// ascending by key (bytewise), or descending with `reverse`.
    fn range(
        &self,
        column: Column,
        start: &[u8],
        end: Option<&[u8]>,
        reverse: bool,
    ) -> Box<dyn Iterator<Item = KvPair> + '_>;
}

/// A key with its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// A key with its value, or the failure to read the next one.
pub type KvPair = Result<Row, KvError>;

impl dyn KvRead {
    /// Pairs whose key starts with `prefix`, ascending.
    pub fn prefix(&self, column: Column, prefix: &[u8]) -> Box<dyn Iterator<Item = KvPair> + '_> {
        self.range(column, prefix, prefix_end(prefix).as_deref(), false)
    }

    /// The first pair at or above `start` and below `end`.
    pub fn first(
        &self,
        column: Column,
        start: &[u8],
        end: Option<&[u8]>,
    ) -> Result<Option<Row>, KvError> {
        self.range(column, start, end, false).next().transpose()
    }
}

/// The first key above all keys that start with `prefix`; `None` if there is
/// no such key.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.last_mut() {
        if let Some(next) = last.checked_add(1) {
            *last = next;
            return Some(end);
        }
        end.pop();
    }
    None
}

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The named columns of a store. Names are part of the stored format.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Column {
            $($(#[$doc])* $name,)*
        }

        impl Column {
            /// All columns.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stored name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

columns! {
    /// Schema version, genesis, heads, history bounds.
    Meta = "meta",
    /// keccak(address) → account with its storage root.
    Accounts = "accounts",
    /// keccak(address) ‖ keccak(slot) → value.
    Slots = "slots",
    /// keccak(code) → code.
    Codes = "codes",
    /// Path → branch of the account trie.
    AccountNodes = "account-nodes",
    /// keccak(address) ‖ path → branch of that account's storage trie.
    StorageNodes = "storage-nodes",
    /// Block → keys that it changed.
    Changed = "changed",
    /// keccak(address) ‖ block → the account before that block.
    AccountHistory = "account-history",
    /// keccak(address) ‖ keccak(slot) ‖ block → the value before that block.
    SlotHistory = "slot-history",
    /// Block → hash and header.
    Headers = "headers",
    /// Block → body: record, transaction hashes and senders.
    Bodies = "bodies",
    /// Block → receipts.
    Receipts = "receipts",
    /// Block hash → number.
    Numbers = "numbers",
    /// Hash of a block's input → number.
    Inputs = "inputs",
    /// Transaction hash → block and index.
    Transactions = "transactions",
    /// Log key ‖ block → nothing.
    Logs = "logs",
    /// Records of the node.
    Records = "records",
}

impl Column {
    /// Position in [`ALL`](Self::ALL).
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Why a database failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KvError {
    /// Another process holds the directory.
    #[error(
        "{} is in use by another process{}; stop that process, or choose another data directory",
        path.display(),
        pid.map(|pid| format!(", pid {pid}")).unwrap_or_default()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process, if it left its number.
        pid: Option<u32>,
    },
    /// There is no room for what was to be written.
    #[error("{what}: the disk is full; free space, then start again")]
    DiskFull {
        /// What was attempted, with the place.
        what: String,
    },
    /// A file of the database is missing or is not what was written.
    #[error(
        "{what}: the database is damaged ({detail}); check the disk, delete that folder and start again: the node derives the posted blocks from DA, or import a snapshot"
    )]
    Damaged {
        /// What was attempted, with the place.
        what: String,
        /// What does not read.
        detail: String,
    },
    /// The database or the file system failed.
    #[error("{what}: {source}")]
    Backend {
        /// What was attempted, with the place.
        what: String,
        /// The cause.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl KvError {
    /// A failure of the database itself.
    pub fn backend(
        what: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Backend {
            what: what.into(),
            source: source.into(),
        }
    }
}
