//! Blocks and accounts in a file, or in memory.

use super::{accounts::AccountState, chain::millis, eds::ExtendedSquare, square::Square};
use crate::CelestiaError;
use borsh::{BorshDeserialize, BorshSerialize};
use celestia_types::ExtendedHeader;
use parking_lot::{MappedRwLockReadGuard, RwLock, RwLockReadGuard};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, backends::InMemoryBackend};
use std::{
    collections::BTreeMap,
    fmt::Display,
    path::{Path, PathBuf},
};
use tendermint_proto::Protobuf;

const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
/// Accounts beside the node's own.
const ACCOUNTS: TableDefinition<'_, [u8; 20], &[u8]> = TableDefinition::new("accounts");
/// Hash of a transaction: its block, its index there, the code of its execution.
const TXS: TableDefinition<'_, [u8; 32], (u64, u32, u32)> = TableDefinition::new("txs");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// Format of the file.
const VERSION: u32 = 1;

/// What a network is, and how far it is. Written with each block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Ledger {
    version: u32,
    pub(crate) chain_id: String,
    pub(crate) seed: u64,
    pub(crate) validators: u8,
    pub(crate) head: u64,
    pub(crate) tail: u64,
    /// The account's next sequence in blocks.
    pub(crate) sequence: u64,
    pub(crate) balance: u64,
}

impl Ledger {
    pub(crate) fn new(chain_id: &str, seed: u64, validators: u8, balance: u64) -> Self {
        Self {
            version: VERSION,
            chain_id: chain_id.to_owned(),
            seed,
            validators,
            head: 0,
            tail: 1,
            sequence: 0,
            balance,
        }
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct StoredBlock {
    header: Vec<u8>,
    width: u16,
    content: Vec<u8>,
}

/// A block as it is served.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) header: ExtendedHeader,
    pub(crate) square: ExtendedSquare,
}

impl Block {
    pub(crate) fn time_ms(&self) -> u64 {
        millis(self.header.time())
    }
}

#[derive(Debug)]
pub(crate) struct Store {
    /// None once it is closed.
    database: RwLock<Option<Database>>,
    path: Option<PathBuf>,
}

impl Store {
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, CelestiaError> {
        let place = path.map(Path::to_owned);
        let fail = |error: &dyn Display| storage("open", place.as_deref(), error);
        let database = match path {
            None => Database::builder()
                .create_with_backend(InMemoryBackend::new())
                .map_err(|error| fail(&error))?,
            Some(path) => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).map_err(|error| fail(&error))?;
                }
                Database::create(path).map_err(|error| fail(&error))?
            }
        };
        Ok(Self {
            database: RwLock::new(Some(database)),
            path: place,
        })
    }

    /// Waits for what is being read or written, and releases the file.
    /// Everything fails from then on.
    pub(crate) fn close(&self) {
        *self.database.write() = None;
    }

    fn database(&self) -> Result<MappedRwLockReadGuard<'_, Database>, CelestiaError> {
        RwLockReadGuard::try_map(self.database.read(), Option::as_ref)
            .map_err(|_| storage("use", self.path.as_deref(), &"the network has stopped"))
    }

    fn fail(&self, action: &'static str) -> impl Fn(&dyn Display) -> CelestiaError + '_ {
        move |error| storage(action, self.path.as_deref(), error)
    }

    /// How far the network is; `None` for a new file.
    pub(crate) fn ledger(&self) -> Result<Option<Ledger>, CelestiaError> {
        let fail = self.fail("read");
        let database = self.database()?;
        let read = database.begin_read().map_err(|error| fail(&error))?;
        let table = match read.open_table(META) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(fail(&error)),
        };
        let Some(bytes) = table.get("ledger").map_err(|error| fail(&error))? else {
            return Ok(None);
        };
        let ledger = Ledger::try_from_slice(bytes.value()).map_err(|error| fail(&error))?;
        if ledger.version != VERSION {
            return Err(fail(&format!("format {} is not known", ledger.version)));
        }
        Ok(Some(ledger))
    }

    /// Writes a block and how far the network then is; durable on return.
    pub(crate) fn append(
        &self,
        ledger: &Ledger,
        header: &ExtendedHeader,
        square: &Square,
        accounts: &BTreeMap<[u8; 20], AccountState>,
        txs: &[([u8; 32], u32)],
    ) -> Result<(), CelestiaError> {
        let fail = self.fail("write");
        let stored = StoredBlock {
            header: header.clone().encode_vec(),
            width: square.width(),
            content: square.content().to_vec(),
        };
        let bytes = borsh::to_vec(&stored).map_err(|error| fail(&error))?;
        self.write(ledger, accounts, |blocks, table| {
            for (index, (hash, code)) in (0u32..).zip(txs) {
                table.insert(hash, (header.height(), index, *code))?;
            }
            blocks.insert(header.height(), bytes.as_slice()).map(drop)
        })
    }

    /// Every account beside the node's own.
    pub(crate) fn accounts(&self) -> Result<BTreeMap<[u8; 20], AccountState>, CelestiaError> {
        let fail = self.fail("read");
        let database = self.database()?;
        let read = database.begin_read().map_err(|error| fail(&error))?;
        let table = match read.open_table(ACCOUNTS) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(BTreeMap::new()),
            Err(error) => return Err(fail(&error)),
        };
        let mut found = BTreeMap::new();
        for entry in table.iter().map_err(|error| fail(&error))? {
            let (key, value) = entry.map_err(|error| fail(&error))?;
            let state =
                AccountState::try_from_slice(value.value()).map_err(|error| fail(&error))?;
            found.insert(key.value(), state);
        }
        Ok(found)
    }

    /// Block, index there and code of a transaction in a block.
    pub(crate) fn tx(&self, hash: [u8; 32]) -> Result<Option<(u64, u32, u32)>, CelestiaError> {
        let fail = self.fail("read");
        let database = self.database()?;
        let read = database.begin_read().map_err(|error| fail(&error))?;
        let table = match read.open_table(TXS) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(fail(&error)),
        };
        let found = table.get(hash).map_err(|error| fail(&error))?;
        Ok(found.map(|value| value.value()))
    }

    /// Drops all blocks below the ledger's tail.
    pub(crate) fn prune(&self, ledger: &Ledger) -> Result<(), CelestiaError> {
        self.write(ledger, &BTreeMap::new(), |blocks, _| {
            blocks.retain(|height, _| height >= ledger.tail)
        })
    }

    /// Writes the ledger and accounts without a block.
    pub(crate) fn set_ledger(
        &self,
        ledger: &Ledger,
        accounts: &BTreeMap<[u8; 20], AccountState>,
    ) -> Result<(), CelestiaError> {
        self.write(ledger, accounts, |_, _| Ok(()))
    }

    fn write(
        &self,
        ledger: &Ledger,
        accounts: &BTreeMap<[u8; 20], AccountState>,
        change: impl FnOnce(
            &mut redb::Table<'_, u64, &[u8]>,
            &mut redb::Table<'_, [u8; 32], (u64, u32, u32)>,
        ) -> Result<(), redb::StorageError>,
    ) -> Result<(), CelestiaError> {
        let fail = self.fail("write");
        let ledger = borsh::to_vec(ledger).map_err(|error| fail(&error))?;
        let database = self.database()?;
        let write = database.begin_write().map_err(|error| fail(&error))?;
        {
            let mut blocks = write.open_table(BLOCKS).map_err(|error| fail(&error))?;
            let mut txs = write.open_table(TXS).map_err(|error| fail(&error))?;
            change(&mut blocks, &mut txs).map_err(|error| fail(&error))?;
            let mut table = write.open_table(ACCOUNTS).map_err(|error| fail(&error))?;
            for (address, state) in accounts {
                let bytes = borsh::to_vec(state).map_err(|error| fail(&error))?;
                table
                    .insert(address, bytes.as_slice())
                    .map_err(|error| fail(&error))?;
            }
            let mut meta = write.open_table(META).map_err(|error| fail(&error))?;
            meta.insert("ledger", ledger.as_slice())
                .map_err(|error| fail(&error))?;
        }
        write.commit().map_err(|error| fail(&error))
    }

    /// A block; `None` where it is pruned or not made yet.
    pub(crate) fn block(&self, height: u64) -> Result<Option<Block>, CelestiaError> {
        let fail = self.fail("read");
        let database = self.database()?;
        let read = database.begin_read().map_err(|error| fail(&error))?;
        let blocks = read.open_table(BLOCKS).map_err(|error| fail(&error))?;
        let Some(bytes) = blocks.get(height).map_err(|error| fail(&error))? else {
            return Ok(None);
        };
        let stored = StoredBlock::try_from_slice(bytes.value()).map_err(|error| fail(&error))?;
        let header = ExtendedHeader::decode_vec(&stored.header).map_err(|error| fail(&error))?;
        let square = Square::from_content(stored.width, &stored.content)
            .and_then(|square| ExtendedSquare::new(&square))
            .ok_or_else(|| fail(&"a block's square does not fit its width"))?;
        Ok(Some(Block { header, square }))
    }
}

fn storage(action: &'static str, path: Option<&Path>, error: &dyn Display) -> CelestiaError {
    let place = path.map_or("memory".to_owned(), |path| path.display().to_string());
    CelestiaError::Devnet(format!("cannot {action} {place}: {error}"))
}
