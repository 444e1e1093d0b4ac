use super::{
    BlobKind, WireError,
    blob::{BLOB_HEADER_BYTES, header},
    reader::Reader,
};
use alloc::vec::Vec;
use alloy_consensus::crypto::secp256k1::recover_signer;
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::DaOrdinal;

/// What a stored part counts against its key's capacity besides its piece.
pub const PART_OVERHEAD: u64 = 256;

/// Length of a part blob without its piece.
pub const PART_WIRE_OVERHEAD_BYTES: usize = BLOB_HEADER_BYTES + 3 * 8 + 32 + 3 * 4 + 65 + 4;

/// Keeps a part's signature from meaning anything anywhere else.
const SIGNING_DOMAIN: &[u8] = b"rollwright/part/v1";

/// What the signature of a part vouches for, besides rollup id and piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct PartClaim {
    /// First ordinal of the key-schedule entry that the signer belongs to.
    pub key_entry: DaOrdinal,
    /// Rises whenever a sequencer rebuilds batches that it had posted.
    pub attempt: u64,
    /// Batch number.
    pub number: u64,
    /// keccak256 of the envelope.
    pub batch_id: B256,
    /// Position of the piece.
    pub index: u32,
    /// Number of pieces.
    pub count: u32,
    /// Length of the envelope in bytes.
    pub total_len: u32,
}

/// An ECDSA signature on secp256k1 with low s.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct PartSignature {
    /// Big endian.
    pub r: B256,
    /// Big endian; at most half of the curve's order.
    pub s: B256,
    /// Parity of the nonce point's y: 0 or 1.
    pub parity: u8,
}

/// One numbered piece of a batch envelope, signed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Part {
    /// What is signed together with the piece.
    pub claim: PartClaim,
    /// By a key of the schedule.
    pub signature: PartSignature,
    /// The piece; never empty.
    pub piece: Bytes,
}

/// Why no signer could be recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the signature recovers to no key, or its s is high")]
pub struct SignatureError;

impl PartClaim {
    /// What is signed: keccak256("rollwright/part/v1" ‖ rollup id ‖
    /// borsh(claim) ‖ keccak256(piece)).
    pub fn signing_hash(&self, rollup_id: &B256, piece: &[u8]) -> B256 {
        self.signing_hash_of(rollup_id, &keccak256(piece))
    }

    /// The same, given keccak256 of the piece.
    pub fn signing_hash_of(&self, rollup_id: &B256, piece_hash: &B256) -> B256 {
        let mut input = Vec::with_capacity(192);
        input.extend_from_slice(SIGNING_DOMAIN);
        input.extend_from_slice(rollup_id.as_slice());
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut input, self);
        input.extend_from_slice(piece_hash.as_slice());
        keccak256(input)
    }
}

impl PartSignature {
    /// The recovered address of the signer of `hash`.
    pub fn recover(&self, hash: B256) -> Result<Address, SignatureError> {
        if self.parity > 1 {
            return Err(SignatureError);
        }
        let signature = Signature::new(
            U256::from_be_bytes(self.r.0),
            U256::from_be_bytes(self.s.0),
            self.parity == 1,
        );
        recover_signer(&signature, hash).map_err(|_| SignatureError)
    }
}

impl From<Signature> for PartSignature {
    fn from(signature: Signature) -> Self {
        let low = signature.normalized_s();
        Self {
            r: B256::new(low.r().to_be_bytes()),
            s: B256::new(low.s().to_be_bytes()),
            parity: u8::from(low.v()),
        }
    }
}

impl Part {
    /// The blob.
    pub fn encode(&self, rollup_id: &B256) -> Vec<u8> {
        let body = PART_WIRE_OVERHEAD_BYTES - BLOB_HEADER_BYTES + self.piece.len();
        let mut out = header(BlobKind::Part, rollup_id, body);
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut out, self);
        out
    }

    /// The signer, recovered.
    pub fn signer(&self, rollup_id: &B256) -> Result<Address, SignatureError> {
        self.signature
            .recover(self.claim.signing_hash(rollup_id, &self.piece))
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let claim = PartClaim {
            key_entry: DaOrdinal(reader.u64()?),
            attempt: reader.u64()?,
            number: reader.u64()?,
            batch_id: reader.b256()?,
            index: reader.u32()?,
            count: reader.u32()?,
            total_len: reader.u32()?,
        };
        let signature = PartSignature {
            r: reader.b256()?,
            s: reader.b256()?,
            parity: reader.u8()?,
        };
        let piece = reader.bytes()?;
        reader.finish()?;
        if signature.parity > 1 {
            return Err(WireError::Field("parity"));
        }
        if claim.index >= claim.count {
            return Err(WireError::Field("index"));
        }
        if piece.is_empty() || piece.len() as u64 > u64::from(claim.total_len) {
            return Err(WireError::Field("piece"));
        }
        Ok(Self {
            claim,
            signature,
            piece,
        })
    }
}
