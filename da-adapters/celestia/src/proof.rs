//! Proofs that stand alone: with the facts of a header that is believed,
//! whoever has no node can repeat the check.

use crate::{
    NamespaceContent, PlacedBlob, TrustedHeader, candidate_rows, content::verify_rows,
    header::AxisRoot, verify_namespace,
};
use alloy_primitives::{B256, Bytes};
use borsh::{BorshDeserialize, BorshSerialize};
use celestia_types::{
    Share,
    consts::appconsts::SHARE_SIZE,
    namespace_data::NamespaceData,
    nmt::{Namespace, NamespaceProof, NamespacedHash, NamespacedHashExt},
    row_namespace_data::RowNamespaceData,
    state::AddressTrait,
};
use nmt_rs::{nmt_proof::NamespaceProof as RawProof, simple_merkle::proof::Proof as RangeProof};
use rollwright_core::{BlobRef, DaClaim, DaHeader, DaLane, PostedBlob, Proof};

/// The only proof format so far.
const PROOF_VERSION: u16 = 1;

/// Longest proof that is read: the whole of the widest square, once.
const MAX_PROOF_BYTES: usize = 160 << 20;

/// Why a proof does not show what it is claimed to show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The format is not known.
    #[error("proof version {0} is not known")]
    Version(u16),
    /// Bytes that do not read, or that nobody writes.
    #[error("the proof does not read: {0}")]
    Malformed(&'static str),
    /// The proof is for another header.
    #[error("the proof is for the header {found}, not for {expected}")]
    OtherHeader {
        /// The hash of the header that is believed.
        expected: B256,
        /// The hash of the proof's header.
        found: B256,
    },
    /// The roots of rows and columns do not hash to the header's data root.
    #[error("the roots of the square are not what the header's data root commits to")]
    DataRoot,
    /// Rows are missing, or there are too many.
    #[error("the namespace may stand in {expected} rows of the square, the data is of {found}")]
    RowCount {
        /// Rows whose range includes the namespace.
        expected: usize,
        /// Rows that were given.
        found: usize,
    },
    /// A row does not hold what it is said to hold.
    #[error("row {row} of the square: {what}")]
    Row {
        /// The row.
        row: u16,
        /// What does not hold.
        what: &'static str,
    },
    /// The content is proved, and it is not what is claimed.
    #[error("the block's content is proved, and is not what is claimed: {0}")]
    Claim(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = false)]
enum ProofKind {
    /// Of the blob at this index.
    Inclusion(u32),
    Completeness,
}

/// borsh: the header in protobuf, the roots of the square, and the namespace's
/// part of the rows that may hold it: all of them for a proof of completeness,
/// up to the blob's last one for a proof of inclusion.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Encoded {
    kind: ProofKind,
    header: Vec<u8>,
    rows: Vec<AxisRoot>,
    columns: Vec<AxisRoot>,
    data: Vec<EncodedRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct EncodedRow {
    start: u16,
    end: u16,
    siblings: Vec<AxisRoot>,
    absent: Option<AxisRoot>,
    shares: Vec<[u8; SHARE_SIZE]>,
}

/// A rollup's blobs in a block, as every DA layer names them.
pub fn posted(header: &DaHeader, content: &NamespaceContent) -> Vec<PostedBlob> {
    (0..)
        .zip(&content.blobs)
        .map(|(index, placed)| posted_blob(header, index, placed))
        .collect()
}

fn posted_blob(header: &DaHeader, index: u32, placed: &PlacedBlob) -> PostedBlob {
    PostedBlob {
        reference: BlobRef {
            block: header.id(),
            index,
            commitment: B256::from(*placed.blob.commitment.hash()),
        },
        lane: DaLane::Batch,
        poster: placed
            .blob
            .signer
            .map(|signer| Bytes::copy_from_slice(signer.as_bytes())),
        data: Bytes::copy_from_slice(&placed.blob.data),
    }
}

/// A proof that the content of the namespace is exactly what `data` says;
/// `data` was verified against `header`.
pub fn prove_complete(header: &TrustedHeader, data: &NamespaceData) -> Result<Proof, ProofError> {
    encode(header, ProofKind::Completeness, data.rows())
}

/// A proof that the blob at `index` stands there; `data` and `content` were
/// verified against `header`. `None` where there is no such blob.
///
/// It holds the namespace's part of the rows up to the blob's last one: that a
/// blob is the one at its index among the rollup's blobs is a statement about
/// all that stand before it, which a proof of the blob's own shares does not
/// make.
pub fn prove_included(
    header: &TrustedHeader,
    namespace: Namespace,
    data: &NamespaceData,
    content: &NamespaceContent,
    index: u32,
) -> Option<Result<Proof, ProofError>> {
    let placed = content.blobs.get(usize::try_from(index).ok()?)?;
    let rows = rows_to(header, namespace, placed)?;
    let data = data.rows().get(..rows)?;
    Some(encode(header, ProofKind::Inclusion(index), data))
}

/// How many candidate rows there are up to the last one of a blob.
fn rows_to(header: &TrustedHeader, namespace: Namespace, placed: &PlacedBlob) -> Option<usize> {
    let original = u32::from(header.extended_width() / 2);
    let end = u32::from(placed.column) + placed.shares.checked_sub(1)?;
    let last = u32::from(placed.row) + end / original;
    let rows = candidate_rows(header.dah(), namespace);
    Some(rows.partition_point(|&row| u32::from(row) <= last))
}

/// Checks a claim about one namespace's blobs in a block. Pure.
///
/// `Ok` means: given that `header` is a block of Celestia, the claim holds. A
/// single altered byte in header, claim or proof makes it fail.
pub fn verify(
    namespace: Namespace,
    header: &DaHeader,
    claim: &DaClaim,
    proof: &Proof,
) -> Result<(), ProofError> {
    if proof.version != PROOF_VERSION {
        return Err(ProofError::Version(proof.version));
    }
    if proof.bytes.len() > MAX_PROOF_BYTES {
        return Err(ProofError::Malformed("too long"));
    }
    let encoded: Encoded = borsh::from_slice(&proof.bytes)
        .map_err(|_| ProofError::Malformed("not the borsh encoding"))?;
    let kind = match claim {
        DaClaim::Included { reference, .. } => ProofKind::Inclusion(reference.index),
        DaClaim::Complete { .. } => ProofKind::Completeness,
    };
    if encoded.kind != kind {
        return Err(ProofError::Malformed("a proof of something else"));
    }
    let trusted = TrustedHeader::decode(header, &encoded.header, &encoded.rows, &encoded.columns)?;
    let data = encoded
        .data
        .iter()
        .map(EncodedRow::decode)
        .collect::<Result<Vec<_>, _>>()?;
    match claim {
        DaClaim::Complete { blobs } => {
            let content = verify_namespace(&trusted, namespace, &NamespaceData::new(data))?;
            if posted(header, &content) != *blobs {
                return Err(ProofError::Claim("other blobs, or in another order"));
            }
        }
        DaClaim::Included {
            reference,
            lane,
            data: bytes,
        } => {
            let rows = candidate_rows(trusted.dah(), namespace);
            let rows = rows.get(..data.len()).ok_or(ProofError::RowCount {
                expected: rows.len(),
                found: data.len(),
            })?;
            let content = verify_rows(&trusted, namespace, rows, &data)?;
            let placed = usize::try_from(reference.index)
                .ok()
                .and_then(|index| content.blobs.get(index))
                .ok_or(ProofError::Claim("there is no blob of that index"))?;
            if rows_to(&trusted, namespace, placed) != Some(rows.len()) {
                return Err(ProofError::Malformed("rows beyond the blob's last one"));
            }
            let found = posted_blob(header, reference.index, placed);
            if found.reference != *reference || found.lane != *lane || found.data != *bytes {
                return Err(ProofError::Claim("another blob stands there"));
            }
        }
    }
    Ok(())
}

fn encode(
    header: &TrustedHeader,
    kind: ProofKind,
    data: &[RowNamespaceData],
) -> Result<Proof, ProofError> {
    let roots = |roots: &[NamespacedHash]| roots.iter().map(|root| root.to_array()).collect();
    let encoded = Encoded {
        kind,
        header: header.encode(),
        rows: roots(header.dah().row_roots()),
        columns: roots(header.dah().column_roots()),
        data: data
            .iter()
            .map(EncodedRow::encode)
            .collect::<Result<_, _>>()?,
    };
    let bytes = borsh::to_vec(&encoded).map_err(|_| ProofError::Malformed("too long"))?;
    Ok(Proof {
        version: PROOF_VERSION,
        bytes: bytes.into(),
    })
}

impl EncodedRow {
    fn encode(row: &RowNamespaceData) -> Result<Self, ProofError> {
        let index = |index: u32| {
            u16::try_from(index).map_err(|_| ProofError::Malformed("an index is too large"))
        };
        Ok(Self {
            start: index(row.proof.start_idx())?,
            end: index(row.proof.end_idx())?,
            siblings: row
                .proof
                .siblings()
                .iter()
                .map(|node| node.to_array())
                .collect(),
            absent: row.proof.leaf().map(|leaf| leaf.to_array()),
            shares: row.shares.iter().map(|share| *share.data()).collect(),
        })
    }

    fn decode(&self) -> Result<RowNamespaceData, ProofError> {
        let node = |node: &AxisRoot| {
            NamespacedHash::from_raw(node).map_err(|_| ProofError::Malformed("a node"))
        };
        let proof = RangeProof {
            siblings: self.siblings.iter().map(node).collect::<Result<_, _>>()?,
            range: u32::from(self.start)..u32::from(self.end),
        };
        let ignore_max_ns = true;
        let proof = match &self.absent {
            None => RawProof::PresenceProof {
                proof,
                ignore_max_ns,
            },
            Some(leaf) => RawProof::AbsenceProof {
                proof,
                ignore_max_ns,
                leaf: Some(node(leaf)?),
            },
        };
        Ok(RowNamespaceData {
            proof: NamespaceProof::from(proof),
            shares: self
                .shares
                .iter()
                .map(|share| Share::from_raw(share))
                .collect::<Result<_, _>>()
                .map_err(|_| ProofError::Malformed("a share"))?,
        })
    }
}

#[cfg(all(test, feature = "devnet"))]
mod tests;
