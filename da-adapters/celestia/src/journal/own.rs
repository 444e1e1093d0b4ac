//! What was signed with keys of our own. Bytes, hash and sequence are durable
//! before anything leaves the process.

use super::{Journal, UNITS, UnitRecord};
use crate::CelestiaError;
use borsh::{BorshDeserialize, BorshSerialize};
use redb::{ReadableTable, TableDefinition};
use rollwright_core::UnitId;

/// What was signed for a unit.
const OWN: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("own");
/// Address and sequence: the unit that holds it.
const SEQUENCES: TableDefinition<'_, ([u8; 20], u64), [u8; 32]> = TableDefinition::new("sequences");
/// Address: the highest committed sequence that was ever seen.
const ACCOUNTS: TableDefinition<'_, [u8; 20], u64> = TableDefinition::new("accounts");
/// Hours since 1970: what was signed for in it, in utia.
const SPENT: TableDefinition<'_, u64, u64> = TableDefinition::new("spent");

/// Hours that a day's spending is counted over.
const DAY: u64 = 24;

/// How far a signed transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum OwnState {
    /// It may be in a mempool or in a block.
    Open,
    /// Refused: it is in no mempool and its sequence is not used.
    Rejected,
    /// Its blobs were found in a block.
    Included,
    /// It stands in a block and failed: the fee is spent, the blobs are not
    /// paid for.
    Failed,
    /// Something else used its sequence.
    Taken,
    /// Refused, and its sequence given to another unit.
    Released,
}

/// A transaction that was signed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct OwnAttempt {
    pub(crate) sequence: u64,
    pub(crate) hash: [u8; 32],
    /// With its blobs, as it is broadcast; empty once nothing needs it.
    pub(crate) tx: Vec<u8>,
    /// Millionths of a utia per gas.
    pub(crate) price: u64,
    /// In utia.
    pub(crate) fee: u64,
    /// Of the unit's blobs, the first that it posts.
    pub(crate) first: u32,
    /// Blobs that it posts.
    pub(crate) blobs: u32,
    /// The verified head at the last broadcast, or when it was signed.
    pub(crate) sent_at: u64,
    pub(crate) broadcasts: u32,
    /// A mempool took it.
    pub(crate) accepted: bool,
    /// The verified head when its sequence was first seen to be used.
    pub(crate) consumed_at: Option<u64>,
    pub(crate) state: OwnState,
}

/// What was signed for one unit, oldest first. Of those with one sequence the
/// last counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct OwnUnit {
    pub(crate) account: [u8; 20],
    pub(crate) attempts: Vec<OwnAttempt>,
    /// Signatures made, counting those that replaced another.
    pub(crate) signed: u64,
}

impl OwnUnit {
    pub(crate) fn last(&self) -> Option<&OwnAttempt> {
        self.attempts.last()
    }

    /// Changes the newest attempt, if there is one.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut OwnAttempt)) {
        if let Some(last) = self.attempts.last_mut() {
            change(last);
        }
    }

    /// What is bound to be paid: one fee for each sequence that was or may be
    /// used by this unit.
    pub(crate) fn fees(&self) -> u128 {
        let mut fees = std::collections::BTreeMap::new();
        for attempt in &self.attempts {
            if !matches!(attempt.state, OwnState::Taken | OwnState::Released) {
                fees.insert(attempt.sequence, u128::from(attempt.fee));
            }
        }
        fees.values().sum()
    }
}

/// What changes beside a unit's own record.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OwnChange {
    /// This sequence is the unit's from now on.
    pub(crate) reserve: Option<u64>,
    /// This sequence is nobody's from now on.
    pub(crate) release: Option<u64>,
    /// Hour and utia.
    pub(crate) spent: Option<(u64, u64)>,
}

impl Journal {
    /// What was signed for a unit; `None` where nothing was.
    pub(crate) fn own(&self, id: UnitId) -> Result<Option<OwnUnit>, CelestiaError> {
        let bytes = self.read(|read| match read.open_table(OWN) {
            Ok(table) => Ok(table.get(id.0.0)?.map(|value| value.value().to_vec())),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        })?;
        bytes.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// Writes a unit's records with what changes beside; durable on return.
    pub(crate) fn set_own(
        &self,
        id: UnitId,
        record: Option<&UnitRecord>,
        own: &OwnUnit,
        change: OwnChange,
    ) -> Result<(), CelestiaError> {
        self.write(|write| {
            if let Some(record) = record {
                let bytes = borsh::to_vec(record).map_err(redb::Error::Io)?;
                write.open_table(UNITS)?.insert(id.0.0, bytes.as_slice())?;
            }
            let bytes = borsh::to_vec(own).map_err(redb::Error::Io)?;
            write.open_table(OWN)?.insert(id.0.0, bytes.as_slice())?;
            let mut sequences = write.open_table(SEQUENCES)?;
            if let Some(sequence) = change.release {
                sequences.remove((own.account, sequence))?;
            }
            if let Some(sequence) = change.reserve {
                sequences.insert((own.account, sequence), id.0.0)?;
            }
            if let Some((hour, utia)) = change.spent {
                let mut spent = write.open_table(SPENT)?;
                let before = spent.get(hour)?.map_or(0, |value| value.value());
                spent.insert(hour, before.saturating_add(utia))?;
                spent.retain(|old, _| old.saturating_add(DAY) > hour)?;
            }
            Ok(())
        })
    }

    /// The sequences of an account that units hold, ascending.
    pub(crate) fn reserved(&self, account: [u8; 20]) -> Result<Vec<(u64, UnitId)>, CelestiaError> {
        self.read(|read| {
            let table = match read.open_table(SEQUENCES) {
                Ok(table) => table,
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            };
            let mut found = Vec::new();
            for entry in table.range((account, 0)..=(account, u64::MAX))? {
                let (key, unit) = entry?;
                found.push((key.value().1, UnitId(unit.value().into())));
            }
            Ok(found)
        })
    }

    /// Remembers an account's committed sequence, and gives the highest that
    /// was ever seen: an endpoint may be behind another.
    pub(crate) fn committed(&self, account: [u8; 20], seen: u64) -> Result<u64, CelestiaError> {
        let before = self.read(|read| match read.open_table(ACCOUNTS) {
            Ok(table) => Ok(table.get(account)?.map_or(0, |value| value.value())),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(0),
            Err(error) => Err(error.into()),
        })?;
        if seen > before {
            self.write(|write| {
                write.open_table(ACCOUNTS)?.insert(account, seen)?;
                Ok(())
            })?;
        }
        Ok(seen.max(before))
    }

    /// What was signed for in the day that ends with this hour, in utia.
    pub(crate) fn spent(&self, hour: u64) -> Result<u64, CelestiaError> {
        self.read(|read| {
            let table = match read.open_table(SPENT) {
                Ok(table) => table,
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(0),
                Err(error) => return Err(error.into()),
            };
            let mut sum = 0u64;
            for entry in table.range(hour.saturating_sub(DAY - 1)..)? {
                sum = sum.saturating_add(entry?.1.value());
            }
            Ok(sum)
        })
    }
}
