//! What a power cut does to files: all that was not synced is gone.

use anyhow::Context;
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{BufReader, Read},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

/// One change that may have to be undone.
struct Change {
    offset: u64,
    old_size: u64,
    old: Vec<u8>,
}

const WRITE: i64 = 1;
const SYNC: i64 = 2;
const FORGET: i64 = 3;
const TRUNCATE: i64 = 4;

/// Sets the files below `folder` back to their last sync, by the record of a
/// node that is dead, and removes the record. Gives the number of changes that
/// were undone.
///
/// The worst case of a disk that keeps order: everything written since a
/// file's last sync is lost. Names are taken to be durable at once: a file that
/// was made, renamed or removed stays so.
pub fn lose_power(folder: &Path, record: &Path) -> anyhow::Result<usize> {
    if !record.exists() {
        return Ok(0);
    }
    let mut pending: BTreeMap<u64, Vec<Change>> = BTreeMap::new();
    let mut reader = BufReader::new(File::open(record)?);
    while let Some((kind, inode, change)) = next(&mut reader)? {
        match kind {
            WRITE | TRUNCATE => pending.entry(inode).or_default().push(change),
            SYNC | FORGET => {
                pending.remove(&inode);
            }
            other => anyhow::bail!("the record holds an entry of kind {other}"),
        }
    }
    let mut places = BTreeMap::new();
    find(folder, &mut places)?;
    let mut undone = 0;
    for (inode, changes) in pending {
        let Some(path) = places.get(&inode) else {
            continue;
        };
        let file = OpenOptions::new().write(true).open(path)?;
        for change in changes.into_iter().rev() {
            file.set_len(change.old_size)?;
            file.write_all_at(&change.old, change.offset)
                .with_context(|| path.display().to_string())?;
            undone += 1;
        }
    }
    fs::remove_file(record)?;
    Ok(undone)
}

fn next(reader: &mut impl Read) -> anyhow::Result<Option<(i64, u64, Change)>> {
    let mut head = [0; 40];
    match reader.read_exact(&mut head) {
        Ok(()) => {}
        // The node died while it wrote an entry; the change did not happen.
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let mut fields = head.chunks_exact(8).map(|bytes| {
        let mut number = [0; 8];
        number.copy_from_slice(bytes);
        i64::from_ne_bytes(number)
    });
    let mut field = || fields.next().unwrap_or_default();
    let (kind, inode) = (field(), field());
    let mut number = || u64::try_from(field());
    let (offset, old_size, length) = (number()?, number()?, number()?);
    let mut old = vec![0; usize::try_from(length)?];
    match reader.read_exact(&mut old) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let change = Change {
        offset,
        old_size,
        old,
    };
    Ok(Some((
        kind,
        u64::from_ne_bytes(inode.to_ne_bytes()),
        change,
    )))
}

fn find(folder: &Path, places: &mut BTreeMap<u64, PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let facts = fs::symlink_metadata(&path)?;
        if facts.is_dir() {
            find(&path, places)?;
        } else if facts.is_file() {
            places.insert(facts.ino(), path);
        }
    }
    Ok(())
}
