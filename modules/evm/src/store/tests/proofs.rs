//! Proofs against alloy-trie's verifier; witnesses against a store that holds
//! nothing else.

use super::model::{ADDRESSES, Chain, Dice, SLOTS, State, address, slot, tiny};
use crate::{machine::witness::WitnessState, store::StoreOptions};
use alloy_primitives::{B256, keccak256};
use alloy_trie::{Nibbles, TrieAccount, proof::verify_proof};
use rollwright_core::{BlockId, BlockRef, ProofKey, StateAccess, StateProof};

fn everything() -> Vec<ProofKey> {
    (0..ADDRESSES + 2)
        .map(|n| ProofKey {
            address: address(n),
            slots: (0..=SLOTS).map(slot).collect(),
        })
        .collect()
}

fn assert_proof(proof: &StateProof, state: &State) {
    assert_eq!(proof.state_root, state.root());
    for account in &proof.accounts {
        let holder = state.accounts.get(&account.address);
        assert_eq!(account.account, holder.map(|holder| holder.account));
        let leaf = account.account.map(|a| {
            alloy_rlp::encode(TrieAccount::new(
                a.nonce,
                a.balance,
                account.storage_root,
                a.code_hash,
            ))
        });
        let key = Nibbles::unpack(keccak256(account.address));
        verify_proof(proof.state_root, key, leaf, &account.proof).unwrap();
        for slot in &account.slots {
            let expected = holder.and_then(|h| h.storage.get(&slot.key).copied());
            assert_eq!(slot.value, expected.unwrap_or_default());
            let leaf = expected.map(alloy_rlp::encode);
            let key = Nibbles::unpack(keccak256(slot.key));
            verify_proof(account.storage_root, key, leaf, &slot.proof).unwrap();
        }
    }
}

fn assert_provable(chain: &Chain, at: BlockRef) {
    let proof = chain.store.prove(&at, &everything()).unwrap();
    assert_proof(&proof, &chain.states[&at.hash]);
}

#[test]
fn proofs_verify_at_the_head_in_the_past_and_beside_the_chain() {
    for options in [tiny(), StoreOptions::default()] {
        let mut chain = Chain::new(options);
        let blocks = chain.extend(chain.genesis, 15, 5);
        let above = chain.execute(blocks[14], 1);
        let fork = chain.execute(blocks[9], 2);
        let fork = chain.execute(fork, 3);
        for at in [above, fork]
            .into_iter()
            .chain(blocks)
            .chain([chain.genesis])
        {
            assert_provable(&chain, at);
        }
    }
}

#[test]
fn proofs_verify_after_a_restart_and_a_rollback() {
    let mut chain = Chain::new(tiny());
    let blocks = chain.extend(chain.genesis, 10, 5);
    chain.reopen();
    assert_provable(&chain, blocks[9]);
    chain.head(blocks[4]);
    for at in &blocks[..5] {
        assert_provable(&chain, *at);
    }
}

#[test]
fn a_storage_root_of_prepared_changes_is_the_later_one() {
    let mut chain = Chain::new(tiny());
    let mut state = chain.states[&chain.genesis.hash].clone();
    let changes = state.change(&mut Dice::new(12));
    let addresses: Vec<_> = changes
        .accounts
        .iter()
        .map(|(address, _)| *address)
        .collect();
    assert!(!addresses.is_empty());
    let prepared = chain.store.prepare(&chain.genesis, changes).unwrap();
    for address in addresses {
        assert_eq!(
            prepared.storage_root(address),
            Some(state.storage_root(&address))
        );
    }
    assert_eq!(prepared.storage_root(address(ADDRESSES + 9)), None);
    let root: B256 = prepared.state_root();
    assert_eq!(root, state.root());
    chain.reopen();
}

/// Executes random changes with recording; the witness alone must give the
/// same reads and the same root.
fn assert_witness(chain: &mut Chain, parent: BlockRef, seed: u64) {
    let mut dice = Dice::new(seed);
    let before = chain.states[&parent.hash].clone();
    let mut after = before.clone();
    let changes = after.change(&mut dice);
    let mut state = chain.store.begin_recorded(&parent).unwrap();
    let read: Vec<_> = (0..4).map(|_| address(dice.roll(ADDRESSES + 2))).collect();
    for address in &read {
        state.account(*address).unwrap();
        state.slot(*address, slot(3)).unwrap();
    }
    let oldest = parent.number.saturating_sub(2);
    let hash = state.block_hash(oldest).unwrap();
    assert_eq!(state.commit(changes.clone()).unwrap(), after.root());
    let witness = state.into_witness().unwrap();

    let header = chain
        .store
        .header(BlockId::Hash(parent.hash))
        .unwrap()
        .unwrap();
    let mut alone = WitnessState::new(&witness, &header).unwrap();
    for address in read {
        let holder = before.accounts.get(&address);
        assert_eq!(alone.account(address).unwrap(), holder.map(|h| h.account));
        let value = holder.and_then(|h| h.storage.get(&slot(3)).copied());
        assert_eq!(
            alone.slot(address, slot(3)).unwrap(),
            value.unwrap_or_default()
        );
    }
    assert_eq!(alone.block_hash(oldest).unwrap(), hash);
    // A machine reads what it changes before it changes it.
    for (address, change) in &changes.accounts {
        alone.account(*address).unwrap();
        for (key, _) in &change.storage {
            alone.slot(*address, *key).unwrap();
        }
    }
    assert_eq!(alone.commit(changes).unwrap(), after.root(), "seed {seed}");
}

#[test]
fn a_witness_alone_gives_the_same_reads_and_root() {
    for options in [tiny(), StoreOptions::default()] {
        let mut chain = Chain::new(options);
        let blocks = chain.extend(chain.genesis, 12, 5);
        for seed in 0..200 {
            let parent = blocks[seed as usize % 12];
            assert_witness(&mut chain, parent, seed);
        }
    }
}
