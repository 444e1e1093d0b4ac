//! What must survive a crash: which headers are believed, and what was posted
//! or may have been.

use crate::CelestiaError;
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use celestia_types::ExtendedHeader;
use parking_lot::RwLock;
use redb::{Database, Durability, ReadableDatabase, TableDefinition, backends::InMemoryBackend};
use rollwright_core::{DaBlockId, DaHeader, UnitId};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tendermint_proto::Protobuf;

#[cfg(feature = "grpc")]
mod own;

#[cfg(feature = "grpc")]
pub(crate) use own::{OwnAttempt, OwnChange, OwnState, OwnUnit};

const HEADERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("headers");
const UNITS: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("units");
/// Height and index of a blob: the unit that it belongs to.
const PLACES: TableDefinition<'_, (u64, u32), [u8; 32]> = TableDefinition::new("places");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// Format of the file.
const VERSION: u32 = 1;

/// Where one blob of a unit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Place {
    pub(crate) block: DaBlockId,
    pub(crate) index: u32,
}

/// One try to post what is left of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Attempt {
    /// Millionths of a utia per gas.
    pub(crate) price: u64,
    /// The verified head when it was made.
    pub(crate) sent_at: u64,
    /// Blobs that it posts.
    pub(crate) blobs: u32,
    /// True where the node refused it before any mempool had it.
    pub(crate) refused: bool,
    /// True where its blobs were found in a block.
    pub(crate) included: bool,
}

/// A posting unit, from the first call on for ever.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct UnitRecord {
    /// Hash of the unit's blobs.
    pub(crate) digest: B256,
    /// In the unit's order.
    pub(crate) commitments: Vec<[u8; 32]>,
    /// Up to here its blobs are known not to stand, but for those placed.
    pub(crate) scanned: u64,
    /// Where its first blobs stand; all of them once it is included.
    pub(crate) placed: Vec<Place>,
    /// Oldest first.
    pub(crate) attempts: Vec<Attempt>,
    /// Most blobs for one transaction.
    pub(crate) most: u32,
    /// What was paid, or is bound to be, in utia.
    pub(crate) fee: u128,
}

impl UnitRecord {
    pub(crate) fn is_included(&self) -> bool {
        self.placed.len() == self.commitments.len()
    }
}

#[derive(Debug)]
pub(crate) struct Journal {
    database: RwLock<Option<Arc<Database>>>,
    path: String,
}

impl Journal {
    /// Opens the file, or makes it. It belongs to one network and namespace.
    pub(crate) fn open(
        path: Option<&Path>,
        network: &str,
        namespace: &[u8],
    ) -> Result<Self, CelestiaError> {
        let shown = path.map_or("(in memory)".to_owned(), |path| path.display().to_string());
        let fail = |source| storage("open", &shown, source);
        let database = match path {
            None => Database::builder()
                .create_with_backend(InMemoryBackend::new())
                .map_err(|error| fail(Arc::new(error)))?,
            Some(path) => {
                if let Some(folder) = path.parent().map(PathBuf::from) {
                    std::fs::create_dir_all(folder).map_err(|error| fail(Arc::new(error)))?;
                }
                Database::create(path).map_err(|error| fail(Arc::new(error)))?
            }
        };
        let journal = Self {
            database: RwLock::new(Some(Arc::new(database))),
            path: shown,
        };
        let own = borsh::to_vec(&(VERSION, network, namespace)).unwrap_or_default();
        match journal.meta("identity")? {
            None => journal.set_meta("identity", &own)?,
            Some(found) if found == own => {}
            Some(_) => {
                return Err(
                    journal.corrupt("it is of another network or namespace, or of another version")
                );
            }
        }
        Ok(journal)
    }

    fn database(&self) -> Result<Arc<Database>, CelestiaError> {
        self.database.read().clone().ok_or(CelestiaError::Closed)
    }

    /// Releases the file once calls under way have ended.
    pub(crate) fn close(&self) {
        *self.database.write() = None;
    }

    fn corrupt(&self, what: &str) -> CelestiaError {
        CelestiaError::Corrupt {
            path: self.path.clone(),
            what: what.to_owned(),
        }
    }

    fn read<T>(
        &self,
        run: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, CelestiaError> {
        let database = self.database()?;
        let transaction = || Ok::<_, redb::Error>(database.begin_read()?);
        transaction()
            .and_then(|transaction| run(&transaction))
            .map_err(|error| storage("read", &self.path, Arc::new(error)))
    }

    fn write(
        &self,
        run: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), CelestiaError> {
        let database = self.database()?;
        let transaction = || {
            let mut write = database.begin_write()?;
            write.set_durability(Durability::Immediate)?;
            run(&write)?;
            write.commit()?;
            Ok::<_, redb::Error>(())
        };
        transaction().map_err(|error| storage("write", &self.path, Arc::new(error)))
    }

    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, CelestiaError> {
        self.read(|read| match read.open_table(META) {
            Ok(table) => Ok(table.get(key)?.map(|value| value.value().to_vec())),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        })
    }

    fn set_meta(&self, key: &str, value: &[u8]) -> Result<(), CelestiaError> {
        self.write(|write| {
            write.open_table(META)?.insert(key, value)?;
            write.open_table(HEADERS)?;
            write.open_table(UNITS)?;
            write.open_table(PLACES)?;
            Ok(())
        })
    }

    /// The newest header that is believed, whole.
    pub(crate) fn newest(&self) -> Result<Option<ExtendedHeader>, CelestiaError> {
        match self.meta("newest")? {
            None => Ok(None),
            Some(bytes) => ExtendedHeader::decode_vec(&bytes)
                .map(Some)
                .map_err(|_| self.corrupt("the newest header does not read")),
        }
    }

    /// The facts of a header that is believed.
    pub(crate) fn header(&self, height: u64) -> Result<Option<DaHeader>, CelestiaError> {
        let bytes = self.read(|read| {
            Ok(read
                .open_table(HEADERS)?
                .get(height)?
                .map(|value| value.value().to_vec()))
        })?;
        bytes.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// The nearest believed heights below and above one that is not believed.
    pub(crate) fn neighbours(
        &self,
        height: u64,
    ) -> Result<(Option<u64>, Option<u64>), CelestiaError> {
        self.read(|read| {
            let headers = read.open_table(HEADERS)?;
            let below = headers.range(..height)?.next_back().transpose()?;
            let above = headers.range(height..)?.next().transpose()?;
            Ok((
                below.map(|(key, _)| key.value()),
                above.map(|(key, _)| key.value()),
            ))
        })
    }

    /// Believes headers from now on, and the newest of all as a whole.
    pub(crate) fn believe(
        &self,
        facts: &[DaHeader],
        newest: Option<&ExtendedHeader>,
    ) -> Result<(), CelestiaError> {
        self.write(|write| {
            let mut headers = write.open_table(HEADERS)?;
            for facts in facts {
                let bytes = borsh::to_vec(facts).map_err(redb::Error::Io)?;
                headers.insert(facts.height.0, bytes.as_slice())?;
            }
            if let Some(newest) = newest {
                let bytes = newest.clone().encode_vec();
                write.open_table(META)?.insert("newest", bytes.as_slice())?;
            }
            Ok(())
        })
    }

    pub(crate) fn unit(&self, id: UnitId) -> Result<Option<UnitRecord>, CelestiaError> {
        let bytes = self.read(|read| {
            Ok(read
                .open_table(UNITS)?
                .get(id.0.0)?
                .map(|value| value.value().to_vec()))
        })?;
        bytes.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// Writes a unit's record; durable on return. Its places become its own.
    pub(crate) fn set_unit(&self, id: UnitId, record: &UnitRecord) -> Result<(), CelestiaError> {
        self.write(|write| {
            let bytes = borsh::to_vec(record).map_err(redb::Error::Io)?;
            write.open_table(UNITS)?.insert(id.0.0, bytes.as_slice())?;
            let mut places = write.open_table(PLACES)?;
            for place in &record.placed {
                places.insert((place.block.height.0, place.index), id.0.0)?;
            }
            Ok(())
        })
    }

    /// Whether a blob's place belongs to a unit already.
    pub(crate) fn is_taken(&self, height: u64, index: u32) -> Result<bool, CelestiaError> {
        self.read(|read| Ok(read.open_table(PLACES)?.get((height, index))?.is_some()))
    }

    /// The largest blob that the network was found to take.
    pub(crate) fn max_blob_bytes(&self) -> Result<Option<u64>, CelestiaError> {
        let bytes = self.meta("max-blob-bytes")?;
        bytes.map(|bytes| self.decode(&bytes)).transpose()
    }

    pub(crate) fn set_max_blob_bytes(&self, bytes: u64) -> Result<(), CelestiaError> {
        self.set_meta("max-blob-bytes", &bytes.to_le_bytes())
    }

    fn decode<T: BorshDeserialize>(&self, bytes: &[u8]) -> Result<T, CelestiaError> {
        borsh::from_slice(bytes).map_err(|_| self.corrupt("a record does not read"))
    }
}

fn storage(
    action: &'static str,
    path: &str,
    source: Arc<dyn std::error::Error + Send + Sync>,
) -> CelestiaError {
    CelestiaError::Storage {
        action,
        path: path.to_owned(),
        source,
    }
}
