//! From the hash of a block that an anchor names down to the data root of a
//! block below it.

use super::OnchainError;
use crate::{TrustedHeader, blobstream::climb};
use alloy_primitives::{B256, Bytes};
use celestia_types::MerkleProof;
use tendermint::block::Header;
use tendermint_proto::{
    Protobuf,
    v0_38::{types::BlockId as RawBlockId, version::Consensus as RawVersion},
};

/// Fields of a header, and those that lead down.
const FIELDS: u64 = 14;
const LAST_BLOCK_ID: usize = 4;
const DATA_HASH: usize = 6;

/// What protobuf writes before 32 bytes of field 1.
const HASH_PREFIX: [u8; 2] = [0x0a, 0x20];

/// The way from a block to its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentField {
    /// The header's field `last_block_id`, as it is encoded.
    pub last_block_id: Bytes,
    /// Hashes from that field to the header's hash, from below.
    pub path: Vec<B256>,
}

/// The way from a block whose hash is known to the data root of a block below
/// it: a rollup's origin may pass over blocks, whose roots are in no anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderWay {
    /// One for each block to go down; none for the block itself.
    pub parents: Vec<ParentField>,
    /// Data root of the block at the end.
    pub data_root: B256,
    /// Hashes from that field to the hash of the block at the end, from below.
    pub path: Vec<B256>,
}

impl HeaderWay {
    /// The way through these headers, from the one whose hash is known down to
    /// the one whose data root is wanted; `None` for no headers.
    pub fn new(headers: &[&TrustedHeader]) -> Option<Self> {
        let (end, above) = headers.split_last()?;
        let parent = |header: &&TrustedHeader| {
            let (field, path) = prove(header.header(), LAST_BLOCK_ID)?;
            Some(ParentField {
                last_block_id: field.into(),
                path,
            })
        };
        Some(Self {
            parents: above.iter().map(parent).collect::<Option<_>>()?,
            data_root: end.facts().data_root,
            path: prove(end.header(), DATA_HASH)?.1,
        })
    }

    /// Checks the way, from the hash of the block at its beginning. `Ok` is the
    /// data root at its end.
    ///
    /// Source: CometBFT specification, "Data Structures", Header.
    pub fn verify(&self, mut hash: B256) -> Result<B256, OnchainError> {
        for (at, parent) in self.parents.iter().enumerate() {
            let field = &parent.last_block_id;
            let below = field
                .strip_prefix(&HASH_PREFIX)
                .and_then(|rest| rest.get(..32))
                .ok_or(OnchainError::WrongParent(at))?;
            if climb(field, LAST_BLOCK_ID as u64, FIELDS, &parent.path) != Some(hash) {
                return Err(OnchainError::WrongField(at));
            }
            hash = B256::from_slice(below);
        }
        let leaf = [&HASH_PREFIX, self.data_root.as_slice()].concat();
        if climb(&leaf, DATA_HASH as u64, FIELDS, &self.path) != Some(hash) {
            return Err(OnchainError::WrongField(self.parents.len()));
        }
        Ok(self.data_root)
    }
}

/// A field's encoding and the hashes from it to the header's hash.
fn prove(header: &Header, field: usize) -> Option<(Vec<u8>, Vec<B256>)> {
    let fields = fields(header);
    let (proof, _) = MerkleProof::new(field, &fields).ok()?;
    let path = proof.aunts.iter().map(|&hash| hash.into()).collect();
    Some((fields.into_iter().nth(field)?, path))
}

/// The header's fields, as its hash has them.
fn fields(header: &Header) -> [Vec<u8>; FIELDS as usize] {
    let header = header.clone();
    [
        Protobuf::<RawVersion>::encode_vec(header.version),
        header.chain_id.encode_vec(),
        header.height.encode_vec(),
        header.time.encode_vec(),
        Protobuf::<RawBlockId>::encode_vec(header.last_block_id.unwrap_or_default()),
        header.last_commit_hash.unwrap_or_default().encode_vec(),
        header.data_hash.unwrap_or_default().encode_vec(),
        header.validators_hash.encode_vec(),
        header.next_validators_hash.encode_vec(),
        header.consensus_hash.encode_vec(),
        header.app_hash.encode_vec(),
        header.last_results_hash.unwrap_or_default().encode_vec(),
        header.evidence_hash.unwrap_or_default().encode_vec(),
        header.proposer_address.encode_vec(),
    ]
}
