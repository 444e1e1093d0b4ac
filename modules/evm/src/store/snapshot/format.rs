//! `"RWSNAP" ‖ 0x00 ‖ version (1)`, then chunks: `index (8, LE) ‖ length (4, LE) ‖
//! payload (borsh, kind first) ‖ keccak256 of all that`. The last chunk
//! holds the number of chunks before it and keccak256 of their hashes.

use super::{SnapshotError, SnapshotInfo};
use alloy_primitives::{B256, Keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{BlockRef, RecordChange};
use std::io::{Read, Write};

const MAGIC: &[u8; 7] = b"RWSNAP\0";
const VERSION: u8 = 1;
/// Longest payload in bytes.
const MAX_PAYLOAD: u32 = 256 << 20;
/// Payload at which a writer begins the next chunk, in bytes.
pub(super) const CHUNK_BYTES: usize = 1 << 20;

/// The contents of a snapshot, in this order; `Slots`, `Accounts` and `Codes`
/// as often as needed, each ascending by key over all of its chunks.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub(super) enum Chunk {
    /// What the snapshot is of.
    Manifest(Manifest),
    /// Stored headers of the block and up to 255 ancestors: number, row.
    Headers(Vec<(u64, Vec<u8>)>),
    /// Stored rows of the genesis block and of the block itself.
    Blocks(Vec<BlockRow>),
    /// `keccak(address) ‖ keccak(slot)` with the stored value.
    Slots(Vec<(Vec<u8>, Vec<u8>)>),
    /// keccak(address) with the stored account.
    Accounts(Vec<(Vec<u8>, Vec<u8>)>),
    /// Codes of those accounts.
    Codes(Vec<Vec<u8>>),
    /// The node's records.
    Records(Vec<RecordChange>),
    /// Number of chunks before this, and the hash over their hashes.
    End(u64, B256),
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Manifest {
    pub(super) genesis: BlockRef,
    pub(super) block: BlockRef,
    pub(super) state_root: B256,
}

#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub(super) struct BlockRow {
    pub(super) number: u64,
    pub(super) header: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) receipts: Vec<u8>,
}

impl Manifest {
    pub(super) fn info(&self) -> SnapshotInfo {
        SnapshotInfo {
            genesis: self.genesis.hash,
            block: self.block,
            state_root: self.state_root,
            accounts: 0,
            slots: 0,
            records: Vec::new(),
        }
    }
}

/// Writes chunks.
pub(super) struct Writer<'a> {
    out: &'a mut dyn Write,
    index: u64,
    total: Keccak256,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Result<Self, SnapshotError> {
        out.write_all(MAGIC)?;
        out.write_all(&[VERSION])?;
        Ok(Self {
            out,
            index: 0,
            total: Keccak256::new(),
        })
    }

    pub(super) fn chunk(&mut self, chunk: &Chunk) -> Result<(), SnapshotError> {
        let payload = borsh::to_vec(chunk)?;
        let length = u32::try_from(payload.len())
            .ok()
            .filter(|length| *length <= MAX_PAYLOAD)
            .ok_or_else(|| SnapshotError::Format {
                reason: format!("a chunk of {} bytes is too long", payload.len()),
            })?;
        let mut head = self.index.to_le_bytes().to_vec();
        head.extend_from_slice(&length.to_le_bytes());
        let hash = chunk_hash(&head, &payload);
        self.total.update(hash);
        self.index += 1;
        self.out.write_all(&head)?;
        self.out.write_all(&payload)?;
        self.out.write_all(hash.as_slice())?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), SnapshotError> {
        let total = self.total.clone().finalize();
        self.chunk(&Chunk::End(self.index, total))?;
        self.out.flush()?;
        Ok(())
    }
}

/// Reads and checks chunks.
pub(super) struct Reader<'a> {
    input: &'a mut dyn Read,
    index: u64,
    total: Keccak256,
    last: B256,
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a mut dyn Read) -> Result<Self, SnapshotError> {
        let format = |reason: String| SnapshotError::Format { reason };
        let mut start = [0u8; 8];
        input
            .read_exact(&mut start)
            .map_err(|_| format("it ends in its first 8 bytes".into()))?;
        let [magic @ .., version] = start;
        if magic != *MAGIC {
            return Err(format("it does not begin with RWSNAP".into()));
        }
        if version != VERSION {
            return Err(format(
                format_args!("its version is {version}, not {VERSION}").to_string(),
            ));
        }
        Ok(Self {
            input,
            index: 0,
            total: Keccak256::new(),
            last: B256::ZERO,
        })
    }

    /// Hash of the chunk last read.
    pub(super) fn last_hash(&self) -> B256 {
        self.last
    }

    /// Index of the chunk last read.
    pub(super) fn last_index(&self) -> u64 {
        self.index.saturating_sub(1)
    }

    /// The next chunk; `None` after a correct end.
    pub(super) fn next(&mut self) -> Result<Option<Chunk>, SnapshotError> {
        let index = self.index;
        let damaged = |reason: &str| SnapshotError::Chunk {
            index,
            reason: reason.into(),
        };
        let mut head = [0u8; 12];
        self.input
            .read_exact(&mut head)
            .map_err(|_| damaged("the file ends before it"))?;
        let (number, length) = head.split_at(8);
        if number != index.to_le_bytes() {
            return Err(damaged("another chunk stands in its place"));
        }
        let length = u32::from_le_bytes(length.try_into().unwrap_or_default());
        if length > MAX_PAYLOAD {
            return Err(damaged("it claims to be too long"));
        }
        // Grows with what is there, not with what the length claims.
        let mut payload = Vec::new();
        Read::take(&mut *self.input, length.into()).read_to_end(&mut payload)?;
        let mut hash = B256::ZERO;
        self.input
            .read_exact(&mut hash.0)
            .map_err(|_| damaged("the file ends within it"))?;
        if hash != chunk_hash(&head, &payload) {
            return Err(damaged("its hash does not fit"));
        }
        let chunk = borsh::from_slice(&payload).map_err(|_| damaged("it cannot be decoded"))?;
        if let Chunk::End(count, total) = chunk {
            if count != index || total != self.total.clone().finalize() {
                return Err(damaged("the chunks before it are not all"));
            }
            if self.input.read(&mut [0])? != 0 {
                return Err(damaged("bytes follow the end"));
            }
            return Ok(None);
        }
        self.total.update(hash);
        self.last = hash;
        self.index += 1;
        Ok(Some(chunk))
    }

    /// The chunk last read is not what it should be.
    pub(super) fn damaged(&self, reason: &str) -> SnapshotError {
        SnapshotError::Chunk {
            index: self.last_index(),
            reason: reason.into(),
        }
    }
}

fn chunk_hash(head: &[u8], payload: &[u8]) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(head);
    hasher.update(payload);
    hasher.finalize()
}
