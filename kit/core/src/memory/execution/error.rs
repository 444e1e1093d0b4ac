use crate::{B256, BlockRef, ErrorKind, LayerError};

/// What can go wrong in the in-memory engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryExecutionError {
    /// The store is empty.
    #[error("the store holds no chain yet; call `genesis` first")]
    Empty,
    /// The store holds another chain.
    #[error("the store holds the chain {found}, not {wanted}; open another store")]
    OtherChain {
        /// Genesis hash of the chain in the store.
        found: B256,
        /// Genesis hash of this chain.
        wanted: B256,
    },
    /// No such block was built or executed since the store was opened.
    #[error("block {} ({}) is not known; execute it first", block.number, block.hash)]
    UnknownBlock {
        /// The block.
        block: BlockRef,
    },
    /// The heads are not a chain.
    #[error("head {} is no ancestor of the head before it", block.number)]
    NotAncestor {
        /// The head at fault.
        block: BlockRef,
    },
    /// A final block would be undone.
    #[error("block {} is final and would be undone; the operator must decide", block.number)]
    Final {
        /// The final block.
        block: BlockRef,
    },
    /// The block is known and not canonical.
    #[error("block {} ({}) is not canonical", block.number, block.hash)]
    NotCanonical {
        /// The block.
        block: BlockRef,
    },
    /// The state is not kept any more.
    #[error("the state of block {number} is pruned; {oldest} is the oldest that is kept")]
    Pruned {
        /// The block.
        number: u64,
        /// The oldest block whose state is kept.
        oldest: u64,
    },
    /// The transaction can never be included.
    #[error("transaction refused: {reason}")]
    Refused {
        /// Why.
        reason: super::Refusal,
    },
    /// A block cannot be built with these attributes.
    #[error("no block can be built: {reason}")]
    Attributes {
        /// Why.
        reason: &'static str,
    },
    /// The genesis block has no parent to execute on.
    #[error("block {} has no parent; there is nothing to witness", block.number)]
    NoParent {
        /// The block.
        block: BlockRef,
    },
    /// As many blocks as allowed are not canonical.
    #[error("{blocks} blocks wait beside the chain; make them canonical or forget them")]
    TooManyPending {
        /// How many may.
        blocks: usize,
    },
    /// A record's key is too long.
    #[error("a record's key has {bytes} bytes; at most 128 are allowed")]
    KeyTooLong {
        /// Its length.
        bytes: usize,
    },
    /// A witness lacks a node, or holds one that does not decode.
    #[error("the witness does not hold the parent's state (node {hash:?})")]
    Witness {
        /// The missing node, where one is missing.
        hash: Option<B256>,
    },
}

impl LayerError for MemoryExecutionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Empty => ErrorKind::NotYet,
            Self::OtherChain { .. } | Self::Final { .. } => ErrorKind::Fatal,
            Self::Pruned { .. } => ErrorKind::Pruned,
            Self::TooManyPending { .. } => ErrorKind::Temporary,
            _ => ErrorKind::Rejected,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "RW-EVM-301",
            Self::OtherChain { .. } => "RW-EVM-302",
            Self::UnknownBlock { .. } => "RW-EVM-303",
            Self::NotAncestor { .. } => "RW-EVM-304",
            Self::Final { .. } => "RW-EVM-305",
            Self::NotCanonical { .. } => "RW-EVM-306",
            Self::Pruned { .. } => "RW-EVM-307",
            Self::Refused { .. } => "RW-EVM-308",
            Self::KeyTooLong { .. } => "RW-EVM-309",
            Self::Witness { .. } => "RW-EVM-310",
            Self::Attributes { .. } => "RW-EVM-311",
            Self::NoParent { .. } => "RW-EVM-312",
            Self::TooManyPending { .. } => "RW-EVM-313",
        }
    }
}
