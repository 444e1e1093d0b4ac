//! The Solidity library and its Rust counterpart over the devnet's squares:
//! both accept and both refuse the same, with the same words.
#![cfg(all(feature = "devnet", feature = "onchain"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, FixedBytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolInterface};
use celestia_types::{
    Blob,
    nmt::Namespace,
    state::{AccAddress, AddressTrait},
};
use rollwright_da_celestia::{
    blobstream,
    devnet::{BlobUnit, ExtendedSquare, SquareBuilder},
    onchain::{
        OnchainError, SharesProof,
        abi::{self, CelestiaVerifier, DataRootTuple, Proof},
        shares_of,
    },
};
use rollwright_evm::{
    genesis::ChainConfig,
    machine::{AccountOverride, CallRequest, CallResult, MemoryState, Overrides, call},
};
use std::{collections::BTreeMap, sync::OnceLock};

const VERIFIER: Address = Address::repeat_byte(0xce);
const ORACLE: Address = Address::repeat_byte(0xb5);

/// Runs a call against the contracts; output or revert data, and gas.
fn run(to: Address, input: Vec<u8>, slots: BTreeMap<B256, U256>) -> (Result<Bytes, Bytes>, u64) {
    let account = |code, state_diff| AccountOverride {
        code: Some(code),
        state_diff,
        ..AccountOverride::default()
    };
    let overrides = Overrides {
        state: [
            (VERIFIER, account(abi::verifier_code(), BTreeMap::new())),
            (ORACLE, account(abi::mock_blobstream_code(), slots)),
        ]
        .into(),
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
        to: Some(to),
        input: input.into(),
        ..CallRequest::default()
    };
    let outcome = call(
        &ChainConfig::osaka(42069),
        &header,
        &mut MemoryState::new(),
        &request,
        &overrides,
    )
    .unwrap();
    let gas = outcome.gas_used;
    match outcome.result {
        CallResult::Success { output, .. } => (Ok(output), gas),
        CallResult::Revert { output } => (Err(output), gas),
        other => panic!("{other:?}"),
    }
}

fn namespace(n: u8) -> Namespace {
    Namespace::new_v0(&[0xee, n]).unwrap()
}

struct Placed {
    blob: Blob,
    start: u64,
}

impl Placed {
    fn signer(&self) -> Option<[u8; 20]> {
        let signer = self.blob.signer.as_ref()?;
        Some(signer.as_bytes().try_into().unwrap())
    }

    fn shares(&self) -> Vec<u8> {
        shares_of(self.blob.namespace, self.signer(), &self.blob.data).unwrap()
    }
}

struct World {
    square: ExtendedSquare,
    data_root: B256,
    blobs: Vec<Placed>,
}

/// Blobs of several namespaces, lengths and versions in one square.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let signer = AccAddress::new(tendermint::account::Id::new([0x51; 20]));
        let blobs: Vec<_> = [
            (1, 1, None),
            (1, 478, None),
            (1, 479, None),
            (3, 6_000, None),
            (3, 20_000, None),
            (3, 458, Some(signer)),
            (5, 3_000, Some(signer)),
            (9, 700, None),
            // Beyond 64 shares blobs are aligned, so that padding comes between.
            (10, 35_000, None),
            (11, 70_000, None),
        ]
        .into_iter()
        .enumerate()
        .map(|(at, (n, bytes, signer))| {
            let data = (0..bytes).map(|byte| (byte * 7 + at + 1) as u8).collect();
            Blob::new(namespace(n), data, signer).unwrap()
        })
        .collect();
        let mut builder = SquareBuilder::new(32);
        assert!(builder.push(BlobUnit {
            tx: vec![1; 300],
            blobs: blobs.clone(),
        }));
        let original = builder.build();
        let starts = original.starts()[0].clone();
        let square = ExtendedSquare::new(&original).unwrap();
        let celestia_types::hash::Hash::Sha256(data_root) = square.dah().hash() else {
            panic!("no hash")
        };
        World {
            square,
            data_root: data_root.into(),
            blobs: blobs
                .into_iter()
                .zip(starts)
                .map(|(blob, start)| Placed {
                    blob,
                    start: start.into(),
                })
                .collect(),
        }
    })
}

impl World {
    fn prove(&self, start: u64, shares: usize) -> SharesProof {
        let proof = self.square.share_proof(start..start + shares as u64);
        SharesProof::from_share_proof(self.data_root, &proof.unwrap()).unwrap()
    }

    fn proof(&self, index: usize) -> SharesProof {
        let placed = &self.blobs[index];
        self.prove(placed.start, placed.shares().len() / 512)
    }
}

/// A claim about a blob, as both sides take it.
#[derive(Clone, Debug)]
struct Claim {
    data_root: B256,
    namespace: [u8; 29],
    signer: Option<[u8; 20]>,
    data: Vec<u8>,
    proof: SharesProof,
}

impl Claim {
    fn of(index: usize) -> Self {
        let world = world();
        let placed = &world.blobs[index];
        Self {
            data_root: world.data_root,
            namespace: placed.blob.namespace.as_bytes().try_into().unwrap(),
            signer: placed.signer(),
            data: placed.blob.data.clone(),
            proof: world.proof(index),
        }
    }

    /// What the contract says, by the name of its error, and its gas.
    fn on_chain(&self) -> (Result<(), String>, u64) {
        self.on_chain_with(Proof::from(&self.proof))
    }

    fn on_chain_with(&self, proof: Proof) -> (Result<(), String>, u64) {
        let namespace = FixedBytes(self.namespace);
        let (data_root, blob) = (self.data_root, Bytes::from(self.data.clone()));
        let input = match self.signer {
            None => CelestiaVerifier::verifyBlobCall {
                dataRoot: data_root,
                namespace,
                blob,
                proof,
            }
            .abi_encode(),
            Some(signer) => CelestiaVerifier::verifySignedBlobCall {
                dataRoot: data_root,
                namespace,
                signer: signer.into(),
                blob,
                proof,
            }
            .abi_encode(),
        };
        let (result, gas) = run(VERIFIER, input, BTreeMap::new());
        (result.map(drop).map_err(|data| name(&data)), gas)
    }

    /// What the Rust counterpart says, by the name of the contract's error.
    fn in_rust(&self) -> Result<(), String> {
        // Bytes that celestia-types takes for no namespace the contract refuses
        // as well.
        let Ok(namespace) = Namespace::from_raw(&self.namespace) else {
            return Err("WrongNamespace".to_owned());
        };
        self.proof
            .verify_blob(self.data_root, namespace, self.signer, &self.data)
            .map_err(|error| {
                match error {
                    OnchainError::WrongNamespace => "WrongNamespace",
                    OnchainError::WrongLength(_) => "WrongLength",
                    OnchainError::OtherNamespace(_) => "OtherNamespace",
                    OnchainError::WrongShape => "WrongShape",
                    OnchainError::OutOfSquare { .. } => "OutOfSquare",
                    OnchainError::WrongOrder => "WrongOrder",
                    OnchainError::WrongRoot { .. } => "WrongRoot",
                    other => panic!("{other}"),
                }
                .to_owned()
            })
    }
}

fn name(revert: &[u8]) -> String {
    let error = CelestiaVerifier::CelestiaVerifierErrors::abi_decode(revert).unwrap_or_else(|_| {
        panic!(
            "an error without a name: {}",
            Bytes::copy_from_slice(revert)
        )
    });
    let text = format!("{error:?}");
    text.split(['(', ' ']).next().unwrap_or_default().to_owned()
}

#[test]
fn every_blob_is_accepted_on_chain_and_in_rust() {
    for index in 0..world().blobs.len() {
        let claim = Claim::of(index);
        claim.in_rust().unwrap();
        let (result, gas) = claim.on_chain();
        result.unwrap();
        // The shares are rebuilt as the square has them.
        let placed = &world().blobs[index];
        let shares = placed.shares();
        let width = world().square.width() / 2;
        for (at, share) in (placed.start as usize..).zip(shares.chunks(512)) {
            let there = world().square.share_bytes(at / width, at % width);
            assert_eq!(there, Some(share), "share {at} of blob {index}");
        }
        println!(
            "{} bytes, {} shares, {} rows: {gas} gas",
            claim.data.len(),
            shares.len() / 512,
            claim.proof.path.len()
        );
        // 3,000 gas a share, and 40,000 a row, on top of the call data's price.
        let input = 40 * (shares.len() as u64 + 100 * 90 * claim.proof.path.len() as u64);
        let bound = 60_000 + 3_000 * shares.len() as u64 / 512 + input;
        assert!(gas < bound, "{gas} of {bound}");
    }
}

#[test]
fn every_single_change_is_refused_by_both_in_the_same_words() {
    let index = 4;
    let right = Claim::of(index);
    assert!(right.proof.path.len() > 1, "a blob over several rows");
    let original = world().square.width() as u64 / 2;
    let mut wrong: Vec<(String, Claim)> = Vec::new();
    let mut change = |what: &str, change: &dyn Fn(&mut Claim)| {
        let mut claim = right.clone();
        change(&mut claim);
        wrong.push((what.to_owned(), claim));
    };
    change("another root", &|claim| claim.data_root.0[7] ^= 1);
    for (what, namespace) in [
        ("another namespace", namespace(5)),
        ("an unknown namespace", namespace(77)),
        ("the parity namespace", Namespace::PARITY_SHARE),
        ("tail padding", Namespace::TAIL_PADDING),
        ("reserved padding", Namespace::PRIMARY_RESERVED_PADDING),
        ("pay for blobs", Namespace::PAY_FOR_BLOB),
    ] {
        change(what, &|claim| {
            claim.namespace = namespace.as_bytes().try_into().unwrap();
        });
    }
    change("another version of namespace", &|claim| {
        claim.namespace[0] = 1
    });
    change("another byte", &|claim| claim.data[777] ^= 0x10);
    change("a byte less", &|claim| claim.data.truncate(19_999));
    change("a byte more", &|claim| claim.data.push(0));
    change("a share less", &|claim| claim.data.truncate(20_000 - 482));
    change("nothing", &|claim| claim.data.clear());
    change("the first share alone", &|claim| claim.data.truncate(478));
    change("a signer", &|claim| claim.signer = Some([0x51; 20]));
    for step in [1, 2, original] {
        change("further right", &|claim| claim.proof.start += step);
        change("further left", &|claim| {
            claim.proof.start = claim.proof.start.wrapping_sub(step);
        });
    }
    change("the first share of the square", &|claim| {
        claim.proof.start = 0
    });
    change("a column's root", &|claim| {
        claim.proof.start += 2 * original * original;
    });
    change("far out", &|claim| claim.proof.start = u64::MAX);
    let rows = right.proof.path.len();
    for row in 0..rows {
        for (at, byte) in [(0, 0), (0, 28), (0, 29), (0, 57), (0, 58), (0, 89)] {
            if right.proof.siblings[row].len() > at {
                change("a bit of a sibling", &|claim| {
                    claim.proof.siblings[row][at][byte] ^= 1;
                });
            }
        }
        change("siblings the other way round", &|claim| {
            let siblings = &mut claim.proof.siblings[row];
            siblings.reverse();
            if siblings.len() < 2 {
                siblings.push([0; 90]);
            }
        });
        change("a sibling less", &|claim| {
            claim.proof.siblings[row].pop();
        });
        change("a sibling more", &|claim| {
            claim.proof.siblings[row].push([0xff; 90]);
        });
        for level in 0..right.proof.path[row].len() {
            change("a bit of the path", &|claim| {
                claim.proof.path[row][level].0[3] ^= 1
            });
        }
        change("the path the other way round", &|claim| {
            claim.proof.path[row].reverse();
        });
        change("a shorter path", &|claim| {
            claim.proof.path[row].pop();
        });
        change("a path from further up", &|claim| {
            claim.proof.path[row].remove(0);
        });
        change("a longer path", &|claim| {
            claim.proof.path[row].push(B256::ZERO);
        });
    }
    change("rows in another order", &|claim| {
        claim.proof.path.reverse();
        claim.proof.siblings.reverse();
    });
    change("paths of each other", &|claim| claim.proof.path.swap(0, 1));
    change("a row less", &|claim| {
        claim.proof.path.pop();
        claim.proof.siblings.pop();
    });
    change("a row more", &|claim| {
        claim.proof.path.push(claim.proof.path[0].clone());
        claim.proof.siblings.push(claim.proof.siblings[0].clone());
    });
    change("siblings of a row less", &|claim| {
        claim.proof.siblings.pop();
    });
    change("no rows", &|claim| {
        claim.proof.path.clear();
        claim.proof.siblings.clear();
    });
    change("no path", &|claim| claim.proof.path[0].clear());
    change("all paths too long", &|claim| {
        for path in &mut claim.proof.path {
            path.resize(12, B256::ZERO);
        }
    });
    change("all paths as of a smaller square", &|claim| {
        for path in &mut claim.proof.path {
            path.remove(0);
        }
        claim.proof.start /= 4;
    });
    change("all paths as of a larger square", &|claim| {
        for path in &mut claim.proof.path {
            path.insert(0, B256::ZERO);
        }
    });
    for other in 0..world().blobs.len() {
        if other != index {
            change("another blob's proof", &|claim| {
                claim.proof = world().proof(other);
            });
            change("another blob's data", &|claim| {
                claim.data = world().blobs[other].blob.data.clone();
            });
        }
    }
    assert!(wrong.len() > 80);
    for (what, claim) in wrong {
        let rust = claim.in_rust().expect_err(&what);
        let (chain, _) = claim.on_chain();
        assert_eq!(chain, Err(rust), "{what}");
    }
    right.in_rust().unwrap();
}

#[test]
fn what_only_calldata_can_say_is_refused_as_well() {
    let claim = Claim::of(0);
    let proof = || Proof::from(&claim.proof);
    for start in [
        U256::MAX,
        U256::from(1) << 128,
        U256::from(u64::MAX) + U256::ONE,
    ] {
        let (result, _) = claim.on_chain_with(Proof { start, ..proof() });
        assert_eq!(result, Err("OutOfSquare".to_owned()));
    }
    for cut in [1, 89, 91] {
        let mut spoilt = proof();
        let bytes = spoilt.siblings[0].to_vec();
        spoilt.siblings[0] = bytes[..bytes.len() - cut].to_vec().into();
        assert_eq!(claim.on_chain_with(spoilt).0, Err("WrongShape".to_owned()));
    }
    let mut spoilt = proof();
    spoilt.siblings[0] = [&spoilt.siblings[0][..], &[0]].concat().into();
    assert_eq!(claim.on_chain_with(spoilt).0, Err("WrongShape".to_owned()));
}

#[test]
fn parts_and_padding_are_shares_but_no_blobs() {
    let world = world();
    let verify = |namespace: Namespace, shares: &[u8], proof: &SharesProof| {
        let rust = proof.verify_shares(world.data_root, namespace, shares);
        let input = CelestiaVerifier::verifySharesCall {
            dataRoot: world.data_root,
            namespace: abi::namespace(namespace),
            shares: shares.to_vec().into(),
            proof: proof.into(),
        };
        let (chain, _) = run(VERIFIER, input.abi_encode(), BTreeMap::new());
        assert_eq!(chain.is_ok(), rust.is_ok(), "{rust:?}");
        rust
    };
    // A part of a blob stands there, and is not the blob that it would be.
    let placed = &world.blobs[4];
    let part = &placed.shares()[512..3 * 512];
    let proof = world.prove(placed.start + 1, 2);
    verify(placed.blob.namespace, part, &proof).unwrap();
    let claim = Claim {
        data: placed.blob.data[478..478 + 960].to_vec(),
        proof: proof.clone(),
        ..Claim::of(4)
    };
    assert_eq!(claim.on_chain().0, Err("WrongRoot".to_owned()));
    // Padding between blobs has the namespace of the one before.
    let width = world.square.width() as u64 / 2;
    let padding = (0..width * width)
        .find(|&at| {
            let share = world
                .square
                .share_bytes((at / width) as usize, (at % width) as usize);
            let share = share.unwrap();
            share.starts_with(namespace(10).as_bytes())
                && share[30..34] == [0; 4]
                && share[29] & 1 == 1
        })
        .expect("blobs are aligned");
    let share = world
        .square
        .share_bytes((padding / width) as usize, (padding % width) as usize)
        .unwrap();
    let proof = world.prove(padding, 1);
    verify(namespace(10), share, &proof).unwrap();
    let claim = Claim {
        data: Vec::new(),
        proof,
        ..Claim::of(4)
    };
    assert_eq!(claim.on_chain().0, Err("WrongLength".to_owned()));
    assert_eq!(claim.in_rust(), Err("WrongLength".to_owned()));
    // Shares of the wrong length, and of two namespaces.
    let one = &world.blobs[0];
    let proof = world.proof(0);
    let shares = one.shares();
    assert_eq!(
        verify(one.blob.namespace, &shares[..511], &proof),
        Err(OnchainError::WrongLength(511))
    );
    assert_eq!(
        verify(one.blob.namespace, &[], &proof),
        Err(OnchainError::WrongLength(0))
    );
    let other = world.blobs[7].shares();
    assert_eq!(
        verify(one.blob.namespace, &other[..512], &proof),
        Err(OnchainError::OtherNamespace(0))
    );
}

/// A share's bytes that would be the preimage of an inner node, and an inner
/// node in the place of a share's leaf: prefixes and lengths tell them apart.
#[test]
fn inner_nodes_are_no_leaves() {
    let world = world();
    let right = Claim::of(0);
    // The row's root as the sibling of nothing: a tree of one level less.
    let mut claim = right.clone();
    let siblings = &claim.proof.siblings[0];
    claim.proof.siblings[0] = siblings[..siblings.len() - 1].to_vec();
    assert_eq!(claim.in_rust(), Err("WrongShape".to_owned()));
    assert_eq!(claim.on_chain().0, Err("WrongShape".to_owned()));
    // A share made of the two nodes below the root, which is what the root is
    // the hash of but for the prefix.
    let root = world.square.dah().row_roots()[0].clone();
    let mut share = right.namespace.to_vec();
    share.extend(celestia_types::nmt::NamespacedHashExt::to_array(&root));
    share.resize(512, 0);
    let namespace = Namespace::from_raw(&right.namespace).unwrap();
    for depth in 2..=right.proof.path[0].len() {
        let mut proof = right.proof.clone();
        proof.start = 0;
        proof.path[0] = proof.path[0][right.proof.path[0].len() - depth..].to_vec();
        let need = depth - 1;
        proof.siblings[0] = vec![[0xff; 90]; need];
        let rust = proof.verify_shares(world.data_root, namespace, &share);
        assert!(rust.is_err());
        let input = CelestiaVerifier::verifySharesCall {
            dataRoot: world.data_root,
            namespace: FixedBytes(right.namespace),
            shares: share.clone().into(),
            proof: (&proof).into(),
        };
        assert!(
            run(VERIFIER, input.abi_encode(), BTreeMap::new())
                .0
                .is_err()
        );
    }
}

#[test]
fn a_blob_is_proved_to_a_contract_with_a_blobstream() {
    let world = world();
    let tuples: Vec<_> = (0..7u64)
        .map(|n| match n {
            4 => blobstream::tuple(1_004, world.data_root),
            _ => blobstream::tuple(1_000 + n, B256::with_last_byte(n as u8)),
        })
        .collect();
    let root = blobstream::root(&tuples);
    let proof = blobstream::prove(&tuples, 4).unwrap();
    assert!(blobstream::verify(root, &tuples[4], &proof));
    // The mapping's slot of nonce 12.
    let slot = keccak256([U256::from(12).to_be_bytes::<32>(), [0; 32]].concat());
    let slots = BTreeMap::from([(slot, U256::from_be_bytes(root.0))]);
    let claim = Claim::of(3);
    let attested = |nonce: u64, height: u64, data_root: B256, attestation| {
        let input = CelestiaVerifier::verifyAttestedBlobCall {
            oracle: ORACLE,
            nonce: U256::from(nonce),
            tuple: DataRootTuple {
                height: U256::from(height),
                dataRoot: data_root,
            },
            attestation,
            namespace: FixedBytes(claim.namespace),
            blob: claim.data.clone().into(),
            proof: (&claim.proof).into(),
        };
        let (result, gas) = run(VERIFIER, input.abi_encode(), slots.clone());
        (result.map(drop).map_err(|data| name(&data)), gas)
    };
    let (result, gas) = attested(12, 1_004, world.data_root, (&proof).into());
    result.unwrap();
    println!("{} bytes through a Blobstream: {gas} gas", claim.data.len());
    let refused = Err("NotAttested".to_owned());
    assert_eq!(
        attested(13, 1_004, world.data_root, (&proof).into()).0,
        refused
    );
    assert_eq!(
        attested(12, 1_003, world.data_root, (&proof).into()).0,
        refused
    );
    assert_eq!(attested(12, 1_004, B256::ZERO, (&proof).into()).0, refused);
    for other in 0..7 {
        if other != 4 {
            let proof = blobstream::prove(&tuples, other).unwrap();
            assert_eq!(
                attested(12, 1_004, world.data_root, (&proof).into()).0,
                refused
            );
        }
    }
    // Attested, and not the block that the blob is in.
    let proof = blobstream::prove(&tuples, 3).unwrap();
    let other = attested(12, 1_003, B256::with_last_byte(3), (&proof).into()).0;
    assert_eq!(other, Err("WrongRoot".to_owned()));
}

/// Both sides walk RFC 9162's way for every size and place, right or wrong.
#[test]
fn tuples_are_found_alike_on_chain_and_in_rust() {
    let slot = keccak256([0; 64]);
    for count in [1usize, 2, 3, 5, 8, 11] {
        let tuples: Vec<_> = (0..count as u64)
            .map(|n| blobstream::tuple(n, B256::with_last_byte(n as u8)))
            .collect();
        let root = blobstream::root(&tuples);
        let slots = BTreeMap::from([(slot, U256::from_be_bytes(root.0))]);
        for at in 0..count {
            let right = blobstream::prove(&tuples, at).unwrap();
            for key in 0..=count as u64 {
                for leaves in [right.leaves, right.leaves + 1, 1] {
                    let proof = blobstream::TupleProof {
                        key,
                        leaves,
                        ..right.clone()
                    };
                    let rust = blobstream::verify(root, &tuples[at], &proof);
                    let input = abi::Blobstream::verifyAttestationCall {
                        nonce: U256::ZERO,
                        tuple: DataRootTuple {
                            height: U256::from(at),
                            dataRoot: B256::with_last_byte(at as u8),
                        },
                        proof: (&proof).into(),
                    };
                    let (output, _) = run(ORACLE, input.abi_encode(), slots.clone());
                    let chain = U256::from_be_slice(&output.unwrap()) == U256::ONE;
                    assert_eq!(chain, rust, "{at} of {count} as {key} of {leaves}");
                    if leaves == right.leaves {
                        assert_eq!(rust, key == at as u64);
                    }
                }
            }
        }
    }
}

/// The data root of a block that no anchor names is found from one above it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_is_proved_from_the_hash_of_a_later_block() {
    use rollwright_core::{DaHeight, DataAvailability};
    let clock = common::TestClock::new();
    let devnet = common::start(common::manual(None), clock.clone()).await;
    devnet.mine(6).await.unwrap();
    let config = common::adapter_config(&devnet, vec![devnet.url()]).await;
    let da = rollwright_da_celestia::CelestiaDa::open(config, clock).unwrap();
    let top = da.header(DaHeight(6)).await.unwrap();
    for height in (1..=6).rev() {
        let header = da.header(DaHeight(height)).await.unwrap();
        let way = da.way_down(DaHeight(6), DaHeight(height)).await.unwrap();
        assert_eq!(way.parents.len() as u64, 6 - height);
        assert_eq!(way.verify(top.hash), Ok(header.data_root));
        assert!(way.verify(header.parent_hash).is_err());
    }
    assert!(da.way_down(DaHeight(2), DaHeight(3)).await.is_err());

    // A blob of the rollup, three blocks further down.
    let blob = rollwright_core::Blob {
        lane: rollwright_core::DaLane::Batch,
        data: vec![7; 3_000].into(),
    };
    let unit = rollwright_core::PostingUnit::new(B256::repeat_byte(1), vec![blob]);
    let placed = loop {
        let submission = da.submit(&unit).await.unwrap();
        if let rollwright_core::SubmissionStatus::Included { blobs } = submission.status {
            break blobs[0];
        }
        common::settle(&da, &devnet).await;
        devnet.mine(1).await.unwrap();
    };
    devnet.mine(3).await.unwrap();
    let published = da.prove_for_contract(&placed).await.unwrap();
    let anchored = DaHeight(placed.block.height.0 + 3);
    let above = da.header(anchored).await.unwrap();
    let way = da.way_down(anchored, placed.block.height).await.unwrap();
    assert_eq!(way.verify(above.hash), Ok(published.header.data_root));
    let input = CelestiaVerifier::verifyBlobBelowCall {
        daHash: above.hash,
        way: (&way).into(),
        namespace: abi::namespace(published.namespace),
        blob: published.data.clone(),
        proof: (&published.proof).into(),
    };
    let (result, gas) = run(VERIFIER, input.abi_encode(), BTreeMap::new());
    result.unwrap();
    println!(
        "{} bytes, three blocks down: {gas} gas",
        published.data.len()
    );
    let nowhere = rollwright_core::BlobRef { index: 1, ..placed };
    assert!(da.prove_for_contract(&nowhere).await.is_err());

    // The contract reads the way first: one that does not hold is named, and
    // after one that holds the empty block's root does not have the blob.
    let claim = Claim::of(0);
    let on_chain = |hash: B256, way: &rollwright_da_celestia::onchain::HeaderWay| {
        let input = CelestiaVerifier::verifyBlobBelowCall {
            daHash: hash,
            way: way.into(),
            namespace: FixedBytes(claim.namespace),
            blob: claim.data.clone().into(),
            proof: (&claim.proof).into(),
        };
        let (result, gas) = run(VERIFIER, input.abi_encode(), BTreeMap::new());
        (
            result.map(drop).map_err(|data| name(&data)).unwrap_err(),
            gas,
        )
    };
    let way = da.way_down(DaHeight(6), DaHeight(2)).await.unwrap();
    let (found, gas) = on_chain(top.hash, &way);
    assert_eq!(found, "WrongRoot");
    println!("four blocks down: {gas} gas until the blob is looked at");
    let mut wrong = vec![("another hash", B256::ZERO, way.clone())];
    let mut change = |what, change: &dyn Fn(&mut rollwright_da_celestia::onchain::HeaderWay)| {
        let mut way = way.clone();
        change(&mut way);
        wrong.push((what, top.hash, way));
    };
    change("another root", &|way| way.data_root.0[0] ^= 1);
    change("a block less", &|way| drop(way.parents.pop()));
    change("a block twice", &|way| {
        way.parents.insert(0, way.parents[0].clone())
    });
    change("blocks in another order", &|way| way.parents.swap(0, 1));
    change("a shorter path", &|way| {
        way.path.pop();
    });
    change("a longer path", &|way| way.path.push(B256::ZERO));
    change("a bit of a path", &|way| way.parents[2].path[1].0[5] ^= 1);
    change("another parent", &|way| {
        let mut field = way.parents[1].last_block_id.to_vec();
        field[9] ^= 1;
        way.parents[1].last_block_id = field.into();
    });
    change("another field", &|way| {
        way.parents[1].last_block_id = vec![0x12; 40].into();
    });
    change("a field cut short", &|way| {
        way.parents[1].last_block_id = way.parents[1].last_block_id.slice(..33);
    });
    for (what, hash, way) in wrong {
        let rust = way.verify(hash).unwrap_err();
        let named = match rust {
            OnchainError::WrongField(_) => "WrongField",
            OnchainError::WrongParent(_) => "WrongParent",
            other => panic!("{other}"),
        };
        assert_eq!(on_chain(hash, &way).0, named, "{what}");
    }
}
