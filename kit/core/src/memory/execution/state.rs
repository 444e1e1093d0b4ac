//! The state: everything in maps by hashed key, and its Merkle-Patricia tries
//! computed from scratch. Right for small states only, which is what tests and
//! simulations have.

use super::MemoryExecutionError;
use crate::memory::trie::{Leaves, trie};
use crate::{
    Account, AccountProof, Address, B256, Bytes, Changes, ExecutionWitness, ProofKey, SlotProof,
    U256, keccak256,
};
use alloy_primitives::map::B256Map;
use alloy_rlp::{Decodable, Encodable as _};
use alloy_trie::{
    EMPTY_ROOT_HASH, KECCAK_EMPTY, Nibbles, TrieAccount,
    nodes::{RlpNode, TrieNode},
};
use std::collections::BTreeMap;

/// Accounts by keccak256 of their address.
#[derive(Clone, Debug, Default)]
pub(super) struct State(BTreeMap<B256, Entry>);

#[derive(Clone, Debug, Default)]
struct Entry {
    account: Account,
    /// Non-zero slots by keccak256 of their key.
    storage: BTreeMap<B256, U256>,
}

impl Entry {
    fn leaves(&self) -> Leaves {
        self.storage
            .iter()
            .map(|(key, value)| (*key, alloy_rlp::encode(value)))
            .collect()
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        TrieAccount::new(
            self.account.nonce,
            self.account.balance,
            trie(&self.leaves(), None).0,
            self.account.code_hash,
        )
        .encode(&mut out);
        out
    }
}

impl State {
    pub(super) fn with_balances(balances: &[(Address, U256)]) -> Self {
        let mut state = Self::default();
        for (address, balance) in balances {
            state.0.entry(keccak256(address)).or_default().account = Account {
                nonce: 0,
                balance: *balance,
                code_hash: KECCAK_EMPTY,
            };
        }
        state
    }

    pub(super) fn account(&self, address: Address) -> Option<Account> {
        self.0.get(&keccak256(address)).map(|entry| entry.account)
    }

    pub(super) fn slot(&self, address: Address, key: B256) -> U256 {
        self.0
            .get(&keccak256(address))
            .and_then(|entry| entry.storage.get(&keccak256(key)))
            .copied()
            .unwrap_or_default()
    }

    pub(super) fn apply(&mut self, changes: Changes) {
        for (address, change) in changes.accounts {
            let hashed = keccak256(address);
            let Some(account) = change.account else {
                self.0.remove(&hashed);
                continue;
            };
            let entry = self.0.entry(hashed).or_default();
            entry.account = account;
            if change.storage_cleared {
                entry.storage.clear();
            }
            for (key, value) in change.storage {
                if value.is_zero() {
                    entry.storage.remove(&keccak256(key));
                } else {
                    entry.storage.insert(keccak256(key), value);
                }
            }
        }
    }

    fn leaves(&self) -> Leaves {
        self.0
            .iter()
            .map(|(key, entry)| (*key, entry.encode()))
            .collect()
    }

    pub(super) fn root(&self) -> B256 {
        trie(&self.leaves(), None).0
    }

    pub(super) fn prove(&self, key: &ProofKey) -> AccountProof {
        let hashed = keccak256(key.address);
        let entry = self.0.get(&hashed);
        let leaves = entry.map(Entry::leaves).unwrap_or_default();
        let slots = key
            .slots
            .iter()
            .map(|slot| SlotProof {
                key: *slot,
                value: self.slot(key.address, *slot),
                proof: trie(&leaves, Some(&[keccak256(slot)])).1,
            })
            .collect();
        AccountProof {
            address: key.address,
            account: entry.map(|entry| entry.account),
            storage_root: trie(&leaves, None).0,
            proof: trie(&self.leaves(), Some(&[hashed])).1,
            slots,
        }
    }

    /// All nodes of all tries.
    pub(super) fn nodes(&self) -> Vec<Bytes> {
        let all = |leaves: &Leaves| {
            let keys: Vec<B256> = leaves.iter().map(|(key, _)| *key).collect();
            trie(leaves, Some(&keys)).1
        };
        let mut nodes = all(&self.leaves());
        for entry in self.0.values().filter(|entry| !entry.storage.is_empty()) {
            nodes.extend(all(&entry.leaves()));
        }
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// The state with this root, read from a witness that holds all its nodes.
    pub(super) fn from_witness(
        root: B256,
        witness: &ExecutionWitness,
    ) -> Result<Self, MemoryExecutionError> {
        let index = witness.index();
        let mut state = Self::default();
        for (hashed, leaf) in read(root, &index)? {
            let found = decode::<TrieAccount>(&leaf)?;
            let mut entry = Entry {
                account: Account {
                    nonce: found.nonce,
                    balance: found.balance,
                    code_hash: found.code_hash,
                },
                storage: BTreeMap::new(),
            };
            for (key, leaf) in read(found.storage_root, &index)? {
                entry.storage.insert(key, decode(&leaf)?);
            }
            state.0.insert(hashed, entry);
        }
        Ok(state)
    }
}

fn decode<T: Decodable>(mut bytes: &[u8]) -> Result<T, MemoryExecutionError> {
    T::decode(&mut bytes).map_err(|_| MemoryExecutionError::Witness { hash: None })
}

/// All leaves below `root`.
fn read(root: B256, index: &B256Map<&Bytes>) -> Result<Leaves, MemoryExecutionError> {
    let mut leaves = Vec::new();
    if root == EMPTY_ROOT_HASH {
        return Ok(leaves);
    }
    let mut open = vec![(Nibbles::new(), RlpNode::word_rlp(&root))];
    while let Some((mut path, node)) = open.pop() {
        let node = match node.as_hash() {
            Some(hash) => decode(
                index
                    .get(&hash)
                    .ok_or(MemoryExecutionError::Witness { hash: Some(hash) })?,
            )?,
            None => decode(node.as_slice())?,
        };
        match node {
            TrieNode::EmptyRoot => {}
            TrieNode::Leaf(leaf) => {
                path.extend(&leaf.key);
                let key = path.pack();
                if key.len() != 32 {
                    return Err(MemoryExecutionError::Witness { hash: None });
                }
                leaves.push((B256::from_slice(&key), leaf.value));
            }
            TrieNode::Extension(extension) => {
                path.extend(&extension.key);
                open.push((path, extension.child));
            }
            TrieNode::Branch(branch) => {
                for (nibble, child) in branch.as_ref().children() {
                    if let (Some(child), true) = (child, path.len() < 64) {
                        let mut path = path;
                        path.push(nibble);
                        open.push((path, child.clone()));
                    }
                }
            }
        }
        if open.iter().any(|(path, _)| path.len() > 64) {
            return Err(MemoryExecutionError::Witness { hash: None });
        }
    }
    Ok(leaves)
}
