//! What Blobstream relays to an EVM chain: data roots by height.

use alloy_primitives::{B256, U256};
use celestia_types::MerkleProof;
use sha2::Digest;
use tendermint::{crypto::default::Sha256, merkle};

/// One leaf: the ABI encoding of `(uint256 height, bytes32 dataRoot)`.
///
/// Source: blobstream-contracts, `DataRootTuple`.
pub fn tuple(height: u64, data_root: B256) -> [u8; 64] {
    let mut leaf = [0; 64];
    let (first, second) = leaf.split_at_mut(32);
    first.copy_from_slice(&U256::from(height).to_be_bytes::<32>());
    second.copy_from_slice(data_root.as_slice());
    leaf
}

/// The root over tuples of ascending heights: a tree after RFC 6962 with
/// SHA-256.
pub fn root(tuples: &[[u8; 64]]) -> B256 {
    merkle::simple_hash_from_byte_vectors::<Sha256>(tuples).into()
}

/// The way from one tuple to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TupleProof {
    /// Hashes beside the way, from below.
    pub side_nodes: Vec<B256>,
    /// Index of the tuple.
    pub key: u64,
    /// Number of tuples.
    pub leaves: u64,
}

/// Proves that the tuple at `index` stands under [`root`]; `None` where there
/// is no such tuple.
pub fn prove(tuples: &[[u8; 64]], index: usize) -> Option<TupleProof> {
    let (proof, _) = MerkleProof::new(index, tuples).ok()?;
    Some(TupleProof {
        side_nodes: proof.aunts.iter().map(|&hash| hash.into()).collect(),
        key: index as u64,
        leaves: tuples.len() as u64,
    })
}

/// Whether `leaf` is the tuple with the proof's index under `root`;
/// `contracts/BlobstreamProof.sol` walks the same way.
pub fn verify(root: B256, leaf: &[u8; 64], proof: &TupleProof) -> bool {
    climb(leaf, proof.key, proof.leaves, &proof.side_nodes) == Some(root)
}

/// What a leaf and the hashes beside its way, from below, lead to in a tree of
/// any number of leaves; `None` where they are too few, too many, or there is
/// no such leaf.
///
/// Source: RFC 9162, §2.1.3.2; a node that is the last of its level and stands
/// on the left has no sibling there.
pub(crate) fn climb(leaf: &[u8], mut index: u64, leaves: u64, path: &[B256]) -> Option<B256> {
    let hash = |prefix: u8, left: &[u8], right: &[u8]| -> B256 {
        let digest: [u8; 32] = sha2::Sha256::new_with_prefix([prefix])
            .chain_update(left)
            .chain_update(right)
            .finalize()
            .into();
        digest.into()
    };
    let mut last = leaves.checked_sub(1)?;
    if index > last {
        return None;
    }
    let mut found = hash(0, leaf, &[]);
    for beside in path {
        if last == 0 {
            return None;
        }
        if index & 1 == 1 || index == last {
            found = hash(1, beside.as_slice(), found.as_slice());
            while index & 1 == 0 && index != 0 {
                index >>= 1;
                last >>= 1;
            }
        } else {
            found = hash(1, found.as_slice(), beside.as_slice());
        }
        index >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tuple_is_two_words() {
        let leaf = tuple(0x0102, B256::repeat_byte(7));
        assert_eq!(leaf[30..], [&[1, 2][..], &[7; 32]].concat());
        assert!(leaf[..30].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn every_tuple_is_proved_under_the_root() {
        for count in 1..9u64 {
            let tuples: Vec<_> = (0..count)
                .map(|n| tuple(10 + n, B256::with_last_byte(n as u8)))
                .collect();
            let root = root(&tuples);
            for (at, leaf) in tuples.iter().enumerate() {
                let (proof, computed) = MerkleProof::new(at, &tuples).unwrap();
                assert_eq!(computed, root.0);
                proof.verify(leaf, root.0).unwrap();
                let other = tuple(10 + at as u64, B256::repeat_byte(0xff));
                assert!(proof.verify(other, root.0).is_err());
            }
        }
    }

    #[test]
    fn a_tuple_is_proved_at_its_place_alone() {
        for count in 1..=17usize {
            let tuples: Vec<_> = (0..count as u64)
                .map(|n| tuple(10 + n, B256::with_last_byte(n as u8)))
                .collect();
            let root = root(&tuples);
            for (at, leaf) in tuples.iter().enumerate() {
                let proof = prove(&tuples, at).unwrap();
                assert!(verify(root, leaf, &proof), "{at} of {count}");
                assert!(!verify(B256::ZERO, leaf, &proof));
                for (other, tuple) in tuples.iter().enumerate() {
                    assert_eq!(verify(root, tuple, &proof), other == at);
                }
                for key in 0..=count as u64 {
                    let moved = TupleProof {
                        key,
                        ..proof.clone()
                    };
                    assert_eq!(verify(root, leaf, &moved), key == at as u64);
                }
                let mut spoilt = vec![TupleProof {
                    leaves: 0,
                    ..proof.clone()
                }];
                let mut longer = proof.clone();
                longer.side_nodes.push(B256::ZERO);
                spoilt.push(longer);
                if !proof.side_nodes.is_empty() {
                    let mut shorter = proof.clone();
                    shorter.side_nodes.pop();
                    spoilt.push(shorter);
                    let mut reversed = proof.clone();
                    reversed.side_nodes.reverse();
                    if reversed != proof {
                        spoilt.push(reversed);
                    }
                }
                for proof in spoilt {
                    assert!(!verify(root, leaf, &proof), "{proof:?}");
                }
            }
            assert_eq!(prove(&tuples, count), None);
        }
    }
}
