//! Files of the embedded databases that are not what was written.

use super::da_local;
use crate::{Memory, Seed, Target, evm};
use arbitrary::{Arbitrary, Unstructured};
use rollwright_core::{BlockId, DataAvailability as _, LayerError};
use rollwright_da_local::LocalDa;
use rollwright_evm::{
    engine::{EvmConfig, EvmEngine, Location},
    store::kv::{Durability, FjallKv, FjallOptions},
};
use std::{
    cell::RefCell,
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};
use tempfile::TempDir;

/// The directory of a store.
pub(super) const STORE: Target = Target {
    name: "store-files",
    about: "A store over damaged files is refused with a code, or is as of some commit: the state \
            root that a check finds is the one of that block.",
    run: store,
    seeds: || damages("store"),
    max_len: 128,
    memory: Memory {
        base: 192 << 20,
        per_byte: 4 << 10,
    },
    words: &[],
};

/// The file of the local DA layer.
pub(super) const DA: Target = Target {
    name: "da-file",
    about: "A layer over a damaged file is refused with a code, or gives the blocks that it made.",
    run: da,
    seeds: || damages("da"),
    max_len: 128,
    memory: Memory {
        base: 64 << 20,
        per_byte: 4 << 10,
    },
    words: &[],
};

/// Damages of one input.
const DAMAGES: usize = 4;

#[derive(Arbitrary, Debug)]
struct Damage {
    file: u8,
    /// Share of the file's length, in 65536ths, that lies before it.
    at: u16,
    /// Bytes after that.
    and: u8,
    how: How,
}

#[derive(Arbitrary, Debug)]
enum How {
    Flip(u8),
    Cut,
    Zeros(u8),
    Bytes(Vec<u8>),
    Append(Vec<u8>),
    Remove,
    /// The content of another file.
    Copy(u8),
}

/// Files by path, relative to a directory.
type Files = Vec<(PathBuf, Vec<u8>)>;

fn read_all(root: &Path) -> Files {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below it").to_path_buf();
                files.push((name, fs::read(&path).expect("readable")));
            }
        }
    }
    files.sort();
    files
}

fn write_all(root: &Path, files: &Files) {
    for (name, content) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("written");
    }
}

fn damaged(files: &Files, input: &[u8]) -> (Files, bool) {
    let mut source = Unstructured::new(input);
    let mut out = files.clone();
    for _ in 0..DAMAGES {
        if source.is_empty() {
            break;
        }
        let Ok(damage) = Damage::arbitrary(&mut source) else {
            break;
        };
        damage_one(&mut out, files, &damage);
    }
    let intact = out == *files;
    (out, intact)
}

fn damage_one(out: &mut Files, files: &Files, damage: &Damage) {
    let Some(place) = usize::from(damage.file).checked_rem(out.len()) else {
        return;
    };
    let content = &mut out[place].1;
    let at = (content.len() * usize::from(damage.at)) >> 16;
    let at = (at + usize::from(damage.and)).min(content.len());
    match &damage.how {
        How::Flip(bits) => {
            if let Some(byte) = content.get_mut(at) {
                *byte ^= bits;
            }
        }
        How::Cut => content.truncate(at),
        How::Zeros(count) => {
            let end = (at + usize::from(*count) * 16).min(content.len());
            content[at..end].fill(0);
        }
        How::Bytes(bytes) => {
            let end = (at + bytes.len()).min(content.len());
            content[at..end].copy_from_slice(&bytes[..end - at]);
        }
        How::Append(bytes) => content.extend_from_slice(bytes),
        How::Remove => {
            out.remove(place);
        }
        How::Copy(other) => {
            content.clone_from(&files[usize::from(*other) % files.len()].1);
        }
    }
}

/// A folder in memory where there is one.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
    .expect("a folder")
}

fn fjall() -> FjallOptions {
    FjallOptions {
        cache_bytes: 1 << 20,
        write_buffer_bytes: 64 << 10,
        durability: Durability::Process,
        ..FjallOptions::default()
    }
}

fn config(path: &Path) -> EvmConfig {
    EvmConfig {
        location: Location::Directory {
            path: path.to_path_buf(),
            options: fjall(),
        },
        ..evm::config(Arc::new(rollwright_evm::store::kv::MemoryKv::new()))
    }
}

fn store_files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = folder();
        let kv = FjallKv::open(folder.path(), fjall()).expect("opens");
        drop(evm::grow(Arc::new(kv)));
        let mut files = read_all(folder.path());
        // Journals are as long as they may become, and zero behind their end.
        for (_, content) in &mut files {
            let end = content
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |at| at + 1);
            content.truncate((end + 64).min(content.len()));
        }
        files
    })
}

fn coded(error: &(impl LayerError + Display)) {
    assert!(error.code().starts_with("RW-"), "{}", error.code());
    assert!(!error.to_string().is_empty());
}

fn store(input: &[u8]) {
    let (files, intact) = damaged(store_files(), input);
    let folder = folder();
    write_all(folder.path(), &files);
    let engine = match EvmEngine::open(config(folder.path())) {
        Ok(engine) => engine,
        Err(error) => {
            assert!(!intact, "nothing is damaged: {error}");
            return coded(&error);
        }
    };
    let chain = evm::chain();
    let store = engine.store();
    match store.check() {
        Ok(found) => {
            let number = found.block.number as usize;
            let header = chain.headers.get(number);
            assert!(
                header.is_some_and(|header| header.hash_slow() == found.block.hash
                    && header.state_root == found.root),
                "a state that the chain never had: {found:?}"
            );
        }
        Err(error) => {
            assert!(!intact, "nothing is damaged: {error}");
            coded(&error);
        }
    }
    for number in 0..=evm::BLOCKS {
        if let Err(error) = store.block(BlockId::Number(number)) {
            assert!(!intact, "nothing is damaged: {error}");
            coded(&error);
        }
    }
}

fn da_files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = folder();
        da_local::block_on(async {
            let path = folder.path().join("da.redb");
            let (da, _) = da_local::open(Some(path)).expect("opens");
            da_local::fill(&da).await.expect("blocks");
            da.close().await;
        });
        read_all(folder.path())
    })
}

fn da(input: &[u8]) {
    thread_local! {
        static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
    }
    // Made outside of the runtime.
    let _ = da_local::blocks();
    let (files, intact) = damaged(da_files(), input);
    FOLDER.with_borrow_mut(|kept| {
        let root = kept.get_or_insert_with(folder).path();
        let path = root.join("da.redb");
        let _ = fs::remove_file(&path);
        write_all(root, &files);
        da_local::block_on(reopened(path, intact));
    });
}

async fn reopened(path: PathBuf, intact: bool) {
    let told = |error: &rollwright_da_local::Error| {
        assert!(!intact, "nothing is damaged: {error}");
        coded(error);
    };
    let da: LocalDa = match da_local::open(Some(path)) {
        Ok((da, _)) => da,
        Err(error) => return told(&error),
    };
    for block in da_local::blocks() {
        match da.fetch(block.header.height, None).await {
            Ok(found) => assert_eq!(found, *block, "not the block that was made"),
            Err(error) => told(&error),
        }
        for blob in &block.blobs {
            if let Err(error) = da.prove(&blob.reference).await {
                told(&error);
            }
        }
    }
    if let Err(error) = da.status().await {
        told(&error);
    }
    if let Err(error) = da.submit(&da_local::unit(&[b"four"])).await {
        told(&error);
    }
    if let Err(error) = da.seal().await {
        told(&error);
    }
    da.close().await;
}

/// Damages of each kind, at some places.
fn damages(what: &str) -> Vec<Seed> {
    let mut seeds = vec![Seed::new(format!("{what}-intact"), vec![])];
    for kind in 0..7u8 {
        let place = ((u64::from(kind) << 32) / 7 + (1 << 28)) as u32;
        for at in [0u8, 90, 200] {
            let bytes = [&[at, 0, at, 5][..], &place.to_le_bytes(), &[3, 1, 0]].concat();
            seeds.push(Seed::new(format!("{what}-{kind}-{at}"), bytes));
        }
    }
    seeds
}
