//! One suite for every database, and the databases that run it.

use super::{
    Batch, Column, FjallKv, FjallOptions, KeyValue, KvError, KvRead, MemoryKv, prefix_end,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;
type Writes = Vec<(Vec<u8>, Option<Vec<u8>>)>;

const COLUMN: Column = Column::Records;

fn contents(read: &dyn KvRead, start: &[u8], end: Option<&[u8]>, reverse: bool) -> Vec<super::Row> {
    read.range(COLUMN, start, end, reverse)
        .collect::<Result<_, _>>()
        .unwrap()
}

/// What every implementation of [`KeyValue`] must do.
fn suite(kv: &dyn KeyValue, batches: &[Writes], asked: &[(Vec<u8>, Vec<u8>)]) {
    let mut model = Model::new();
    let mut snapshots = vec![(kv.snapshot(), model.clone())];
    for writes in batches {
        let mut batch = Batch::default();
        for (key, value) in writes {
            batch.write(COLUMN, key.clone(), value.clone());
            match value {
                Some(value) => model.insert(key.clone(), value.clone()),
                None => model.remove(key),
            };
        }
        kv.commit(&batch.finish()).unwrap();
        snapshots.push((kv.snapshot(), model.clone()));
    }
    for (snapshot, model) in &snapshots {
        let all: Vec<_> = model.clone().into_iter().collect();
        assert_eq!(contents(&**snapshot, &[], None, false), all);
        let prefixed: Vec<_> = all
            .iter()
            .filter(|row| row.0.starts_with(&[1]))
            .cloned()
            .collect();
        let found: Result<Vec<_>, _> = snapshot.prefix(COLUMN, &[1]).collect();
        assert_eq!(found.unwrap(), prefixed);
        for (start, end) in asked {
            assert_eq!(
                snapshot.get(COLUMN, start).unwrap().as_ref(),
                model.get(start)
            );
            let inside = |row: &&super::Row| row.0 >= *start && row.0 < *end;
            let mut expected: Vec<_> = all.iter().filter(inside).cloned().collect();
            assert_eq!(contents(&**snapshot, start, Some(end), false), expected);
            assert_eq!(
                snapshot.first(COLUMN, start, Some(end)).unwrap().as_ref(),
                expected.first()
            );
            expected.reverse();
            assert_eq!(contents(&**snapshot, start, Some(end), true), expected);
        }
        // Columns do not see each other.
        assert!(snapshot.get(Column::Meta, &[1]).unwrap().is_none());
    }
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0u8..3, 1..4)
}

fn batches() -> impl Strategy<Value = Vec<Writes>> {
    let value = proptest::option::weighted(0.7, proptest::collection::vec(any::<u8>(), 0..4));
    let writes = proptest::collection::vec((key(), value), 0..12);
    proptest::collection::vec(writes, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn memory_passes_the_suite(batches in batches(), asked in proptest::collection::vec((key(), key()), 0..6)) {
        suite(&MemoryKv::new(), &batches, &asked);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn the_embedded_database_passes_the_suite(batches in batches(), asked in proptest::collection::vec((key(), key()), 0..6)) {
        let directory = tempfile::tempdir().unwrap();
        let kv = FjallKv::open(directory.path(), FjallOptions::default()).unwrap();
        suite(&kv, &batches, &asked);
    }
}

#[test]
fn memory_forgets_versions_that_no_snapshot_needs() {
    let kv = MemoryKv::new();
    let held = kv.snapshot();
    let put = |value: u8| {
        let mut batch = Batch::default();
        batch.put(COLUMN, [1], [value]);
        kv.commit(&batch.finish()).unwrap();
    };
    put(1);
    let first: Arc<dyn KvRead> = kv.snapshot();
    put(2);
    put(3);
    assert_eq!(first.get(COLUMN, &[1]).unwrap(), Some(vec![1]));
    assert_eq!(held.get(COLUMN, &[1]).unwrap(), None);
    assert_eq!(kv.versions(COLUMN, &[1]), 3);
    drop((held, first));
    put(4);
    assert_eq!(kv.versions(COLUMN, &[1]), 1);
}

#[test]
fn a_prefix_ends_before_the_next_one() {
    assert_eq!(prefix_end(&[1, 2]), Some(vec![1, 3]));
    assert_eq!(prefix_end(&[1, 0xff]), Some(vec![2]));
    assert_eq!(prefix_end(&[0xff, 0xff]), None);
    assert_eq!(prefix_end(&[]), None);
}

/// Where the journal's bytes end: the rest of the file is kept free.
fn written(journal: &[u8]) -> usize {
    journal
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1)
}

/// A database with one row, closed, and its journal.
fn closed() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let kv = FjallKv::open(folder.path(), FjallOptions::default()).unwrap();
    let mut batch = Batch::default();
    batch.put(COLUMN, [1], [7; 20]);
    kv.commit(&batch.finish()).unwrap();
    drop(kv);
    let journal = folder.path().join("db/0.jnl");
    (folder, journal)
}

#[test]
fn a_flipped_bit_of_the_journal_is_refused_or_cut_off_and_never_a_panic() {
    let (_folder, journal) = closed();
    let length = written(&fs::read(journal).unwrap());
    let mut refused = 0;
    for at in 0..length {
        let (folder, journal) = closed();
        let mut damaged = fs::read(&journal).unwrap();
        damaged[at] ^= 1;
        fs::write(journal, damaged).unwrap();
        match FjallKv::open(folder.path(), FjallOptions::default()) {
            Ok(kv) => {
                let value = kv.snapshot().get(COLUMN, &[1]).unwrap();
                assert!(value.is_none_or(|value| value == [7; 20]), "byte {at}");
            }
            Err(KvError::Damaged { .. }) => refused += 1,
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    assert!(refused > 0);
}

#[test]
fn the_last_write_of_a_key_counts_whatever_its_length() {
    let kv = MemoryKv::new();
    for key in [
        &b""[..],
        b"\0",
        b"\0\0",
        b"short",
        b"longer than eight bytes",
    ] {
        let mut batch = Batch::default();
        batch.put(COLUMN, key, "");
        batch.delete(COLUMN, key);
        batch.put(COLUMN, key, "last");
        kv.commit(&batch.finish()).unwrap();
        assert_eq!(
            kv.snapshot().get(COLUMN, key).unwrap().as_deref(),
            Some(&b"last"[..])
        );
    }
    let found = contents(&*kv.snapshot(), b"", None, false);
    assert!(found.is_sorted_by(|a, b| a.0 < b.0));
    assert_eq!(found.len(), 5);
}
