use crate::{
    Admission, Attributes, BlockEffects, BlockId, BlockInput, BlockRecord, BlockRef, Built,
    CandidateSource, ExecuteOutcome, ExecutionCaps, ExecutionWitness, Header, Heads, LayerError,
    ProofKey, RecordChange, StateProof,
};
use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes};
use core::future::Future;

/// A layer that executes blocks and keeps their state.
///
/// Transactions are bytes to the node. Every engine seals an Ethereum header
/// over a Merkle-Patricia state, so heads, proofs and claims are one code.
///
/// Blocks that were built or executed live beside the chain until
/// [`set_heads`](Self::set_heads) makes one of them the head; several may
/// compete. Those that are not canonical after a restart are forgotten. All
/// methods may be called while others run: a block may be built or executed on
/// one that a running `set_heads` is about to make the head.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an execution layer",
    note = "pass `EvmEngine::open(..)`, or implement `Execution` for your own engine"
)]
pub trait Execution: ChainStore + Clone + Send + Sync + 'static {
    /// The genesis block. Creates it in an empty store; in a store that holds
    /// another chain the error kind is `Fatal`, and nothing is changed.
    fn genesis(&self) -> impl Future<Output = Result<BlockRef, Self::Error>> + Send;

    /// Builds a block on `parent`: due forced entries first, then candidates
    /// for as long as they fit. Never fails for what a candidate does.
    ///
    /// Executing [`Built::input`] gives the same hash. `parent` is canonical
    /// or was built or executed since the store was opened; otherwise
    /// `Rejected`. Cancelling leaves nothing behind that matters.
    fn build(
        &self,
        parent: &BlockRef,
        attributes: Attributes,
        candidates: &mut (dyn CandidateSource + Send),
    ) -> impl Future<Output = Result<Built, Self::Error>> + Send;

    /// Executes an input that came from outside. An input that the engine has
    /// executed before is answered from memory or store.
    ///
    /// `Ok(Invalid)` is a verdict, the same on every node; an error says
    /// nothing about the block.
    fn execute(
        &self,
        input: &BlockInput,
    ) -> impl Future<Output = Result<ExecuteOutcome, Self::Error>> + Send;

    /// Makes the chain that ends in `heads.latest` canonical, rolling back
    /// what is not on it, and commits blocks, receipts, state, heads and
    /// `records` in one atomic step: after a crash all of it is there or
    /// nothing.
    ///
    /// Every head must be known and each an ancestor of the one before.
    /// Nothing at or below the former `finalized` is undone: that is `Fatal`.
    /// Repeating a call is harmless. Returns the blocks that left the
    /// canonical chain, newest first.
    fn set_heads(
        &self,
        heads: &Heads,
        records: &[RecordChange],
    ) -> impl Future<Output = Result<Vec<BlockRecord>, Self::Error>> + Send;

    /// Merkle-Patricia proofs against the state of a canonical block.
    /// `Pruned` if that state is not kept any more.
    fn prove(
        &self,
        at: &BlockRef,
        keys: &[ProofKey],
    ) -> impl Future<Output = Result<StateProof, Self::Error>> + Send;

    /// All that a stateless execution of the canonical block `at` needs.
    /// `Pruned` if its parent's state is not kept any more.
    fn witness(
        &self,
        at: &BlockRef,
    ) -> impl Future<Output = Result<ExecutionWitness, Self::Error>> + Send;

    /// What the engine is and can do.
    fn caps(&self) -> ExecutionCaps;

    /// Checks a transaction for the pool against the latest state, recovers
    /// its signer, and remembers both for the block that will hold it.
    ///
    /// `Rejected` with the reason if it can never be included by the rules
    /// now in force. A nonce above the account's is fine.
    fn admit(
        &self,
        transaction: &Bytes,
    ) -> impl Future<Output = Result<Admission, Self::Error>> + Send;

    /// The engine's own reads: an order book's depth, a world's component.
    /// Form of `request` and answer are the engine's; `at` is canonical.
    ///
    /// `Ok(None)` where the engine knows no such read, which is all that an
    /// engine without reads of its own ever answers.
    fn query(
        &self,
        at: &BlockRef,
        request: &Bytes,
    ) -> impl Future<Output = Result<Option<Bytes>, Self::Error>> + Send {
        let _ = (at, request);
        async { Ok(None) }
    }
}

/// What an engine keeps, and the node's own records that commit with it.
///
/// Reads are cheap and synchronous: memory, or one look-up in the embedded
/// store.
pub trait ChainStore {
    /// What can go wrong.
    type Error: LayerError;

    /// The heads last set; all at genesis in a new store. `NotYet` before
    /// [`Execution::genesis`].
    fn heads(&self) -> Result<Heads, Self::Error>;

    /// A block: canonical by number; by hash also one that was built or
    /// executed and is not canonical. `None` if there is none.
    fn block(&self, id: BlockId) -> Result<Option<BlockRecord>, Self::Error>;

    /// The sealed header of a block; found where [`block`](Self::block) finds
    /// the block. keccak256 of its RLP is the block's hash.
    fn header(&self, id: BlockId) -> Result<Option<Header>, Self::Error>;

    /// What a block did besides its header, by hash: receipts, outbox root and
    /// mailbox events. `None` if there is no such block, or if the engine has
    /// neither outbox nor mailbox and keeps no receipts.
    fn effects(&self, hash: &B256) -> Result<Option<BlockEffects>, Self::Error> {
        let _ = hash;
        Ok(None)
    }

    /// A record of the node.
    fn record(&self, key: &[u8]) -> Result<Option<Bytes>, Self::Error>;

    /// Records whose key starts with `prefix`, ascending by key, from the
    /// first key not below `from`, at most `limit`.
    fn records(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, Self::Error>;

    /// Writes records without moving a head: atomic, and durable on return.
    fn put_records(&self, records: &[RecordChange]) -> Result<(), Self::Error>;
}
