use super::{
    Batch, Column, KeyValue, KvError, KvPair, KvRead, cause::explain, lock::DirectoryLock,
};
use fjall::{
    Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode, Readable, Snapshot,
    config::CompressionPolicy,
};
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Threads that flush and compact. Of several, the first keeps itself free to
/// flush: it hands each compaction back to the queue, again and again, until
/// another takes it, with a core for nothing as long as the others compact.
/// One alone does both in turn, and has time to spare.
const WORKERS: usize = 1;

/// What a commit survives once it has returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Power failure: the journal is synced to the device.
    #[default]
    Sync,
    /// The end of the process at any instant, not of the machine.
    Process,
}

/// Sizes of an embedded database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FjallOptions {
    /// Block cache in bytes.
    pub cache_bytes: u64,
    /// Write buffer of one column in bytes.
    pub write_buffer_bytes: u64,
    /// Journals in bytes, at least 64 MiB: what a start may have to replay.
    pub journal_bytes: u64,
    /// What a commit survives.
    pub durability: Durability,
}

impl Default for FjallOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 128 << 20,
            write_buffer_bytes: 16 << 20,
            journal_bytes: 128 << 20,
            durability: Durability::Sync,
        }
    }
}

/// The embedded database of a node: a log-structured store in a directory
/// that one process holds at a time.
#[derive(Clone)]
pub struct FjallKv {
    inner: Arc<Inner>,
}

struct Inner {
    // Dropped in this order: the lock goes last.
    columns: Vec<Keyspace>,
    database: Database,
    path: PathBuf,
    durability: Durability,
    _lock: DirectoryLock,
}

impl fmt::Debug for FjallKv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallKv")
            .field("path", &self.inner.path)
            .field("durability", &self.inner.durability)
            .finish()
    }
}

impl FjallKv {
    /// Opens or creates the database in `directory`. A torn last commit is
    /// discarded. [`KvError::InUse`] while another process, or another handle
    /// of this one, holds the directory.
    pub fn open(directory: &Path, options: FjallOptions) -> Result<Self, KvError> {
        let lock = DirectoryLock::acquire(directory)?;
        let failed = |error: fjall::Error| match error {
            fjall::Error::Locked => KvError::InUse {
                path: directory.to_path_buf(),
                pid: None,
            },
            other => explain(format!("cannot open {}", directory.display()), other),
        };
        let builder = Database::builder(directory.join("db"))
            .cache_size(options.cache_bytes)
            .max_journaling_size(options.journal_bytes.max(64 << 20))
            .worker_threads(WORKERS);
        // The database panics over some damaged journals and tables: with debug
        // assertions over ones that it refuses without them, and over others
        // in every build.
        let damaged = || KvError::Damaged {
            what: format!("cannot open {}", directory.display()),
            detail: "its files do not read".to_owned(),
        };
        let opened = catch_unwind(AssertUnwindSafe(|| builder.open()));
        let database = opened.map_err(|_| damaged())?.map_err(failed)?;
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let column =
                |column: &Column| database.keyspace(column.name(), || keyspace(*column, options));
            Column::ALL.iter().map(column).collect::<Result<_, _>>()
        }));
        let columns = match opened {
            Ok(columns) => columns.map_err(failed)?,
            Err(_) => {
                // Its locks are poisoned: to close it would panic again.
                std::mem::forget(database);
                return Err(damaged());
            }
        };
        Ok(Self {
            inner: Arc::new(Inner {
                columns,
                database,
                path: directory.to_path_buf(),
                durability: options.durability,
                _lock: lock,
            }),
        })
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> Result<u64, KvError> {
        self.inner
            .database
            .disk_space()
            .map_err(|error| explain("cannot measure the database", error))
    }
}

/// How a column is kept. What is mostly hashes does not become smaller by
/// compression, and is rewritten most.
fn keyspace(column: Column, options: FjallOptions) -> KeyspaceCreateOptions {
    let keyspace = KeyspaceCreateOptions::default().max_memtable_size(options.write_buffer_bytes);
    match column {
        Column::Accounts
        | Column::Slots
        | Column::AccountNodes
        | Column::StorageNodes
        | Column::AccountHistory
        | Column::SlotHistory
        | Column::Numbers
        | Column::Inputs
        | Column::Transactions => {
            keyspace.data_block_compression_policy(CompressionPolicy::disabled())
        }
        _ => keyspace,
    }
}

impl KeyValue for FjallKv {
    fn snapshot(&self) -> Arc<dyn KvRead> {
        Arc::new(FjallSnapshot {
            snapshot: self.inner.database.snapshot(),
            inner: Arc::clone(&self.inner),
        })
    }

    fn commit(&self, batch: &Batch) -> Result<(), KvError> {
        let mode = match self.inner.durability {
            Durability::Sync => PersistMode::SyncData,
            Durability::Process => PersistMode::Buffer,
        };
        let writes = OwnedWriteBatch::with_capacity(self.inner.database.clone(), batch.len());
        let mut writes = writes.durability(Some(mode));
        for (column, key, value) in batch.iter() {
            let keyspace = &self.inner.columns[column.index()];
            match value {
                Some(value) => writes.insert(keyspace, key, value),
                None => writes.remove(keyspace, key),
            }
        }
        writes.commit().map_err(|error| {
            explain(
                format!("cannot commit to {}", self.inner.path.display()),
                error,
            )
        })
    }
}

struct FjallSnapshot {
    snapshot: Snapshot,
    inner: Arc<Inner>,
}

impl fmt::Debug for FjallSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FjallSnapshot").finish_non_exhaustive()
    }
}

impl FjallSnapshot {
    fn keyspace(&self, column: Column) -> &Keyspace {
        &self.inner.columns[column.index()]
    }

    fn unreadable(&self, column: Column, error: fjall::Error) -> KvError {
        let place = self.inner.path.display();
        explain(format!("cannot read {} of {place}", column.name()), error)
    }
}

impl KvRead for FjallSnapshot {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.snapshot
            .get(self.keyspace(column), key)
            .map(|value| value.map(|value| value.to_vec()))
            .map_err(|error| self.unreadable(column, error))
    }

    fn range(
        &self,
        column: Column,
        start: &[u8],
        end: Option<&[u8]>,
        reverse: bool,
    ) -> Box<dyn Iterator<Item = KvPair> + '_> {
        let keyspace = self.keyspace(column);
        let pair = move |guard: fjall::Guard| {
            guard
                .into_inner()
                .map(|(key, value)| (key.to_vec(), value.to_vec()))
                .map_err(|error| self.unreadable(column, error))
        };
        let iter = match end {
            Some(end) if end <= start => return Box::new(std::iter::empty()),
            Some(end) => self.snapshot.range(keyspace, start..end),
            None => self.snapshot.range(keyspace, start..),
        };
        if reverse {
            Box::new(iter.rev().map(pair))
        } else {
            Box::new(iter.map(pair))
        }
    }
}
