//! How far sampling has come; it survives a restart.

use super::SampleSecret;
use crate::{CelestiaError, Source};
use alloy_primitives::B256;
use borsh::{BorshDeserialize, BorshSerialize};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, backends::InMemoryBackend};
use std::{path::Path, sync::Arc};

const HEIGHTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("heights");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

const VERSION: u16 = 1;

/// Heights that are remembered: more than the blocks of the seven days for
/// which light nodes sample.
const KEPT: u64 = 300_000;

/// Whose progress it is; changes with nothing.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Identity {
    version: u16,
    pub(super) network: String,
    secret: [u8; 32],
    /// The first height that is sampled.
    pub(super) first: u64,
}

impl Identity {
    pub(super) fn new(network: &str, secret: &SampleSecret, first: u64) -> Self {
        Self {
            version: VERSION,
            network: network.to_owned(),
            secret: *secret.as_bytes(),
            first,
        }
    }

    pub(super) const fn secret(&self) -> SampleSecret {
        SampleSecret::new(self.secret)
    }
}

/// What became of a height.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Sampled {
    pub(super) hash: B256,
    /// Samples that were verified.
    pub(super) samples: u16,
    /// Unix time in milliseconds.
    pub(super) at_ms: u64,
    /// No node serves it any more; it was not sampled in time.
    pub(super) given_up: bool,
}

#[derive(Debug)]
pub(super) struct LightStore {
    database: Database,
    path: String,
}

impl LightStore {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, CelestiaError> {
        let shown = path.map_or("(in memory)".to_owned(), |path| path.display().to_string());
        let fail = |source: Source| CelestiaError::Storage {
            action: "open",
            path: shown.clone(),
            source,
        };
        let database = match path {
            None => Database::builder()
                .create_with_backend(InMemoryBackend::new())
                .map_err(|error| fail(Arc::new(error)))?,
            Some(path) => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).map_err(|error| fail(Arc::new(error)))?;
                }
                Database::create(path).map_err(|error| fail(Arc::new(error)))?
            }
        };
        let store = Self {
            database,
            path: shown,
        };
        store.write(|write| {
            write.open_table(HEIGHTS)?;
            write.open_table(META)?;
            Ok(())
        })?;
        Ok(store)
    }

    fn fail(&self, action: &'static str, error: redb::Error) -> CelestiaError {
        CelestiaError::Storage {
            action,
            path: self.path.clone(),
            source: Arc::new(error),
        }
    }

    fn read<T>(
        &self,
        run: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, CelestiaError> {
        let begin = || Ok::<_, redb::Error>(self.database.begin_read()?);
        begin()
            .and_then(|read| run(&read))
            .map_err(|error| self.fail("read", error))
    }

    fn write(
        &self,
        run: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), CelestiaError> {
        let all = || {
            let write = self.database.begin_write()?;
            run(&write)?;
            write.commit()?;
            Ok::<_, redb::Error>(())
        };
        all().map_err(|error| self.fail("write", error))
    }

    fn decode<T: BorshDeserialize>(&self, bytes: &[u8]) -> Result<T, CelestiaError> {
        borsh::from_slice(bytes).map_err(|_| CelestiaError::Corrupt {
            path: self.path.clone(),
            what: "a record of sampling does not read".to_owned(),
        })
    }

    /// Whose progress this is; `None` in a new file.
    pub(super) fn identity(&self) -> Result<Option<Identity>, CelestiaError> {
        let bytes = self.read(|read| {
            let meta = read.open_table(META)?;
            Ok(meta.get("identity")?.map(|value| value.value().to_vec()))
        })?;
        let identity: Option<Identity> = bytes.map(|bytes| self.decode(&bytes)).transpose()?;
        match identity {
            Some(found) if found.version != VERSION => Err(CelestiaError::Corrupt {
                path: self.path.clone(),
                what: format!("it is of version {}, not {VERSION}", found.version),
            }),
            other => Ok(other),
        }
    }

    pub(super) fn set_identity(&self, identity: &Identity) -> Result<(), CelestiaError> {
        self.write(|write| {
            let bytes = borsh::to_vec(identity).map_err(redb::Error::Io)?;
            write
                .open_table(META)?
                .insert("identity", bytes.as_slice())?;
            Ok(())
        })
    }

    /// Writes what became of a height; durable on return. The oldest heights
    /// are forgotten.
    pub(super) fn set(&self, height: u64, sampled: &Sampled) -> Result<(), CelestiaError> {
        self.write(|write| {
            let mut heights = write.open_table(HEIGHTS)?;
            let bytes = borsh::to_vec(sampled).map_err(redb::Error::Io)?;
            heights.insert(height, bytes.as_slice())?;
            let oldest = heights.first()?.map(|(key, _)| key.value());
            if oldest.is_some_and(|oldest| oldest + KEPT < height) {
                heights.pop_first()?;
            }
            Ok(())
        })
    }

    /// What became of a height; `None` where it is open.
    pub(super) fn get(&self, height: u64) -> Result<Option<Sampled>, CelestiaError> {
        let bytes = self.read(|read| {
            let heights = read.open_table(HEIGHTS)?;
            Ok(heights.get(height)?.map(|value| value.value().to_vec()))
        })?;
        bytes.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// The first open height from `first` on: gaps are heights that had begun
    /// when the process ended.
    pub(super) fn first_open(&self, first: u64) -> Result<u64, CelestiaError> {
        self.read(|read| {
            let mut next = first;
            for entry in read.open_table(HEIGHTS)?.range(first..)? {
                let height = entry?.0.value();
                // What was forgotten at the beginning is no gap.
                if next == first && height > first + KEPT {
                    next = height;
                }
                if height != next {
                    break;
                }
                next += 1;
            }
            Ok(next)
        })
    }
}

#[cfg(test)]
mod tests;
