use super::{
    super::{
        StoreError,
        base::Inner,
        chain,
        flat::FlatAccount,
        kv::{Batch, Column, KvError, KvRead, Row, Write},
        records,
        rewind::Rewind,
    },
    SnapshotInfo,
    format::{BlockRow, CHUNK_BYTES, Chunk, Manifest, Writer},
};
use alloy_primitives::B256;
use alloy_trie::KECCAK_EMPTY;
use rollwright_core::{BlockRef, RecordChange};
use std::{collections::BTreeSet, io, iter::Peekable, sync::Arc, vec};

/// Ancestors whose headers go along: what BLOCKHASH can reach.
const HEADERS: u64 = 256;

/// Writes the state after the canonical block `at`.
pub(in super::super) fn export(
    inner: &Arc<Inner>,
    at: &BlockRef,
    changes: &[RecordChange],
    out: &mut dyn io::Write,
) -> Result<SnapshotInfo, StoreError> {
    records::check(changes)?;
    // Fails where the block is unknown or its state is not kept.
    let view = inner.view(at)?;
    let canonical = &view.canonical;
    if view.base != *at {
        return Err(StoreError::UnknownBlock { block: *at });
    }
    let snapshot = &*canonical.snapshot;
    let (_, header) = chain::stored_header(snapshot, at.number)?
        .ok_or(StoreError::UnknownBlock { block: *at })?;
    let manifest = Manifest {
        genesis: canonical.genesis,
        block: *at,
        state_root: header.state_root,
    };
    let mut info = manifest.info();
    info.records = changes.to_vec();
    let mut writer = Writer::new(out)?;
    writer.chunk(&Chunk::Manifest(manifest))?;
    writer.chunk(&Chunk::Headers(headers(snapshot, at.number)?))?;
    writer.chunk(&Chunk::Blocks(blocks(
        snapshot,
        canonical.genesis.number,
        at.number,
    )?))?;

    let mut rewind = Rewind::new(Arc::clone(canonical));
    rewind.back_to(at.number, inner.options.replay_keys.saturating_mul(4))?;
    let mut patch = Batch::default();
    rewind.stage(&mut patch);
    let mut slots_patch = Vec::new();
    let mut accounts_patch = Vec::new();
    for (column, writes) in patch.finish().into_columns() {
        match column {
            Column::Accounts => accounts_patch = writes,
            Column::Slots => slots_patch = writes,
            _ => {}
        }
    }

    let slots = Patched::new(snapshot, Column::Slots, slots_patch);
    info.slots = write_rows(&mut writer, slots, Chunk::Slots, |_| Ok(()))?;
    let mut codes = BTreeSet::new();
    let accounts = Patched::new(snapshot, Column::Accounts, accounts_patch);
    info.accounts = write_rows(&mut writer, accounts, Chunk::Accounts, |value| {
        let hash = FlatAccount::decode(value)?.account.code_hash;
        if hash != KECCAK_EMPTY {
            codes.insert(hash);
        }
        Ok(())
    })?;
    write_codes(&mut writer, snapshot, &codes)?;
    writer.chunk(&Chunk::Records(changes.to_vec()))?;
    writer.finish()?;
    Ok(info)
}

fn headers(snapshot: &dyn KvRead, number: u64) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let mut headers = Vec::new();
    for number in number.saturating_sub(HEADERS)..=number {
        if let Some(row) = snapshot.get(Column::Headers, &number.to_be_bytes())? {
            headers.push((number, row));
        }
    }
    Ok(headers)
}

fn blocks(snapshot: &dyn KvRead, genesis: u64, number: u64) -> Result<Vec<BlockRow>, StoreError> {
    let mut rows = Vec::new();
    for number in BTreeSet::from([genesis, number]) {
        let key = number.to_be_bytes();
        let read = |column| -> Result<Vec<u8>, StoreError> {
            snapshot
                .get(column, &key)?
                .ok_or_else(|| StoreError::corrupt(format!("block {number} is incomplete")))
        };
        rows.push(BlockRow {
            number,
            header: read(Column::Headers)?,
            body: read(Column::Bodies)?,
            receipts: read(Column::Receipts)?,
        });
    }
    Ok(rows)
}

fn write_rows(
    writer: &mut Writer<'_>,
    rows: Patched<'_>,
    chunk: impl Fn(Vec<Row>) -> Chunk,
    mut each: impl FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<u64, StoreError> {
    let (mut pending, mut bytes, mut count) = (Vec::new(), 0, 0);
    for row in rows {
        let (key, value) = row?;
        each(&value)?;
        count += 1;
        bytes += key.len() + value.len() + 8;
        pending.push((key, value));
        if bytes >= CHUNK_BYTES {
            writer.chunk(&chunk(std::mem::take(&mut pending)))?;
            bytes = 0;
        }
    }
    if !pending.is_empty() {
        writer.chunk(&chunk(pending))?;
    }
    Ok(count)
}

fn write_codes(
    writer: &mut Writer<'_>,
    snapshot: &dyn KvRead,
    hashes: &BTreeSet<B256>,
) -> Result<(), StoreError> {
    let (mut pending, mut bytes) = (Vec::new(), 0);
    for hash in hashes {
        let code = snapshot
            .get(Column::Codes, hash.as_slice())?
            .ok_or(StoreError::MissingCode { hash: *hash })?;
        bytes += code.len();
        pending.push(code);
        if bytes >= CHUNK_BYTES {
            writer.chunk(&Chunk::Codes(std::mem::take(&mut pending)))?;
            bytes = 0;
        }
    }
    if !pending.is_empty() {
        writer.chunk(&Chunk::Codes(pending))?;
    }
    Ok(())
}

/// A column with some of its rows replaced, ascending.
struct Patched<'a> {
    stored: Peekable<Box<dyn Iterator<Item = Result<Row, KvError>> + 'a>>,
    patch: Peekable<vec::IntoIter<Write>>,
}

impl<'a> Patched<'a> {
    fn new(snapshot: &'a dyn KvRead, column: Column, patch: Vec<Write>) -> Self {
        Self {
            stored: snapshot.range(column, &[], None, false).peekable(),
            patch: patch.into_iter().peekable(),
        }
    }
}

impl Iterator for Patched<'_> {
    type Item = Result<Row, KvError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((key, _)) = self.patch.peek() else {
                return self.stored.next();
            };
            if let Some(row) = self
                .stored
                .next_if(|row| row.as_ref().map_or(true, |(stored, _)| stored < key))
            {
                return Some(row);
            }
            let same = |row: &Result<Row, KvError>| row.as_ref().is_ok_and(|(k, _)| k == key);
            self.stored.next_if(same);
            if let Some((key, Some(value))) = self.patch.next() {
                return Some(Ok((key, value)));
            }
        }
    }
}
