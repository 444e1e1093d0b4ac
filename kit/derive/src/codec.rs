use alloc::{string::String, vec::Vec};
use alloy_primitives::{Address, Bytes};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::DaOrdinal;
use serde::{Deserialize, Serialize};

/// Names a codec and its compression. Which ones a chain accepts is part of
/// its configuration.
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
#[serde(transparent)]
pub struct CodecId(pub u8);

impl CodecId {
    /// Columns, not compressed.
    pub const NONE: Self = Self(0);
    /// Columns in one zstd frame (content size present and equal, no checksum,
    /// no dictionary, no skippable frame, window at most 8 MiB).
    pub const ZSTD: Self = Self(1);
    /// Columns, brotli without large window.
    pub const BROTLI: Self = Self(2);
    /// Reserved: columns with a dictionary kept across batches.
    pub const DICTIONARY: Self = Self(3);
}

/// A block's inputs as a batch gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BatchBlock {
    /// Unix seconds.
    pub timestamp: u64,
    /// Ordinal of the block's origin.
    pub origin: DaOrdinal,
    /// Receives priority fees.
    pub fee_recipient: Address,
    /// Ordinary transactions, EIP-2718, in order. Forced ones are never here.
    pub transactions: Vec<Bytes>,
}

/// Bounds that a decoder enforces before it allocates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecLimits {
    /// Blocks per batch.
    pub max_blocks: u32,
    /// Transactions per block.
    pub max_block_transactions: u32,
    /// Sum of encoded lengths of one block's transactions, in bytes.
    pub max_block_bytes: u64,
    /// Length of the decompressed payload in bytes, and as much again for the
    /// encoded lengths of all of the batch's transactions together.
    pub max_decompressed_bytes: u32,
}

/// A batch's blocks, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedBlocks {
    /// The compressed columns.
    pub payload: Bytes,
    /// Their length before compression.
    pub decompressed_len: u32,
    /// Number of transactions.
    pub transactions: u32,
}

/// What an envelope says about its payload, and what the decoder must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodedFacts {
    /// Codec that wrote it.
    pub codec: CodecId,
    /// Length after decompression.
    pub decompressed_len: u32,
    /// Number of blocks; at least one.
    pub blocks: u32,
    /// Number of transactions in all blocks.
    pub transactions: u32,
}

/// Why a payload or a transaction is refused. Deterministic: the same bytes
/// give the same reason on every node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The codec is not one of this engine's.
    #[error("codec {0:?} is unknown")]
    UnknownCodec(CodecId),
    /// Compression is malformed, or its length is not the stated one.
    #[error("payload does not decompress: {0}")]
    Compression(String),
    /// The columns are malformed.
    #[error("payload is malformed: {0}")]
    Malformed(String),
    /// A bound is exceeded.
    #[error("payload exceeds a bound: {0}")]
    TooLarge(String),
    /// A transaction is of no kind that this chain admits, or not canonical.
    #[error("transaction {index} is not admissible: {reason}")]
    Transaction {
        /// Index in the batch, or 0.
        index: u32,
        /// The reason.
        reason: String,
    },
}

/// Facts about an admitted forced transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForcedFacts {
    /// Its gas limit.
    pub gas_limit: u64,
}

/// How an engine writes the blocks of a batch, and which transactions it
/// admits. The derive crate knows transactions as bytes only.
///
/// Decoding is pure: what it returns depends on its arguments and the chain
/// configuration alone, never on caches or threads.
pub trait BatchCodec: Clone + Send + Sync + 'static {
    /// Encodes blocks. Fails only for blocks that [`decode`](Self::decode)
    /// would refuse.
    fn encode(&self, codec: CodecId, blocks: &[BatchBlock]) -> Result<EncodedBlocks, CodecError>;

    /// Decodes a payload, re-encodes nothing, and checks: compression form,
    /// bounds, canonical form of every transaction, its chain id and type,
    /// and that every signature recovers to a sender. One failure refuses the
    /// whole payload. Trailing bytes are refused. At no time are there
    /// transactions of more than `facts.decompressed_len` times
    /// [`MOST_EXPANSION`](crate::MOST_EXPANSION) bytes.
    ///
    /// Round trip both ways: `encode(decode(x)) == x` before compression, and
    /// `decode(encode(b)) == b`.
    fn decode(
        &self,
        facts: &EncodedFacts,
        payload: &[u8],
        limits: &CodecLimits,
    ) -> Result<Vec<BatchBlock>, CodecError>;

    /// Checks a transaction for the forced lane: type 0, 1, 2 or 4, canonical
    /// encoding, our chain id, a signature that recovers.
    fn check_forced(&self, transaction: &[u8]) -> Result<ForcedFacts, CodecError>;
}
