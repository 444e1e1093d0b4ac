//! Which chain is canonical: rolling back, applying, and committing both in
//! one step.

use super::{
    NewBlock, Prepared, StoreError, StoredBlock, appearances,
    base::{Canonical, Inner, META_GENESIS, META_IMPORT, stage_heads},
    cache::{ACCOUNT_BYTES, SLOT_BYTES},
    chain,
    delta::{Changed, Delta, to_borsh},
    kv::{Batch, Column},
    prepare::Trunk,
    records,
    rewind::Rewind,
    stage,
    tree::{Pending, Tries},
    version::Version,
};
use crate::trie::root_hash;
use rollwright_core::{BlockRef, Heads, RecordChange};
use std::{collections::VecDeque, sync::Arc};

/// Blocks whose history one commit removes at most, however little they
/// changed.
const PRUNED_BLOCKS: u64 = 1_024;

/// Blocks that leave the chain.
#[derive(Default)]
struct Removed {
    /// Newest first.
    blocks: Vec<Arc<StoredBlock>>,
    /// Those nearest to the chain with what they did, newest first, as far as
    /// there is room beside the chain.
    kept: VecDeque<(Arc<StoredBlock>, Delta)>,
    bytes: usize,
}

impl Removed {
    fn push(&mut self, block: Arc<StoredBlock>, delta: Delta, max_blocks: usize, max_bytes: usize) {
        self.bytes += delta.bytes() + block.memory();
        self.blocks.push(Arc::clone(&block));
        self.kept.push_back((block, delta));
        while self.kept.len() > max_blocks.max(1) || (self.bytes > max_bytes && self.kept.len() > 1)
        {
            if let Some((block, delta)) = self.kept.pop_front() {
                self.bytes -= delta.bytes() + block.memory();
            }
        }
    }

    /// True where what some of them did is not known any more.
    fn is_cut(&self) -> bool {
        self.kept.len() < self.blocks.len()
    }
}

/// A new chain, worked out and not yet committed.
struct Plan {
    heads: Heads,
    oldest: u64,
    removed: Removed,
    /// The tries after rolling back.
    rolled_back: Option<Arc<Version>>,
    /// Blocks to apply with their tries, oldest first.
    applied: Vec<(Arc<Pending>, Arc<Tries>)>,
}

impl Inner {
    /// Commits the genesis block, or checks that it is the stored one.
    pub(super) fn init(
        self: &Arc<Self>,
        block: NewBlock,
        prepared: Prepared,
    ) -> Result<BlockRef, StoreError> {
        let _writer = self.writer.lock();
        let expected = block.record.block;
        if let Ok(canonical) = self.canonical() {
            if canonical.genesis.hash != expected.hash {
                return Err(StoreError::OtherChain {
                    stored: canonical.genesis.hash,
                    expected: expected.hash,
                });
            }
            return Ok(canonical.genesis);
        }
        let outcome = prepared.outcome;
        if block.header.state_root != outcome.root {
            return Err(StoreError::BadBlock {
                number: block.header.number,
                reason: "its state root is not that of the allocation".into(),
            });
        }
        let block = Arc::new(chain::assemble(block)?);
        self.wipe_import()?;
        let heads = Heads::all(expected);
        let mut batch = Batch::default();
        stage::genesis(&mut batch, &outcome.delta);
        stage::tries(&mut batch, &*self.kv.snapshot(), &outcome.tries.writes)?;
        chain::stage(&mut batch, &block);
        batch.put(Column::Meta, META_GENESIS, to_borsh(&expected));
        stage_heads(&mut batch, &heads, expected.number);
        self.write(batch)?;
        self.recent.lock().put(block, self.options.block_bytes);
        self.publish(Canonical {
            genesis: expected,
            heads,
            oldest: expected.number,
            commit: 0,
            snapshot: self.kv.snapshot(),
            version: Arc::clone(&outcome.tries.version),
        });
        self.settle_storages([&outcome.tries.version]);
        Ok(expected)
    }

    /// Removes what an import left that did not come to its end.
    pub(super) fn wipe_import(&self) -> Result<(), StoreError> {
        let snapshot = self.kv.snapshot();
        if snapshot.get(Column::Meta, META_IMPORT)?.is_none() {
            return Ok(());
        }
        for column in Column::ALL {
            if matches!(column, Column::Meta | Column::Records) {
                continue;
            }
            let mut batch = Batch::default();
            for pair in snapshot.range(*column, &[], None, false) {
                batch.delete(*column, pair?.0);
                if batch.len() >= 10_000 {
                    self.write(std::mem::take(&mut batch))?;
                }
            }
            self.write(batch)?;
        }
        let mut batch = Batch::default();
        batch.delete(Column::Meta, META_IMPORT);
        self.write(batch)
    }

    /// Makes the chain that ends in `heads.latest` canonical.
    pub(super) fn set_heads(
        self: &Arc<Self>,
        heads: &Heads,
        changes: &[RecordChange],
    ) -> Result<Vec<Arc<StoredBlock>>, StoreError> {
        records::check(changes)?;
        let _writer = self.writer.lock();
        let canonical = self.canonical()?;
        let (line, base) = self.tree.read().line(heads.latest);
        let heads = checked(&canonical, heads, &line, base)?;

        let mut batch = self.block_batch();
        let (removed, rolled_back) = self.roll_back(&mut batch, &canonical, base)?;
        let mut applied = Vec::with_capacity(line.len());
        for pending in line.iter().rev() {
            let tries = self.tries_of(pending)?;
            stage::forward(&mut batch, &pending.delta, pending.number());
            stage::tries(&mut batch, &*canonical.snapshot, &tries.writes)?;
            chain::stage(&mut batch, &pending.block);
            appearances::stage(&mut batch, &pending.block, &pending.delta);
            applied.push((Arc::clone(pending), tries));
        }
        let oldest = self.stage_pruning(&mut batch, &canonical, &heads)?;
        records::stage(&mut batch, changes);
        if heads != canonical.heads || oldest != canonical.oldest {
            stage_heads(&mut batch, &heads, oldest);
        }
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.write_block(batch)?;
        let plan = Plan {
            heads,
            oldest,
            removed,
            rolled_back,
            applied,
        };
        Ok(self.take_effect(&canonical, plan))
    }

    fn roll_back(
        &self,
        batch: &mut Batch,
        canonical: &Arc<Canonical>,
        base: BlockRef,
    ) -> Result<(Removed, Option<Arc<Version>>), StoreError> {
        let latest = canonical.heads.latest.number;
        if base.number == latest {
            return Ok((Removed::default(), None));
        }
        let mut rewind = Rewind::new(Arc::clone(canonical));
        let mut removed = Removed::default();
        let (most, bytes) = self.room_for_removed();
        for number in (base.number + 1..=latest).rev() {
            let delta = rewind.undo(number)?;
            let block = chain::block_at(self, canonical, number)?
                .ok_or_else(|| StoreError::corrupt(format!("block {number} is missing")))?;
            chain::unstage(batch, &block);
            appearances::unstage(batch, &block);
            stage::forget(batch, &delta.changed(), number);
            removed.push(block, delta, most, bytes);
        }
        let trunk = Trunk::of_head(canonical);
        let changes = rewind.trie_changes()?;
        let snapshot = &canonical.snapshot;
        let grown = self.grow(snapshot, &trunk, &changes, true, None)?;
        let (_, header) = chain::stored_header(&**snapshot, base.number)?
            .ok_or_else(|| StoreError::corrupt(format!("header {} is missing", base.number)))?;
        if root_hash(grown.version.root.as_ref()) != header.state_root {
            return Err(StoreError::corrupt(format!(
                "rolling back to block {} does not give its state root",
                base.number
            )));
        }
        rewind.stage(batch);
        stage::tries(batch, &**snapshot, &grown.writes)?;
        Ok((removed, Some(Arc::new(grown.version))))
    }

    /// Stages the removal of history that is not kept any more; returns the
    /// oldest readable state after it.
    fn stage_pruning(
        &self,
        batch: &mut Batch,
        canonical: &Canonical,
        heads: &Heads,
    ) -> Result<u64, StoreError> {
        let target = self
            .oldest_to_keep(heads)
            .min(canonical.oldest.saturating_add(PRUNED_BLOCKS))
            // What this very commit adds or removes is not pruned by it.
            .min(canonical.heads.finalized.number);
        let (mut oldest, mut keys) = (canonical.oldest, 0);
        while oldest < target && keys < self.options.pruned_keys {
            oldest += 1;
            let key = oldest.to_be_bytes();
            if let Some(bytes) = canonical.snapshot.get(Column::Changed, &key)? {
                let changed = Changed::decode(&bytes)?;
                keys += changed.keys();
                stage::forget(batch, &changed, oldest);
            }
        }
        Ok(oldest)
    }

    /// Shows to readers what has been committed. Returns the removed blocks.
    fn take_effect(&self, canonical: &Canonical, plan: Plan) -> Vec<Arc<StoredBlock>> {
        let moved = !plan.removed.blocks.is_empty() || !plan.applied.is_empty();
        let commit = canonical.commit + u64::from(moved);
        let mut version = Arc::clone(&canonical.version);
        if moved {
            self.refresh_caches(&plan, commit);
            let mut applied = plan.applied.iter().map(|(_, tries)| &tries.version);
            self.settle_storages(plan.rolled_back.iter().chain(applied.clone()));
            if let Some(last) = applied.next_back().or(plan.rolled_back.as_ref()) {
                version = Arc::clone(last);
            }
            let mut recent = self.recent.lock();
            for (pending, _) in &plan.applied {
                recent.put(Arc::clone(&pending.block), self.options.block_bytes);
            }
        }
        let Removed { blocks, kept, .. } = plan.removed;
        let removed: Vec<Pending> = kept
            .into_iter()
            .map(|(block, delta)| Pending::new(block, Arc::new(delta), None))
            .collect();
        if !removed.is_empty() {
            let (most, bytes) = self.room_for_removed();
            self.tree.write().keep_removed(removed, most, bytes);
        }
        let finalized_moved = plan.heads.finalized != canonical.heads.finalized;
        self.publish(Canonical {
            genesis: canonical.genesis,
            heads: plan.heads,
            oldest: plan.oldest,
            commit,
            snapshot: self.kv.snapshot(),
            version,
        });
        let mut tree = self.tree.write();
        for (pending, _) in &plan.applied {
            tree.remove(&pending.block.record.block.hash);
        }
        if finalized_moved {
            self.prune_tree(&mut tree, plan.heads.finalized.number);
        }
        drop(tree);
        // The versions of a line that is not the chain's serve nobody.
        self.relieve();
        blocks
    }

    /// Blocks and bytes of those that left the chain: what execution needs room
    /// for comes on top.
    fn room_for_removed(&self) -> (usize, usize) {
        let options = &self.options;
        (options.pending_blocks / 2, options.pending_bytes / 2)
    }

    fn prune_tree(&self, tree: &mut super::tree::Tree, finalized: u64) {
        let Ok(canonical) = self.canonical() else {
            return;
        };
        tree.prune(finalized, |block| {
            matches!(chain::canonical_hash(&canonical, block.number), Ok(Some(hash)) if hash == block.hash)
        });
    }

    fn refresh_caches(&self, plan: &Plan, commit: u64) {
        let caches = &self.caches;
        caches.accounts.advance(commit);
        caches.slots.advance(commit);
        caches.codes.advance(commit);
        if plan.removed.is_cut() {
            // Which keys the others changed is not known any more.
            caches.accounts.clear();
            caches.slots.clear();
        }
        let undone = plan.removed.kept.iter().map(|(_, delta)| (delta, false));
        let done = plan.applied.iter().map(|(p, _)| (&*p.delta, true));
        for (delta, forward) in undone.chain(done) {
            for account in &delta.accounts {
                let value = if forward { account.new } else { account.old };
                caches
                    .accounts
                    .set(account.address, value, ACCOUNT_BYTES, commit);
                for slot in &account.slots {
                    let value = if forward { slot.new } else { slot.old };
                    caches
                        .slots
                        .set((account.address, slot.key), value, SLOT_BYTES, commit);
                }
                if !account.gone.is_empty() {
                    // The keys of these are not known, only their hashes.
                    caches.slots.clear();
                }
            }
        }
    }

    /// Takes over the storage tries that versions changed.
    fn settle_storages<'a>(&self, versions: impl IntoIterator<Item = &'a Arc<Version>>) {
        let mut residents = self.residents.lock();
        for version in versions {
            for (hashed, child) in &version.storages {
                match child {
                    Some(child) => residents.insert(*hashed, child.clone()),
                    None => residents.remove(hashed),
                };
            }
        }
    }
}

impl Trunk {
    /// The committed tries.
    pub(super) fn of_head(canonical: &Canonical) -> Self {
        Self::new(
            Arc::clone(&canonical.version),
            Vec::new(),
            canonical.version.age,
        )
    }
}

/// The heads to set: as given, but never with a lower finalized head.
fn checked(
    canonical: &Canonical,
    heads: &Heads,
    line: &[Arc<Pending>],
    base: BlockRef,
) -> Result<Heads, StoreError> {
    if chain::canonical_hash(canonical, base.number)? != Some(base.hash) {
        return Err(StoreError::UnknownBlock {
            block: heads.latest,
        });
    }
    let former = canonical.heads.finalized;
    if base.number < former.number {
        return Err(StoreError::UndoesFinal {
            finalized: former.number,
            ancestor: base.number,
        });
    }
    let mut heads = *heads;
    if heads.finalized.number < former.number {
        heads.finalized = former;
    }
    for (name, block, above) in [
        ("safe", heads.safe, heads.latest),
        ("finalized", heads.finalized, heads.safe),
    ] {
        if block.number > above.number {
            return Err(StoreError::BadHeads {
                reason: format!(
                    "the {name} head {} lies above {}, the head that must contain it",
                    block.number, above.number
                ),
            });
        }
        let hash = match line.iter().find(|p| p.number() == block.number) {
            Some(pending) => Some(pending.block.record.block.hash),
            None => chain::canonical_hash(canonical, block.number)?,
        };
        if hash != Some(block.hash) {
            return Err(StoreError::BadHeads {
                reason: format!(
                    "the {name} head {} ({}) is not an ancestor of the latest one",
                    block.number, block.hash
                ),
            });
        }
    }
    Ok(heads)
}
