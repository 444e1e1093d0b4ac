use super::{Batch, Column, KeyValue, KvError, KvPair, KvRead};
use parking_lot::{Mutex, RwLock};
use std::{collections::BTreeMap, sync::Arc};

/// A database in memory: for tests, and for chains that need no disk.
///
/// Clones share the data, so a store that is opened on a clone finds what
/// another committed. Old versions of a value are kept only while a snapshot
/// needs them.
#[derive(Clone, Debug, Default)]
pub struct MemoryKv {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    data: RwLock<Data>,
    live: Mutex<BTreeMap<u64, usize>>,
}

#[derive(Debug, Default)]
struct Data {
    version: u64,
    columns: Vec<BTreeMap<Vec<u8>, Vec<Version>>>,
}

/// A value from a version on; ascending by version.
#[derive(Debug)]
struct Version {
    since: u64,
    value: Option<Arc<[u8]>>,
}

impl MemoryKv {
    /// An empty database.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many versions of a value are in memory.
    #[cfg(test)]
    pub(super) fn versions(&self, column: Column, key: &[u8]) -> usize {
        let data = self.shared.data.read();
        let versions = data
            .columns
            .get(column.index())
            .and_then(|map| map.get(key));
        versions.map_or(0, Vec::len)
    }
}

impl KeyValue for MemoryKv {
    fn snapshot(&self) -> Arc<dyn KvRead> {
        let data = self.shared.data.read();
        *self.shared.live.lock().entry(data.version).or_insert(0) += 1;
        Arc::new(MemorySnapshot {
            shared: Arc::clone(&self.shared),
            version: data.version,
        })
    }

    fn commit(&self, batch: &Batch) -> Result<(), KvError> {
        let mut data = self.shared.data.write();
        let oldest = self.shared.live.lock().keys().next().copied();
        data.version += 1;
        let version = data.version;
        let keep_from = oldest.unwrap_or(version);
        if data.columns.is_empty() {
            data.columns.resize_with(Column::ALL.len(), BTreeMap::new);
        }
        for (column, key, value) in batch.iter() {
            let map = &mut data.columns[column.index()];
            let value = value.map(Arc::from);
            let versions = map.entry(key.to_vec()).or_default();
            versions.push(Version {
                since: version,
                value,
            });
            prune(versions, keep_from);
            if versions.iter().all(|version| version.value.is_none()) {
                map.remove(key);
            }
        }
        Ok(())
    }
}

/// Drops versions that no snapshot at or above `keep_from` can see.
fn prune(versions: &mut Vec<Version>, keep_from: u64) {
    let visible = versions.partition_point(|version| version.since <= keep_from);
    if visible > 1 {
        versions.drain(..visible - 1);
    }
}

#[derive(Debug)]
struct MemorySnapshot {
    shared: Arc<Shared>,
    version: u64,
}

impl Drop for MemorySnapshot {
    fn drop(&mut self) {
        let mut live = self.shared.live.lock();
        if let Some(count) = live.get_mut(&self.version) {
            *count -= 1;
            if *count == 0 {
                live.remove(&self.version);
            }
        }
    }
}

impl MemorySnapshot {
    fn visible(&self, versions: &[Version]) -> Option<Arc<[u8]>> {
        let count = versions.partition_point(|version| version.since <= self.version);
        versions[..count].last()?.value.clone()
    }

    /// The next visible pair from `start` on (exclusive of `after`).
    fn step(&self, column: Column, bounds: &mut Bounds) -> Option<(Vec<u8>, Vec<u8>)> {
        let data = self.shared.data.read();
        let map = data.columns.get(column.index())?;
        if bounds.is_empty() {
            return None;
        }
        let mut range = map.range::<[u8], _>((bounds.low(), bounds.high()));
        loop {
            let (key, versions) = if bounds.reverse {
                range.next_back()?
            } else {
                range.next()?
            };
            if let Some(value) = self.visible(versions) {
                bounds.advance(key);
                return Some((key.clone(), value.to_vec()));
            }
        }
    }
}

struct Bounds {
    start: Vec<u8>,
    start_excluded: bool,
    end: Option<Vec<u8>>,
    reverse: bool,
}

impl Bounds {
    fn low(&self) -> std::ops::Bound<&[u8]> {
        if self.start_excluded {
            std::ops::Bound::Excluded(&self.start)
        } else {
            std::ops::Bound::Included(&self.start)
        }
    }

    fn high(&self) -> std::ops::Bound<&[u8]> {
        match &self.end {
            Some(end) => std::ops::Bound::Excluded(end),
            None => std::ops::Bound::Unbounded,
        }
    }

    /// `BTreeMap::range` refuses bounds that cross.
    fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    fn advance(&mut self, key: &[u8]) {
        if self.reverse {
            self.end = Some(key.to_vec());
        } else {
            self.start = key.to_vec();
            self.start_excluded = true;
        }
    }
}

impl KvRead for MemorySnapshot {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        let data = self.shared.data.read();
        let versions = data
            .columns
            .get(column.index())
            .and_then(|map| map.get(key));
        Ok(versions
            .and_then(|versions| self.visible(versions))
            .map(|value| value.to_vec()))
    }

    fn range(
        &self,
        column: Column,
        start: &[u8],
        end: Option<&[u8]>,
        reverse: bool,
    ) -> Box<dyn Iterator<Item = KvPair> + '_> {
        let mut bounds = Bounds {
            start: start.to_vec(),
            start_excluded: false,
            end: end.map(<[u8]>::to_vec),
            reverse,
        };
        Box::new(std::iter::from_fn(move || {
            self.step(column, &mut bounds).map(Ok)
        }))
    }
}
