//! The file: identity, refusals, and what is left of it after a kill.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use alloy_primitives::keccak256;
use common::{START, TestClock, hashes, manual, namespace, open, unit};
use rollwright_core::{
    DaBlock, DaHeight, DataAvailability, ErrorKind, LayerError, PostingUnit, SubmissionStatus,
};
use rollwright_da_local::{BlockProduction, Error, LocalDa, LocalDaConfig, NetworkId};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

fn refused(config: LocalDaConfig) -> Error {
    let error = LocalDa::open(config, TestClock::at(START)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal, "{error}");
    error
}

#[tokio::test]
async fn a_file_keeps_its_network_and_its_blocks() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("deep/er/da.redb");
    let da = open(manual(Some(&path)));
    let network = da.network();
    da.submit(&unit("a", 2)).await.unwrap();
    da.seal().await.unwrap();
    let before = hashes(&da).await;
    drop(da);
    let da = open(LocalDaConfig {
        create: false,
        network: Some(network),
        ..manual(Some(&path))
    });
    assert_eq!(hashes(&da).await, before);
    assert_eq!(da.caps().network, network.to_string());
    let files: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(files.len(), 1);
}

#[tokio::test]
async fn two_files_are_two_networks_with_different_blocks() {
    let (a, b) = (open(manual(None)), open(manual(None)));
    assert_ne!(a.network(), b.network());
    assert_ne!(hashes(&a).await, hashes(&b).await);
}

#[tokio::test]
async fn a_file_of_another_network_is_refused_by_both_names() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("da.redb");
    let found = open(manual(Some(&path))).network();
    let expected = NetworkId::random();
    let error = refused(LocalDaConfig {
        network: Some(expected),
        ..manual(Some(&path))
    });
    let text = error.to_string();
    assert!(matches!(error, Error::WrongNetwork { .. }));
    for part in [
        &found.to_string(),
        &expected.to_string(),
        path.to_str().unwrap(),
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_file_in_use_is_refused_until_it_is_closed() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("da.redb");
    let da = open(manual(Some(&path)));
    assert!(matches!(refused(manual(Some(&path))), Error::InUse { .. }));
    da.close().await;
    let next = open(manual(Some(&path)));
    assert!(matches!(da.head().await, Err(Error::Closed)));
    next.head().await.unwrap();
}

#[tokio::test]
async fn what_is_not_a_da_file_is_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("notes.txt");
    for contents in [vec![b'x'; 10], vec![b'y'; 100_000]] {
        fs::write(&path, &contents).unwrap();
        assert!(matches!(
            refused(manual(Some(&path))),
            Error::NotOurs { .. }
        ));
        assert_eq!(fs::read(&path).unwrap(), contents);
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("other.redb");
    for name in ["meta", "other"] {
        let table: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new(name);
        let _ = fs::remove_file(&path);
        let database = redb::Database::create(&path).unwrap();
        let write = database.begin_write().unwrap();
        write
            .open_table(table)
            .unwrap()
            .insert("format", &[1_u8][..])
            .unwrap();
        write.commit().unwrap();
        drop(database);
        assert!(matches!(
            refused(manual(Some(&path))),
            Error::NotOurs { .. }
        ));
    }
}

#[tokio::test]
async fn a_file_of_another_version_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("da.redb");
    drop(open(manual(Some(&path))));
    let table: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("meta");
    let database = redb::Database::open(&path).unwrap();
    let write = database.begin_write().unwrap();
    let format = [b"rollwright-da-local".as_slice(), &3_u16.to_le_bytes()].concat();
    write
        .open_table(table)
        .unwrap()
        .insert("format", format.as_slice())
        .unwrap();
    write.commit().unwrap();
    drop(database);
    assert!(matches!(
        refused(manual(Some(&path))),
        Error::OtherVersion {
            found: 3,
            supported: 2,
            ..
        }
    ));
}

#[tokio::test]
async fn a_missing_file_is_not_replaced_by_an_empty_layer() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("da.redb");
    let error = refused(LocalDaConfig {
        create: false,
        ..manual(Some(&path))
    });
    assert!(matches!(error, Error::Missing { .. }));
    assert!(!path.exists());
}

#[tokio::test]
async fn unusable_settings_are_refused_by_name() {
    let refused_key = |config| match refused(config) {
        Error::Config { key, .. } => key,
        other => panic!("{other}"),
    };
    let base = || manual(None);
    assert_eq!(
        refused_key(LocalDaConfig {
            max_blob_bytes: 0,
            ..base()
        }),
        "max_blob_bytes"
    );
    assert_eq!(
        refused_key(LocalDaConfig {
            max_pending_bytes: 1,
            ..base()
        }),
        "max_pending_bytes"
    );
    assert_eq!(
        refused_key(LocalDaConfig {
            retention_blocks: Some(4),
            ..base()
        }),
        "retention_blocks"
    );
    assert_eq!(
        refused_key(LocalDaConfig {
            faults: "reorg=5@1%".parse().unwrap(),
            ..base()
        }),
        "faults"
    );
    let blocks = BlockProduction::Manual(Duration::ZERO);
    assert_eq!(
        refused_key(LocalDaConfig { blocks, ..base() }),
        "block_time"
    );
}

#[test]
fn blocks_by_time_outside_of_a_runtime_are_refused() {
    let error = refused(LocalDaConfig::new(namespace()));
    assert!(matches!(error, Error::Config { key: "blocks", .. }));
}

/// What a kill leaves: a copy of the file while it is open.
fn image(from: &Path, to: &Path) -> LocalDa {
    fs::copy(from, to).unwrap();
    open(LocalDaConfig {
        create: false,
        ..manual(Some(to))
    })
}

#[tokio::test]
async fn a_kill_after_any_answer_loses_nothing_that_was_answered() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("da.redb");
    let copy = directory.path().join("copy.redb");
    let da = open(manual(Some(&path)));
    for round in 0..6_u64 {
        let posted = unit(&format!("round {round}"), 3);
        da.submit(&posted).await.unwrap();
        let killed = image(&path, &copy);
        let status = killed.submit(&posted).await.unwrap().status;
        assert_eq!(status, SubmissionStatus::Accepted);
        assert_eq!(killed.status().await.unwrap().pending_units, 1);
        killed.seal().await.unwrap();
        let block = killed.fetch(DaHeight(round + 2), None).await.unwrap();
        assert_eq!(block.blobs.len(), 3);
        drop(killed);

        da.seal().await.unwrap();
        let included = da.submit(&posted).await.unwrap();
        let before = hashes(&da).await;
        let killed = image(&path, &copy);
        assert_eq!(hashes(&killed).await, before);
        assert_eq!(killed.submit(&posted).await.unwrap(), included);
    }
}

#[tokio::test]
async fn a_truncated_or_overwritten_file_is_an_error_and_no_panic() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("da.redb");
    let da = open(manual(Some(&path)));
    da.submit(&unit("a", 3)).await.unwrap();
    da.seal().await.unwrap();
    drop(da);
    let whole = fs::read(&path).unwrap();
    for keep in [1, 64, 4096, whole.len() / 2] {
        fs::write(&path, &whole[..keep]).unwrap();
        refused(manual(Some(&path)));
    }
}

/// Bytes that change without order, the same at every run.
fn flip(bytes: &mut [u8], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for _ in 0..24 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let at = usize::try_from(state % (bytes.len() as u64)).unwrap();
        bytes[at] ^= 0xff;
    }
}

/// A file with a few blocks and something that waits, closed in order.
async fn closed_file(path: &Path) -> Vec<DaBlock> {
    let da = open(manual(Some(path)));
    for n in 0..12 {
        da.submit(&unit(&n.to_string(), 2)).await.unwrap();
        da.seal().await.unwrap();
    }
    da.submit(&unit("waits", 2)).await.unwrap();
    let mut blocks = Vec::new();
    for height in 1..=da.head().await.unwrap().observed.height.0 {
        blocks.push(da.fetch(DaHeight(height), None).await.unwrap());
    }
    da.close().await;
    blocks
}

#[tokio::test]
async fn what_a_damaged_file_serves_is_right_and_the_rest_is_an_error() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("da.redb");
    let blocks = closed_file(&path).await;
    let good = fs::read(&path).unwrap();
    let mut refused = 0;
    for seed in 1..=96 {
        let mut bad = good.clone();
        flip(&mut bad, seed);
        let path = directory.path().join(format!("bad-{seed}.redb"));
        fs::write(&path, bad).unwrap();
        let config = LocalDaConfig {
            create: false,
            ..manual(Some(&path))
        };
        match LocalDa::open(config, TestClock::at(START)) {
            Err(_) => refused += 1,
            Ok(da) => {
                for block in &blocks {
                    match da.fetch(block.header.height, None).await {
                        Ok(served) => assert_eq!(served, *block, "seed {seed}"),
                        Err(_) => refused += 1,
                    }
                }
                // Writing over damage fails or not; it never takes the
                // process down.
                let _ = da.seal().await;
                let _ = da.reorg(2).await;
                let _ = da.seal().await;
            }
        }
        fs::remove_file(&path).unwrap();
    }
    assert!(refused > 0, "no flip touched what is read");
}

/// The place of `content` in the file, which holds it once.
fn place_of(file: &[u8], content: &[u8]) -> usize {
    file.windows(content.len())
        .position(|window| window == content)
        .unwrap()
}

#[tokio::test]
async fn a_flipped_bit_in_a_posted_blob_is_named_with_its_place() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("da.redb");
    let blocks = closed_file(&path).await;
    let posted = blocks.iter().find(|block| !block.blobs.is_empty()).unwrap();
    let blob = posted.blobs[0].data.clone();
    let mut file = fs::read(&path).unwrap();
    // Pages that a commit has left behind may hold it too.
    while let Some(at) = file.windows(blob.len()).position(|window| *window == *blob) {
        file[at] ^= 1;
    }
    fs::write(&path, file).unwrap();
    let da = open(manual(Some(&path)));
    let height = posted.header.height;
    let error = da.fetch(height, None).await.unwrap_err();
    assert_eq!(error.code(), "RW-DA-107");
    let text = error.to_string();
    assert!(
        text.contains(&format!("blob 0 at height {height}")),
        "{text}"
    );
    assert!(da.fetch(DaHeight(1), None).await.is_ok());
}

#[tokio::test]
async fn a_flipped_bit_in_what_waits_is_not_posted() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("da.redb");
    closed_file(&path).await;
    let mut file = fs::read(&path).unwrap();
    let at = place_of(&file, b"waits/1");
    file[at] ^= 1;
    fs::write(&path, file).unwrap();
    let da = open(manual(Some(&path)));
    let error = da.seal().await.unwrap_err();
    assert_eq!(error.code(), "RW-DA-107");
    assert!(error.to_string().contains("of `queue`"), "{error}");
    // The layer does not go on as if nothing had happened.
    assert_eq!(da.head().await.unwrap_err().code(), "RW-DA-107");
}

/// A file system of its own with a few megabytes, where that is permitted.
struct Small(TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=6m", "rollwright-test"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_named_and_nothing_that_was_answered_is_lost() {
    let Some(disk) = Small::mount() else {
        println!(
            "skipped: mounting a small file system is not permitted here; the store's own tests fill a disk that is not real"
        );
        return;
    };
    let path = disk.0.path().join("da.redb");
    let da = open(LocalDaConfig {
        max_pending_bytes: 64 << 20,
        ..manual(Some(&path))
    });
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![1; 2 << 20]).unwrap();
    let large = |n: u64| {
        let data = vec![u8::try_from(n % 251).unwrap(); 60 << 10].into();
        let lane = rollwright_core::DaLane::Batch;
        PostingUnit::new(
            keccak256(n.to_le_bytes()),
            vec![rollwright_core::Blob { lane, data }],
        )
    };
    let mut answered = 0;
    let error = loop {
        let result = match da.submit(&large(answered)).await {
            Ok(_) => da.seal().await.map(|_| ()),
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => answered += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), "RW-DA-127", "{error}");
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert!(answered > 3);
    // Every later call says the same.
    assert_eq!(da.head().await.unwrap_err().code(), "RW-DA-127");
    da.close().await;
    fs::remove_file(&ballast).unwrap();
    let da = open(manual(Some(&path)));
    for n in 0..answered {
        let status = da.submit(&large(n)).await.unwrap().status;
        assert!(matches!(status, SubmissionStatus::Included { .. }), "{n}");
    }
    da.submit(&large(answered)).await.unwrap();
    da.seal().await.unwrap();
}
