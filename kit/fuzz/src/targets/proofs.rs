//! What is believed because it is proved: state proofs, witnesses, snapshots.

use crate::{Memory, Seed, Target, evm};
use alloy_primitives::keccak256;
use rollwright_core::{
    BlockInput, ExecutionWitness, LayerError, ProofKey, RecordChange, StateMachine, StateProof,
};
use rollwright_evm::{
    engine::EvmEngine,
    machine::{EvmMachine, witness::WitnessState},
    store::{
        Store,
        kv::MemoryKv,
        snapshot::{self, SnapshotInfo},
    },
};
use std::sync::{Arc, OnceLock};

/// Merkle-Patricia proofs of accounts and slots.
pub(super) const STATE_PROOF: Target = Target {
    name: "state-proof",
    about: "A proof that holds against a true root says what the state says.",
    run: state_proof,
    seeds: || {
        let number = |index| format!("account-{index}");
        let proofs = made().proofs.iter().enumerate();
        proofs
            .map(|(index, proof)| Seed::new(number(index), encoded(proof)))
            .collect()
    },
    max_len: 8 << 10,
    memory: Memory::BORSH,
    words: &[],
};

/// What a stateless executor is given beside a block's input.
pub(super) const WITNESS: Target = Target {
    name: "witness",
    about: "A block executes on a witness to its true header, or not at all.",
    run: witness,
    seeds: || vec![Seed::new("true", encoded(&made().witness))],
    max_len: 24 << 10,
    memory: Memory {
        base: 4 << 20,
        per_byte: 1_024,
    },
    words: &[],
};

/// A state in a file.
pub(super) const SNAPSHOT: Target = Target {
    name: "snapshot",
    about: "A snapshot is refused with a code, or gives the state root of its block.",
    run: snapshot,
    seeds: || vec![Seed::new("true", made().snapshot.clone())],
    max_len: 24 << 10,
    memory: Memory {
        base: 24 << 20,
        per_byte: 1_024,
    },
    words: &[],
};

/// A snapshot with changed chunks, each under the hash that it needs.
pub(super) const IMPORT: Target = Target {
    name: "snapshot-import",
    about: "A snapshot whose hashes fit imports to the true state of its block, or is refused with \
            a code; what comes after a refusal is as if it had not been.",
    run: import,
    seeds: || {
        let whole = made().snapshot.clone();
        let cut = whole[..whole.len() / 2].to_vec();
        vec![Seed::new("true", whole), Seed::new("cut", cut)]
    },
    max_len: 24 << 10,
    memory: Memory {
        base: 48 << 20,
        per_byte: 2_048,
    },
    words: &[],
};

#[derive(Debug)]
struct Made {
    proofs: Vec<StateProof>,
    input: BlockInput,
    witness: ExecutionWitness,
    snapshot: Vec<u8>,
    info: SnapshotInfo,
    engine: EvmEngine,
}

fn encoded(value: &impl borsh::BorshSerialize) -> Vec<u8> {
    borsh::to_vec(value).expect("encodes")
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let chain = evm::chain();
        let engine = EvmEngine::open(evm::config(Arc::new(chain.database()))).expect("opens");
        let head = chain.heads.latest;
        let prove = |address, slots| {
            let key = ProofKey { address, slots };
            engine.store().prove(&head, &[key]).expect("proves")
        };
        let slots = (0..2).map(rollwright_core::B256::with_last_byte).collect();
        let mut proofs: Vec<StateProof> = evm::accounts()
            .into_iter()
            .take(3)
            .map(|address| prove(address, Vec::new()))
            .collect();
        proofs.push(prove(crate::seeds::WRITER, slots));
        let mut snapshot = Vec::new();
        let records = [RecordChange::put(&b"node/identity"[..], &b"a record"[..])];
        let info = engine
            .store()
            .export(&head, &records, &mut snapshot)
            .expect("exports");
        Made {
            proofs,
            input: engine.input_of(&head).expect("an input"),
            witness: engine.witness_of(&head).expect("a witness"),
            snapshot,
            info,
            engine,
        }
    })
}

fn state_proof(input: &[u8]) {
    let Ok(proof) = borsh::from_slice::<StateProof>(input) else {
        return;
    };
    let chain = evm::chain();
    let root = chain.headers[evm::BLOCKS as usize].state_root;
    if proof.verify(root).is_err() {
        return;
    }
    let view = made()
        .engine
        .store()
        .state_at(&chain.heads.latest)
        .expect("the head's state");
    for account in &proof.accounts {
        let known = view.account(account.address).expect("reads");
        assert_eq!(account.account, known, "a forged account");
        for slot in &account.slots {
            let known = view.slot(account.address, slot.key).expect("reads");
            assert_eq!(slot.value, known, "a forged slot");
        }
    }
}

fn witness(input: &[u8]) {
    let Ok(witness) = borsh::from_slice::<ExecutionWitness>(input) else {
        return;
    };
    let chain = evm::chain();
    let parent = &chain.headers[evm::BLOCKS as usize - 1];
    let Made { engine, input, .. } = made();
    let mut state = match WitnessState::new(&witness, parent) {
        Ok(state) => state,
        Err(error) => return assert!(error.code().starts_with("RW-")),
    };
    if let Ok(applied) = EvmMachine::apply(engine.chain_config(), parent, &mut state, input) {
        let hash = applied.header.hash_slow();
        assert_eq!(
            hash, chain.heads.latest.hash,
            "another block of the same input"
        );
    }
}

fn snapshot(input: &[u8]) {
    let expected = &made().info;
    let mut reader = input;
    match snapshot::check(Some(expected.genesis), &mut reader) {
        Ok(info) => {
            assert_eq!(info.genesis, expected.genesis);
            if info.block == expected.block {
                assert_eq!(info.state_root, expected.state_root, "a forged state");
                assert_eq!(
                    (info.accounts, info.slots),
                    (expected.accounts, expected.slots)
                );
            }
        }
        Err(error) => coded(&error),
    }
}

fn import(input: &[u8]) {
    let expected = &made().info;
    let store = || {
        let kv = Arc::new(MemoryKv::new());
        Store::open(kv, evm::options()).expect("an empty store")
    };
    let first = store();
    let taken = first.import(expected.genesis, &mut &sealed(input)[..]);
    let second = store();
    match taken {
        Ok(info) => {
            let found = first.check().expect("what is imported is right");
            assert_eq!((found.root, found.block), (info.state_root, info.block));
            if info.block == expected.block {
                assert_eq!(found.root, expected.state_root, "a forged state");
            }
            return;
        }
        Err(error) => coded(&error),
    }
    assert!(
        first.heads().is_err() || first.heads().ok() == second.heads().ok(),
        "what was refused can be seen"
    );
    // What is left of the first may be refused once, and never believed.
    let again = first.import(expected.genesis, &mut made().snapshot.as_slice());
    if let Err(error) = &again {
        coded(error);
        let last = first.import(expected.genesis, &mut made().snapshot.as_slice());
        last.expect("a true snapshot after a refused one");
    }
    let found = first.check().expect("what is imported is right");
    assert_eq!(found.root, expected.state_root);
    assert_eq!(found.block, expected.block);
}

fn coded(error: &(impl LayerError + std::fmt::Display)) {
    assert!(error.code().starts_with("RW-"), "{}", error.code());
    assert!(!error.to_string().is_empty());
}

/// The chunks of a file with the numbers, lengths and hashes that they need.
/// What is cut off stays so.
fn sealed(file: &[u8]) -> Vec<u8> {
    let Some((start, mut rest)) = file.split_at_checked(8) else {
        return file.to_vec();
    };
    let mut out = start.to_vec();
    let mut hashes = Vec::new();
    for index in 0u64.. {
        let Some((head, after)) = rest.split_at_checked(12) else {
            break;
        };
        let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
        let Some((payload, after)) = after.split_at_checked(length as usize) else {
            break;
        };
        let Some((_, after)) = after.split_at_checked(32) else {
            break;
        };
        let mut payload = payload.to_vec();
        // The end states how many chunks there are, and hashes their hashes.
        if after.is_empty() && payload.len() == 41 {
            payload[1..9].copy_from_slice(&index.to_le_bytes());
            payload[9..].copy_from_slice(keccak256(&hashes).as_slice());
        }
        let from = out.len();
        out.extend_from_slice(&index.to_le_bytes());
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&payload);
        let hash = keccak256(&out[from..]);
        out.extend_from_slice(hash.as_slice());
        hashes.extend_from_slice(hash.as_slice());
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}
