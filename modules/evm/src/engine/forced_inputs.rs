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

/// Records of the past that one commit removes at most.
const PRUNED_PER_COMMIT: usize = 64;

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

/// The block's number, big-endian, and its hash: the oldest come first.
fn key(block: &BlockRef) -> Bytes {
    let number = block.number.to_be_bytes();
    [PREFIX, &number, block.hash.as_slice()].concat().into()
}

/// The number in a key; 0 in one of another form, which is of no use.
fn number_in(key: &[u8]) -> u64 {
    let number = key
        .strip_prefix(PREFIX)
        .filter(|rest| rest.len() == 40)
        .and_then(|rest| rest.first_chunk());
    number.map_or(0, |number| u64::from_be_bytes(*number))
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
        let mut changes = Self::outdated(store, heads)?;
        if self.blocks.lock().is_empty() {
            return Ok(changes);
        }
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

    /// Removes some records of blocks that are final and that nobody can
    /// execute again, as their parent's state is not kept. Records of blocks
    /// that have left the chain go with them.
    fn outdated(store: &Store, heads: &Heads) -> Result<Vec<RecordChange>, EngineError> {
        let oldest = store.oldest_state()?.min(heads.finalized.number);
        let useless = |key: &Bytes| number_in(key) <= oldest;
        // One look-up where nothing is to be done.
        let first = store.records(PREFIX, PREFIX, 1)?;
        if !first.first().is_some_and(|(key, _)| useless(key)) {
            return Ok(Vec::new());
        }
        let rows = store.records(PREFIX, PREFIX, PRUNED_PER_COMMIT)?;
        let keys = rows.into_iter().map(|(key, _)| key);
        Ok(keys.take_while(useless).map(RecordChange::delete).collect())
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
