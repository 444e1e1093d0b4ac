use super::Column;

/// One write: the new value, or `None` to delete.
pub type Write = (Vec<u8>, Option<Vec<u8>>);

/// Writes that take effect together. Later writes of a key replace earlier
/// ones once the batch is [`finish`](Self::finish)ed.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    columns: Vec<Vec<Write>>,
}

impl Batch {
    /// Sets a key.
    pub fn put(&mut self, column: Column, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.column(column).push((key.into(), Some(value.into())));
    }

    /// Removes a key.
    pub fn delete(&mut self, column: Column, key: impl Into<Vec<u8>>) {
        self.column(column).push((key.into(), None));
    }

    /// Sets or removes a key.
    pub fn write(&mut self, column: Column, key: impl Into<Vec<u8>>, value: Option<Vec<u8>>) {
        self.column(column).push((key.into(), value));
    }

    /// Removes what this batch has written so far under `prefix`.
    pub fn delete_written(&mut self, column: Column, prefix: &[u8]) {
        for (key, value) in self.column(column) {
            if key.starts_with(prefix) {
                *value = None;
            }
        }
    }

    /// Orders each column by key and keeps the last write of each key.
    #[must_use]
    pub fn finish(mut self) -> Self {
        for writes in &mut self.columns {
            writes.sort_by(|a, b| a.0.cmp(&b.0));
            // `dedup_by` keeps the first of equals; reversed, that is the last.
            writes.reverse();
            writes.dedup_by(|a, b| a.0 == b.0);
            writes.reverse();
        }
        self
    }

    /// Writes by column.
    pub fn into_columns(self) -> impl Iterator<Item = (Column, Vec<Write>)> {
        Column::ALL.iter().copied().zip(self.columns)
    }

    /// Number of writes.
    pub fn len(&self) -> usize {
        self.columns.iter().map(Vec::len).sum()
    }

    /// True without any write.
    pub fn is_empty(&self) -> bool {
        self.columns.iter().all(Vec::is_empty)
    }

    fn column(&mut self, column: Column) -> &mut Vec<Write> {
        let index = column.index();
        if self.columns.len() <= index {
            self.columns.resize_with(Column::ALL.len(), Vec::new);
        }
        &mut self.columns[index]
    }
}
