//! Blocks beside the chain: built or executed, and not canonical.

use super::{
    StoreError, StoredBlock,
    delta::Delta,
    version::{TrieWrites, Version},
};
use alloy_primitives::{B256, map::B256Map};
use parking_lot::Mutex;
use rollwright_core::BlockRef;
use std::sync::Arc;

/// A block's changes with the tries that they lead to.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) parent: BlockRef,
    pub(super) root: B256,
    pub(super) delta: Arc<Delta>,
    pub(super) tries: Arc<Tries>,
}

/// The tries after a block, and the stored branches that differ from its
/// parent's.
#[derive(Debug)]
pub(super) struct Tries {
    pub(super) version: Arc<Version>,
    pub(super) writes: TrieWrites,
}

/// A block that is not canonical.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) block: Arc<StoredBlock>,
    pub(super) delta: Arc<Delta>,
    /// Made again on demand for a block that was canonical before.
    pub(super) tries: Mutex<Option<Arc<Tries>>>,
    pub(super) bytes: usize,
    /// True for a block that was canonical before.
    removed: bool,
}

impl Pending {
    pub(super) fn new(
        block: Arc<StoredBlock>,
        delta: Arc<Delta>,
        tries: Option<Arc<Tries>>,
    ) -> Self {
        let bytes = delta.bytes() + block.memory();
        Self {
            block,
            delta,
            removed: tries.is_none(),
            tries: Mutex::new(tries),
            bytes,
        }
    }

    pub(super) fn parent(&self) -> BlockRef {
        self.block.record.parent
    }

    pub(super) fn number(&self) -> u64 {
        self.block.record.block.number
    }
}

/// All pending blocks.
#[derive(Debug, Default)]
pub(super) struct Tree {
    blocks: B256Map<Arc<Pending>>,
    inputs: B256Map<B256>,
    bytes: usize,
}

impl Tree {
    pub(super) fn get(&self, hash: &B256) -> Option<&Arc<Pending>> {
        self.blocks.get(hash)
    }

    pub(super) fn of_input(&self, input: &B256) -> Option<&Arc<Pending>> {
        self.blocks.get(self.inputs.get(input)?)
    }

    pub(super) fn insert(&mut self, pending: Arc<Pending>) {
        let record = &pending.block.record;
        self.inputs.insert(record.input_hash, record.block.hash);
        self.bytes += pending.bytes;
        if let Some(replaced) = self.blocks.insert(record.block.hash, pending) {
            self.bytes -= replaced.bytes;
        }
    }

    pub(super) fn remove(&mut self, hash: &B256) -> Option<Arc<Pending>> {
        let pending = self.blocks.remove(hash)?;
        self.bytes -= pending.bytes;
        let input = &pending.block.record.input_hash;
        if self.inputs.get(input) == Some(hash) {
            self.inputs.remove(input);
        }
        Some(pending)
    }

    /// Takes blocks that left the chain, newest first: those nearest to it, as
    /// far as the bounds go. Where they leave no room for it, what left the
    /// chain earlier is forgotten.
    pub(super) fn keep_removed(
        &mut self,
        removed: Vec<Pending>,
        max_blocks: usize,
        max_bytes: usize,
    ) {
        let former = || self.blocks.values().filter(|pending| pending.removed);
        let blocks = former().count() + removed.len();
        let sizes = former().map(|pending| pending.bytes);
        let bytes: usize = sizes.chain(removed.iter().map(|p| p.bytes)).sum();
        if blocks > max_blocks || bytes > max_bytes {
            let gone: Vec<B256> = former().map(|p| p.block.record.block.hash).collect();
            for hash in gone {
                self.remove(&hash);
            }
        }
        let mut bytes = 0usize;
        for pending in removed.into_iter().rev().take(max_blocks) {
            bytes = bytes.saturating_add(pending.bytes);
            if bytes > max_bytes {
                break;
            }
            self.insert(Arc::new(pending));
        }
    }

    /// The blocks from `tip` down to the first that is not pending, newest
    /// first, and that one.
    pub(super) fn line(&self, tip: BlockRef) -> (Vec<Arc<Pending>>, BlockRef) {
        let mut line = Vec::new();
        let mut at = tip;
        while let Some(pending) = self.blocks.get(&at.hash) {
            at = pending.parent();
            line.push(Arc::clone(pending));
        }
        (line, at)
    }

    /// Refuses where one more block of `bytes` would exceed a bound, after
    /// dropping what does not grow from `head`, oldest first.
    pub(super) fn make_room(
        &mut self,
        head: BlockRef,
        bytes: usize,
        max_blocks: usize,
        max_bytes: usize,
    ) -> Result<(), StoreError> {
        let full = |tree: &Self| {
            tree.blocks.len() >= max_blocks || tree.bytes.saturating_add(bytes) > max_bytes
        };
        if !full(self) {
            return Ok(());
        }
        let mut stale: Vec<BlockRef> = self
            .blocks
            .values()
            .map(|pending| pending.block.record.block)
            .filter(|block| self.line(*block).1 != head)
            .collect();
        stale.sort_unstable();
        for block in stale {
            if !full(self) {
                break;
            }
            self.remove(&block.hash);
        }
        if full(self) && !self.blocks.is_empty() {
            return Err(StoreError::TooManyPending {
                blocks: self.blocks.len(),
                bytes: self.bytes,
            });
        }
        Ok(())
    }

    /// Drops blocks that can never be canonical again: at or below `finalized`,
    /// or without a parent.
    pub(super) fn prune(&mut self, finalized: u64, is_canonical: impl Fn(BlockRef) -> bool) {
        let mut dead: Vec<B256> = Vec::new();
        for (hash, pending) in &self.blocks {
            let (_, root) = self.line(pending.block.record.block);
            if pending.number() <= finalized || root.number < finalized || !is_canonical(root) {
                dead.push(*hash);
            }
        }
        for hash in dead {
            self.remove(&hash);
        }
    }
}
