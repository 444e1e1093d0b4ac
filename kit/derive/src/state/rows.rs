use crate::{EpochStart, schedule::Position};
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{BlobRef, DaOrdinal, ForcedId};

/// The small fields of the state: one row, rewritten with each DA block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Core {
    /// Version of the state's format; 2.
    pub version: u8,
    /// Ordinal of the next DA block to read.
    pub next_ordinal: DaOrdinal,
    /// Derived head.
    pub head: Position,
    /// Number of the next batch to be applied.
    pub next_batch: u64,
    /// Id of the last batch whose number was consumed; zero before the first.
    pub last_batch_id: B256,
    /// Term of the last accepted batch.
    pub term: u64,
    /// Present while the sequencer has lapsed: the first ordinal at which the
    /// deriver tries to make a block again.
    pub next_try: Option<DaOrdinal>,
    /// Per key that has posted: ascending by address.
    pub signers: Vec<SignerState>,
    /// Ids of batches rejected since the last number was consumed, oldest
    /// first, at most [`REJECTED_MEMORY`](crate::REJECTED_MEMORY).
    pub rejected: Vec<B256>,
    /// Entries in the forced queue.
    pub forced_count: u32,
    /// Bytes in the forced queue.
    pub forced_bytes: u64,
    /// Where the DA epochs above the first one began, as far as they have.
    pub epochs: Vec<EpochStart>,
}

/// What is known of one key of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignerState {
    /// The key's address.
    pub address: Address,
    /// Highest attempt seen.
    pub attempt: u64,
    /// Stored bytes of its parts, each with its overhead.
    pub stored: u64,
}

impl Core {
    pub(super) const fn genesis(head: Position) -> Self {
        Self {
            version: 2,
            next_ordinal: DaOrdinal(0),
            head,
            next_batch: 0,
            last_batch_id: B256::ZERO,
            term: 0,
            next_try: None,
            signers: Vec::new(),
            rejected: Vec::new(),
            forced_count: 0,
            forced_bytes: 0,
            epochs: Vec::new(),
        }
    }

    /// What is known of a key.
    pub fn signer(&self, address: &Address) -> Option<&SignerState> {
        let at = self
            .signers
            .binary_search_by(|signer| signer.address.cmp(address));
        at.ok().and_then(|at| self.signers.get(at))
    }

    pub(super) fn signer_mut(&mut self, address: Address) -> &mut SignerState {
        let found = self
            .signers
            .binary_search_by(|signer| signer.address.cmp(&address));
        let at = found.unwrap_or_else(|at| {
            self.signers.insert(
                at,
                SignerState {
                    address,
                    attempt: 0,
                    stored: 0,
                },
            );
            at
        });
        &mut self.signers[at]
    }
}

/// Names a batch of which parts are stored. Ordered by number first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct BatchKey {
    /// Batch number.
    pub number: u64,
    /// Who signed the parts.
    pub signer: Address,
    /// The signer's attempt.
    pub attempt: u64,
    /// Batch id.
    pub id: B256,
}

/// A batch of which parts are stored; complete ones are *pending*.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PendingBatch {
    /// Ordinal of its first part.
    pub first_ordinal: DaOrdinal,
    /// Number of parts it has in all.
    pub count: u32,
    /// Length of its envelope.
    pub total_len: u32,
    /// Parts stored so far.
    pub present: u32,
    /// Bytes of the parts stored so far.
    pub bytes: u64,
    /// Once complete: ordinal of the last part, and the position of that
    /// part's blob in its DA block.
    pub completed: Option<(DaOrdinal, u32)>,
    /// Once looked into: what it builds on.
    pub opened: Option<OpenedHead>,
}

/// What a verified envelope builds on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OpenedHead {
    /// Number of its first block.
    pub first_block: u64,
    /// Parent hash of its first block.
    pub parent: B256,
}

/// A stored part. The hash is of `bytes`; it is not encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) reference: BlobRef,
    pub(crate) bytes: Bytes,
    pub(crate) hash: B256,
}

/// Names a row. Encodes to at most 73 bytes whose order is the rows' order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum RowKey {
    Core,
    Origin(DaOrdinal),
    Forced(ForcedId),
    Batch(BatchKey),
    Piece(BatchKey, u32),
}

impl RowKey {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(80);
        match self {
            Self::Core => out.push(0),
            Self::Origin(ordinal) => {
                out.push(1);
                out.extend_from_slice(&ordinal.0.to_be_bytes());
            }
            Self::Forced(id) => {
                out.push(2);
                out.extend_from_slice(&id.ordinal.0.to_be_bytes());
                out.extend_from_slice(&id.index.to_be_bytes());
            }
            Self::Batch(key) => {
                out.push(3);
                key.write(&mut out);
            }
            Self::Piece(key, index) => {
                out.push(4);
                key.write(&mut out);
                out.extend_from_slice(&index.to_be_bytes());
            }
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        match (tag, rest.len()) {
            (0, 0) => Some(Self::Core),
            (1, 8) => Some(Self::Origin(DaOrdinal(be64(rest)?))),
            (2, 12) => Some(Self::Forced(ForcedId {
                ordinal: DaOrdinal(be64(rest)?),
                index: be32(rest.get(8..)?)?,
            })),
            (3, 68) => Some(Self::Batch(BatchKey::read(rest)?)),
            (4, 72) => Some(Self::Piece(BatchKey::read(rest)?, be32(rest.get(68..)?)?)),
            _ => None,
        }
    }
}

impl BatchKey {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(self.signer.as_slice());
        out.extend_from_slice(&self.attempt.to_be_bytes());
        out.extend_from_slice(self.id.as_slice());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            number: be64(bytes)?,
            signer: Address::from_slice(bytes.get(8..28)?),
            attempt: be64(bytes.get(28..)?)?,
            id: B256::from_slice(bytes.get(36..68)?),
        })
    }
}

fn be64(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?))
}

fn be32(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?))
}
