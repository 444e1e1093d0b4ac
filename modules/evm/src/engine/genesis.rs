//! The genesis block of an engine: compared with the stored one, or committed.

use super::{EngineError, EvmEngine};
use crate::{
    genesis::Genesis,
    store::{NewAccount, NewBlock, Store, StoreError},
};
use alloy_primitives::keccak256;
use rollwright_core::{
    Account, AccountChange, Address, B256, BlockEffects, BlockRecord, BlockRef, Header,
};

/// Accounts and slots above which a genesis state goes into the store in
/// pieces, not in one commit. A state in one commit takes about a kilobyte of
/// memory for each. Tests have it small.
const LARGE: usize = if cfg!(test) { 64 } else { 32_768 };

impl EvmEngine {
    /// Commits the genesis block where there is none yet. Idempotent.
    ///
    /// A large state goes in piece by piece and is visible with the last of
    /// them; interrupted, it begins anew at the next call.
    pub fn init(&self) -> Result<BlockRef, EngineError> {
        let inner = &*self.inner;
        let mut uncommitted = inner.uncommitted.lock();
        if let Some(genesis) = inner.store.genesis() {
            // Here before, or brought by a snapshot meanwhile.
            *uncommitted = None;
            return Ok(genesis);
        }
        let file = uncommitted.clone().ok_or(StoreError::Empty)?;
        let header = &inner.genesis.header;
        let block = block(header, inner.genesis.block_ref());
        let committed = if weight(&file) > LARGE {
            load(&inner.store, block, &file)?
        } else {
            let prepared = inner.store.prepare_genesis(file.changes())?;
            inner.store.init(block, prepared)?
        };
        let digest = file.allocation_digest();
        inner
            .store
            .remember_allocation(&digest, header.state_root)?;
        *uncommitted = None;
        Ok(committed)
    }
}

/// Accounts and slots of a genesis state.
fn weight(file: &Genesis) -> usize {
    let slots = file.alloc.values().filter_map(|a| a.storage.as_ref());
    file.alloc.len() + slots.map(std::collections::BTreeMap::len).sum::<usize>()
}

/// Fills an empty store with the state of `file`. In memory beside the file
/// are the accounts' hashes, and one piece.
fn load(store: &Store, block: NewBlock, file: &Genesis) -> Result<BlockRef, StoreError> {
    let mut order: Vec<(B256, Address)> = file
        .alloc
        .keys()
        .map(|address| (keccak256(address), *address))
        .collect();
    order.sort_unstable();
    let mut accounts = order.into_iter().filter_map(|(hashed, address)| {
        let AccountChange {
            account, storage, ..
        } = file.change(&address)?;
        let mut slots: Vec<_> = storage
            .into_iter()
            .map(|(key, value)| (keccak256(key), value))
            .collect();
        slots.sort_unstable();
        Some(NewAccount {
            hashed,
            account: account.unwrap_or_else(Account::default),
            slots,
        })
    });
    let mut codes = file.codes().into_iter();
    store.load(block, &mut accounts, &mut codes)
}

/// The genesis block as it is stored.
fn block(header: &Header, at: BlockRef) -> NewBlock {
    NewBlock {
        header: header.clone(),
        record: BlockRecord {
            block: at,
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
        transaction_hashes: Vec::new(),
        senders: Vec::new(),
        effects: BlockEffects {
            receipts: Vec::new(),
            outbox_root: alloy_trie::EMPTY_ROOT_HASH,
            mailbox_events: Vec::new(),
        },
    }
}

/// The header of the genesis block, compared with the stored one. The state
/// root comes from the store where it remembers one for these accounts.
pub(super) fn header(store: &Store, file: &Genesis) -> Result<Header, EngineError> {
    let Some(stored) = store.genesis() else {
        return Ok(file.header(file.state_root()));
    };
    let digest = file.allocation_digest();
    if let Some(root) = store.allocation_root(&digest)? {
        let header = file.header(root);
        if header.hash_slow() == stored.hash {
            return Ok(header);
        }
    }
    let header = file.header(file.state_root());
    let expected = header.hash_slow();
    if stored.hash != expected {
        return Err(StoreError::OtherChain {
            stored: stored.hash,
            expected,
        }
        .into());
    }
    store.remember_allocation(&digest, header.state_root)?;
    Ok(header)
}
