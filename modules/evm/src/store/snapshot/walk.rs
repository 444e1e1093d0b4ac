//! Reading a snapshot from its first chunk to its last, with every check that
//! does not need a trie.

use super::{
    super::{
        StoreError, chain,
        flat::{self, FlatAccount},
        kv::{Batch, Column, Row},
        records,
    },
    SnapshotError, SnapshotInfo,
    format::{BlockRow, Chunk, Manifest, Reader},
};
use crate::trie::Update;
use alloy_primitives::{B256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::Header;
use std::collections::BTreeSet;

/// Takes the state in a snapshot, piece by piece, and knows its roots.
pub(super) trait Sink {
    /// The next slots, by account; the first may go on where the last piece
    /// ended. Returns the storage roots of the accounts that are complete.
    fn slots(
        &mut self,
        rows: Vec<Row>,
        owners: Vec<(B256, Vec<Update>)>,
    ) -> Result<Vec<(B256, B256)>, StoreError>;

    /// The account whose slots came last, with its storage root.
    fn last_owner(&mut self) -> Option<(B256, B256)>;

    /// The next accounts.
    fn accounts(&mut self, rows: Vec<Row>, leaves: Vec<Update>) -> Result<(), StoreError>;

    /// Codes by their hashes.
    fn codes(&mut self, codes: Vec<(B256, Vec<u8>)>) -> Result<(), StoreError>;

    /// A chunk of the state is done with.
    fn done(&mut self, position: &Position) -> Result<(), StoreError>;

    /// Root of the account trie.
    fn root(&mut self) -> B256;
}

/// How far a walk has come: what one that goes on needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Position {
    /// Chunks before this one are done with.
    pub(super) next: u64,
    /// Over the hashes of those chunks.
    pub(super) digest: B256,
    stage: u8,
    last_key: Vec<u8>,
    /// Over the storage roots that the slots give.
    given: B256,
    /// Over the storage roots that the accounts name.
    named: B256,
    accounts: u64,
    slots: u64,
}

/// What a walk ended with.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) info: SnapshotInfo,
    /// Rows of headers and blocks.
    pub(super) blocks: Batch,
}

/// A walk under way.
pub(super) struct Walk {
    manifest: Manifest,
    info: SnapshotInfo,
    position: Position,
    /// The position of an earlier walk, to go on from.
    resume: Option<Position>,
    /// Codes that accounts name and that have not come yet.
    codes: BTreeSet<B256>,
    blocks: Batch,
    has_block: bool,
}

impl Walk {
    /// Begins after the manifest, whose chunk had this hash; `resume` is where
    /// an earlier one ended, with the codes that it still waited for.
    pub(super) fn new(
        manifest: Manifest,
        first: B256,
        resume: Option<(Position, BTreeSet<B256>)>,
    ) -> Self {
        let (resume, codes) = resume.unzip();
        Self {
            info: manifest.info(),
            manifest,
            position: Position {
                next: 1,
                digest: first,
                ..Position::default()
            },
            resume,
            codes: codes.unwrap_or_default(),
            blocks: Batch::default(),
            has_block: false,
        }
    }

    /// Reads to the end.
    pub(super) fn run(
        mut self,
        reader: &mut Reader<'_>,
        sink: &mut dyn Sink,
    ) -> Result<Walked, StoreError> {
        while let Some(chunk) = reader.next()? {
            let stage = match &chunk {
                Chunk::Manifest(_) | Chunk::End(..) => 0,
                Chunk::Headers(_) => 1,
                Chunk::Blocks(_) => 2,
                Chunk::Slots(_) => 3,
                Chunk::Accounts(_) => 4,
                Chunk::Codes(_) => 5,
                Chunk::Records(_) => 6,
            };
            if stage < self.position.stage.max(1) {
                return Err(wrong(reader, "it does not belong here"));
            }
            if stage != self.position.stage {
                self.position.last_key.clear();
            }
            self.position.stage = stage;
            let known = (3..=5).contains(&stage) && self.skip(reader)?;
            if known {
                continue;
            }
            if stage > 3 {
                self.close_slots(sink);
            }
            match chunk {
                Chunk::Headers(rows) => self.headers(reader, rows)?,
                Chunk::Blocks(rows) => self.blocks(reader, rows)?,
                Chunk::Slots(rows) => self.slots(reader, rows, sink)?,
                Chunk::Accounts(rows) => self.accounts(reader, rows, sink)?,
                Chunk::Codes(codes) => self.codes(reader, codes, sink)?,
                Chunk::Records(changes) => {
                    records::check(&changes)?;
                    self.info.records = changes;
                }
                Chunk::Manifest(_) | Chunk::End(..) => {}
            }
            self.pass(reader);
            if (3..=5).contains(&stage) {
                sink.done(&self.position)?;
            }
        }
        self.close_slots(sink);
        self.finish(reader, sink)
    }

    /// Counts the chunk just read.
    fn pass(&mut self, reader: &Reader<'_>) {
        let mut both = [0; 64];
        both[..32].copy_from_slice(self.position.digest.as_slice());
        both[32..].copy_from_slice(reader.last_hash().as_slice());
        self.position.digest = keccak256(both);
        self.position.next += 1;
    }

    /// True where an earlier walk has dealt with the chunk just read.
    fn skip(&mut self, reader: &Reader<'_>) -> Result<bool, StoreError> {
        let Some(end) = self.resume.as_ref().map(|earlier| earlier.next) else {
            return Ok(false);
        };
        if self.position.next < end {
            self.pass(reader);
            if self.position.next < end {
                return Ok(true);
            }
        }
        let Some(earlier) = self.resume.take() else {
            return Ok(false);
        };
        if earlier.next != self.position.next || earlier.digest != self.position.digest {
            return Err(SnapshotError::OtherFile {
                block: self.manifest.block,
            }
            .into());
        }
        self.position = earlier;
        Ok(true)
    }

    fn headers(
        &mut self,
        reader: &Reader<'_>,
        rows: Vec<(u64, Vec<u8>)>,
    ) -> Result<(), StoreError> {
        let mut child: Option<Header> = None;
        for (number, row) in rows.into_iter().rev() {
            let (hash, header) =
                decode_header(&row).ok_or_else(|| wrong(reader, "a header is not one"))?;
            let expected = match &child {
                None => self.manifest.block.hash,
                Some(child) => child.parent_hash,
            };
            if hash != expected || header.number != number {
                return Err(wrong(reader, "its headers are not a chain"));
            }
            if child.is_none() && header.state_root != self.manifest.state_root {
                return Err(wrong(reader, "the block has another state root"));
            }
            self.blocks.put(Column::Headers, number.to_be_bytes(), row);
            self.blocks
                .put(Column::Numbers, hash.0, number.to_be_bytes());
            child = Some(header);
        }
        if child.is_none() {
            return Err(wrong(reader, "it has no headers"));
        }
        Ok(())
    }

    fn blocks(&mut self, reader: &Reader<'_>, rows: Vec<BlockRow>) -> Result<(), StoreError> {
        for row in rows {
            let (hash, header) =
                decode_header(&row.header).ok_or_else(|| wrong(reader, "a header is not one"))?;
            let known = [self.manifest.genesis, self.manifest.block];
            let block = known.iter().find(|block| block.hash == hash);
            if block.is_none_or(|block| block.number != row.number) || header.number != row.number {
                return Err(wrong(reader, "it holds another block"));
            }
            self.has_block |= hash == self.manifest.block.hash;
            chain::check_rows(&header, &row.body, &row.receipts)
                .map_err(|reason| wrong(reader, &reason))?;
            let key = row.number.to_be_bytes();
            self.blocks.put(Column::Headers, key, row.header);
            self.blocks.put(Column::Numbers, hash.0, key);
            self.blocks.put(Column::Bodies, key, row.body);
            self.blocks.put(Column::Receipts, key, row.receipts);
        }
        Ok(())
    }

    fn slots(
        &mut self,
        reader: &Reader<'_>,
        rows: Vec<Row>,
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let mut owners: Vec<(B256, Vec<Update>)> = Vec::new();
        for (key, value) in &rows {
            let slot = flat::slot_of(key).map_err(|_| wrong(reader, "a slot's key"))?;
            let owner = B256::from_slice(&key[..32]);
            let read = flat::decode_value(value).map_err(|_| wrong(reader, "a slot's value"))?;
            if read.is_zero() || flat::encode_value(read) != *value {
                return Err(wrong(reader, "a slot's value is not canonical"));
            }
            self.ascends(reader, key)?;
            let update = Update {
                key: slot,
                value: Some(flat::value_leaf(read)),
                exists: false,
            };
            match owners.last_mut() {
                Some((last, updates)) if *last == owner => updates.push(update),
                _ => owners.push((owner, vec![update])),
            }
        }
        self.position.slots += rows.len() as u64;
        for (owner, root) in sink.slots(rows, owners)? {
            absorb(&mut self.position.given, owner, root);
        }
        Ok(())
    }

    /// No more slots come.
    fn close_slots(&mut self, sink: &mut dyn Sink) {
        if let Some((owner, root)) = sink.last_owner() {
            absorb(&mut self.position.given, owner, root);
        }
    }

    fn accounts(
        &mut self,
        reader: &Reader<'_>,
        rows: Vec<Row>,
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let mut leaves = Vec::with_capacity(rows.len());
        for (key, value) in &rows {
            self.ascends(reader, key)?;
            let hashed = flat::word(key).map_err(|_| wrong(reader, "an account's key"))?;
            let account =
                FlatAccount::decode(value).map_err(|_| wrong(reader, "an account's value"))?;
            if account.encode() != *value {
                return Err(wrong(reader, "an account's value is not canonical"));
            }
            if account.storage_root != EMPTY_ROOT_HASH {
                absorb(&mut self.position.named, hashed, account.storage_root);
            }
            if account.account.code_hash != KECCAK_EMPTY {
                self.codes.insert(account.account.code_hash);
            }
            leaves.push(Update {
                key: hashed,
                value: Some(account.leaf()),
                exists: false,
            });
        }
        self.position.accounts += rows.len() as u64;
        sink.accounts(rows, leaves)
    }

    fn codes(
        &mut self,
        reader: &Reader<'_>,
        codes: Vec<Vec<u8>>,
        sink: &mut dyn Sink,
    ) -> Result<(), StoreError> {
        let mut hashed = Vec::with_capacity(codes.len());
        for code in codes {
            let hash = keccak256(&code);
            if !self.codes.remove(&hash) {
                return Err(wrong(reader, "no account has this code"));
            }
            hashed.push((hash, code));
        }
        sink.codes(hashed)
    }

    fn finish(self, reader: &Reader<'_>, sink: &mut dyn Sink) -> Result<Walked, StoreError> {
        if self.resume.is_some() {
            return Err(SnapshotError::OtherFile {
                block: self.manifest.block,
            }
            .into());
        }
        let computed = sink.root();
        let expected = self.manifest.state_root;
        if computed != expected {
            return Err(SnapshotError::Root {
                number: self.manifest.block.number,
                expected,
                computed,
            }
            .into());
        }
        if self.position.given != self.position.named {
            return Err(wrong(
                reader,
                "the slots before it do not give the storage roots of the accounts",
            ));
        }
        if !self.codes.is_empty() || !self.has_block {
            return Err(wrong(reader, "codes or blocks are missing before it"));
        }
        let mut info = self.info;
        info.accounts = self.position.accounts;
        info.slots = self.position.slots;
        Ok(Walked {
            info,
            blocks: self.blocks,
        })
    }

    fn ascends(&mut self, reader: &Reader<'_>, key: &[u8]) -> Result<(), StoreError> {
        let last = &mut self.position.last_key;
        if !last.is_empty() && last.as_slice() >= key {
            return Err(wrong(reader, "its keys do not ascend"));
        }
        last.clear();
        last.extend_from_slice(key);
        Ok(())
    }
}

/// A chunk that is what its writer wrote, and yet not right: no other copy of
/// the file helps.
fn wrong(reader: &Reader<'_>, reason: &str) -> StoreError {
    SnapshotError::Contents {
        index: reader.last_index(),
        reason: reason.into(),
    }
    .into()
}

fn absorb(digest: &mut B256, owner: B256, root: B256) {
    let mut all = [0; 96];
    for (part, word) in all.chunks_exact_mut(32).zip([*digest, owner, root]) {
        part.copy_from_slice(word.as_slice());
    }
    *digest = keccak256(all);
}

fn decode_header(row: &[u8]) -> Option<(B256, Header)> {
    let (hash, mut rlp) = row.split_at_checked(32)?;
    let header = Header::decode(&mut rlp).ok()?;
    let hash = B256::from_slice(hash);
    (rlp.is_empty() && header.hash_slow() == hash).then_some((hash, header))
}
