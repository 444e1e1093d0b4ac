use crate::{
    Namespace, NetworkId,
    tree::{self, Node, Walk},
};
use alloy_primitives::{B256, Keccak256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{DaClaim, DaHeader, DaHeight, DaLane, PostedBlob, Proof};

/// The only proof format so far.
pub(crate) const PROOF_VERSION: u16 = 1;

/// A tree of 2^32 leaves reveals at most two subtrees per level.
const MAX_NODES: usize = 66;

/// 1 + 8 + 4 + 4 bytes of facts, a length and the nodes of 96 bytes each.
const MAX_PROOF_BYTES: usize = 21 + MAX_NODES * 96;

/// Why a proof does not show what it is claimed to show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The header's hash is not the hash of its fields on this network.
    #[error("the header's hash is {found}, its fields on this network hash to {expected}")]
    HeaderHash {
        /// Computed from the fields.
        expected: B256,
        /// As given.
        found: B256,
    },
    /// The format is not known.
    #[error("proof version {0} is not known")]
    Version(u16),
    /// The proof's bytes do not read, or are of the other kind of proof.
    #[error("the proof does not read: {0}")]
    Malformed(&'static str),
    /// A reference names another block.
    #[error("blob {index} refers to another block than the header's")]
    OtherBlock {
        /// Position in the claim.
        index: u32,
    },
    /// A reference's index is not its place.
    #[error("blob {index} is claimed at a place that is not its own")]
    Index {
        /// Position in the claim.
        index: u32,
    },
    /// The commitment is not that of the data.
    #[error("blob {index} does not have the data that its commitment names")]
    Commitment {
        /// Position in the claim.
        index: u32,
    },
    /// A fact is claimed that this layer does not record.
    #[error("blob {index} claims a lane or a poster, which this layer does not record")]
    Unrecorded {
        /// Position in the claim.
        index: u32,
    },
    /// The tree's root is not what the header commits to, or its shape is
    /// impossible.
    #[error("the claim is not what the header's data root commits to")]
    DataRoot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
enum ProofKind {
    Inclusion,
    Completeness,
}

/// The range of a block's tree that a proof is about, and the rest of the tree.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct RangeProof {
    kind: ProofKind,
    salt: u64,
    count: u32,
    start: u32,
    nodes: Vec<Node>,
}

/// The hash of a block:
/// keccak256("rollwright-da-local/header/1" ‖ borsh(network, height, parent
/// hash, time, data root)). `header.hash` plays no part.
pub fn header_hash(network: NetworkId, header: &DaHeader) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update("rollwright-da-local/header/1");
    hasher.update(network.0);
    hasher.update(header.height.0.to_le_bytes());
    hasher.update(header.parent_hash);
    hasher.update(header.time.to_le_bytes());
    hasher.update(header.data_root);
    hasher.finalize()
}

/// Checks a header against its own hash, and that only the first block has no
/// parent.
pub fn verify_header(network: NetworkId, header: &DaHeader) -> Result<(), ProofError> {
    let expected = header_hash(network, header);
    let first = header.height <= DaHeight(1);
    if header.hash != expected || header.height.0 == 0 || first != header.parent_hash.is_zero() {
        return Err(ProofError::HeaderHash {
            expected,
            found: header.hash,
        });
    }
    Ok(())
}

/// Checks a claim about one namespace's blobs in a block. Pure.
///
/// `Ok` means: given that `header` is a block of the layer, the claim holds.
/// A single altered byte in header, claim or proof makes it fail.
pub fn verify(
    network: NetworkId,
    namespace: Namespace,
    header: &DaHeader,
    claim: &DaClaim,
    proof: &Proof,
) -> Result<(), ProofError> {
    verify_header(network, header)?;
    let proof = decode(proof)?;
    match claim {
        DaClaim::Included {
            reference,
            lane,
            data,
        } => {
            if proof.kind != ProofKind::Inclusion {
                return Err(ProofError::Malformed("not a proof of inclusion"));
            }
            let index = reference.index;
            if reference.block != header.id() {
                return Err(ProofError::OtherBlock { index });
            }
            if *lane != DaLane::Batch {
                return Err(ProofError::Unrecorded { index });
            }
            if reference.commitment != keccak256(data) {
                return Err(ProofError::Commitment { index });
            }
            let leaf = Node::leaf(namespace, index, reference.commitment);
            check(header, &proof, namespace, &[leaf], |node, is_left, own| {
                if is_left {
                    node.max <= *own
                } else {
                    node.min >= *own
                }
            })
        }
        DaClaim::Complete { blobs } => {
            if proof.kind != ProofKind::Completeness {
                return Err(ProofError::Malformed("not a proof of completeness"));
            }
            let leaves = claimed_leaves(header, namespace, blobs)?;
            check(header, &proof, namespace, &leaves, |node, is_left, own| {
                if is_left {
                    node.max < *own
                } else {
                    node.min > *own
                }
            })
        }
    }
}

fn claimed_leaves(
    header: &DaHeader,
    namespace: Namespace,
    blobs: &[PostedBlob],
) -> Result<Vec<Node>, ProofError> {
    let leaf = |(index, blob): (u32, &PostedBlob)| {
        if blob.reference.block != header.id() {
            return Err(ProofError::OtherBlock { index });
        }
        if blob.reference.index != index {
            return Err(ProofError::Index { index });
        }
        if blob.lane != DaLane::Batch || blob.poster.is_some() {
            return Err(ProofError::Unrecorded { index });
        }
        if blob.reference.commitment != keccak256(&blob.data) {
            return Err(ProofError::Commitment { index });
        }
        Ok(Node::leaf(namespace, index, blob.reference.commitment))
    };
    (0..).zip(blobs).map(leaf).collect()
}

fn check(
    header: &DaHeader,
    proof: &RangeProof,
    namespace: Namespace,
    leaves: &[Node],
    accept: fn(&Node, bool, &Namespace) -> bool,
) -> Result<(), ProofError> {
    let fits = u32::try_from(leaves.len())
        .ok()
        .and_then(|len| proof.start.checked_add(len))
        .is_some_and(|end| end <= proof.count);
    if !fits {
        return Err(ProofError::DataRoot);
    }
    let mut walk = Walk {
        start: proof.start,
        leaves,
        nodes: proof.nodes.iter(),
        accept,
        namespace,
    };
    let root = if proof.count == 0 {
        None
    } else {
        Some(walk.root(0..proof.count).ok_or(ProofError::DataRoot)?)
    };
    let holds = walk.nodes.next().is_none()
        && tree::data_root(proof.salt, proof.count, root.as_ref()) == header.data_root;
    holds.then_some(()).ok_or(ProofError::DataRoot)
}

fn decode(proof: &Proof) -> Result<RangeProof, ProofError> {
    if proof.version != PROOF_VERSION {
        return Err(ProofError::Version(proof.version));
    }
    if proof.bytes.len() > MAX_PROOF_BYTES {
        return Err(ProofError::Malformed("too long"));
    }
    borsh::from_slice(&proof.bytes).map_err(|_| ProofError::Malformed("not the borsh encoding"))
}

fn encode(proof: &RangeProof) -> Option<Proof> {
    Some(Proof {
        version: PROOF_VERSION,
        bytes: borsh::to_vec(proof).ok()?.into(),
    })
}

/// What a block holds, as far as proofs need it: its salt, and its leaves in
/// order of namespace and, within one, of posting.
#[derive(Clone, Debug)]
pub(crate) struct BlockTree {
    salt: u64,
    leaves: Vec<Node>,
}

impl BlockTree {
    /// From (namespace, commitment) in the tree's order.
    pub(crate) fn new(salt: u64, blobs: impl IntoIterator<Item = (Namespace, B256)>) -> Self {
        let mut previous = None;
        let mut index = 0;
        let leaves = blobs
            .into_iter()
            .map(|(namespace, commitment)| {
                index = if previous == Some(namespace) {
                    index + 1
                } else {
                    0
                };
                previous = Some(namespace);
                Node::leaf(namespace, index, commitment)
            })
            .collect();
        Self { salt, leaves }
    }

    fn count(&self) -> Option<u32> {
        u32::try_from(self.leaves.len()).ok()
    }

    /// The commitment to the whole block; `None` where the leaves are not in
    /// order.
    pub(crate) fn data_root(&self) -> Option<B256> {
        let root = tree::root(&self.leaves);
        if root.is_none() && !self.leaves.is_empty() {
            return None;
        }
        Some(tree::data_root(self.salt, self.count()?, root.as_ref()))
    }

    /// Positions of a namespace's leaves.
    pub(crate) fn range(&self, namespace: Namespace) -> std::ops::Range<u32> {
        let start = self.leaves.partition_point(|leaf| leaf.min < namespace);
        let end = self.leaves.partition_point(|leaf| leaf.min <= namespace);
        // A tree has at most 2^32 leaves.
        start as u32..end as u32
    }

    /// A proof that the namespace has exactly the leaves that it has here.
    pub(crate) fn prove_complete(&self, namespace: Namespace) -> Option<Proof> {
        let range = self.range(namespace);
        encode(&RangeProof {
            kind: ProofKind::Completeness,
            salt: self.salt,
            count: self.count()?,
            start: range.start,
            nodes: tree::outside(&self.leaves, &range)?,
        })
    }

    /// A proof that the namespace's blob `index` stands in the block.
    pub(crate) fn prove_included(&self, namespace: Namespace, index: u32) -> Option<Proof> {
        let range = self.range(namespace);
        let start = range.start.checked_add(index)?;
        if start >= range.end {
            return None;
        }
        encode(&RangeProof {
            kind: ProofKind::Inclusion,
            salt: self.salt,
            count: self.count()?,
            start,
            nodes: tree::outside(&self.leaves, &(start..start + 1))?,
        })
    }
}

#[cfg(test)]
mod tests;
