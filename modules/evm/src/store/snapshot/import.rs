use super::{
    super::{
        StoreError,
        base::{Inner, META_GENESIS, META_IMPORT, stage_heads},
        bulk::Bulk,
        delta::to_borsh,
        flat::FlatAccount,
        kv::{Batch, Column, KvRead, Row},
        records,
    },
    SnapshotError, SnapshotInfo,
    format::{Chunk, Manifest, Reader},
    walk::{Position, Sink, Walk, Walked},
};
use crate::trie::Update;
use alloy_primitives::B256;
use alloy_trie::KECCAK_EMPTY;
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::Heads;
use std::{collections::BTreeSet, io, sync::Arc};

/// Reads a snapshot into an empty store, or one at genesis; goes on where an
/// interrupted import of the same file ended.
pub(in super::super) fn import(
    inner: &Arc<Inner>,
    genesis: B256,
    input: &mut dyn io::Read,
) -> Result<SnapshotInfo, StoreError> {
    let _writer = inner.writer.lock();
    let mut reader = Reader::new(input)?;
    let manifest = match reader.next()? {
        Some(Chunk::Manifest(manifest)) => manifest,
        _ => return Err(reader.damaged("it is not the manifest").into()),
    };
    if manifest.genesis.hash != genesis {
        return Err(SnapshotError::OtherChain {
            found: manifest.genesis.hash,
            expected: genesis,
        }
        .into());
    }
    if let Ok(canonical) = inner.canonical() {
        if canonical.genesis.hash != genesis {
            return Err(StoreError::OtherChain {
                stored: canonical.genesis.hash,
                expected: genesis,
            });
        }
        let head = canonical.heads.latest.number;
        if head != canonical.genesis.number {
            return Err(SnapshotError::NotFresh { blocks: head }.into());
        }
    }
    let first = reader.last_hash();
    let result = Import::open(inner, &manifest).and_then(|(mut import, earlier)| {
        let walk = Walk::new(manifest, first, earlier);
        let walked = walk.run(&mut reader, &mut import)?;
        import.finish(walked)
    });
    if let Err(StoreError::Snapshot(error)) = &result
        && !error.is_of_the_copy()
    {
        // Nothing of it was visible; the store is empty again.
        inner.wipe_import()?;
    }
    result
}

/// What stands in the database while an import is under way.
#[derive(BorshSerialize, BorshDeserialize)]
struct Progress {
    manifest: Manifest,
    position: Position,
    /// Root of the account trie so far.
    root: B256,
    /// The storage trie under way.
    storage: Option<(B256, B256)>,
}

/// An import under way.
struct Import<'a> {
    inner: &'a Inner,
    manifest: Manifest,
    bulk: Bulk,
    /// Of the chunk under way.
    batch: Batch,
}

type Earlier = Option<(Position, BTreeSet<B256>)>;

impl<'a> Import<'a> {
    /// Goes on with what an earlier process left, or hides what is there and
    /// removes it.
    fn open(inner: &'a Inner, manifest: &Manifest) -> Result<(Self, Earlier), StoreError> {
        let snapshot = inner.kv.snapshot();
        let new = |bulk| Self {
            inner,
            manifest: manifest.clone(),
            bulk,
            batch: Batch::default(),
        };
        if let Some(mark) = snapshot.get(Column::Meta, META_IMPORT)?
            && let Ok(progress) = borsh::from_slice::<Progress>(&mark)
            && progress.manifest == *manifest
        {
            let bulk = Bulk::resume(&*snapshot, progress.root, progress.storage)?;
            let codes = missing_codes(&*snapshot)?;
            return Ok((new(bulk), Some((progress.position, codes))));
        }
        inner.begin_import(manifest.block.hash.as_slice())?;
        Ok((new(Bulk::new()), None))
    }

    /// Makes the whole visible.
    fn finish(self, walked: Walked) -> Result<SnapshotInfo, StoreError> {
        let heads = Heads::all(self.manifest.block);
        let mut batch = walked.blocks;
        batch.put(Column::Meta, META_GENESIS, to_borsh(&self.manifest.genesis));
        batch.delete(Column::Meta, META_IMPORT);
        stage_heads(&mut batch, &heads, heads.latest.number);
        // A node that has read DA and found no block yet has records, too.
        let snapshot = self.inner.kv.snapshot();
        for pair in snapshot.range(Column::Records, &[], None, false) {
            batch.delete(Column::Records, pair?.0);
        }
        records::stage(&mut batch, &walked.info.records);
        self.inner.write(batch)?;
        self.inner.load()?;
        Ok(walked.info)
    }
}

/// Codes that the accounts of an interrupted import name and that it has not
/// loaded.
fn missing_codes(snapshot: &dyn KvRead) -> Result<BTreeSet<B256>, StoreError> {
    let mut codes = BTreeSet::new();
    for pair in snapshot.range(Column::Accounts, &[], None, false) {
        let hash = FlatAccount::decode(&pair?.1)?.account.code_hash;
        if hash != KECCAK_EMPTY {
            codes.insert(hash);
        }
    }
    for pair in snapshot.range(Column::Codes, &[], None, false) {
        codes.remove(&super::super::flat::word(&pair?.0)?);
    }
    Ok(codes)
}

impl Sink for Import<'_> {
    fn slots(
        &mut self,
        rows: Vec<Row>,
        owners: Vec<(B256, Vec<Update>)>,
    ) -> Result<Vec<(B256, B256)>, StoreError> {
        for (key, value) in rows {
            self.batch.put(Column::Slots, key, value);
        }
        let snapshot = self.inner.kv.snapshot();
        self.bulk.slots(&mut self.batch, &*snapshot, owners)
    }

    fn last_owner(&mut self) -> Option<(B256, B256)> {
        self.bulk.close_storage()
    }

    fn accounts(&mut self, rows: Vec<Row>, leaves: Vec<Update>) -> Result<(), StoreError> {
        for (key, value) in rows {
            self.batch.put(Column::Accounts, key, value);
        }
        let snapshot = self.inner.kv.snapshot();
        self.bulk.accounts(&mut self.batch, &*snapshot, &leaves)
    }

    fn codes(&mut self, codes: Vec<(B256, Vec<u8>)>) -> Result<(), StoreError> {
        for (hash, code) in codes {
            self.batch.put(Column::Codes, hash.0, code);
        }
        Ok(())
    }

    fn done(&mut self, position: &Position) -> Result<(), StoreError> {
        let progress = Progress {
            manifest: self.manifest.clone(),
            position: position.clone(),
            root: self.bulk.root(),
            storage: self.bulk.storage(),
        };
        let mut batch = std::mem::take(&mut self.batch);
        batch.put(Column::Meta, META_IMPORT, to_borsh(&progress));
        self.inner.write(batch)
    }

    fn root(&mut self) -> B256 {
        self.bulk.root()
    }
}
