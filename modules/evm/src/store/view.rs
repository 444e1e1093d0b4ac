use super::{
    StateEdits, StoreError,
    base::{Canonical, Inner},
    cache::{ACCOUNT_BYTES, SLOT_BYTES},
    chain,
    flat::{self, FlatAccount},
    kv::Column,
    tree::Pending,
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256, map::B256Map};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY};
use rollwright_core::{Account, BlockRef};
use std::{fmt, sync::Arc};

/// The state after one block: reads only, from any thread, unmoved by later
/// commits. Keep it no longer than a request: old versions of the database
/// stay on disk while it lives.
#[derive(Clone)]
pub struct StateView {
    pub(super) inner: Arc<Inner>,
    pub(super) canonical: Arc<Canonical>,
    /// Blocks on top of the canonical one, newest first.
    pub(super) overlays: Arc<[Arc<Pending>]>,
    /// The canonical block below: the head, or an older one.
    pub(super) base: BlockRef,
    pub(super) block: BlockRef,
    /// What a sandbox pretends on top.
    pub(super) edits: Option<Arc<StateEdits>>,
}

impl fmt::Debug for StateView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateView")
            .field("block", &self.block)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// The state after `at`.
    pub(super) fn view(self: &Arc<Self>, at: &BlockRef) -> Result<StateView, StoreError> {
        // The tree first: a block may leave it for the chain, and while it does
        // it stands in both.
        let tree = self.tree.read();
        let canonical = self.canonical()?;
        let (mut line, mut base) = tree.line(*at);
        drop(tree);
        // A block that has just been committed may still be in the tree.
        while let Some(oldest) = line.last() {
            let block = oldest.block.record.block;
            if block != canonical.heads.latest {
                break;
            }
            base = block;
            line.pop();
        }
        if let Some(place) = line
            .iter()
            .position(|pending| pending.block.record.block == canonical.heads.latest)
        {
            base = canonical.heads.latest;
            line.truncate(place);
        }
        if base != canonical.heads.latest {
            let known = chain::canonical_hash(&canonical, base.number)?;
            if known != Some(base.hash) {
                return Err(StoreError::UnknownBlock { block: *at });
            }
            if base.number < canonical.oldest {
                return Err(StoreError::StatePruned {
                    number: at.number,
                    oldest: canonical.oldest,
                });
            }
        }
        Ok(StateView {
            edits: self.edits.read().get(&at.hash).cloned(),
            inner: Arc::clone(self),
            canonical,
            overlays: line.into(),
            base,
            block: *at,
        })
    }
}

impl StateView {
    /// The block whose state this is.
    pub fn block(&self) -> BlockRef {
        self.block
    }

    /// An account; `None` if it does not exist.
    pub fn account(&self, address: Address) -> Result<Option<Account>, StoreError> {
        Ok(self.flat(address)?.map(|flat| flat.account))
    }

    /// Root of an account's storage; the empty root where it does not exist.
    pub fn storage_root(&self, address: Address) -> Result<B256, StoreError> {
        Ok(self
            .flat(address)?
            .map_or(EMPTY_ROOT_HASH, |flat| flat.storage_root))
    }

    /// A storage slot; zero if it was never written.
    pub fn slot(&self, address: Address, key: B256) -> Result<U256, StoreError> {
        if let Some(edits) = &self.edits
            && let Some(value) = edits.slot(&address, &key)
        {
            return Ok(value);
        }
        for pending in self.overlays.iter() {
            if let Some(account) = pending.delta.account(&address)
                && let Some(value) = account.slot(&key)
            {
                return Ok(value);
            }
        }
        if !self.is_head() {
            let full = flat::slot_key(&keccak256(address), &keccak256(key));
            return match self.before(Column::SlotHistory, &full)? {
                Some(bytes) => flat::decode_value(&bytes),
                None => self.stored_slot(&full),
            };
        }
        let slots = &self.inner.caches.slots;
        let commit = self.canonical.commit;
        if let Some(value) = slots.get(&(address, key), commit) {
            return Ok(value);
        }
        let full = flat::slot_key(&keccak256(address), &keccak256(key));
        let value = self.stored_slot(&full)?;
        slots.offer((address, key), value, SLOT_BYTES, commit);
        Ok(value)
    }

    /// Code by its keccak256; empty for the hash of no code.
    pub fn code(&self, hash: B256) -> Result<Bytes, StoreError> {
        if hash == KECCAK_EMPTY {
            return Ok(Bytes::new());
        }
        if let Some(code) = self.edits.as_ref().and_then(|edits| edits.code(&hash)) {
            return Ok(code);
        }
        for pending in self.overlays.iter() {
            if let Some(code) = pending.delta.code(&hash) {
                return Ok(code.clone());
            }
        }
        // Code is named by its hash: what was true once is true for ever.
        let codes = &self.inner.caches.codes;
        let commit = self.canonical.commit;
        if let Some(code) = codes.get(&hash, u64::MAX) {
            return Ok(code);
        }
        let code: Bytes = self
            .canonical
            .snapshot
            .get(Column::Codes, hash.as_slice())?
            .ok_or(StoreError::MissingCode { hash })?
            .into();
        codes.offer(hash, code.clone(), code.len() + 64, commit);
        Ok(code)
    }

    /// Hash of this block or of an ancestor among its last 256; zero outside
    /// of that range.
    pub fn block_hash(&self, number: u64) -> Result<B256, StoreError> {
        if number > self.block.number || self.block.number - number > 256 {
            return Ok(B256::ZERO);
        }
        if let Some(pending) = self.overlays.iter().find(|p| p.number() == number) {
            return Ok(pending.block.record.block.hash);
        }
        Ok(chain::canonical_hash(&self.canonical, number)?.unwrap_or_default())
    }

    pub(super) fn is_head(&self) -> bool {
        self.base == self.canonical.heads.latest
    }

    /// The state without what a sandbox pretends on top.
    pub(super) fn plain(&self) -> Self {
        Self {
            edits: None,
            ..self.clone()
        }
    }

    /// The account with its storage root.
    pub(super) fn flat(&self, address: Address) -> Result<Option<FlatAccount>, StoreError> {
        match &self.edits {
            Some(edits) => edits.account(&address, || self.plain_flat(address)),
            None => self.plain_flat(address),
        }
    }

    fn plain_flat(&self, address: Address) -> Result<Option<FlatAccount>, StoreError> {
        for pending in self.overlays.iter() {
            if let Some(account) = pending.delta.account(&address) {
                return Ok(account.new);
            }
        }
        if !self.is_head() {
            let hashed = keccak256(address);
            return match self.before(Column::AccountHistory, hashed.as_slice())? {
                Some(bytes) => FlatAccount::decode_option(&bytes),
                None => self.stored_account(&hashed),
            };
        }
        let accounts = &self.inner.caches.accounts;
        let commit = self.canonical.commit;
        if let Some(account) = accounts.get(&address, commit) {
            return Ok(account);
        }
        let account = self.stored_account(&keccak256(address))?;
        accounts.offer(address, account, ACCOUNT_BYTES, commit);
        Ok(account)
    }

    /// All slots of an account by hashed key.
    pub(super) fn storage(&self, address: Address) -> Result<B256Map<U256>, StoreError> {
        let hashed = keccak256(address);
        let mut slots = B256Map::default();
        let cleared = self
            .overlays
            .iter()
            .position(|p| p.delta.account(&address).is_some_and(|a| a.cleared));
        let overlays = match cleared {
            Some(place) => &self.overlays[..=place],
            None => {
                self.stored_storage(&hashed, &mut slots)?;
                &self.overlays[..]
            }
        };
        for pending in overlays.iter().rev() {
            let Some(account) = pending.delta.account(&address) else {
                continue;
            };
            for slot in &account.slots {
                slots.insert(slot.hashed, slot.new);
            }
        }
        slots.retain(|_, value| !value.is_zero());
        Ok(slots)
    }

    fn stored_storage(&self, hashed: &B256, slots: &mut B256Map<U256>) -> Result<(), StoreError> {
        for pair in self
            .canonical
            .snapshot
            .prefix(Column::Slots, hashed.as_slice())
        {
            let (key, value) = pair?;
            slots.insert(flat::slot_of(&key)?, flat::decode_value(&value)?);
        }
        if self.is_head() {
            return Ok(());
        }
        // The oldest change after the block says what was there at it.
        let history = self
            .canonical
            .snapshot
            .prefix(Column::SlotHistory, hashed.as_slice());
        let mut seen = None;
        for pair in history {
            let (key, value) = pair?;
            let Some((slot, number)) = key.split_at_checked(64) else {
                return Err(StoreError::corrupt("a history key is too short"));
            };
            let slot = flat::slot_of(slot)?;
            if number <= self.base.number.to_be_bytes().as_slice() || seen == Some(slot) {
                continue;
            }
            seen = Some(slot);
            slots.insert(slot, flat::decode_value(&value)?);
        }
        Ok(())
    }

    /// What stood at `key` before its first change after the base block;
    /// `None` if it did not change since.
    fn before(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let start = flat::at_block(key, self.base.number.saturating_add(1));
        let end = flat::at_block(key, u64::MAX);
        let found = self.canonical.snapshot.first(column, &start, Some(&end))?;
        Ok(found.map(|(_, value)| value))
    }

    pub(super) fn stored_account(&self, hashed: &B256) -> Result<Option<FlatAccount>, StoreError> {
        self.canonical
            .snapshot
            .get(Column::Accounts, hashed.as_slice())?
            .map(|bytes| FlatAccount::decode(&bytes))
            .transpose()
    }

    fn stored_slot(&self, key: &[u8; 64]) -> Result<U256, StoreError> {
        match self.canonical.snapshot.get(Column::Slots, key)? {
            Some(bytes) => flat::decode_value(&bytes),
            None => Ok(U256::ZERO),
        }
    }
}
