//! Execution from a witness.

use super::support::*;
use crate::machine::{
    self, MemoryState, PlainRecovery,
    witness::{WitnessError, WitnessState},
};
use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, TxKind, U256, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::{
    HashBuilder, Nibbles, TrieAccount, proof::ProofRetainer, root::storage_root_unhashed,
};
use proptest::prelude::*;
use rollwright_core::{
    Account, AccountChange, ApplyError, BlockInput, Changes, ExecutionWitness, StateAccess,
};
use std::collections::BTreeMap;

/// All nodes of the trie over hashed keys.
fn nodes(leaves: &BTreeMap<B256, Vec<u8>>) -> Vec<Bytes> {
    let keys: Vec<Nibbles> = leaves.keys().map(Nibbles::unpack).collect();
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(keys));
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    builder.root();
    builder
        .take_proof_nodes()
        .into_nodes_sorted()
        .into_iter()
        .map(|(_, node)| node)
        .collect()
}

fn witness_of(state: &MemoryState, headers: Vec<Bytes>) -> ExecutionWitness {
    let mut leaves = BTreeMap::new();
    let mut all = Vec::new();
    for (address, account, storage) in state.accounts() {
        let slots = storage
            .iter()
            .map(|(key, value)| (keccak256(key), alloy_rlp::encode(value)));
        all.extend(nodes(&slots.collect()));
        let account = TrieAccount {
            nonce: account.nonce,
            balance: account.balance,
            storage_root: storage_root_unhashed(storage.iter().map(|(k, v)| (*k, *v))),
            code_hash: account.code_hash,
        };
        leaves.insert(keccak256(address), alloy_rlp::encode(account));
    }
    all.extend(nodes(&leaves));
    all.sort();
    all.dedup();
    ExecutionWitness {
        state: all,
        codes: state.codes().cloned().collect(),
        headers,
        keys: Vec::new(),
    }
}

/// A witness with every node of a chain's state.
pub(crate) fn whole_state(chain: &Chain) -> ExecutionWitness {
    let mut header = Vec::new();
    chain.header.encode(&mut header);
    witness_of(&chain.state, vec![header.into()])
}

fn run(
    chain: &Chain,
    input: &BlockInput,
    witness: &ExecutionWitness,
) -> Result<Header, ApplyError<WitnessError>> {
    let mut state = WitnessState::new(witness, &chain.header).map_err(ApplyError::State)?;
    let config = &chain.genesis.config;
    machine::execute(config, &chain.header, &mut state, input, &PlainRecovery)
        .map(|outcome| outcome.applied.header)
}

#[test]
fn a_block_executes_from_a_witness_and_a_missing_part_is_no_verdict() {
    let mut chain = Chain::new();
    chain.block(vec![sign(
        0,
        eip1559(
            0,
            TxKind::Create,
            Bytes::from_static(&[0x34, 0x5f, 0x55, 0x00]),
        ),
    )]);
    let input = chain.input(vec![
        transfer(0, 1, address(1), 5),
        transfer(3, 0, address(4), 5),
    ]);
    let witness = whole_state(&chain);
    let (outcome, _) = chain.try_execute(&input).expect("valid");
    assert_eq!(
        run(&chain, &input, &witness),
        Ok(outcome.applied.header.clone())
    );

    // What the block needs: everything whose absence is felt. Without any of
    // it, execution says which hash is missing; with it alone, it succeeds.
    let mut needed = witness.clone();
    let mut index = 0;
    while index < needed.state.len() {
        let mut without = needed.clone();
        let hash = keccak256(without.state.remove(index));
        match run(&chain, &input, &without) {
            Ok(header) => {
                assert_eq!(header, outcome.applied.header);
                needed = without;
            }
            Err(error) => {
                assert_eq!(
                    error,
                    ApplyError::State(WitnessError::MissingWitness { hash })
                );
                index += 1;
            }
        }
    }
    assert!(needed.state.len() > 3 && needed.state.len() < witness.state.len());
    assert_eq!(run(&chain, &input, &needed), Ok(outcome.applied.header));
}

#[test]
fn missing_code_and_missing_ancestors_are_named() {
    let mut chain = Chain::new();
    chain.block(vec![]);
    chain.block(vec![]);
    let input = chain.input(vec![]);
    let mut witness = whole_state(&chain);
    witness.codes.clear();
    assert!(matches!(
        run(&chain, &input, &witness),
        Err(ApplyError::State(WitnessError::MissingWitness { .. }))
    ));
    // BLOCKHASH(0) of block 3: two headers deep, and the witness has one.
    let code = Bytes::from_static(&[0x5f, 0x40, 0x5f, 0x55, 0x00]);
    let input = chain.input(vec![sign(0, eip1559(0, TxKind::Create, code))]);
    let witness = whole_state(&chain);
    assert_eq!(
        run(&chain, &input, &witness),
        Err(ApplyError::State(WitnessError::MissingHeader { number: 0 }))
    );
}

/// Last byte of an address, its balance, and its slots.
type Edit = (u8, Option<u64>, Vec<(u8, u64)>);

fn account_changes(accounts: Vec<Edit>) -> Changes {
    let map: BTreeMap<_, _> = accounts
        .into_iter()
        .map(|(byte, balance, slots)| {
            let slots: BTreeMap<B256, U256> = slots
                .into_iter()
                .map(|(key, value)| (B256::with_last_byte(key), U256::from(value)))
                .collect();
            let account = balance.map(|balance| Account {
                nonce: 1,
                balance: U256::from(balance),
                code_hash: revm::primitives::KECCAK_EMPTY,
            });
            let change = AccountChange {
                account,
                storage_cleared: false,
                storage: account
                    .map(|_| slots.into_iter().collect())
                    .unwrap_or_default(),
            };
            (alloy_primitives::Address::with_last_byte(byte), change)
        })
        .collect();
    Changes {
        accounts: map.into_iter().collect(),
        codes: Vec::new(),
    }
}

fn changes() -> impl Strategy<Value = Changes> {
    let slots = prop::collection::vec((0u8..40, 0u64..3), 0..20);
    prop::collection::vec((0u8..60, prop::option::of(any::<u64>()), slots), 0..40)
        .prop_map(account_changes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The sparse trie's root after any changes is that of alloy's hash builder
    /// over the whole state.
    #[test]
    fn roots_after_random_changes_are_those_of_a_whole_trie(first in changes(), second in changes()) {
        let mut whole = MemoryState::new();
        let root = whole.apply(&first);
        let witness = witness_of(&whole, vec![]);
        let parent = Header { state_root: root, ..Header::default() };
        let mut sparse = WitnessState::new(&witness, &parent).unwrap();
        for (address, change) in &second.accounts {
            prop_assert_eq!(sparse.account(*address).unwrap(), whole.account(*address).unwrap());
            for (key, _) in &change.storage {
                prop_assert_eq!(sparse.slot(*address, *key).unwrap(), whole.slot(*address, *key).unwrap());
            }
        }
        prop_assert_eq!(sparse.commit(second.clone()).unwrap(), whole.apply(&second));
    }
}
