use super::{MemoryExecutionError, state::State};
use crate::{
    Applied, B256, BlockEffects, BlockInput, BlockRecord, BlockRef, Bytes, Executed, ForcedOutcome,
    Header, Heads, RecordChange, StateAccess,
};
use alloy_trie::EMPTY_ROOT_HASH;
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::Arc,
};

/// A block with everything that it did.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) record: BlockRecord,
    pub(super) header: Header,
    pub(super) executed: Executed,
    pub(super) effects: BlockEffects,
    pub(super) state: State,
}

impl Sealed {
    pub(super) fn genesis(header: Header, state: State) -> Self {
        let block = BlockRef {
            number: 0,
            hash: header.hash_slow(),
        };
        Self {
            record: BlockRecord {
                block,
                parent: BlockRef::default(),
                timestamp: header.timestamp,
                fee_recipient: header.beneficiary,
                state_root: header.state_root,
                gas_used: 0,
                anchor: None,
                forced_included: Vec::new(),
                forced: Vec::new(),
                transactions: Vec::new(),
                input_hash: B256::ZERO,
            },
            executed: Executed {
                block,
                header: header.clone(),
                pre_root: EMPTY_ROOT_HASH,
                forced: Vec::new(),
                input_hash: B256::ZERO,
                transactions: 0,
            },
            effects: BlockEffects {
                receipts: Vec::new(),
                outbox_root: EMPTY_ROOT_HASH,
                mailbox_events: Vec::new(),
            },
            header,
            state,
        }
    }

    pub(super) fn new(parent: &Self, input: &BlockInput, applied: Applied, state: State) -> Self {
        let header = applied.header;
        let block = BlockRef {
            number: header.number,
            hash: header.hash_slow(),
        };
        let input_hash = input.hash();
        let included = applied
            .forced
            .iter()
            .filter(|outcome| matches!(outcome, ForcedOutcome::Included { .. }))
            .count();
        Self {
            record: BlockRecord {
                block,
                parent: input.parent,
                timestamp: header.timestamp,
                fee_recipient: header.beneficiary,
                state_root: header.state_root,
                gas_used: header.gas_used,
                anchor: Some(applied.anchor),
                forced_included: applied
                    .transactions
                    .iter()
                    .take(included)
                    .cloned()
                    .collect(),
                forced: input
                    .forced
                    .iter()
                    .map(|entry| entry.id)
                    .zip(applied.forced.iter().cloned())
                    .collect(),
                transactions: input.transactions.clone(),
                input_hash,
            },
            executed: Executed {
                block,
                header: header.clone(),
                pre_root: parent.header.state_root,
                forced: applied.forced,
                input_hash,
                transactions: applied.transactions.len() as u32,
            },
            effects: BlockEffects {
                receipts: applied.receipts,
                outbox_root: applied.outbox_root,
                mailbox_events: applied.mailbox_events,
            },
            header,
            state,
        }
    }
}

/// What outlives a process.
#[derive(Debug, Default)]
pub(super) struct Durable {
    /// By number.
    pub(super) canonical: Vec<Arc<Sealed>>,
    /// Their numbers by block hash and by input hash.
    numbers: HashMap<B256, u64>,
    pub(super) heads: Option<Heads>,
    pub(super) records: BTreeMap<Bytes, Bytes>,
}

impl Durable {
    pub(super) fn at(&self, number: u64) -> Option<&Arc<Sealed>> {
        self.canonical.get(usize::try_from(number).ok()?)
    }

    pub(super) fn is_canonical(&self, block: &BlockRef) -> bool {
        self.at(block.number)
            .is_some_and(|found| found.record.block == *block)
    }

    /// The canonical block with this hash, or made from the input with it.
    pub(super) fn by_hash(&self, hash: &B256) -> Option<&Arc<Sealed>> {
        self.at(*self.numbers.get(hash)?)
    }

    /// Puts a block on the chain.
    pub(super) fn push(&mut self, block: Arc<Sealed>) {
        let record = &block.record;
        self.numbers.insert(record.block.hash, record.block.number);
        if record.block.number > 0 {
            self.numbers.insert(record.input_hash, record.block.number);
        }
        self.canonical.push(block);
    }

    /// Takes the blocks from this number on off the chain, newest first.
    pub(super) fn cut(&mut self, from: u64) -> Vec<Arc<Sealed>> {
        let keep = usize::try_from(from).unwrap_or(usize::MAX);
        let removed: Vec<_> = match keep < self.canonical.len() {
            true => self.canonical.drain(keep..).rev().collect(),
            false => Vec::new(),
        };
        for block in &removed {
            self.numbers.remove(&block.record.block.hash);
            self.numbers.remove(&block.record.input_hash);
        }
        removed
    }

    pub(super) fn put(&mut self, changes: &[RecordChange]) {
        for change in changes {
            match &change.value {
                Some(value) => self.records.insert(change.key.clone(), value.clone()),
                None => self.records.remove(&change.key),
            };
        }
    }
}

/// Keys are bounded before anything is written.
pub(super) fn check_keys(changes: &[RecordChange]) -> Result<(), MemoryExecutionError> {
    match changes.iter().find(|change| change.key.len() > 128) {
        Some(change) => Err(MemoryExecutionError::KeyTooLong {
            bytes: change.key.len(),
        }),
        None => Ok(()),
    }
}

/// What a process forgets when it ends: blocks that are not canonical.
#[derive(Debug, Default)]
pub(super) struct Volatile {
    pub(super) blocks: HashMap<B256, Arc<Sealed>>,
    /// Block by input hash.
    pub(super) inputs: HashMap<B256, B256>,
}

/// A copy of a parent's state that a block works on.
#[derive(Debug)]
pub(super) struct Scratch(pub(super) State);

impl StateAccess for Scratch {
    type Error = Infallible;

    fn account(&mut self, address: crate::Address) -> Result<Option<crate::Account>, Infallible> {
        Ok(self.0.account(address))
    }

    fn slot(&mut self, address: crate::Address, key: B256) -> Result<crate::U256, Infallible> {
        Ok(self.0.slot(address, key))
    }

    fn code(&mut self, _hash: B256) -> Result<Bytes, Infallible> {
        Ok(Bytes::new())
    }

    fn block_hash(&mut self, _number: u64) -> Result<B256, Infallible> {
        Ok(B256::ZERO)
    }

    fn commit(&mut self, changes: crate::Changes) -> Result<B256, Infallible> {
        self.0.apply(changes);
        Ok(self.0.root())
    }
}
