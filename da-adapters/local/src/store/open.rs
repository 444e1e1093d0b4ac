use super::{
    Store,
    records::{BLOBS, BODIES, FORMAT, HEADERS, MAGIC, META, QUEUE, State, UNITS},
};
use crate::{Error, LocalDaConfig, NetworkId, config::MAX_BLOCK_BLOBS};
use redb::{Database, DatabaseError, StorageError, TableHandle, backends::InMemoryBackend};
use rollwright_core::DaHeader;
use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

/// 32 MiB: blocks are read once or twice, soon after they are made.
const CACHE_BYTES: usize = 32 << 20;

/// What the store itself must respect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_blob_bytes: u64,
    pub(crate) max_block_bytes: u64,
    pub(crate) max_pending_bytes: u64,
    pub(crate) max_block_blobs: usize,
    pub(crate) finality_depth: u64,
    pub(crate) kept_blocks: Option<u64>,
}

impl From<&LocalDaConfig> for Limits {
    fn from(config: &LocalDaConfig) -> Self {
        Self {
            max_blob_bytes: config.max_blob_bytes,
            max_block_bytes: config.max_block_bytes,
            max_pending_bytes: config.max_pending_bytes,
            max_block_blobs: MAX_BLOCK_BLOBS,
            finality_depth: config.finality_depth,
            kept_blocks: config.kept_blocks(),
        }
    }
}

/// What a new file begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Creation {
    /// Whether to create one at all.
    pub(crate) allowed: bool,
    /// The network that is expected, or to be created.
    pub(crate) network: Option<NetworkId>,
    /// The first block's time in Unix seconds.
    pub(crate) time: u64,
}

impl Store {
    /// Opens the file, or creates it with its first, empty block.
    pub(crate) fn open(
        path: Option<&Path>,
        creation: Creation,
        limits: Limits,
    ) -> Result<Self, Error> {
        let (database, path) = match path {
            None => (in_memory()?, PathBuf::from("(in memory)")),
            Some(path) => {
                let path = if path.is_dir() {
                    path.join("local.redb")
                } else {
                    path.to_owned()
                };
                (on_disk(&path, creation.allowed)?, path)
            }
        };
        Self::over(database, path, creation, limits)
    }

    /// A store over an open database.
    pub(super) fn over(
        database: Database,
        path: PathBuf,
        creation: Creation,
        limits: Limits,
    ) -> Result<Self, Error> {
        let store = Self {
            database,
            path,
            limits,
        };
        if store.is_new()? {
            if !creation.allowed {
                return Err(Error::Missing { path: store.path });
            }
            store.initialise(creation)?;
        }
        store.check_format()?;
        let found = store.state()?.network;
        match creation.network {
            Some(expected) if expected != found => Err(Error::WrongNetwork {
                place: format!("the DA file {}", store.path.display()),
                expected,
                found,
            }),
            _ => Ok(store),
        }
    }

    /// True for a database without a single table: one that has just been
    /// created, now or by a process that was killed before it wrote to it.
    fn is_new(&self) -> Result<bool, Error> {
        let transaction = self.read()?;
        let mut tables = transaction.list_tables().map_err(|e| self.reading(e))?;
        Ok(tables.next().is_none())
    }

    fn check_format(&self) -> Result<(), Error> {
        let not_ours = |found: String| Error::NotOurs {
            path: self.path.clone(),
            found,
        };
        let transaction = self.read()?;
        let is_named = transaction
            .list_tables()
            .map_err(|e| self.reading(e))?
            .any(|table| table.name() == "meta");
        if !is_named {
            return Err(not_ours("a redb file of another program".into()));
        }
        let meta = transaction
            .open_table(META)
            .map_err(|e| not_ours(e.to_string()))?;
        let format = meta.get("format").map_err(|e| self.reading(e))?;
        let found = format
            .as_ref()
            .and_then(|bytes| bytes.value().strip_prefix(MAGIC))
            .and_then(|bytes| bytes.try_into().ok())
            .map(u16::from_le_bytes)
            .ok_or_else(|| not_ours("a redb file of another program".into()))?;
        if found == FORMAT {
            return Ok(());
        }
        Err(Error::OtherVersion {
            path: self.path.clone(),
            found,
            supported: FORMAT,
        })
    }

    fn initialise(&self, creation: Creation) -> Result<(), Error> {
        let network = creation.network.unwrap_or_else(NetworkId::random);
        self.write(|transaction| {
            self.table(transaction, HEADERS)?;
            self.table(transaction, BODIES)?;
            self.table(transaction, BLOBS)?;
            self.table(transaction, UNITS)?;
            self.table(transaction, QUEUE)?;
            let mut format = MAGIC.to_vec();
            format.extend(FORMAT.to_le_bytes());
            self.table(transaction, META)?
                .insert("format", format.as_slice())
                .map_err(|e| self.writing(e))?;
            let mut state = State {
                network,
                head: DaHeader::default(),
                finalized: None,
                oldest: 1,
                seals: 0,
                next_arrival: 0,
                pending_units: 0,
                pending_bytes: 0,
            };
            self.append(transaction, &mut state, creation.time, Vec::new())?;
            self.put_state(transaction, &state)
        })
    }
}

fn in_memory() -> Result<Database, Error> {
    Database::builder()
        .set_cache_size(CACHE_BYTES)
        .create_with_backend(InMemoryBackend::new())
        .map_err(|e| open_error(Path::new("(in memory)"), e))
}

fn on_disk(path: &Path, create: bool) -> Result<Database, Error> {
    let io = |action, source| Error::io(action, path, source);
    if !path.exists() {
        if !create {
            return Err(Error::Missing {
                path: path.to_owned(),
            });
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| io("create the directory of", e))?;
        }
    }
    if is_foreign(path).map_err(|e| io("read", e))? {
        return Err(Error::NotOurs {
            path: path.to_owned(),
            found: "not a redb file".into(),
        });
    }
    let mut builder = Database::builder();
    builder
        .set_cache_size(CACHE_BYTES)
        .create(path)
        .map_err(|e| open_error(path, e))
}

/// True for a file that has contents, but not a database's. Asked first, for
/// the database reports a short file as an unexpected end.
fn is_foreign(path: &Path) -> std::io::Result<bool> {
    const REDB: &[u8] = b"redb";
    let mut start = Vec::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(REDB.len() as u64).read_to_end(&mut start)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(!start.is_empty() && start != REDB)
}

fn open_error(path: &Path, error: DatabaseError) -> Error {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => Error::InUse { path },
        DatabaseError::UpgradeRequired(version) => Error::NotOurs {
            path,
            found: format!("a redb file of format {version}"),
        },
        DatabaseError::Storage(StorageError::Corrupted(what)) if what.contains("magic") => {
            Error::NotOurs {
                path,
                found: "not a redb file".into(),
            }
        }
        DatabaseError::Storage(StorageError::Corrupted(what)) => Error::Corrupt { path, what },
        DatabaseError::Storage(StorageError::Io(error)) => Error::io("open", &path, error),
        other => Error::Storage {
            action: "open",
            path,
            source: Arc::new(other),
        },
    }
}
