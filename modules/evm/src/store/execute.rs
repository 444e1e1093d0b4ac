use super::{Prepared, StateView, StoreError, base::Inner, tree::Outcome};
use alloy_primitives::{Address, B256, Bytes, U256};
use rollwright_core::{Account, Changes, ExecutionWitness, StateAccess};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// One block's execution on its parent's state.
///
/// Reads show the parent's state throughout; [`StateAccess::commit`] computes
/// the new root and keeps the outcome here. The store does not change: the
/// outcome goes into [`Store::insert`](super::Store::insert) with the block,
/// or is dropped.
#[derive(Debug)]
pub struct BlockState {
    pub(super) inner: Arc<Inner>,
    pub(super) view: StateView,
    pub(super) prepared: Option<Prepared>,
    pub(super) reads: Option<Reads>,
    /// Changes that were tried last, with what they lead to.
    pub(super) tried: Option<(Changes, Prepared)>,
}

/// What an execution has read.
#[derive(Debug, Default)]
pub(super) struct Reads {
    pub(super) slots: BTreeMap<Address, BTreeSet<B256>>,
    pub(super) codes: BTreeMap<B256, Bytes>,
    pub(super) oldest_block: Option<u64>,
    /// The changes, once they are known.
    pub(super) changes: Option<Changes>,
}

impl BlockState {
    /// The parent's state.
    pub fn view(&self) -> &StateView {
        &self.view
    }

    /// What [`StateAccess::commit`] prepared; `None` before it was called.
    pub fn prepared(&self) -> Option<&Prepared> {
        self.prepared.as_ref()
    }

    /// As [`prepared`](Self::prepared), by value.
    pub fn into_prepared(self) -> Option<Prepared> {
        self.prepared
    }

    /// The state root that `changes` would lead to; nothing is committed. What
    /// was worked out serves a commit of the same changes.
    pub fn try_changes(&mut self, changes: &Changes) -> Result<B256, StoreError> {
        let outcome = self.prepare(changes.clone())?;
        let root = outcome.root;
        self.tried = Some((changes.clone(), Prepared { outcome }));
        Ok(root)
    }

    fn prepare(&self, changes: Changes) -> Result<Outcome, StoreError> {
        match &self.view.edits {
            Some(edits) => {
                let below = self.view.plain();
                let changes = edits.under(&below, changes)?;
                self.inner.prepare(&below, changes, None)
            }
            None => self.inner.prepare(&self.view, changes, None),
        }
    }

    /// All that a stateless execution of the block needs: nodes of what was
    /// read and changed, siblings that deletions need, codes, the parent's
    /// header and those of ancestors whose hashes were read.
    ///
    /// Complete on a state of [`Store::begin_recorded`](super::Store::begin_recorded)
    /// once [`StateAccess::commit`] has been called; otherwise refused.
    pub fn into_witness(self) -> Result<ExecutionWitness, StoreError> {
        let number = self.view.block.number.saturating_add(1);
        let refused = |reason: &str| StoreError::BadBlock {
            number,
            reason: reason.into(),
        };
        let reads = self
            .reads
            .ok_or_else(|| refused("its execution was not recorded"))?;
        let changes = reads
            .changes
            .clone()
            .ok_or_else(|| refused("its execution has not been committed"))?;
        super::witness::collect(&self.inner, &self.view, &reads, changes)
    }
}

impl StateAccess for BlockState {
    type Error = StoreError;

    fn account(&mut self, address: Address) -> Result<Option<Account>, StoreError> {
        if let Some(reads) = &mut self.reads {
            reads.slots.entry(address).or_default();
        }
        self.view.account(address)
    }

    fn slot(&mut self, address: Address, key: B256) -> Result<U256, StoreError> {
        if let Some(reads) = &mut self.reads {
            reads.slots.entry(address).or_default().insert(key);
        }
        self.view.slot(address, key)
    }

    fn code(&mut self, hash: B256) -> Result<Bytes, StoreError> {
        let code = self.view.code(hash)?;
        if let Some(reads) = &mut self.reads
            && !code.is_empty()
        {
            reads.codes.insert(hash, code.clone());
        }
        Ok(code)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StoreError> {
        let next = self.view.block.number.saturating_add(1);
        if number >= next || next - number > 256 {
            return Ok(B256::ZERO);
        }
        if let Some(reads) = &mut self.reads {
            let oldest = reads.oldest_block.unwrap_or(number);
            reads.oldest_block = Some(oldest.min(number));
        }
        self.view.block_hash(number)
    }

    fn commit(&mut self, changes: Changes) -> Result<B256, StoreError> {
        if let Some(reads) = &mut self.reads {
            reads.changes = Some(changes.clone());
        }
        let prepared = match self.tried.take() {
            Some((tried, prepared)) if tried == changes => prepared,
            _ => Prepared {
                outcome: self.prepare(changes)?,
            },
        };
        let root = prepared.state_root();
        self.prepared = Some(prepared);
        Ok(root)
    }
}
