use super::Column;

/// One write: the new value, or `None` to delete.
pub type Write = (Vec<u8>, Option<Vec<u8>>);

/// Writes that take effect together. Later writes of a key replace earlier
/// ones once the batch is [`finish`](Self::finish)ed.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    columns: Vec<Writes>,
}

/// The writes of one column, their bytes one after another: a block has
/// thousands of them, and nobody keeps one alone.
#[derive(Clone, Debug, Default)]
struct Writes {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// Where a write's key begins; its value stands behind the key.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The first bytes of the key, padded with zeros: they order most keys
    /// without a look at the bytes.
    lead: u64,
    at: usize,
    key: u32,
    value: Option<u32>,
}

impl Writes {
    fn push(&mut self, key: &[u8], value: Option<&[u8]>) {
        if key.is_empty() {
            // No two writes of one key begin at one place.
            self.bytes.push(0);
        }
        let at = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.entries.push(Entry {
            lead: lead(key),
            at,
            // Keys have at most 256 bytes, values at most 256 MiB.
            key: key.len() as u32,
            value: value.map(|value| value.len() as u32),
        });
    }

    fn key(bytes: &[u8], entry: Entry) -> &[u8] {
        &bytes[entry.at..][..entry.key as usize]
    }

    fn value(bytes: &[u8], entry: Entry) -> Option<&[u8]> {
        let length = entry.value? as usize;
        Some(&bytes[entry.at + entry.key as usize..][..length])
    }
}

/// Orders as the keys do, as far as it goes: a shorter key that is padded is
/// below or equal, never above.
fn lead(key: &[u8]) -> u64 {
    match key.first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let mut padded = [0; 8];
            padded[..key.len()].copy_from_slice(key);
            u64::from_be_bytes(padded)
        }
    }
}

impl Batch {
    /// Sets a key.
    pub fn put(&mut self, column: Column, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.column(column).push(key.as_ref(), Some(value.as_ref()));
    }

    /// Removes a key.
    pub fn delete(&mut self, column: Column, key: impl AsRef<[u8]>) {
        self.column(column).push(key.as_ref(), None);
    }

    /// Sets or removes a key.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers have just made the value"
    )]
    pub fn write(
        &mut self,
        column: Column,
        key: impl AsRef<[u8]>,
        value: Option<impl AsRef<[u8]>>,
    ) {
        let value = value.as_ref().map(AsRef::as_ref);
        self.column(column).push(key.as_ref(), value);
    }

    /// Makes room in a column: for so many more writes, and so many bytes of
    /// keys and values.
    pub fn reserve(&mut self, column: Column, writes: usize, bytes: usize) {
        let column = self.column(column);
        column.entries.reserve(writes);
        column.bytes.reserve(bytes);
    }

    /// Removes what this batch has written so far under `prefix`.
    pub fn delete_written(&mut self, column: Column, prefix: &[u8]) {
        let Writes { bytes, entries } = self.column(column);
        for entry in entries {
            if Writes::key(bytes, *entry).starts_with(prefix) {
                entry.value = None;
            }
        }
    }

    /// Orders each column by key and keeps the last write of each key.
    #[must_use]
    pub fn finish(mut self) -> Self {
        for Writes { bytes, entries } in &mut self.columns {
            let key = |entry: &Entry| Writes::key(bytes, *entry);
            // Of equal keys the last write comes first, and that is the one
            // that `dedup_by` keeps.
            entries.sort_unstable_by(|a, b| {
                let keys = a.lead.cmp(&b.lead).then_with(|| key(a).cmp(key(b)));
                keys.then(b.at.cmp(&a.at))
            });
            entries.dedup_by(|a, b| a.lead == b.lead && key(a) == key(b));
        }
        self
    }

    /// Writes with their columns, in the order of [`Column::ALL`], keys and
    /// values in place.
    pub fn iter(&self) -> impl Iterator<Item = (Column, &[u8], Option<&[u8]>)> {
        let columns = Column::ALL.iter().zip(&self.columns);
        columns.flat_map(|(column, Writes { bytes, entries })| {
            let write = |entry: &Entry| {
                let (key, value) = (Writes::key(bytes, *entry), Writes::value(bytes, *entry));
                (*column, key, value)
            };
            entries.iter().map(write)
        })
    }

    /// Writes by column.
    pub fn into_columns(self) -> impl Iterator<Item = (Column, Vec<Write>)> {
        let columns = Column::ALL.iter().copied().zip(self.columns);
        columns.map(|(column, Writes { bytes, entries })| {
            let write = |entry| {
                let value = Writes::value(&bytes, entry).map(<[u8]>::to_vec);
                (Writes::key(&bytes, entry).to_vec(), value)
            };
            (column, entries.into_iter().map(write).collect())
        })
    }

    /// Forgets all writes and keeps their memory for the next.
    pub fn clear(&mut self) {
        for Writes { bytes, entries } in &mut self.columns {
            bytes.clear();
            entries.clear();
        }
    }

    /// Bytes of memory that it holds, used or not.
    pub fn memory(&self) -> usize {
        let columns = self.columns.iter();
        columns
            .map(|writes| writes.bytes.capacity() + writes.entries.capacity() * size_of::<Entry>())
            .sum()
    }

    /// Number of writes.
    pub fn len(&self) -> usize {
        self.columns.iter().map(|writes| writes.entries.len()).sum()
    }

    /// True without any write.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn column(&mut self, column: Column) -> &mut Writes {
        let index = column.index();
        if self.columns.len() <= index {
            self.columns.resize_with(Column::ALL.len(), Writes::default);
        }
        &mut self.columns[index]
    }
}
