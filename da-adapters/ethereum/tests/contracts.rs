//! The Solidity library and its Rust counterpart over blocks with every kind
//! of transaction: both accept and both refuse the same.
#![cfg(feature = "onchain")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use alloy_consensus::{
    Header, SignableTransaction, Signed, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy,
    proofs::calculate_transaction_root,
};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};
use alloy_sol_types::{SolCall, SolInterface};
use rollwright_da_ethereum::{
    Transaction,
    onchain::{
        OnchainError, TransactionProof,
        abi::{self, EthereumVerifier, Proof},
    },
};
use rollwright_evm::{
    genesis::ChainConfig,
    machine::{AccountOverride, CallRequest, CallResult, MemoryState, Overrides, call},
};

const VERIFIER: Address = Address::repeat_byte(0xe7);
const INBOX: Address = Address::repeat_byte(0xaa);

fn run(input: Vec<u8>) -> (Result<Bytes, String>, u64) {
    let code = AccountOverride {
        code: Some(abi::verifier_code()),
        ..AccountOverride::default()
    };
    let overrides = Overrides {
        state: [(VERIFIER, code)].into(),
        ..Overrides::default()
    };
    let header = Header {
        number: 1,
        timestamp: 1,
        gas_limit: 1 << 40,
        base_fee_per_gas: Some(0),
        excess_blob_gas: Some(0),
        blob_gas_used: Some(0),
        withdrawals_root: Some(B256::ZERO),
        parent_beacon_block_root: Some(B256::ZERO),
        ..Header::default()
    };
    let request = CallRequest {
        to: Some(VERIFIER),
        input: input.into(),
        ..CallRequest::default()
    };
    let config = ChainConfig::osaka(42069);
    let mut state = MemoryState::new();
    let outcome = call(&config, &header, &mut state, &request, &overrides).unwrap();
    let result = match outcome.result {
        CallResult::Success { output, .. } => Ok(output),
        CallResult::Revert { output } => Err(name(&output)),
        other => panic!("{other:?}"),
    };
    (result, outcome.gas_used)
}

fn name(revert: &[u8]) -> String {
    let error = EthereumVerifier::EthereumVerifierErrors::abi_decode(revert).unwrap_or_else(|_| {
        panic!(
            "an error without a name: {}",
            Bytes::copy_from_slice(revert)
        )
    });
    let text = format!("{error:?}");
    text.split(['(', ' ']).next().unwrap_or_default().to_owned()
}

fn signed<T: SignableTransaction<Signature>>(tx: T) -> Signed<T> {
    let signature = Signature::new(U256::from(0x1234_5678u64), U256::MAX >> 1, true);
    tx.into_signed(signature)
}

fn hash_of(blob: u64) -> B256 {
    let mut hash = keccak256(blob.to_be_bytes());
    hash.0[0] = 1;
    hash
}

/// A transaction of a type, and how many blobs it carries.
fn transaction(n: u64) -> (Transaction, usize) {
    let input = Bytes::from((0..n * 37 % 500).map(|byte| byte as u8).collect::<Vec<_>>());
    let to = TxKind::Call(if n % 7 == 6 { Address::ZERO } else { INBOX });
    match n % 6 {
        0 => {
            let tx = TxLegacy {
                chain_id: Some(1),
                nonce: n,
                to,
                input,
                ..TxLegacy::default()
            };
            (signed(tx).into(), 0)
        }
        1 => {
            let tx = TxEip2930 {
                nonce: n,
                to,
                input,
                ..TxEip2930::default()
            };
            (signed(tx).into(), 0)
        }
        2 => {
            let to = if n.is_multiple_of(4) {
                TxKind::Create
            } else {
                to
            };
            let tx = TxEip1559 {
                nonce: n,
                to,
                input,
                ..TxEip1559::default()
            };
            (signed(tx).into(), 0)
        }
        3 => {
            let tx = TxEip7702 {
                nonce: n,
                to: INBOX,
                input,
                authorization_list: vec![SignedAuthorization::new_unchecked(
                    Authorization {
                        chain_id: U256::ZERO,
                        address: INBOX,
                        nonce: 1,
                    },
                    1,
                    U256::MAX,
                    U256::MAX,
                )],
                ..TxEip7702::default()
            };
            (signed(tx).into(), 0)
        }
        _ => {
            let blobs = 1 + (n % 6) as usize;
            let tx = TxEip4844 {
                nonce: n,
                to: INBOX,
                input,
                blob_versioned_hashes: (0..blobs as u64).map(|at| hash_of(n * 10 + at)).collect(),
                ..TxEip4844::default()
            };
            (signed(tx).into(), blobs)
        }
    }
}

fn block(transactions: u64) -> (Vec<Transaction>, B256) {
    let list: Vec<_> = (0..transactions).map(|n| transaction(n).0).collect();
    let root = calculate_transaction_root(&list);
    (list, root)
}

#[derive(Clone, Debug)]
struct Claim {
    root: B256,
    to: Address,
    blob: usize,
    hash: B256,
    proof: TransactionProof,
}

impl Claim {
    fn on_chain(&self) -> (Result<(), String>, u64) {
        let input = EthereumVerifier::verifyBlobCall {
            transactionsRoot: self.root,
            to: self.to,
            blob: U256::from(self.blob),
            versionedHash: self.hash,
            proof: Proof::from(&self.proof),
        };
        let (result, gas) = run(input.abi_encode());
        (result.map(drop), gas)
    }

    fn in_rust(&self) -> Result<(), OnchainError> {
        self.proof
            .verify_blob(self.root, self.to, self.blob, self.hash)
    }
}

#[test]
fn every_transaction_of_every_size_of_block_is_opened_alike() {
    use alloy_consensus::Transaction as _;
    for size in [1, 2, 16, 17, 127, 128, 129, 300] {
        let (list, root) = block(size);
        let some = (0..size).filter(|n| size < 20 || n % 23 == 5 || [0, 127, 128].contains(n));
        for n in some {
            let proof = TransactionProof::new(&list, n as usize).unwrap();
            let found = proof.open(root).unwrap();
            assert_eq!(found, list[n as usize]);
            let to = found.to().unwrap_or_default();
            let data = found.input().to_vec();
            let input = EthereumVerifier::verifyCalldataCall {
                transactionsRoot: root,
                to,
                data: data.clone().into(),
                proof: Proof::from(&proof),
            };
            let (result, gas) = run(input.abi_encode());
            result.unwrap_or_else(|error| panic!("{n} of {size}: {error}"));
            if size == 300 && n == 128 {
                println!(
                    "call data of {} bytes in a block of {size}: {gas} gas",
                    data.len()
                );
            }
            match found.to() {
                Some(to) => proof.verify_calldata(root, to, &data).unwrap(),
                None => assert!(proof.verify_calldata(root, to, &data).is_err()),
            }
            let hashes = found.blob_versioned_hashes().unwrap_or_default();
            for (blob, hash) in hashes.iter().enumerate() {
                let claim = Claim {
                    root,
                    to,
                    blob,
                    hash: *hash,
                    proof: proof.clone(),
                };
                claim.in_rust().unwrap();
                let (result, gas) = claim.on_chain();
                result.unwrap();
                if size == 300 && blob == 0 {
                    println!("a blob of transaction {n} in a block of {size}: {gas} gas");
                }
            }
        }
    }
    assert_eq!(TransactionProof::new(&block(3).0, 3), None);
}

#[test]
fn every_single_change_is_refused_by_both() {
    let (list, root) = block(200);
    let at = 130;
    let (_, blobs) = transaction(at);
    assert!(blobs > 2);
    let right = Claim {
        root,
        to: INBOX,
        blob: 1,
        hash: hash_of(at * 10 + 1),
        proof: TransactionProof::new(&list, at as usize).unwrap(),
    };
    right.in_rust().unwrap();
    right.on_chain().0.unwrap();
    let nodes = right.proof.nodes.len();
    assert!(nodes > 2);
    let mut wrong: Vec<(String, Claim, &str)> = Vec::new();
    let mut change = |what: &str, named: &'static str, change: &dyn Fn(&mut Claim)| {
        let mut claim = right.clone();
        change(&mut claim);
        wrong.push((what.to_owned(), claim, named));
    };
    change("another root", "WrongNode", &|claim| claim.root.0[31] ^= 1);
    change("another inbox", "OtherRecipient", &|claim| {
        claim.to = VERIFIER
    });
    change("another blob", "OtherBlob", &|claim| claim.blob = 2);
    change("no blob", "NoSuchBlob", &|claim| claim.blob = blobs);
    change("far out", "NoSuchBlob", &|claim| claim.blob = usize::MAX);
    change("another hash", "OtherBlob", &|claim| claim.hash.0[9] ^= 1);
    change("the next index", "", &|claim| claim.proof.index += 1);
    change("an index of another length", "", &|claim| {
        claim.proof.index = 2
    });
    change("an index that no block has", "", &|claim| {
        claim.proof.index = 1 << 30
    });
    for node in 0..nodes {
        change("a bit of a node", "WrongNode", &|claim| {
            let mut bytes = claim.proof.nodes[node].to_vec();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            claim.proof.nodes[node] = bytes.into();
        });
        change("a shorter node", "WrongNode", &|claim| {
            let bytes = claim.proof.nodes[node].to_vec();
            claim.proof.nodes[node] = bytes[..bytes.len() - 1].to_vec().into();
        });
        change("an empty node", "WrongNode", &|claim| {
            claim.proof.nodes[node] = Bytes::new();
        });
        change("a node less", "", &|claim| {
            claim.proof.nodes.remove(node);
        });
        change("a node twice", "", &|claim| {
            let again = claim.proof.nodes[node].clone();
            claim.proof.nodes.insert(node, again);
        });
    }
    change("nodes the other way round", "WrongNode", &|claim| {
        claim.proof.nodes.reverse();
    });
    change("no nodes", "WrongPath", &|claim| claim.proof.nodes.clear());
    change("a node behind the leaf", "WrongPath", &|claim| {
        claim.proof.nodes.push(Bytes::from_static(&[0xc0]));
    });
    // What stands in the leaf is no node, even where it would read as one.
    change("the transaction as a node", "", &|claim| {
        let transaction = claim.proof.transaction.clone();
        claim.proof.nodes.push(transaction);
    });
    change("the transaction as the root", "", &|claim| {
        claim.root = keccak256(&claim.proof.transaction);
        claim.proof.nodes = vec![claim.proof.transaction.clone()];
    });
    for other in [0, 4, 129, 131, 199] {
        change("another transaction's nodes", "", &|claim| {
            claim.proof.nodes = TransactionProof::new(&list, other).unwrap().nodes;
        });
    }
    for (what, claim, named) in wrong {
        let found = claim.on_chain().0.expect_err(&what);
        assert!(named.is_empty() || named == found, "{what}: {found}");
        assert!(claim.in_rust().is_err(), "{what}");
    }
}

#[test]
fn data_that_was_not_sent_is_refused() {
    let (list, root) = block(40);
    let proof = TransactionProof::new(&list, 1).unwrap();
    let data: Vec<u8> = (0..37u8).collect();
    let verify = |to: Address, data: &[u8]| {
        let rust = proof.verify_calldata(root, to, data);
        let input = EthereumVerifier::verifyCalldataCall {
            transactionsRoot: root,
            to,
            data: data.to_vec().into(),
            proof: Proof::from(&proof),
        };
        let chain = run(input.abi_encode()).0;
        assert_eq!(rust.is_ok(), chain.is_ok());
        chain.map(drop)
    };
    verify(INBOX, &data).unwrap();
    assert_eq!(verify(INBOX, &data[1..]), Err("OtherData".to_owned()));
    assert_eq!(verify(INBOX, &[]), Err("OtherData".to_owned()));
    let more = [&data[..], &[0]].concat();
    assert_eq!(verify(INBOX, &more), Err("OtherData".to_owned()));
    assert_eq!(verify(VERIFIER, &data), Err("OtherRecipient".to_owned()));
}

#[test]
fn a_header_is_opened_by_its_hash_alone() {
    let header = Header {
        parent_hash: B256::repeat_byte(1),
        state_root: B256::repeat_byte(2),
        transactions_root: B256::repeat_byte(3),
        number: 23_000_000,
        timestamp: 1_760_000_000,
        base_fee_per_gas: Some(7),
        withdrawals_root: Some(B256::ZERO),
        blob_gas_used: Some(1 << 17),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(B256::ZERO),
        ..Header::default()
    };
    let bytes = alloy_rlp::encode(&header);
    let open = |hash: B256, bytes: &[u8]| {
        let input = EthereumVerifier::openHeaderCall {
            blockHash: hash,
            header: bytes.to_vec().into(),
        };
        run(input.abi_encode())
    };
    let (output, gas) = open(header.hash_slow(), &bytes);
    let found = EthereumVerifier::openHeaderCall::abi_decode_returns(&output.unwrap()).unwrap();
    println!("a header: {gas} gas");
    assert_eq!(found.parentHash, header.parent_hash);
    assert_eq!(found.stateRoot, header.state_root);
    assert_eq!(found.transactionsRoot, header.transactions_root);
    assert_eq!(found.number, U256::from(header.number));
    assert_eq!(found.timestamp, U256::from(header.timestamp));
    let refused = Err("WrongHeader".to_owned());
    assert_eq!(open(B256::ZERO, &bytes).0, refused);
    assert_eq!(
        open(header.hash_slow(), &bytes[..bytes.len() - 1]).0,
        refused
    );
    for byte in (0..bytes.len()).step_by(41) {
        let mut spoilt = bytes.clone();
        spoilt[byte] ^= 1;
        assert_eq!(open(header.hash_slow(), &spoilt).0, refused);
    }
    // Bytes that hash to what is asked for and are no header.
    for bytes in [
        &[][..],
        &[0xc0],
        &[0x80],
        &[0xf8, 0xff, 1],
        &[0xff; 40],
        &[0xc1, 0xc0],
    ] {
        let found = open(keccak256(bytes), bytes).0;
        assert_eq!(found, Err("Malformed".to_owned()));
    }
}
