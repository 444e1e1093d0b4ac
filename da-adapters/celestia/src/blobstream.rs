//! What Blobstream relays to an EVM chain: data roots by height.

use alloy_primitives::{B256, U256};
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

#[cfg(test)]
mod tests {
    use super::*;
    use celestia_types::MerkleProof;

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
}
