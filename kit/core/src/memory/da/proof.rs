//! Version 1 of the in-memory layer's proofs.
//!
//! Per namespace a binary Merkle tree over the blobs in posted order, hashed
//! as RFC 6962 does it (leaf prefix 0, node prefix 1, split at the largest
//! power of two below the size), with keccak256. The data root is keccak256
//! of prefix 2 and the borsh list of (namespace, count, root), strictly
//! ascending by namespace. A proof holds that list; for inclusion also the
//! audit path, leaf to root. Absence is a list without the namespace.

use super::MemoryDaError;
use crate::{DaClaim, DaHeader, DaLane, Proof};
use alloy_primitives::{B256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};

const VERSION: u16 = 1;

/// A namespace's share of a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct NamespaceRoot {
    pub(super) namespace: B256,
    pub(super) count: u32,
    pub(super) root: B256,
}

#[derive(Debug, BorshSerialize, BorshDeserialize)]
struct Body {
    namespaces: Vec<NamespaceRoot>,
    path: Vec<B256>,
}

pub(super) fn data_root(namespaces: &[NamespaceRoot]) -> B256 {
    let mut input = vec![2];
    // Writing into a vector cannot fail.
    let _ = borsh::to_writer(&mut input, namespaces);
    keccak256(input)
}

pub(super) fn leaf(lane: DaLane, commitment: B256) -> B256 {
    let lane = match lane {
        DaLane::Batch => 0,
        DaLane::Forced => 1,
    };
    let mut input = vec![0, lane];
    input.extend_from_slice(commitment.as_slice());
    keccak256(input)
}

fn node(left: B256, right: B256) -> B256 {
    let mut input = [1; 65];
    input[1..33].copy_from_slice(left.as_slice());
    input[33..].copy_from_slice(right.as_slice());
    keccak256(input)
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}

pub(super) fn merkle_root(leaves: &[B256]) -> B256 {
    match leaves {
        [] => keccak256([]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(merkle_root(left), merkle_root(right))
        }
    }
}

fn audit_path(leaves: &[B256], index: usize) -> Vec<B256> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at(at);
    let (mut path, sibling) = if index < at {
        (audit_path(left, index), merkle_root(right))
    } else {
        (audit_path(right, index - at), merkle_root(left))
    };
    path.push(sibling);
    path
}

/// The root that `leaf` at `index` of `count` leads to; `None` if the path has
/// another length than the tree's shape demands.
fn root_of(leaf: B256, index: usize, count: usize, path: &[B256]) -> Option<B256> {
    if count < 2 {
        return path.is_empty().then_some(leaf);
    }
    let (sibling, rest) = path.split_last()?;
    let at = split(count);
    if index < at {
        Some(node(root_of(leaf, index, at, rest)?, *sibling))
    } else {
        Some(node(*sibling, root_of(leaf, index - at, count - at, rest)?))
    }
}

fn encode(body: &Body) -> Proof {
    let mut bytes = Vec::new();
    // Writing into a vector cannot fail.
    let _ = borsh::to_writer(&mut bytes, body);
    Proof {
        version: VERSION,
        bytes: bytes.into(),
    }
}

pub(super) fn completeness(namespaces: Vec<NamespaceRoot>) -> Proof {
    encode(&Body {
        namespaces,
        path: Vec::new(),
    })
}

pub(super) fn inclusion(namespaces: Vec<NamespaceRoot>, leaves: &[B256], index: usize) -> Proof {
    encode(&Body {
        namespaces,
        path: audit_path(leaves, index),
    })
}

pub(super) fn verify(
    namespace: B256,
    header: &DaHeader,
    claim: &DaClaim,
    proof: &Proof,
) -> Result<(), MemoryDaError> {
    let body = open(header, proof)?;
    let ours = body
        .namespaces
        .iter()
        .find(|entry| entry.namespace == namespace);
    let holds = match claim {
        DaClaim::Included {
            reference,
            lane,
            data,
        } => {
            ensure(reference.block == header.id(), "it names another block")?;
            ensure(
                reference.commitment == keccak256(data),
                "the commitment is of other bytes",
            )?;
            let ours = ours.ok_or_else(|| invalid("the block holds nothing of the namespace"))?;
            ensure(reference.index < ours.count, "the index is out of range")?;
            let leaf = leaf(*lane, reference.commitment);
            let (index, count) = (reference.index as usize, ours.count as usize);
            root_of(leaf, index, count, &body.path) == Some(ours.root)
        }
        DaClaim::Complete { blobs } => {
            ensure(body.path.is_empty(), "a completeness proof has no path")?;
            let mut leaves = Vec::with_capacity(blobs.len());
            for (blob, index) in blobs.iter().zip(0u32..) {
                let reference = &blob.reference;
                let here = reference.block == header.id() && reference.index == index;
                ensure(here, "a reference is not in its place")?;
                ensure(blob.poster.is_none(), "the layer names no posters")?;
                ensure(
                    reference.commitment == keccak256(&blob.data),
                    "a commitment is of other bytes",
                )?;
                leaves.push(leaf(blob.lane, reference.commitment));
            }
            match ours {
                Some(ours) => {
                    ours.count as usize == leaves.len() && ours.root == merkle_root(&leaves)
                }
                None => leaves.is_empty(),
            }
        }
    };
    ensure(holds, "it leads to another root")
}

fn open(header: &DaHeader, proof: &Proof) -> Result<Body, MemoryDaError> {
    ensure(proof.version == VERSION, "unknown version")?;
    let body = Body::try_from_slice(&proof.bytes).map_err(|_| invalid("it does not decode"))?;
    let ascending = body
        .namespaces
        .windows(2)
        .all(|pair| matches!(pair, [a, b] if a.namespace < b.namespace));
    ensure(ascending, "namespaces do not ascend")?;
    ensure(
        body.namespaces.iter().all(|entry| entry.count > 0),
        "a namespace without blobs is listed",
    )?;
    ensure(
        data_root(&body.namespaces) == header.data_root,
        "it belongs to another data root",
    )?;
    Ok(body)
}

fn ensure(holds: bool, reason: &'static str) -> Result<(), MemoryDaError> {
    if holds { Ok(()) } else { Err(invalid(reason)) }
}

const fn invalid(reason: &'static str) -> MemoryDaError {
    MemoryDaError::InvalidProof { reason }
}
