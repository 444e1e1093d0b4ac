//! The store of blocks and state: everything that a chain keeps, committed
//! atomically block by block.
//!
//! - **One commit** holds a block's flat state, trie branches, history, header,
//!   body, receipts, indexes, the heads and the node's records. After a crash
//!   at any instant the last commit is there, whole.
//! - **Readers** hold an immutable view of one commit; writers never block
//!   them, and caches never show them another state.
//! - **Blocks beside the chain** live in memory as their changes, each on its
//!   parent; [`Store::set_heads`] makes a line of them canonical, rolling back
//!   what is not on it.
//! - **The past** is kept as the value of each key before each block that
//!   changed it: a read at block *b* finds the first change after *b*.
//! - **Opening** reads a handful of keys, whatever the size of the state.
//!
//! Any database that implements [`kv::KeyValue`] will do.

mod appearances;
mod base;
mod block;
mod bulk;
mod cache;
mod chain;
mod check;
mod delta;
mod edits;
mod error;
mod execute;
mod flat;
mod heads;
pub mod kv;
mod logs;
mod options;
mod prepare;
mod prove;
mod records;
mod rewind;
pub mod snapshot;
mod stage;
mod tree;
mod version;
mod view;
mod witness;

pub use block::{NewBlock, StoredBlock, TransactionLocation};
pub use bulk::NewAccount;
pub use check::StateCheck;
pub use edits::StateEdits;
pub use error::StoreError;
pub use execute::BlockState;
pub use logs::{LogHit, LogPage, LogQuery};
pub use options::{History, StoreOptions};
pub use prepare::Prepared;
pub use view::StateView;

use crate::machine::Stop;
use alloy_primitives::{Address, B256, Bytes};
use base::Inner;
use kv::KeyValue;
use rollwright_core::{
    BlockId, BlockRef, Changes, Header, Heads, ProofKey, RecordChange, StateProof,
};
use snapshot::SnapshotInfo;
use std::{io, sync::Arc};
use tree::Pending;

/// Blocks and state of one chain. Clones share everything.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

impl Store {
    /// Opens what `kv` holds; an empty database gives an empty store.
    ///
    /// [`StoreError::NewerFormat`] where a newer release wrote it.
    pub fn open(kv: Arc<dyn KeyValue>, options: StoreOptions) -> Result<Self, StoreError> {
        Inner::open(kv, options).map(|inner| Self {
            inner: Arc::new(inner),
        })
    }

    /// The genesis block; `None` in an empty store.
    pub fn genesis(&self) -> Option<BlockRef> {
        self.inner
            .canonical()
            .ok()
            .map(|canonical| canonical.genesis)
    }

    /// Computes the state of a genesis allocation, on nothing. Does not depend
    /// on what the store holds, and changes nothing.
    pub fn prepare_genesis(&self, allocation: Changes) -> Result<Prepared, StoreError> {
        let outcome = self.inner.prepare_genesis(allocation)?;
        Ok(Prepared { outcome })
    }

    /// Commits the genesis block to an empty store, durably. A store that is
    /// not empty only compares: [`StoreError::OtherChain`] names both hashes.
    pub fn init(&self, genesis: NewBlock, prepared: Prepared) -> Result<BlockRef, StoreError> {
        self.inner.init(genesis, prepared)
    }

    /// Commits a genesis block with a state that is too large to be held
    /// twice: in pieces, ascending by hashed address, visible with the last of
    /// them. Bounded memory whatever the size. Otherwise as
    /// [`init`](Self::init).
    ///
    /// Interrupted, it leaves an empty store, and the next attempt begins anew.
    pub fn load(
        &self,
        genesis: NewBlock,
        accounts: &mut dyn Iterator<Item = NewAccount>,
        codes: &mut dyn Iterator<Item = (B256, Bytes)>,
    ) -> Result<BlockRef, StoreError> {
        self.inner.load_genesis(genesis, accounts, codes)
    }

    /// The heads last set.
    pub fn heads(&self) -> Result<Heads, StoreError> {
        Ok(self.inner.canonical()?.heads)
    }

    /// Canonical blocks from the first to the last of `range` in which an
    /// address appears: that changed it, in which it emitted a log, or in which
    /// a transaction was sent to it. At most `limit`, ascending, or descending
    /// from the newest.
    ///
    /// A call within a transaction that changes nothing of the address is not
    /// known, nor is a change of before [`oldest_state`](Self::oldest_state).
    pub fn appearances(
        &self,
        address: &Address,
        range: (u64, u64),
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<u64>, StoreError> {
        appearances::search(&self.inner, address, range, newest_first, limit)
    }

    /// The oldest block whose state is readable.
    pub fn oldest_state(&self) -> Result<u64, StoreError> {
        Ok(self.inner.canonical()?.oldest)
    }

    /// For how long states are kept.
    pub fn history(&self) -> History {
        self.inner.options.history
    }

    /// The state after a block: the head, a canonical block of the past, or a
    /// block beside the chain.
    ///
    /// [`StoreError::UnknownBlock`] for any other,
    /// [`StoreError::StatePruned`] where the state is not kept.
    pub fn state_at(&self, at: &BlockRef) -> Result<StateView, StoreError> {
        self.inner.view(at)
    }

    /// Shows `edits` to all who read the state after their block, and to the
    /// blocks that are built on it; they take the place of earlier ones. Nothing
    /// is stored, and proofs do not show them: for sandboxes, whose chain
    /// nobody derives.
    pub fn edit(&self, edits: StateEdits) {
        let on = edits.on.hash;
        let mut all = self.inner.edits.write();
        match edits.is_empty() {
            true => all.remove(&on),
            false => all.insert(on, Arc::new(edits)),
        };
    }

    /// What is edited after a block.
    pub fn edits(&self, on: BlockRef) -> StateEdits {
        let edits = self.inner.edits.read().get(&on.hash).cloned();
        edits.map_or_else(|| StateEdits::new(on), |edits| (*edits).clone())
    }

    /// The state with which a block is executed on `parent`; errors as in
    /// [`state_at`](Self::state_at).
    pub fn begin(&self, parent: &BlockRef) -> Result<BlockState, StoreError> {
        Ok(BlockState {
            inner: Arc::clone(&self.inner),
            view: self.inner.view(parent)?,
            prepared: None,
            reads: None,
            tried: None,
        })
    }

    /// As [`begin`](Self::begin), with all reads recorded for a witness.
    pub fn begin_recorded(&self, parent: &BlockRef) -> Result<BlockState, StoreError> {
        let mut state = self.begin(parent)?;
        state.reads = Some(execute::Reads::default());
        Ok(state)
    }

    /// Computes the state root after `changes` on `parent`. Keeps nothing.
    pub fn prepare(&self, parent: &BlockRef, changes: Changes) -> Result<Prepared, StoreError> {
        let view = self.inner.view(parent)?;
        let outcome = self.inner.prepare(&view, changes, None)?;
        Ok(Prepared { outcome })
    }

    /// Keeps an executed block beside the chain, in memory.
    ///
    /// Refused where the block does not fit what was prepared for it, or where
    /// its parent is gone. A block that is already known is answered with the
    /// known one. Over the bounds of [`StoreOptions`], lines that do not grow
    /// from the head are forgotten first; then
    /// [`StoreError::TooManyPending`].
    pub fn insert(
        &self,
        block: NewBlock,
        prepared: Prepared,
    ) -> Result<Arc<StoredBlock>, StoreError> {
        let outcome = prepared.outcome;
        let number = block.header.number;
        let refused = |reason: &str| StoreError::BadBlock {
            number,
            reason: reason.into(),
        };
        if block.header.state_root != outcome.root {
            return Err(refused("its state root is not the one prepared"));
        }
        if block.record.parent != outcome.parent || outcome.parent.number + 1 != number {
            return Err(refused("it was prepared on another parent"));
        }
        let id = BlockId::Hash(block.record.block.hash);
        if let Some(known) = self.block(id)? {
            return Ok(known);
        }
        let block = Arc::new(chain::assemble(block)?);
        let pending = Pending::new(Arc::clone(&block), outcome.delta, Some(outcome.tries));
        // Fails where the parent is gone.
        self.inner.view(&outcome.parent)?;
        let head = self.inner.canonical()?.heads.latest;
        let options = &self.inner.options;
        let mut tree = self.inner.tree.write();
        tree.make_room(
            head,
            pending.bytes,
            options.pending_blocks,
            options.pending_bytes,
        )?;
        tree.insert(Arc::new(pending));
        Ok(block)
    }

    /// Makes the chain that ends in `heads.latest` canonical and commits it
    /// with `records` in one atomic, durable step; see
    /// [`Execution::set_heads`](rollwright_core::Execution::set_heads).
    ///
    /// A finalized head below the former one is ignored: finality does not go
    /// back. Returns the blocks that left the chain, newest first; they stay
    /// known as blocks beside it until pruned, as far as half of the bounds of
    /// [`StoreOptions`] goes.
    pub fn set_heads(
        &self,
        heads: &Heads,
        records: &[RecordChange],
    ) -> Result<Vec<Arc<StoredBlock>>, StoreError> {
        self.inner.set_heads(heads, records)
    }

    /// A block: canonical by number; by hash also one beside the chain. Blocks
    /// below an imported snapshot are not known.
    pub fn block(&self, id: BlockId) -> Result<Option<Arc<StoredBlock>>, StoreError> {
        chain::block(&self.inner, id)
    }

    /// The header of a block, found as [`block`](Self::block) finds it, and for
    /// 256 blocks below an imported snapshot.
    pub fn header(&self, id: BlockId) -> Result<Option<Header>, StoreError> {
        chain::header(&self.inner, id)
    }

    /// Hash of the canonical block of that number.
    pub fn canonical_hash(&self, number: u64) -> Result<Option<B256>, StoreError> {
        chain::canonical_hash(&*self.inner.canonical()?, number)
    }

    /// The block that the input of that hash made, canonical or beside the
    /// chain.
    pub fn block_of_input(
        &self,
        input_hash: &B256,
    ) -> Result<Option<Arc<StoredBlock>>, StoreError> {
        chain::of_input(&self.inner, input_hash)
    }

    /// Where a canonical transaction stands.
    pub fn transaction(&self, hash: &B256) -> Result<Option<TransactionLocation>, StoreError> {
        chain::transaction(&self.inner, hash)
    }

    /// Logs of canonical blocks. The index answers what is rare in a long
    /// range without reading the blocks between.
    pub fn logs(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        Ok(self.logs_until(query, Stop::NEVER)?.unwrap_or_default())
    }

    /// [`logs`](Self::logs), which ends with `None` soon after it was asked to
    /// stop.
    pub fn logs_until(
        &self,
        query: &LogQuery,
        stop: Stop<'_>,
    ) -> Result<Option<LogPage>, StoreError> {
        logs::search(&self.inner, query, stop)
    }

    /// A record of the node.
    pub fn record(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.inner.record(key)
    }

    /// Records whose key starts with `prefix`, ascending, from the first key
    /// not below `from`, at most `limit`.
    pub fn records(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        self.inner.records(prefix, from, limit)
    }

    /// Writes records without moving a head: atomic, and durable on return.
    pub fn put_records(&self, records: &[RecordChange]) -> Result<(), StoreError> {
        self.inner.put_records(records)
    }

    /// Merkle-Patricia proofs against the state of a block; see
    /// [`StateView::prove`].
    pub fn prove(&self, at: &BlockRef, keys: &[ProofKey]) -> Result<StateProof, StoreError> {
        self.inner.view(at)?.prove(keys)
    }

    /// Computes every storage root and the state root of the head from the
    /// flat state alone, through alloy's hash builder; compares them with the
    /// accounts and with the header; then reads every stored trie from its root
    /// to its leaves.
    ///
    /// Reads the whole state, in bounded memory; blocks may be committed
    /// meanwhile. The first thing that does not fit is an error that says where
    /// it stands.
    pub fn check(&self) -> Result<StateCheck, StoreError> {
        self.check_with(&mut |_| ())
    }

    /// As [`check`](Self::check); `progress` is told now and then how many
    /// accounts are done.
    pub fn check_with(&self, progress: &mut dyn FnMut(u64)) -> Result<StateCheck, StoreError> {
        check::check(&self.inner, progress)
    }

    /// State root of the genesis state that was made of an allocation with
    /// this digest; `None` where it was not, or where a snapshot took its
    /// place.
    pub fn allocation_root(&self, digest: &B256) -> Result<Option<B256>, StoreError> {
        self.inner.allocation_root(digest)
    }

    /// Remembers for [`allocation_root`](Self::allocation_root).
    pub fn remember_allocation(&self, digest: &B256, root: B256) -> Result<(), StoreError> {
        self.inner.remember_allocation(digest, root)
    }

    /// Bytes of trie nodes in memory.
    pub fn trie_bytes(&self) -> usize {
        self.inner.meter.bytes()
    }

    /// Writes the state after a canonical block to `out`, with `records`
    /// beside it; see [`snapshot`].
    pub fn export(
        &self,
        at: &BlockRef,
        records: &[RecordChange],
        out: &mut dyn io::Write,
    ) -> Result<SnapshotInfo, StoreError> {
        snapshot::export(&self.inner, at, records, out)
    }

    /// Reads a snapshot into a store that holds at most the genesis block, and
    /// makes it visible once it has given the state root of its block. The
    /// records in it replace those that the store held.
    ///
    /// `genesis` is the chain that is expected. A store in which an import did
    /// not come to its end is empty; importing the same file again goes on
    /// where it ended, importing another begins anew.
    pub fn import(
        &self,
        genesis: B256,
        input: &mut dyn io::Read,
    ) -> Result<SnapshotInfo, StoreError> {
        snapshot::import(&self.inner, genesis, input)
    }
}

#[cfg(test)]
mod tests;
