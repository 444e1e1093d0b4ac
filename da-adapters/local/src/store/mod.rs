//! The layer's file. Every public function is one transaction: it happened
//! and is on disk when it returns, or it did not happen.

mod append;
mod blocks;
mod open;
mod queue;
mod records;
mod reorg;

pub(crate) use open::{Creation, Limits};
pub(crate) use records::State;

use crate::Error;
use records::{Place, STATE, decode, encode};
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// An open file.
#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
    /// For messages.
    path: PathBuf,
    limits: Limits,
}

impl Store {
    /// The file, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn storage(&self, action: &'static str, source: impl Into<redb::Error>) -> Error {
        match source.into() {
            redb::Error::Io(error) => Error::io(action, &self.path, error),
            redb::Error::Corrupted(what) => self.corrupt(what),
            source => Error::Storage {
                action,
                path: self.path.clone(),
                source: Arc::new(source),
            },
        }
    }

    fn reading(&self, source: impl Into<redb::Error>) -> Error {
        self.storage("read", source)
    }

    fn writing(&self, source: impl Into<redb::Error>) -> Error {
        self.storage("write", source)
    }

    fn corrupt(&self, what: impl Into<String>) -> Error {
        Error::Corrupt {
            path: self.path.clone(),
            what: what.into(),
        }
    }

    fn read(&self) -> Result<ReadTransaction, Error> {
        self.database.begin_read().map_err(|e| self.reading(e))
    }

    /// Commits what `change` did, durably, unless it fails.
    fn write<T>(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let transaction = self.database.begin_write().map_err(|e| self.writing(e))?;
        match change(&transaction) {
            Ok(value) => {
                transaction.commit().map_err(|e| self.writing(e))?;
                Ok(value)
            }
            Err(error) => {
                // Dropping it aborts it; what failed first is the cause.
                drop(transaction);
                Err(error)
            }
        }
    }

    /// The layer as of its newest block.
    pub(crate) fn state(&self) -> Result<State, Error> {
        let transaction = self.read()?;
        let meta = transaction
            .open_table(records::META)
            .map_err(|e| self.reading(e))?;
        self.state_in(&meta)
    }

    fn state_in(
        &self,
        meta: &impl ReadableTable<&'static str, &'static [u8]>,
    ) -> Result<State, Error> {
        let bytes = meta.get("state").map_err(|e| self.reading(e))?;
        let bytes = bytes.ok_or_else(|| self.corrupt("it has no `state`"))?;
        self.decoded(STATE, bytes.value())
    }

    fn put_state(&self, transaction: &WriteTransaction, state: &State) -> Result<(), Error> {
        let mut meta = transaction
            .open_table(records::META)
            .map_err(|e| self.writing(e))?;
        meta.insert("state", encode(STATE, state).as_slice())
            .map_err(|e| self.writing(e))?;
        Ok(())
    }

    fn state_of(&self, transaction: &WriteTransaction) -> Result<State, Error> {
        let meta = transaction
            .open_table(records::META)
            .map_err(|e| self.writing(e))?;
        self.state_in(&meta)
    }

    /// A record by its height; `None` where there is none.
    fn record<T: borsh::BorshDeserialize>(
        &self,
        table: &impl ReadableTable<u64, &'static [u8]>,
        name: &'static str,
        height: u64,
    ) -> Result<Option<T>, Error> {
        let Some(bytes) = table.get(height).map_err(|e| self.reading(e))? else {
            return Ok(None);
        };
        self.decoded(Place::numbered(name, &height.to_le_bytes()), bytes.value())
            .map(Some)
    }

    fn decoded<T: borsh::BorshDeserialize>(
        &self,
        place: Place<'_>,
        bytes: &[u8],
    ) -> Result<T, Error> {
        decode(place, bytes).map_err(|what| self.corrupt(what))
    }

    fn table<'t, K: redb::Key, V: redb::Value>(
        &self,
        transaction: &'t WriteTransaction,
        table: TableDefinition<'static, K, V>,
    ) -> Result<redb::Table<'t, K, V>, Error> {
        transaction.open_table(table).map_err(|e| self.writing(e))
    }
}

#[cfg(test)]
mod tests;
