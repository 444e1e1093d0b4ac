//! The code of a chain's own precompiles, beside the configuration that names
//! them.

use super::{ChainConfig, Genesis, GenesisError};
use crate::precompile::{Precompile, PrecompileTable};
use alloc::{format, string::String, sync::Arc, vec::Vec};
use alloy_primitives::Address;
use revm::primitives::hardfork::SpecId;
use rollwright_derive::{PrecompileConfig, RollupConfig};

/// What a program adds to a configuration that it runs. No part of its
/// encoding, and equal to every other.
#[derive(Clone, Debug, Default)]
pub struct Linked {
    provided: Vec<Precompile>,
    /// By the time from which each holds, ascending; empty where the forks'
    /// own do.
    tables: Vec<(u64, Arc<PrecompileTable>)>,
}

impl PartialEq for Linked {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Linked {}

impl Linked {
    fn provided(&self, entry: &PrecompileConfig) -> Option<&Precompile> {
        let is_it = |p: &&Precompile| p.name == entry.name && p.version == entry.version;
        self.provided.iter().find(is_it)
    }
}

impl Genesis {
    /// The same chain, run by a program that has these precompiles: the ones
    /// that `config.rollwright.precompiles` names are looked up among them by
    /// name and version, others are not used. Refused where the chain names
    /// one that is not there, or whose fingerprint is another.
    pub fn with_precompiles(mut self, provided: &[Precompile]) -> Result<Self, GenesisError> {
        self.config.link(provided)?;
        Ok(self)
    }
}

impl ChainConfig {
    /// As [`Genesis::with_precompiles`].
    pub fn link(&mut self, provided: &[Precompile]) -> Result<(), GenesisError> {
        self.linked.provided.extend_from_slice(provided);
        self.check_linked()?;
        *self = self.prepared();
        Ok(())
    }

    /// The same, with what every block of it needs made once.
    pub(super) fn prepared(&self) -> Self {
        let mut config = self.clone();
        config.linked.tables = config.tables();
        config
    }

    /// Checks that the program has every precompile that the chain names.
    pub fn check_linked(&self) -> Result<(), GenesisError> {
        for entry in self.precompile_entries() {
            let refuse = |reason: String| {
                Err(GenesisError::Precompile {
                    name: entry.name.clone(),
                    version: entry.version,
                    address: entry.address,
                    reason,
                })
            };
            let Some(code) = self.linked.provided(entry) else {
                return refuse("this program has no code for it".into());
            };
            let actual = code.fingerprint();
            if let Some(expected) = entry.fingerprint.filter(|expected| *expected != actual) {
                return refuse(format!(
                    "this program's code has the fingerprint {actual}, not {expected}"
                ));
            }
        }
        Ok(())
    }

    /// The precompiles that the configuration names.
    pub fn precompile_entries(&self) -> &[PrecompileConfig] {
        self.rollwright
            .as_ref()
            .map_or(&[], |rollup| &rollup.precompiles)
    }

    /// Names and addresses of the precompiles of a block of this fork and
    /// time, in no order.
    #[cfg(feature = "rpc")]
    pub(crate) fn precompiles_at(
        &self,
        fork: SpecId,
        timestamp: u64,
    ) -> impl Iterator<Item = (String, Address)> {
        let table = self.precompile_table(fork, timestamp);
        let all: Vec<_> = crate::precompile::ChainPrecompiles::new(fork, table)
            .named()
            .collect();
        all.into_iter()
    }

    /// The precompiles of a block of this fork and time. `None` where they are
    /// the fork's own.
    pub(crate) fn precompile_table(
        &self,
        fork: SpecId,
        timestamp: u64,
    ) -> Option<Arc<PrecompileTable>> {
        let rollup = self.rollwright.as_ref()?;
        if rollup.eips.is_empty() && rollup.precompiles.is_empty() {
            return None;
        }
        let mut tables = self.linked.tables.iter().rev();
        let table = match tables.find(|(from, _)| *from <= timestamp) {
            Some((_, table)) => Arc::clone(table),
            None => Arc::new(self.table_at(fork, timestamp)),
        };
        Some(table).filter(|table| !table.is_forks_own())
    }

    fn table_at(&self, fork: SpecId, timestamp: u64) -> PrecompileTable {
        let own = self
            .precompile_entries()
            .iter()
            .filter(|entry| entry.time <= timestamp)
            .map(|entry| (entry, self.linked.provided(entry).map(|code| code.run)));
        PrecompileTable::new(fork, self.eips_at(timestamp), own)
    }

    /// Every table that the chain ever has, made once.
    fn tables(&self) -> Vec<(u64, Arc<PrecompileTable>)> {
        let differs =
            |rollup: &RollupConfig| !rollup.eips.is_empty() || !rollup.precompiles.is_empty();
        if !self.rollwright.as_ref().is_some_and(differs) {
            return Vec::new();
        }
        let own = self.precompile_entries().iter().map(|entry| entry.time);
        let forks = [
            self.shanghai_time,
            self.cancun_time,
            self.prague_time,
            self.osaka_time,
        ];
        let mut times: Vec<u64> = self
            .switches()
            .map(|(_, time)| time)
            .chain(own)
            .chain(forks.into_iter().flatten())
            .chain([0])
            .collect();
        times.sort_unstable();
        times.dedup();
        times
            .into_iter()
            .map(|time| {
                (
                    time,
                    Arc::new(self.table_at(self.spec(u64::MAX, time), time)),
                )
            })
            .collect()
    }

    /// Checks what the configuration says of its precompiles.
    pub(super) fn check_precompiles(&self) -> Result<(), GenesisError> {
        let entries = self.precompile_entries();
        for (index, entry) in entries.iter().enumerate() {
            let path = format!("config.rollwright.precompiles[{index}]");
            let conflict =
                |reason: String, cure: &str| Err(super::forks::conflict(&path, reason, cure));
            let allowed =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_./".contains(c);
            if entry.name.is_empty() || entry.name.len() > 64 || !entry.name.chars().all(allowed) {
                return conflict(
                    format!(
                        "the name {:?} is not 1 to 64 of a-z 0-9 - _ . /",
                        entry.name
                    ),
                    "give it a name like `acme/poseidon`",
                );
            }
            let later = entries.get(index + 1);
            if later.is_some_and(|later| (later.time, later.address) <= (entry.time, entry.address))
            {
                return conflict(
                    "is followed by one that does not come after it".into(),
                    "order them by time, then address, each place once",
                );
            }
            if self.is_ethereums(entry.address) {
                return conflict(
                    format!("{} is an address of Ethereum's precompiles", entry.address),
                    "choose one above 0x…ffff, best one that ends your project's name",
                );
            }
        }
        match entries.len() {
            0..=256 => Ok(()),
            many => Err(super::forks::conflict(
                "config.rollwright.precompiles",
                format!("has {many} entries"),
                "at most 256 are allowed",
            )),
        }
    }

    /// True for 0x…0000 to 0x…ffff, which Ethereum keeps for itself.
    fn is_ethereums(&self, address: Address) -> bool {
        address.as_slice().iter().take(18).all(|byte| *byte == 0)
    }
}
