//! What a server, a dashboard or a command needs from a running node.

use crate::{BlobRef, BlockId, BlockRecord, DaHead, DaOrdinal, DaPoint, Fee, Heads, LayerError};
use alloc::{string::String, sync::Arc, vec::Vec};
use alloy_primitives::{Address, B256, Bytes};
use core::fmt;
use futures_util::{future::BoxFuture, stream::BoxStream};
use serde::{Deserialize, Serialize};

/// A node as servers see it. Object-safe: servers hold an `Arc<dyn NodeApi>`.
///
/// Reads answer from memory. Block contents are read from the engine itself.
pub trait NodeApi: Send + Sync + 'static {
    /// The rollup's heads.
    fn heads(&self) -> Heads;

    /// Offers an encoded transaction to the pool; a follower forwards it to
    /// its sequencer. `Ok` is its hash: it is in the pool, durably, and not
    /// yet in a block.
    fn submit(&self, transaction: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>>;

    /// A transaction waiting in the pool.
    fn pool_transaction(&self, hash: &B256) -> Option<Bytes>;

    /// All transactions waiting in the pool, best first, at most `limit`.
    fn pool_content(&self, limit: usize) -> Vec<PoolEntry>;

    /// The sender's next nonce with its waiting transactions counted; `None`
    /// if none of its transactions waits without a gap.
    fn pool_nonce(&self, sender: &Address) -> Option<u64>;

    /// How full the pool is.
    fn pool_status(&self) -> PoolStatus;

    /// What happens from now on. A subscriber that falls behind by more than
    /// 1,024 events misses some and receives [`NodeEvent::Lagged`].
    fn events(&self) -> BoxStream<'static, NodeEvent>;

    /// Each layer, and how the node is doing.
    fn status(&self) -> NodeStatus;

    /// A block as the engine keeps it: canonical by number; by hash also one
    /// that is not. `None` if there is none.
    fn block(&self, id: BlockId) -> Option<BlockRecord>;

    /// The batch that carried a canonical block; `None` while it is not posted,
    /// and where nothing is ever posted, as provided.
    fn batch_of(&self, _number: u64) -> Option<BatchInfo> {
        None
    }

    /// Asks an on-demand sequencer for a block now. `false` where the node
    /// makes no blocks on demand, as provided.
    fn mine(&self) -> BoxFuture<'_, bool> {
        Box::pin(core::future::ready(false))
    }
}

/// Something that happened in a node.
#[derive(Clone, Debug)]
pub enum NodeEvent {
    /// A block became the latest head.
    Block(Arc<BlockRecord>),
    /// Blocks left the canonical chain, newest first.
    Removed(Arc<Vec<BlockRecord>>),
    /// The safe or finalized head moved.
    Heads(Heads),
    /// A transaction entered the pool.
    Pending(B256),
    /// The subscriber missed this many events.
    Lagged(u64),
}

/// A transaction waiting in the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolEntry {
    /// Transaction hash.
    pub hash: B256,
    /// Its signer.
    pub sender: Address,
    /// Its nonce.
    pub nonce: u64,
    /// Encoded transaction.
    pub bytes: Bytes,
    /// True where no earlier nonce is missing.
    pub ready: bool,
}

/// How full the pool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolStatus {
    /// Transactions that could go into the next block.
    pub pending: usize,
    /// Transactions behind a nonce gap.
    pub queued: usize,
    /// Sum of encoded lengths.
    pub bytes: u64,
}

/// The batch that carried a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchInfo {
    /// Batch number.
    pub number: u64,
    /// Batch id: keccak256 of the envelope.
    pub id: B256,
    /// First block in it.
    pub first_block: u64,
    /// Last block in it.
    pub last_block: u64,
    /// Length of the envelope in bytes.
    pub bytes: u64,
    /// The DA block at which it was applied; `None` until derived.
    pub applied: Option<DaPoint>,
    /// Ordinal of that block.
    pub ordinal: Option<DaOrdinal>,
    /// Where its parts stand.
    pub blobs: Vec<BlobRef>,
    /// What posting it cost.
    pub fee: Option<Fee>,
    /// True once that DA block is final.
    pub finalized: bool,
}

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Makes blocks and posts them.
    Sequencer,
    /// Derives from DA.
    Follower,
    /// Follows a feed, and checks it against DA.
    Replica,
}

/// How a node and its layers are doing.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// The rollup's name, for people.
    pub name: String,
    /// Chain id.
    pub chain_id: u64,
    /// Genesis hash.
    pub rollup_id: B256,
    /// What the node does.
    pub role: Role,
    /// Heads.
    pub heads: Heads,
    /// The DA layer's name and network.
    pub da_layer: String,
    /// Network of the DA layer.
    pub da_network: String,
    /// The DA layer's head, once known.
    #[serde(skip)]
    pub da_head: Option<DaHead>,
    /// The DA block up to which derivation has read.
    pub derived: Option<DaPoint>,
    /// Ordinal of that block.
    pub derived_ordinal: Option<DaOrdinal>,
    /// Blocks made and not yet derived from DA.
    pub unposted_blocks: u64,
    /// Bytes waiting to be posted.
    pub unposted_bytes: u64,
    /// True while the node admits transactions; otherwise `blocked` says why.
    pub admitting: bool,
    /// Why no transactions are admitted, or no blocks made.
    pub blocked: Option<String>,
    /// True where the sequencer has lapsed by the rules of derivation.
    pub lapsed: bool,
    /// True once the node follows its DA layer's head.
    pub synced: bool,
    /// Pool.
    pub pool: PoolStatus,
    /// Settlement mode.
    pub settlement: String,
    /// Errors that layers have not recovered from, newest last, at most one a
    /// layer; `da` is reading the DA layer, `da-post` posting to it.
    pub last_errors: Vec<(String, String)>,
}

impl NodeStatus {
    /// A node without a DA layer and settlement: it admits transactions into
    /// an empty pool, is synced, and has met no error.
    pub fn alone(name: impl Into<String>, chain_id: u64, rollup_id: B256, heads: Heads) -> Self {
        Self {
            name: name.into(),
            chain_id,
            rollup_id,
            role: Role::Follower,
            heads,
            da_layer: "none".into(),
            da_network: "none".into(),
            da_head: None,
            derived: None,
            derived_ordinal: None,
            unposted_blocks: 0,
            unposted_bytes: 0,
            admitting: true,
            blocked: None,
            lapsed: false,
            synced: true,
            pool: PoolStatus::default(),
            settlement: "none".into(),
            last_errors: Vec::new(),
        }
    }
}

/// Why a transaction was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// By the rules now in force it can never be included.
    Invalid(String),
    /// It is in the pool already.
    AlreadyKnown(B256),
    /// Another transaction with this nonce waits, and this one does not pay
    /// enough more: at least this much per gas, in wei.
    Underpriced {
        /// Wei per gas.
        required: u128,
    },
    /// The nonce lies below the account's.
    NonceTooLow {
        /// The account's next nonce.
        account: u64,
        /// The transaction's nonce.
        transaction: u64,
    },
    /// The balance does not cover value and fees.
    InsufficientFunds(String),
    /// The pool is full, for everybody or for this sender.
    PoolFull(String),
    /// The node does not admit transactions at present.
    NotAdmitting(String),
    /// The node or its sequencer failed.
    Internal(String),
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(reason)
            | Self::InsufficientFunds(reason)
            | Self::PoolFull(reason)
            | Self::NotAdmitting(reason)
            | Self::Internal(reason) => f.write_str(reason),
            Self::AlreadyKnown(_) => f.write_str("already known"),
            Self::Underpriced { required } => write!(
                f,
                "replacement transaction underpriced: offer at least {required} wei per gas"
            ),
            Self::NonceTooLow {
                account,
                transaction,
            } => {
                write!(
                    f,
                    "nonce too low: next nonce {account}, tx nonce {transaction}"
                )
            }
        }
    }
}

impl core::error::Error for SubmitError {}

impl LayerError for SubmitError {
    fn kind(&self) -> crate::ErrorKind {
        match self {
            Self::PoolFull(_) | Self::NotAdmitting(_) | Self::Internal(_) => {
                crate::ErrorKind::Temporary
            }
            _ => crate::ErrorKind::Rejected,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "RW-NODE-101",
            Self::AlreadyKnown(_) => "RW-NODE-102",
            Self::Underpriced { .. } => "RW-NODE-103",
            Self::NonceTooLow { .. } => "RW-NODE-104",
            Self::InsufficientFunds(_) => "RW-NODE-105",
            Self::PoolFull(_) => "RW-NODE-106",
            Self::NotAdmitting(_) => "RW-NODE-107",
            Self::Internal(_) => "RW-NODE-108",
        }
    }
}
