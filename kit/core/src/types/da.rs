use alloc::{string::String, vec::Vec};
use alloy_primitives::{B256, Bytes};
use borsh::{BorshDeserialize, BorshSerialize};
use core::{fmt, time::Duration};
use serde::{Deserialize, Serialize};

/// A block height of a data-availability layer. Never a rollup's block number.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct DaHeight(pub u64);

impl DaHeight {
    /// The height one above; `None` at the end of the number range.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(height) => Some(Self(height)),
            None => None,
        }
    }
}

impl fmt::Display for DaHeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a DA block counted from the first epoch's start height, over
/// all epochs, empty blocks included. Windows, delays and ages count these.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct DaOrdinal(pub u64);

impl DaOrdinal {
    /// How many ordinals `self` lies after `earlier`; 0 where it does not.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The ordinal `n` further on, saturating.
    pub const fn plus(self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }
}

impl fmt::Display for DaOrdinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One block of a DA layer, named so that no other block can be meant.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct DaPoint {
    /// Index of the DA epoch that the block belongs to.
    pub epoch: u32,
    /// Height on that epoch's layer.
    pub height: DaHeight,
    /// The layer's own block hash.
    pub hash: B256,
}

/// A DA block by height and hash, on whichever layer the adapter serves.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct DaBlockId {
    /// Height on the layer.
    pub height: DaHeight,
    /// The layer's own block hash.
    pub hash: B256,
}

/// The header facts of a DA block that derivation uses.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct DaHeader {
    /// Height on the layer.
    pub height: DaHeight,
    /// The layer's own block hash; commits to every other field.
    pub hash: B256,
    /// Hash of the block one height below; zero at the layer's first block.
    pub parent_hash: B256,
    /// Unix seconds, floored; never below the parent's.
    pub time: u64,
    /// Commitment to the block's data, against which inclusion is proved.
    pub data_root: B256,
}

impl DaHeader {
    /// The block's height and hash.
    pub const fn id(&self) -> DaBlockId {
        DaBlockId {
            height: self.height,
            hash: self.hash,
        }
    }
}

/// What a DA layer has reached, by hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DaHead {
    /// The newest block seen. May be reorganised away.
    pub observed: DaBlockId,
    /// The newest block that can no longer be undone; `None` before the first.
    pub finalized: Option<DaBlockId>,
}

/// Which address of a rollup on its DA layer a blob goes to. A layer with a
/// single namespace maps every lane to it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[borsh(use_discriminant = false)]
pub enum DaLane {
    /// Batch parts and superblocks: posted by keys of the schedule.
    Batch,
    /// Forced and open transactions: anyone may post.
    Forced,
}

/// Bytes to post, and where.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Blob {
    /// The lane that it goes to.
    pub lane: DaLane,
    /// The content, at most [`DaCaps::max_blob_bytes`].
    pub data: Bytes,
}

/// Where a posted blob can be found.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct BlobRef {
    /// The DA block that holds it.
    pub block: DaBlockId,
    /// Position among *this rollup's* blobs of that block, in posted order.
    pub index: u32,
    /// The layer's commitment to the blob: share commitment on Celestia,
    /// versioned hash on Ethereum, keccak256 of the data on the local layer.
    pub commitment: B256,
}

/// A blob as read back from a DA block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PostedBlob {
    /// Where it stands.
    pub reference: BlobRef,
    /// The lane by which it came; on a one-address layer always `Batch`.
    pub lane: DaLane,
    /// Who posted it, in the layer's own bytes; `None` where the layer does
    /// not say. Never a rollup identity.
    pub poster: Option<Bytes>,
    /// The content.
    pub data: Bytes,
}

/// Everything of one rollup in one DA block.
///
/// Whoever hands out a `DaBlock` has verified that `header` belongs to the
/// layer and that `blobs` is complete: nothing was left out, added or moved.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DaBlock {
    /// Header facts.
    pub header: DaHeader,
    /// Our blobs, in posted order.
    pub blobs: Vec<PostedBlob>,
    /// Proof of completeness against `header.data_root`, so that a third
    /// party can repeat the check with [`verify`](crate::DataAvailability::verify).
    pub completeness: Proof,
}

/// A proof in the layer's own format, versioned.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
pub struct Proof {
    /// Format of `bytes`, counted per layer from 1.
    pub version: u16,
    /// The layer's encoding.
    pub bytes: Bytes,
}

/// What a [`Proof`] is supposed to show.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum DaClaim {
    /// This blob stands in the block at its reference's place.
    Included {
        /// The reference, whose `commitment` is checked against `data`.
        reference: BlobRef,
        /// The lane it was posted to.
        lane: DaLane,
        /// The content.
        data: Bytes,
    },
    /// These are all blobs of the rollup in the block, in order.
    Complete {
        /// References with lane and content.
        blobs: Vec<PostedBlob>,
    },
}

/// Names one posting intent over all attempts and restarts: the same id is
/// the same bytes.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct UnitId(pub B256);

/// Blobs that are posted together, in order, once.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PostingUnit {
    /// Identity; see [`PostingUnit::new`].
    pub id: UnitId,
    /// In order; never empty.
    pub blobs: Vec<Blob>,
}

impl PostingUnit {
    /// A unit whose id is the keccak256 of the borsh encoding of its blobs and
    /// of `salt`, which tells apart two intents with equal bytes.
    pub fn new(salt: B256, blobs: Vec<Blob>) -> Self {
        let mut encoded = salt.to_vec();
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut encoded, &blobs);
        Self {
            id: UnitId(alloy_primitives::keccak256(encoded)),
            blobs,
        }
    }

    /// Sum of the blobs' lengths in bytes.
    pub fn len_bytes(&self) -> u64 {
        self.blobs.iter().map(|blob| blob.data.len() as u64).sum()
    }
}

/// How far a posting unit has come.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Submission {
    /// The unit.
    pub unit: UnitId,
    /// How far it is.
    pub status: SubmissionStatus,
    /// What has been paid so far, or is bound to be; `None` if not known yet.
    pub fee: Option<Fee>,
}

/// The state of one posting unit on its layer.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum SubmissionStatus {
    /// The layer has taken it and it is in no block yet. Submit again to ask.
    Accepted,
    /// Every blob is in a block; a reorganisation may still undo that, after
    /// which the state is `Accepted` again or the unit is posted anew.
    Included {
        /// One reference per blob, in the unit's order.
        blobs: Vec<BlobRef>,
    },
}

/// An amount in a layer's smallest unit.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Fee {
    /// Amount in `unit`.
    pub amount: u128,
    /// The unit's symbol: `utia`, `wei`, `local`.
    pub unit: String,
}

/// What a DA layer is and can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaCaps {
    /// `local`, `celestia`, `ethereum`, …
    pub layer: String,
    /// Distinguishes networks of one layer: a chain id, a genesis hash.
    pub network: String,
    /// The lanes that have an address here, in ascending order.
    pub lanes: Vec<DaLane>,
    /// Largest content of one blob in bytes.
    pub max_blob_bytes: u64,
    /// Largest sum of contents that one block can take from one unit.
    pub max_unit_bytes: u64,
    /// Nominal time from one block to the next.
    pub block_time: Duration,
    /// How a block becomes final.
    pub finality: DaFinality,
    /// How long blocks are served; `None` means for ever.
    pub retention: Option<Duration>,
}

/// How blocks of a layer become final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaFinality {
    /// As soon as they are made.
    Instant,
    /// Once this many blocks stand on top.
    Depth(u64),
    /// By the layer's own gadget, nominally after this time.
    Gadget(Duration),
}
