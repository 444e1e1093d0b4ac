use super::{
    super::{
        StoreError,
        base::{Inner, META_GENESIS, META_HEADS, META_IMPORT, stage_heads},
        delta::to_borsh,
        flat::{self, FlatAccount},
        kv::{Batch, Column, KvRead, Row},
        records, stage,
        version::Source,
        version::{StorageWrites, TrieWrites},
    },
    SnapshotError, SnapshotInfo,
    format::{BlockRow, Chunk, Manifest, Reader},
};
use crate::trie::{self, Child, Meter, NodeWrites, Pass, Sweep, Update, root_hash};
use alloy_primitives::{B256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY};
use rollwright_core::{Header, Heads};
use std::{collections::BTreeSet, io, sync::Arc};

/// Reads a snapshot into an empty store, or one at genesis.
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
    let result = Import::begin(inner, manifest)?.run(&mut reader);
    if result.is_err() {
        // Nothing of it was visible; the store is empty again.
        inner.wipe_import()?;
    }
    result
}

/// An import under way: what it has put together so far.
struct Import<'a> {
    inner: &'a Inner,
    manifest: Manifest,
    info: SnapshotInfo,
    meter: Meter,
    age: u64,
    /// The account trie so far.
    root: Option<Child>,
    /// The storage trie under way, with its account.
    storage: Option<(B256, Option<Child>)>,
    last_key: Vec<u8>,
    owners: u64,
    owners_named: u64,
    codes: BTreeSet<B256>,
    headers: Batch,
    has_block: bool,
}

impl<'a> Import<'a> {
    /// Hides what is there, and removes it.
    fn begin(inner: &'a Inner, manifest: Manifest) -> Result<Self, StoreError> {
        let mut batch = Batch::default();
        batch.put(Column::Meta, META_IMPORT, manifest.block.hash.0);
        batch.delete(Column::Meta, META_HEADS);
        batch.delete(Column::Meta, META_GENESIS);
        inner.kv.commit(batch.finish())?;
        inner.forget_all();
        inner.wipe_import()?;
        let mut batch = Batch::default();
        batch.put(Column::Meta, META_IMPORT, manifest.block.hash.0);
        inner.kv.commit(batch.finish())?;
        Ok(Self {
            inner,
            info: manifest.info(),
            manifest,
            meter: Meter::default(),
            age: 1,
            root: None,
            storage: None,
            last_key: Vec::new(),
            owners: 0,
            owners_named: 0,
            codes: BTreeSet::new(),
            headers: Batch::default(),
            has_block: false,
        })
    }

    fn run(mut self, reader: &mut Reader<'_>) -> Result<SnapshotInfo, StoreError> {
        let mut stage = 0;
        while let Some(chunk) = reader.next()? {
            let order = match &chunk {
                Chunk::Manifest(_) | Chunk::End(..) => 0,
                Chunk::Headers(_) => 1,
                Chunk::Blocks(_) => 2,
                Chunk::Slots(_) => 3,
                Chunk::Accounts(_) => 4,
                Chunk::Codes(_) => 5,
                Chunk::Records(_) => 6,
            };
            if order < stage.max(1) {
                return Err(reader.damaged("it does not belong here").into());
            }
            if order != stage {
                self.last_key.clear();
            }
            stage = order;
            let snapshot = self.inner.kv.snapshot();
            match chunk {
                Chunk::Headers(rows) => self.headers(reader, rows)?,
                Chunk::Blocks(rows) => self.blocks(reader, rows)?,
                Chunk::Slots(rows) => self.slots(reader, &*snapshot, &rows)?,
                Chunk::Accounts(rows) => self.accounts(reader, &*snapshot, rows)?,
                Chunk::Codes(codes) => self.codes(reader, codes)?,
                Chunk::Records(changes) => {
                    records::check(&changes)?;
                    self.info.records = changes;
                }
                Chunk::Manifest(_) | Chunk::End(..) => {}
            }
        }
        self.finish(reader)
    }

    fn headers(
        &mut self,
        reader: &Reader<'_>,
        rows: Vec<(u64, Vec<u8>)>,
    ) -> Result<(), StoreError> {
        let mut child: Option<Header> = None;
        for (number, row) in rows.into_iter().rev() {
            let (hash, header) =
                decode_header(&row).ok_or_else(|| reader.damaged("a header is not one"))?;
            let expected = match &child {
                None => self.manifest.block.hash,
                Some(child) => child.parent_hash,
            };
            if hash != expected || header.number != number {
                return Err(reader.damaged("its headers are not a chain").into());
            }
            if child.is_none() && header.state_root != self.manifest.state_root {
                return Err(reader.damaged("the block has another state root").into());
            }
            self.headers.put(Column::Headers, number.to_be_bytes(), row);
            self.headers
                .put(Column::Numbers, hash.0, number.to_be_bytes());
            child = Some(header);
        }
        if child.is_none() {
            return Err(reader.damaged("it has no headers").into());
        }
        Ok(())
    }

    fn blocks(&mut self, reader: &Reader<'_>, rows: Vec<BlockRow>) -> Result<(), StoreError> {
        for row in rows {
            let (hash, header) =
                decode_header(&row.header).ok_or_else(|| reader.damaged("a header is not one"))?;
            let known = [self.manifest.genesis, self.manifest.block];
            let block = known.iter().find(|block| block.hash == hash);
            if block.is_none_or(|block| block.number != row.number) || header.number != row.number {
                return Err(reader.damaged("it holds another block").into());
            }
            self.has_block |= hash == self.manifest.block.hash;
            super::super::chain::check_rows(&header, &row.body, &row.receipts)
                .map_err(|reason| reader.damaged(&reason))?;
            let key = row.number.to_be_bytes();
            self.headers.put(Column::Headers, key, row.header);
            self.headers.put(Column::Numbers, hash.0, key);
            self.headers.put(Column::Bodies, key, row.body);
            self.headers.put(Column::Receipts, key, row.receipts);
        }
        Ok(())
    }

    fn slots(
        &mut self,
        reader: &Reader<'_>,
        snapshot: &dyn KvRead,
        rows: &[Row],
    ) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        let mut rest = rows;
        while let Some((key, _)) = rest.first() {
            let owner = key
                .get(..32)
                .map(B256::from_slice)
                .ok_or_else(|| reader.damaged("a slot's key is too short"))?;
            let count = rest.partition_point(|(key, _)| key.starts_with(owner.as_slice()));
            let (these, others) = rest.split_at(count.max(1));
            rest = others;
            let mut updates = Vec::with_capacity(these.len());
            for (key, value) in these {
                let slot = flat::slot_of(key).map_err(|_| reader.damaged("a slot's key"))?;
                let value_read =
                    flat::decode_value(value).map_err(|_| reader.damaged("a slot's value"))?;
                if value_read.is_zero() || flat::encode_value(value_read) != *value {
                    return Err(reader.damaged("a slot's value is not canonical").into());
                }
                self.ascends(reader, key)?;
                updates.push(Update {
                    key: slot,
                    value: Some(flat::value_leaf(value_read)),
                    exists: false,
                });
                batch.put(Column::Slots, key.clone(), value.clone());
                self.info.slots += 1;
            }
            let root = match self.storage.take() {
                Some((current, root)) if current == owner => root,
                _ => {
                    self.owners += 1;
                    None
                }
            };
            let mut nodes = NodeWrites::new();
            let source = Source::at(snapshot, Some(owner));
            let root = self.update(&source, root, &updates, &mut nodes)?;
            self.storage = Some((owner, root));
            let writes = TrieWrites {
                accounts: Vec::new(),
                storages: vec![StorageWrites {
                    hashed: owner,
                    cleared: false,
                    nodes,
                }],
            };
            stage::tries(&mut batch, snapshot, &writes)?;
        }
        Ok(self.inner.kv.commit(batch.finish())?)
    }

    fn accounts(
        &mut self,
        reader: &Reader<'_>,
        snapshot: &dyn KvRead,
        rows: Vec<Row>,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        let mut updates = Vec::with_capacity(rows.len());
        for (key, value) in rows {
            self.ascends(reader, &key)?;
            let hashed = flat::word(&key).map_err(|_| reader.damaged("an account's key"))?;
            let account =
                FlatAccount::decode(&value).map_err(|_| reader.damaged("an account's value"))?;
            if account.encode() != value {
                return Err(reader.damaged("an account's value is not canonical").into());
            }
            if account.storage_root != EMPTY_ROOT_HASH {
                let source = Source::at(snapshot, Some(hashed));
                trie::verify_root(&source, account.storage_root)
                    .map_err(|_| reader.damaged("an account's slots do not give its root"))?;
                self.owners_named += 1;
            }
            if account.account.code_hash != KECCAK_EMPTY {
                self.codes.insert(account.account.code_hash);
            }
            updates.push(Update {
                key: hashed,
                value: Some(account.leaf()),
                exists: false,
            });
            batch.put(Column::Accounts, key, value);
            self.info.accounts += 1;
        }
        let mut writes = TrieWrites::default();
        let source = Source::at(snapshot, None);
        let root = self.root.take();
        self.root = self.update(&source, root, &updates, &mut writes.accounts)?;
        stage::tries(&mut batch, snapshot, &writes)?;
        Ok(self.inner.kv.commit(batch.finish())?)
    }

    fn codes(&mut self, reader: &Reader<'_>, codes: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for code in codes {
            let hash = keccak256(&code);
            if !self.codes.remove(&hash) {
                return Err(reader.damaged("no account has this code").into());
            }
            batch.put(Column::Codes, hash.0, code);
        }
        Ok(self.inner.kv.commit(batch.finish())?)
    }

    /// Checks the whole, and makes it visible.
    fn finish(self, reader: &Reader<'_>) -> Result<SnapshotInfo, StoreError> {
        let computed = root_hash(self.root.as_ref());
        let expected = self.manifest.state_root;
        if computed != expected {
            return Err(SnapshotError::Root {
                number: self.manifest.block.number,
                expected,
                computed,
            }
            .into());
        }
        if self.owners != self.owners_named {
            return Err(reader.damaged("there are slots that no account has").into());
        }
        if !self.codes.is_empty() || !self.has_block {
            return Err(reader
                .damaged("codes or blocks are missing before it")
                .into());
        }
        let heads = Heads::all(self.manifest.block);
        let mut batch = self.headers;
        batch.put(Column::Meta, META_GENESIS, to_borsh(&self.manifest.genesis));
        batch.delete(Column::Meta, META_IMPORT);
        stage_heads(&mut batch, &heads, heads.latest.number);
        // A node that has read DA and found no block yet has records, too.
        let snapshot = self.inner.kv.snapshot();
        for pair in snapshot.range(Column::Records, &[], None, false) {
            batch.delete(Column::Records, pair?.0);
        }
        records::stage(&mut batch, &self.info.records);
        self.inner.kv.commit(batch.finish())?;
        self.inner.load()?;
        Ok(self.info)
    }

    fn ascends(&mut self, reader: &Reader<'_>, key: &[u8]) -> Result<(), SnapshotError> {
        if !self.last_key.is_empty() && self.last_key.as_slice() >= key {
            return Err(reader.damaged("its keys do not ascend"));
        }
        self.last_key = key.to_vec();
        Ok(())
    }

    /// Adds keys to a trie whose stored part is in the database, and keeps in
    /// memory only what the database does not hold yet.
    fn update(
        &mut self,
        source: &Source<'_>,
        root: Option<Child>,
        updates: &[Update],
        writes: &mut NodeWrites,
    ) -> Result<Option<Child>, StoreError> {
        let stored = self.age;
        self.age += 1;
        let pass = Pass {
            meter: &self.meter,
            stored,
            age: self.age,
        };
        let rule = Sweep {
            stored,
            cold: stored,
        };
        let root = trie::update(source, &pass, root, updates, writes)?;
        Ok(root.map(|root| trie::sweep(&root, rule, None, &self.meter)))
    }
}

fn decode_header(row: &[u8]) -> Option<(B256, Header)> {
    let (hash, mut rlp) = row.split_at_checked(32)?;
    let header = Header::decode(&mut rlp).ok()?;
    let hash = B256::from_slice(hash);
    (rlp.is_empty() && header.hash_slow() == hash).then_some((hash, header))
}
