//! Proofs of the simulated layer: a block's data root commits to the list of
//! its blobs, and a proof is that list.

use super::SimDaError;
use alloy_primitives::{B256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{DaClaim, DaHeader, DaLane, PostedBlob, Proof};

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Leaf {
    lane: DaLane,
    commitment: B256,
}

fn leaves<'a>(blobs: impl Iterator<Item = (DaLane, &'a [u8])>) -> Vec<u8> {
    let leaves: Vec<Leaf> = blobs
        .map(|(lane, data)| Leaf {
            lane,
            commitment: keccak256(data),
        })
        .collect();
    // Writing into a vector cannot fail.
    borsh::to_vec(&leaves).unwrap_or_default()
}

/// The data root of a block with these blobs, and the proof of all of them.
pub(super) fn seal<'a>(blobs: impl Iterator<Item = (DaLane, &'a [u8])>) -> (B256, Proof) {
    let bytes = leaves(blobs);
    let root = keccak256(&bytes);
    let proof = Proof {
        version: 1,
        bytes: bytes.into(),
    };
    (root, proof)
}

/// Checks a claim against a header.
pub(super) fn verify(header: &DaHeader, claim: &DaClaim, proof: &Proof) -> Result<(), SimDaError> {
    if proof.version != 1 || keccak256(&proof.bytes) != header.data_root {
        return Err(SimDaError::NoProof);
    }
    let listed: Vec<Leaf> = borsh::from_slice(&proof.bytes).map_err(|_| SimDaError::NoProof)?;
    let stands = |index: u32, lane: DaLane, commitment: B256, data: &[u8]| {
        let leaf = Leaf { lane, commitment };
        keccak256(data) == commitment && listed.get(index as usize) == Some(&leaf)
    };
    let holds = match claim {
        DaClaim::Included {
            reference,
            lane,
            data,
        } => {
            reference.block == header.id()
                && stands(reference.index, *lane, reference.commitment, data)
        }
        DaClaim::Complete { blobs } => {
            let each = |(index, blob): (usize, &PostedBlob)| {
                blob.reference.index as usize == index
                    && blob.reference.block == header.id()
                    && stands(
                        blob.reference.index,
                        blob.lane,
                        blob.reference.commitment,
                        &blob.data,
                    )
            };
            blobs.len() == listed.len() && blobs.iter().enumerate().all(each)
        }
    };
    if holds {
        Ok(())
    } else {
        Err(SimDaError::NoProof)
    }
}
