//! The journal of postings and the blobs that were posted or read: one file.

#[cfg(test)]
mod tests;

use crate::{Error, posting::Posting};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use parking_lot::Mutex;
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, TableDefinition, TableError,
    backends::InMemoryBackend,
};
use rollwright_core::UnitId;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const UNITS: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("units");
const POSTINGS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("postings");
const BLOBS: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("blobs");
const AGES: TableDefinition<'_, (u64, [u8; 32]), ()> = TableDefinition::new("ages");

/// Names the format, its version last.
const FORMAT: &[u8] = b"rollwright-da-ethereum/journal/1";

/// Blobs are read once or twice, soon after they came.
const CACHE_BYTES: usize = 16 << 20;

/// What is known of a posting unit.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct UnitRecord {
    /// keccak256 of the borsh encoding of its blobs.
    pub(crate) digest: B256,
    /// In the order of its blobs.
    pub(crate) nonces: Vec<u64>,
}

/// What a blob holds.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum Content {
    /// Its payload.
    Payload(Bytes),
    /// The raw blob, which has no payload.
    Refused(Bytes),
}

/// The file, until it is closed.
#[derive(Debug)]
pub(crate) struct Store {
    database: Mutex<Option<Database>>,
    path: PathBuf,
}

impl Store {
    /// Opens or creates the file. The journal belongs to one account of one
    /// network.
    pub(crate) fn open(
        path: Option<&Path>,
        network: &str,
        account: Option<Address>,
    ) -> Result<Self, Error> {
        let shown = path.map_or_else(|| "(in memory)".into(), Path::to_owned);
        let failed = |source: Arc<dyn std::error::Error + Send + Sync>| Error::Journal {
            action: "open",
            path: shown.clone(),
            source,
        };
        if let Some(folder) = path.and_then(Path::parent) {
            std::fs::create_dir_all(folder).map_err(|e| failed(Arc::new(e)))?;
        }
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        let database = match path {
            Some(path) => builder.create(path),
            None => builder.create_with_backend(InMemoryBackend::new()),
        };
        let store = Self {
            database: Mutex::new(Some(database.map_err(|e| failed(Arc::new(e)))?)),
            path: shown.clone(),
        };
        store.claim("format", FORMAT)?;
        store.claim("network", network.as_bytes())?;
        if let Some(account) = account {
            store.claim("account", account.as_slice())?;
        }
        Ok(store)
    }

    /// Writes a fact the first time, and compares it from then on.
    fn claim(&self, key: &'static str, value: &[u8]) -> Result<(), Error> {
        let known = self.read("read", |read| {
            let Some(table) = missing(read.open_table(META))? else {
                return Ok(None);
            };
            Ok(table.get(key)?.map(|known| known.value().to_vec()))
        })?;
        match known {
            Some(known) if known == value => Ok(()),
            Some(_) => Err(Error::ForeignJournal {
                path: self.path.clone(),
                found: format!("was written for another {key}"),
            }),
            None => self.write("create", Durability::Immediate, |write| {
                write.open_table(META)?.insert(key, value)?;
                write.open_table(UNITS)?;
                write.open_table(POSTINGS)?;
                write.open_table(BLOBS)?;
                write.open_table(AGES)?;
                Ok(())
            }),
        }
    }

    /// Where it lies, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Releases the file; what is under way is finished first.
    pub(crate) fn close(&self) {
        drop(self.database.lock().take());
    }

    fn read<T>(
        &self,
        action: &'static str,
        read: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Error> {
        let database = self.database.lock();
        let database = database.as_ref().ok_or(Error::Closed)?;
        let result = database.begin_read().map_err(Into::into);
        result
            .and_then(|transaction| read(&transaction))
            .map_err(|error| self.failed(action, error))
    }

    fn write(
        &self,
        action: &'static str,
        durability: Durability,
        write: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), Error> {
        let database = self.database.lock();
        let database = database.as_ref().ok_or(Error::Closed)?;
        let run = || -> Result<(), redb::Error> {
            let mut transaction = database.begin_write()?;
            transaction.set_durability(durability)?;
            write(&transaction)?;
            Ok(transaction.commit()?)
        };
        run().map_err(|error| self.failed(action, error))
    }

    fn failed(&self, action: &'static str, error: redb::Error) -> Error {
        Error::Journal {
            action,
            path: self.path.clone(),
            source: Arc::new(error),
        }
    }

    fn decoded<T: BorshDeserialize>(&self, bytes: Option<Vec<u8>>) -> Result<Option<T>, Error> {
        let decode = |bytes: Vec<u8>| borsh::from_slice(&bytes).ok();
        match bytes {
            None => Ok(None),
            Some(bytes) => decode(bytes)
                .map(Some)
                .ok_or_else(|| Error::ForeignJournal {
                    path: self.path.clone(),
                    found: "holds a record that does not read".into(),
                }),
        }
    }

    pub(crate) fn unit(&self, id: &UnitId) -> Result<Option<UnitRecord>, Error> {
        let bytes = self.read("read", |read| {
            let table = read.open_table(UNITS)?;
            Ok(table.get(id.0.0)?.map(|value| value.value().to_vec()))
        })?;
        self.decoded(bytes)
    }

    pub(crate) fn posting(&self, nonce: u64) -> Result<Option<Posting>, Error> {
        let bytes = self.read("read", |read| {
            let table = read.open_table(POSTINGS)?;
            Ok(table.get(nonce)?.map(|value| value.value().to_vec()))
        })?;
        self.decoded(bytes)
    }

    /// All postings, in the order of their nonces.
    pub(crate) fn postings(&self) -> Result<Vec<Posting>, Error> {
        let all = self.read("read", |read| {
            let table = read.open_table(POSTINGS)?;
            let mut all = Vec::new();
            for entry in table.iter()? {
                all.push(entry?.1.value().to_vec());
            }
            Ok(all)
        })?;
        let mut postings = Vec::with_capacity(all.len());
        for bytes in all {
            postings.extend(self.decoded(Some(bytes))?);
        }
        Ok(postings)
    }

    /// A unit, its postings and the blobs that they carry, in one step.
    pub(crate) fn prepare(
        &self,
        unit: &UnitId,
        record: &UnitRecord,
        postings: &[Posting],
        blobs: &[(B256, Content)],
        now_ms: u64,
    ) -> Result<(), Error> {
        self.write("write", Durability::Immediate, |write| {
            write
                .open_table(UNITS)?
                .insert(unit.0.0, &encoded(record)[..])?;
            let mut table = write.open_table(POSTINGS)?;
            for posting in postings {
                table.insert(posting.nonce, &encoded(posting)[..])?;
            }
            insert_blobs(write, blobs, now_ms)
        })
    }

    /// Writes postings again.
    pub(crate) fn update(&self, postings: &[Posting]) -> Result<(), Error> {
        self.write("write", Durability::Immediate, |write| {
            let mut table = write.open_table(POSTINGS)?;
            for posting in postings {
                table.insert(posting.nonce, &encoded(posting)[..])?;
            }
            Ok(())
        })
    }

    /// Forgets a unit of which no transaction ever reached a pool.
    pub(crate) fn withdraw(&self, unit: &UnitId, nonces: &[u64]) -> Result<(), Error> {
        self.write("write", Durability::Immediate, |write| {
            write.open_table(UNITS)?.remove(unit.0.0)?;
            let mut table = write.open_table(POSTINGS)?;
            for nonce in nonces {
                table.remove(nonce)?;
            }
            Ok(())
        })
    }

    /// Keeps blobs that were read. Not durable by itself: they can be read
    /// again.
    pub(crate) fn keep(&self, blobs: &[(B256, Content)], now_ms: u64) -> Result<(), Error> {
        self.write("write", Durability::None, |write| {
            insert_blobs(write, blobs, now_ms)
        })
    }

    /// A kept blob; one whose bytes have changed on the disk counts as absent.
    pub(crate) fn blob(&self, hash: &B256) -> Result<Option<Content>, Error> {
        let bytes = self.read("read", |read| {
            let table = read.open_table(BLOBS)?;
            Ok(table.get(hash.0)?.map(|value| value.value().to_vec()))
        })?;
        Ok(bytes.and_then(|bytes| {
            let (check, content) = bytes.split_at_checked(32)?;
            let intact = keccak256(content).as_slice() == check;
            intact.then(|| borsh::from_slice(content).ok()).flatten()
        }))
    }

    /// Drops blobs that came before `before_ms`, and units whose postings have
    /// been final since before then.
    pub(crate) fn expire(&self, before_ms: u64) -> Result<(), Error> {
        let old: Vec<Posting> = self.postings()?;
        let old = old
            .iter()
            .filter(|posting| !posting.is_open() && posting.made_ms < before_ms);
        let last = self.postings()?.last().map(|posting| posting.nonce);
        self.write("write", Durability::Immediate, |write| {
            let mut ages = write.open_table(AGES)?;
            let mut blobs = write.open_table(BLOBS)?;
            let gone: Vec<(u64, [u8; 32])> = ages
                .range(..(before_ms, [0; 32]))?
                .map(|entry| Ok::<_, redb::StorageError>(entry?.0.value()))
                .collect::<Result<_, _>>()?;
            for (age, hash) in gone {
                ages.remove((age, hash))?;
                blobs.remove(hash)?;
            }
            let mut units = write.open_table(UNITS)?;
            let mut postings = write.open_table(POSTINGS)?;
            for posting in old.filter(|posting| Some(posting.nonce) != last) {
                units.remove(posting.unit.0.0)?;
                postings.remove(posting.nonce)?;
            }
            Ok(())
        })
    }
}

fn insert_blobs(
    write: &redb::WriteTransaction,
    blobs: &[(B256, Content)],
    now_ms: u64,
) -> Result<(), redb::Error> {
    let mut table = write.open_table(BLOBS)?;
    let mut ages = write.open_table(AGES)?;
    for (hash, content) in blobs {
        let content = encoded(content);
        let value = [keccak256(&content).as_slice(), &content].concat();
        // One that is there already keeps its age.
        if table.insert(hash.0, &value[..])?.is_none() {
            ages.insert((now_ms, hash.0), ())?;
        }
    }
    Ok(())
}

fn encoded(value: &impl BorshSerialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing into a vector cannot fail.
    let _ = borsh::to_writer(&mut bytes, value);
    bytes
}

/// `None` for a table that no write has made yet.
fn missing<T>(table: Result<T, TableError>) -> Result<Option<T>, TableError> {
    match table {
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        other => other.map(Some),
    }
}
