//! A state access over an execution witness: no store, only the trie nodes,
//! codes and headers that a block needs. What a prover, a fault proof and a
//! stateless checker execute on.

mod error;
mod trie;

pub use error::WitnessError;

use alloc::vec::Vec;
use alloy_consensus::Header;
use alloy_primitives::{
    Address, B256, Bytes, U256, keccak256,
    map::{AddressMap, B256Map, HashMap},
};
use alloy_rlp::{Decodable, Encodable};
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use rollwright_core::{Account, AccountChange, Changes, ExecutionWitness, StateAccess};
use trie::Trie;

/// How many ancestors BLOCKHASH reaches.
const ANCESTORS: u64 = 256;

/// The state of `parent`, as far as a witness knows it.
///
/// Every node is checked by its hash, from the parent's state root down, so a
/// wrong witness can make execution fail and can't make it wrong. A part that
/// is absent is an error with its hash, never a verdict. After a failed commit
/// the value is of no further use.
#[derive(Debug)]
pub struct WitnessState<'a> {
    nodes: B256Map<&'a Bytes>,
    hashes: HashMap<u64, B256>,
    parent_number: u64,
    state: Trie,
    storages: AddressMap<(B256, Trie)>,
}

impl<'a> WitnessState<'a> {
    /// Indexes the witness by hash, and links its headers to `parent`. Headers
    /// that are no ancestors are ignored.
    pub fn new(witness: &'a ExecutionWitness, parent: &Header) -> Result<Self, WitnessError> {
        Ok(Self {
            nodes: witness.index(),
            hashes: ancestors(&witness.headers, parent)?,
            parent_number: parent.number,
            state: Trie::at(parent.state_root),
            storages: AddressMap::default(),
        })
    }

    fn trie_account(&mut self, address: Address) -> Result<Option<TrieAccount>, WitnessError> {
        let key = keccak256(address);
        let Some(mut leaf) = self.state.get(key, &self.nodes)? else {
            return Ok(None);
        };
        TrieAccount::decode(&mut leaf)
            .map(Some)
            .map_err(|_| WitnessError::Malformed { hash: key })
    }

    fn storage(&mut self, address: Address) -> Result<&mut Trie, WitnessError> {
        if !self.storages.contains_key(&address) {
            let root = self
                .trie_account(address)?
                .map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
            self.storages.insert(address, (root, Trie::at(root)));
        }
        let entry = self.storages.entry(address);
        Ok(&mut entry
            .or_insert_with(|| (EMPTY_ROOT_HASH, Trie::at(EMPTY_ROOT_HASH)))
            .1)
    }

    /// Writes an account's slots; returns its new storage root.
    fn write_storage(
        &mut self,
        address: Address,
        change: &AccountChange,
    ) -> Result<B256, WitnessError> {
        if change.storage_cleared {
            let empty = (EMPTY_ROOT_HASH, Trie::at(EMPTY_ROOT_HASH));
            self.storages.insert(address, empty);
        }
        if change.storage.is_empty() {
            return Ok(self.storage(address)?.root());
        }
        self.storage(address)?;
        let Self {
            nodes, storages, ..
        } = self;
        let Some((_, trie)) = storages.get_mut(&address) else {
            return Ok(EMPTY_ROOT_HASH);
        };
        // Deletions last: a branch that only seems to collapse needs no sibling.
        let (deleted, written): (Vec<_>, Vec<_>) = change
            .storage
            .iter()
            .partition(|(_, value)| value.is_zero());
        for (key, value) in written {
            trie.insert(keccak256(key), alloy_rlp::encode(value), nodes)?;
        }
        for (key, _) in deleted {
            trie.remove(keccak256(key), nodes)?;
        }
        Ok(trie.root())
    }
}

impl StateAccess for WitnessState<'_> {
    type Error = WitnessError;

    fn account(&mut self, address: Address) -> Result<Option<Account>, WitnessError> {
        Ok(self.trie_account(address)?.map(|account| Account {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
        }))
    }

    fn slot(&mut self, address: Address, key: B256) -> Result<U256, WitnessError> {
        self.storage(address)?;
        let Self {
            nodes, storages, ..
        } = self;
        let Some((_, trie)) = storages.get_mut(&address) else {
            return Ok(U256::ZERO);
        };
        let key = keccak256(key);
        match trie.get(key, nodes)? {
            Some(mut value) => {
                U256::decode(&mut value).map_err(|_| WitnessError::Malformed { hash: key })
            }
            None => Ok(U256::ZERO),
        }
    }

    fn code(&mut self, hash: B256) -> Result<Bytes, WitnessError> {
        match self.nodes.get(&hash) {
            Some(code) => Ok((*code).clone()),
            None => Err(WitnessError::MissingWitness { hash }),
        }
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, WitnessError> {
        let reach = self.parent_number.saturating_sub(ANCESTORS - 1)..=self.parent_number;
        if !reach.contains(&number) {
            return Ok(B256::ZERO);
        }
        let known = self.hashes.get(&number).copied();
        known.ok_or(WitnessError::MissingHeader { number })
    }

    fn commit(&mut self, changes: Changes) -> Result<B256, WitnessError> {
        let mut deleted = Vec::new();
        for (address, change) in &changes.accounts {
            let Some(account) = change.account else {
                deleted.push(keccak256(address));
                continue;
            };
            let account = TrieAccount {
                nonce: account.nonce,
                balance: account.balance,
                storage_root: self.write_storage(*address, change)?,
                code_hash: account.code_hash,
            };
            let mut leaf = Vec::with_capacity(account.length());
            account.encode(&mut leaf);
            self.state.insert(keccak256(address), leaf, &self.nodes)?;
        }
        for key in deleted {
            self.state.remove(key, &self.nodes)?;
        }
        Ok(self.state.root())
    }
}

/// Hashes of the parent and of those ancestors that the witness links to it.
fn ancestors(headers: &[Bytes], parent: &Header) -> Result<HashMap<u64, B256>, WitnessError> {
    let mut known: B256Map<Header> = B256Map::default();
    for bytes in headers {
        let hash = keccak256(bytes);
        let header =
            Header::decode(&mut bytes.as_ref()).map_err(|_| WitnessError::Malformed { hash })?;
        known.insert(hash, header);
    }
    let mut hashes = HashMap::default();
    hashes.insert(parent.number, parent.hash_slow());
    let (mut number, mut hash) = (parent.number, parent.parent_hash);
    while let Some(below) = number.checked_sub(1) {
        hashes.insert(below, hash);
        let Some(header) = known.get(&hash) else {
            break;
        };
        (number, hash) = (below, header.parent_hash);
    }
    Ok(hashes)
}
