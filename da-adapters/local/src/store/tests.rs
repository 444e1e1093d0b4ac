use super::*;
use crate::{LocalDaConfig, Namespace, NetworkId};
use alloy_primitives::{B128, B256, keccak256};
use proptest::prelude::*;
use redb::{StorageBackend, backends::InMemoryBackend};
use rollwright_core::{Blob, DaHeight, DaLane, LayerError, PostingUnit, SubmissionStatus};
use std::{
    collections::BTreeMap,
    io,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

fn store() -> Store {
    let config = LocalDaConfig {
        max_blob_bytes: 1_000,
        max_block_bytes: 3_000,
        retention_blocks: Some(8),
        ..LocalDaConfig::new(namespace(0))
    };
    let creation = Creation {
        allowed: true,
        network: Some(NetworkId(B128::repeat_byte(1))),
        time: 100,
    };
    Store::open(None, creation, Limits::from(&config)).unwrap()
}

fn namespace(id: u8) -> Namespace {
    Namespace(B256::repeat_byte(id))
}

fn unit(number: u32, sizes: &[usize]) -> PostingUnit {
    let blobs = (0..).zip(sizes).map(|(index, size): (u32, _)| {
        let mut data = keccak256(format!("{number} {index} {sizes:?}"))[..8].to_vec();
        data.resize(*size.max(&8), 0);
        Blob {
            lane: DaLane::Batch,
            data: data.into(),
        }
    });
    PostingUnit::new(keccak256(number.to_le_bytes()), blobs.collect())
}

#[test]
fn time_never_falls_when_the_clock_does() {
    let store = store();
    assert_eq!(store.seal(200).unwrap().head.time, 200);
    assert_eq!(store.seal(150).unwrap().head.time, 200);
    assert_eq!(store.seal(201).unwrap().head.time, 201);
    store.check().unwrap();
}

#[test]
fn a_block_takes_what_fits_and_the_next_one_the_rest() {
    let store = store();
    let units: Vec<_> = (0..5).map(|number| unit(number, &[1_000])).collect();
    for unit in &units {
        store.submit(namespace(1), unit).unwrap();
    }
    let heights: Vec<_> = [store.seal(101), store.seal(102)]
        .map(|state| state.unwrap().head.height)
        .map(|height| store.block(namespace(1), height, None).unwrap().blobs.len())
        .into();
    assert_eq!(heights, [3, 2]);
    let state = store.state().unwrap();
    assert_eq!((state.pending_units, state.pending_bytes), (0, 0));
}

/// A change of a record's encoding needs a new record version.
#[test]
fn records_have_the_recorded_encoding() {
    let store = store();
    store.submit(namespace(1), &unit(1, &[20, 30])).unwrap();
    store.seal(101).unwrap();
    store.submit(namespace(2), &unit(2, &[9])).unwrap();
    let mut bytes = Vec::new();
    let read = store.read().unwrap();
    for entry in read.open_table(records::META).unwrap().iter().unwrap() {
        bytes.extend_from_slice(entry.unwrap().1.value());
    }
    for table in [records::HEADERS, records::BODIES, records::QUEUE] {
        for entry in read.open_table(table).unwrap().iter().unwrap() {
            bytes.extend_from_slice(entry.unwrap().1.value());
        }
    }
    for entry in read.open_table(records::UNITS).unwrap().iter().unwrap() {
        bytes.extend_from_slice(entry.unwrap().1.value());
    }
    assert_eq!(
        keccak256(bytes).to_string(),
        include_str!("golden.txt").trim()
    );
}

#[derive(Clone, Debug)]
enum Step {
    Submit(u32, u8, Vec<usize>),
    Seal,
    Reorganise(u64, bool),
    Prune(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u32..20, 0_u8..3, prop::collection::vec(8_usize..900, 1..4))
            .prop_map(|(number, id, sizes)| Step::Submit(number, id, sizes)),
        4 => Just(Step::Seal),
        1 => (0_u64..6, any::<bool>()).prop_map(|(depth, fill)| Step::Reorganise(depth, fill)),
        1 => (0_u64..20).prop_map(Step::Prune),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_happens_each_unit_stands_once_in_a_sound_chain(
        steps in prop::collection::vec(step(), 0..50),
    ) {
        let store = store();
        let mut taken = BTreeMap::new();
        let mut finalized = 0;
        for step in steps {
            match step {
                Step::Submit(number, id, sizes) => {
                    let unit = unit(number, &sizes);
                    if store.submit(namespace(id), &unit).is_ok() {
                        taken.insert((id, unit.id), unit);
                    }
                }
                Step::Seal => { store.seal(100).unwrap(); }
                Step::Reorganise(depth, fill) => {
                    // Refused where it goes too deep.
                    let _ = store.reorganise(depth, 100, fill, |_, units| (0..units).collect());
                }
                Step::Prune(below) => { let _ = store.prune(below); }
            }
            let state = store.state().unwrap();
            let now = state.finalized.map_or(0, |header| header.height.0);
            prop_assert!(now >= finalized);
            finalized = now;
        }
        store.check().unwrap();
        for _ in 0..taken.len() + 1 {
            store.seal(100).unwrap();
        }
        for ((id, _), unit) in &taken {
            let SubmissionStatus::Included { blobs } = store.submit(namespace(*id), unit).unwrap().status else {
                return Err(TestCaseError::fail("a unit was never included"));
            };
            prop_assert_eq!(blobs.len(), unit.blobs.len());
            for (reference, blob) in blobs.iter().zip(&unit.blobs) {
                let height = reference.block.height;
                if height.0 < store.state().unwrap().oldest {
                    continue;
                }
                let block = store.block(namespace(*id), height, Some(reference.block.hash)).unwrap();
                prop_assert_eq!(&block.blobs[reference.index as usize].data, &blob.data);
                let same = block.blobs.iter().filter(|posted| posted.data == blob.data).count();
                prop_assert_eq!(same, 1);
            }
        }
        let state = store.state().unwrap();
        prop_assert_eq!((state.pending_units, state.pending_bytes), (0, 0));
        prop_assert!(store.header(DaHeight(state.head.height.0)).is_ok());
    }
}

/// A disk in memory that can be told to fail.
#[derive(Debug)]
struct Disk {
    memory: InMemoryBackend,
    fault: Arc<Fault>,
}

#[derive(Debug, Default)]
struct Fault {
    full: AtomicBool,
    sync_fails: AtomicBool,
    syncs: AtomicUsize,
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.memory.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.memory.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if self.fault.full.load(Relaxed) && len > self.memory.len()? {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.memory.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.fault.syncs.fetch_add(1, Relaxed);
        if self.fault.sync_fails.load(Relaxed) {
            return Err(io::Error::other("the disk does not answer"));
        }
        self.memory.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.fault.full.load(Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.memory.write(offset, data)
    }
}

fn on_disk() -> (Store, Arc<Fault>) {
    let fault = Arc::new(Fault::default());
    let disk = Disk {
        memory: InMemoryBackend::new(),
        fault: Arc::clone(&fault),
    };
    let database = redb::Builder::new().create_with_backend(disk).unwrap();
    let config = LocalDaConfig::new(namespace(0));
    let creation = Creation {
        allowed: true,
        network: None,
        time: 100,
    };
    let store = Store::over(database, "(a test)".into(), creation, Limits::from(&config)).unwrap();
    (store, fault)
}

#[test]
fn a_disk_that_is_full_is_told_apart_from_one_that_fails() {
    let (store, fault) = on_disk();
    store.submit(namespace(1), &unit(1, &[100])).unwrap();
    fault.full.store(true, Relaxed);
    let error = store.seal(101).unwrap_err();
    assert!(matches!(error, Error::DiskFull { .. }), "{error}");
    assert_eq!(error.code(), "RW-DA-127");
}

#[test]
fn a_block_whose_sync_failed_is_not_told_as_made() {
    let (store, fault) = on_disk();
    let before = store.seal(101).unwrap();
    let syncs = fault.syncs.load(Relaxed);
    fault.sync_fails.store(true, Relaxed);
    let error = store.seal(102).unwrap_err();
    assert_eq!(error.code(), "RW-DA-101", "{error}");
    assert!(fault.syncs.load(Relaxed) > syncs);
    // Nobody knows what is on the disk now: nothing more is written, also
    // after the disk has come back, until the file is opened again.
    fault.sync_fails.store(false, Relaxed);
    assert!(store.submit(namespace(1), &unit(1, &[100])).is_err());
    assert!(store.seal(103).is_err());
    if let Ok(state) = store.state() {
        assert_eq!(state.head, before.head);
    }
}

#[test]
fn a_record_that_is_read_from_another_place_does_not_read() {
    let key = 7_u64.to_le_bytes();
    let place = records::Place::numbered("headers", &key);
    let bytes = records::encode(place, &rollwright_core::DaHeader::default());
    assert!(records::decode::<rollwright_core::DaHeader>(place, &bytes).is_ok());
    let other = 8_u64.to_le_bytes();
    for place in [
        records::Place::numbered("headers", &other),
        records::Place::numbered("bodies", &key),
    ] {
        let error = records::decode::<rollwright_core::DaHeader>(place, &bytes).unwrap_err();
        assert!(error.contains("is not what was written"), "{error}");
    }
    for cut in 0..bytes.len() {
        assert!(records::decode::<rollwright_core::DaHeader>(place, &bytes[..cut]).is_err());
    }
}

#[test]
fn heights_begin_at_one() {
    let error = store().header(DaHeight(0)).unwrap_err();
    assert_eq!(error.code(), "RW-DA-126");
    assert!(error.to_string().contains("the first is 1"), "{error}");
}
