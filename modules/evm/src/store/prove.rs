//! Merkle-Patricia proofs in the form of EIP-1186.

use super::{StateView, StoreError, base::Inner, prepare::Trunk, version::Source};
use crate::trie::{self, Child, root_hash};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use rollwright_core::{AccountProof, ProofKey, SlotProof, StateProof};
use std::collections::BTreeSet;

impl StateView {
    /// Proofs against this state, one per key in the order of `keys`.
    ///
    /// At the head and above it a proof costs some look-ups; at older blocks
    /// the tries are first made again from what has changed since.
    pub fn prove(&self, keys: &[ProofKey]) -> Result<StateProof, StoreError> {
        let trunk = self.inner.trunk(self)?;
        let accounts = keys
            .iter()
            .map(|key| self.prove_account(&trunk, key))
            .collect::<Result<_, _>>()?;
        Ok(StateProof {
            state_root: root_hash(trunk.version.root.as_ref()),
            accounts,
        })
    }

    fn prove_account(&self, trunk: &Trunk, key: &ProofKey) -> Result<AccountProof, StoreError> {
        let hashed = keccak256(key.address);
        let flat = self.flat(key.address)?;
        let storage_root = flat.map_or(EMPTY_ROOT_HASH, |flat| flat.storage_root);
        let storage = self
            .inner
            .storage_trie(self, trunk, &hashed, storage_root)?;
        let mut slots = Vec::with_capacity(key.slots.len());
        for slot in &key.slots {
            let slot_hash = keccak256(slot);
            slots.push(SlotProof {
                key: *slot,
                value: self.slot(key.address, *slot)?,
                proof: self.path(trunk, Some(hashed), storage.as_ref(), &slot_hash)?,
            });
        }
        Ok(AccountProof {
            address: key.address,
            account: flat.map(|flat| flat.account),
            storage_root,
            proof: self.path(trunk, None, trunk.version.root.as_ref(), &hashed)?,
            slots,
        })
    }

    /// RLP nodes towards a hashed key.
    fn path(
        &self,
        trunk: &Trunk,
        owner: Option<B256>,
        root: Option<&Child>,
        key: &B256,
    ) -> Result<Vec<Bytes>, StoreError> {
        let source = Source::at(&*self.canonical.snapshot, owner);
        let nodes = trie::prove(&source, trunk.stored(), root, key)?;
        Ok(nodes.into_iter().map(Bytes::from).collect())
    }

    /// Adds the nodes towards each slot of an account to `nodes`.
    pub(super) fn nodes_of(
        &self,
        trunk: &Trunk,
        key: &ProofKey,
        nodes: &mut BTreeSet<Bytes>,
    ) -> Result<(), StoreError> {
        let proof = self.prove_account(trunk, key)?;
        nodes.extend(proof.proof);
        for slot in proof.slots {
            nodes.extend(slot.proof);
        }
        Ok(())
    }
}

impl Inner {
    /// The storage trie of an account, from memory or by its root.
    pub(super) fn storage_trie(
        &self,
        view: &StateView,
        trunk: &Trunk,
        hashed: &B256,
        root: B256,
    ) -> Result<Option<Child>, StoreError> {
        if root == EMPTY_ROOT_HASH {
            return Ok(None);
        }
        if let Some(child) = self.resident(trunk, hashed, root) {
            return Ok(Some(child));
        }
        let source = Source::at(&*view.canonical.snapshot, Some(*hashed));
        Ok(Some(trie::stored_root(&source, root)?))
    }
}
