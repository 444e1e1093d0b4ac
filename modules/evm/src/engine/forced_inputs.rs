//! The forced entries that a block was given, skipped ones included: the block
//! does not hold them, and executing it again needs them.

use super::EngineError;
use crate::store::Store;
use borsh::{BorshDeserialize, BorshSerialize};
use parking_lot::Mutex;
use rollwright_core::{
    BlockId, BlockInput, BlockRef, Bytes, ForcedBudget, ForcedTx, Heads, RecordChange,
};
use std::collections::BTreeMap;

/// Records of the engine itself start with this; a node's own never do.
const PREFIX: &[u8] = b"\0evm/forced/";

/// Blocks beside the chain whose forced entries are remembered.
const REMEMBERED: usize = 8_192;

/// What the forced lane was given in one block.
#[derive(Clone, Debug, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct ForcedInput {
    pub(super) entries: Vec<ForcedTx>,
    pub(super) budget: ForcedBudget,
}

/// Forced entries of blocks that are not final.
#[derive(Debug, Default)]
pub(super) struct ForcedInputs {
    blocks: Mutex<BTreeMap<BlockRef, Bytes>>,
}

fn key(block: &BlockRef) -> Bytes {
    [PREFIX, block.hash.as_slice()].concat().into()
}

impl ForcedInputs {
    /// Remembers what a new block was given. Blocks without forced entries
    /// cost nothing.
    pub(super) fn remember(&self, block: BlockRef, input: &BlockInput) {
        if input.forced.is_empty() {
            return;
        }
        let value = ForcedInput {
            entries: input.forced.clone(),
            budget: input.forced_budget,
        };
        let mut bytes = Vec::new();
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut bytes, &value);
        let mut blocks = self.blocks.lock();
        blocks.insert(block, bytes.into());
        if blocks.len() > REMEMBERED {
            blocks.pop_first();
        }
    }

    /// Records to commit with the blocks that become canonical.
    pub(super) fn changes(
        &self,
        store: &Store,
        heads: &Heads,
    ) -> Result<Vec<RecordChange>, EngineError> {
        if self.blocks.lock().is_empty() {
            return Ok(Vec::new());
        }
        let mut changes = Vec::new();
        let mut block = heads.latest;
        while store.canonical_hash(block.number)? != Some(block.hash) {
            if let Some(value) = self.blocks.lock().get(&block) {
                changes.push(RecordChange::put(key(&block), value.clone()));
            }
            match store.block(BlockId::Hash(block.hash))? {
                Some(stored) if stored.record.parent.number < block.number => {
                    block = stored.record.parent;
                }
                // The store refuses such heads, and says why.
                _ => break,
            }
        }
        Ok(changes)
    }

    /// Forgets what can't become canonical any more.
    pub(super) fn forget(&self, finalized: u64) {
        let mut blocks = self.blocks.lock();
        while blocks
            .first_key_value()
            .is_some_and(|(block, _)| block.number <= finalized)
        {
            blocks.pop_first();
        }
    }

    /// What a committed block was given; `None` if that is not known.
    pub(super) fn of(store: &Store, block: &BlockRef) -> Result<Option<ForcedInput>, EngineError> {
        let value = store.record(&key(block))?;
        Ok(value.and_then(|bytes| borsh::from_slice(&bytes).ok()))
    }
}
