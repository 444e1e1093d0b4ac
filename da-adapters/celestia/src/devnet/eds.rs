//! Extended squares: parity, roots, and proofs against them.
//!
//! Source: celestia-app specification, "2D Reed-Solomon Encoding Scheme" and
//! "Namespace Merkle Tree".

use super::square::Square;
use crate::{SHARE_BYTES, candidate_rows};
use celestia_types::{
    AxisType, DataAvailabilityHeader, Share, ShareProof,
    nmt::{
        MerkleHash, NS_SIZE, Namespace, NamespaceMerkleHasher, NamespaceProof, NamespacedHash,
        NamespacedSha2Hasher,
    },
    row_namespace_data::RowNamespaceData,
    sample::Sample,
};
use nmt_rs::{nmt_proof::NamespaceProof as RawProof, simple_merkle::proof::Proof};
use rayon::prelude::*;
use std::ops::Range;

/// The widest original square that can be extended: the code over GF(2^8) has
/// 256 shards.
pub const MAX_WIDTH: u16 = 128;

/// A square with its parity and the hash of each share.
#[derive(Clone, Debug)]
pub struct ExtendedSquare {
    width: usize,
    shares: Vec<u8>,
    leaves: Vec<NamespacedHash>,
    dah: DataAvailabilityHeader,
}

impl ExtendedSquare {
    /// Extends a square; the work is spread over the cores. `None` where it is
    /// wider than [`MAX_WIDTH`].
    pub fn new(square: &Square) -> Option<Self> {
        let shares = extend(square)?;
        let width = usize::from(square.width()) * 2;
        let hasher = NamespacedSha2Hasher::with_ignore_max_ns(true);
        let leaves: Vec<_> = shares
            .par_chunks_exact(SHARE_BYTES)
            .enumerate()
            .map(|(at, share)| {
                let namespace = namespace_of(share, at / width, at % width, width);
                hasher.hash_leaf_with_namespace(share, *namespace)
            })
            .collect();
        let rows = leaves.par_chunks_exact(width).map(root).collect();
        let columns = (0..width)
            .into_par_iter()
            .map(|column| {
                let leaves: Vec<_> = leaves.iter().skip(column).step_by(width).cloned().collect();
                root(&leaves)
            })
            .collect();
        let dah = DataAvailabilityHeader::new(rows, columns).ok()?;
        Some(Self {
            width,
            shares,
            leaves,
            dah,
        })
    }

    /// Width of the extended square.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Roots of rows and columns.
    pub const fn dah(&self) -> &DataAvailabilityHeader {
        &self.dah
    }

    /// All shares, row after row.
    pub fn shares(&self) -> &[u8] {
        &self.shares
    }

    /// A share's bytes; `None` outside of the square.
    pub fn share_bytes(&self, row: usize, column: usize) -> Option<&[u8]> {
        if row >= self.width || column >= self.width {
            return None;
        }
        let at = (row * self.width + column) * SHARE_BYTES;
        self.shares.get(at..at + SHARE_BYTES)
    }

    /// A share; `None` outside of the square.
    pub fn share(&self, row: usize, column: usize) -> Option<Share> {
        let bytes = self.share_bytes(row, column)?;
        let original = self.width / 2;
        if row < original && column < original {
            Share::from_raw(bytes).ok()
        } else {
            Share::parity(bytes).ok()
        }
    }

    /// What a row holds of a namespace: presence, absence, or `None` where the
    /// row's range does not include it.
    pub fn row_namespace_data(&self, row: usize, namespace: Namespace) -> Option<RowNamespaceData> {
        let range = row * self.width..(row + 1) * self.width;
        let leaves = self.leaves.get(range)?;
        let start = leaves.partition_point(|leaf| leaf.min_namespace() < *namespace);
        let end = leaves.partition_point(|leaf| leaf.min_namespace() <= *namespace);
        if start == end {
            let leaf = leaves.get(start)?;
            return Some(RowNamespaceData {
                proof: NamespaceProof::from(RawProof::AbsenceProof {
                    proof: range_proof(leaves, start..start + 1),
                    ignore_max_ns: true,
                    leaf: Some(leaf.clone()),
                }),
                shares: Vec::new(),
            });
        }
        Some(RowNamespaceData {
            proof: presence(leaves, start..end),
            shares: (start..end)
                .map(|column| self.share(row, column))
                .collect::<Option<_>>()?,
        })
    }

    /// What each row that may hold a namespace holds of it.
    pub fn namespace_data(&self, namespace: Namespace) -> Vec<RowNamespaceData> {
        candidate_rows(&self.dah, namespace)
            .into_iter()
            .filter_map(|row| self.row_namespace_data(usize::from(row), namespace))
            .collect()
    }

    /// A proof for shares of the original square, counted in that square. They
    /// must be of one namespace; `None` where they are not, or do not exist.
    pub fn share_proof(&self, range: Range<u64>) -> Option<ShareProof> {
        let original = self.width as u64 / 2;
        if range.is_empty() || range.end > original * original {
            return None;
        }
        let (first, last) = (range.start / original, (range.end - 1) / original);
        let mut data = Vec::new();
        let mut share_proofs = Vec::new();
        let mut namespace = None;
        for row in first..=last {
            let start = range.start.max(row * original) - row * original;
            let end = range.end.min((row + 1) * original) - row * original;
            let (row, columns) = (row as usize, start as usize..end as usize);
            let leaves = self.leaves.get(row * self.width..(row + 1) * self.width)?;
            for column in columns.clone() {
                let share = self.share(row, column)?;
                if *namespace.get_or_insert(share.namespace()) != share.namespace() {
                    return None;
                }
                data.push(*share.data());
            }
            share_proofs.push(presence(leaves, columns));
        }
        Some(ShareProof {
            data,
            namespace_id: namespace?,
            share_proofs,
            row_proof: self.dah.row_proof(first as u16..=last as u16).ok()?,
        })
    }

    /// A share with a proof against its row's root; `None` outside.
    pub fn sample(&self, row: usize, column: usize) -> Option<Sample> {
        let leaves = self.leaves.get(row * self.width..(row + 1) * self.width)?;
        Some(Sample {
            proof_type: AxisType::Row,
            share: self.share(row, column)?,
            proof: presence(leaves, column..column + 1),
        })
    }
}

fn presence(leaves: &[NamespacedHash], range: Range<usize>) -> NamespaceProof {
    NamespaceProof::from(RawProof::PresenceProof {
        proof: range_proof(leaves, range),
        ignore_max_ns: true,
    })
}

/// Parity of a share's place is of a namespace of its own.
fn namespace_of(share: &[u8], row: usize, column: usize, width: usize) -> Namespace {
    if row >= width / 2 || column >= width / 2 {
        return Namespace::PARITY_SHARE;
    }
    share
        .get(..NS_SIZE)
        .and_then(|bytes| Namespace::from_raw(bytes).ok())
        .unwrap_or(Namespace::PARITY_SHARE)
}

/// The root over a power of two of leaves.
fn root(leaves: &[NamespacedHash]) -> NamespacedHash {
    let hasher = NamespacedSha2Hasher::with_ignore_max_ns(true);
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => hasher.hash_nodes(left, right),
                other => other.first().cloned().unwrap_or_default(),
            })
            .collect();
    }
    level.pop().unwrap_or_default()
}

/// The nodes beside a range of leaves, left to right.
fn range_proof(leaves: &[NamespacedHash], range: Range<usize>) -> Proof<NamespacedSha2Hasher> {
    fn collect(
        leaves: &[NamespacedHash],
        offset: usize,
        range: &Range<usize>,
        siblings: &mut Vec<NamespacedHash>,
    ) {
        let end = offset + leaves.len();
        if end <= range.start || offset >= range.end {
            siblings.push(root(leaves));
        } else if leaves.len() > 1 && !(range.start <= offset && end <= range.end) {
            let (left, right) = leaves.split_at(leaves.len() / 2);
            collect(left, offset, range, siblings);
            collect(right, offset + left.len(), range, siblings);
        }
    }
    let mut siblings = Vec::new();
    collect(leaves, 0, &range, &mut siblings);
    Proof {
        siblings,
        range: range.start as u32..range.end as u32,
    }
}

/// The four quadrants, row after row.
fn extend(square: &Square) -> Option<Vec<u8>> {
    let original = usize::from(square.width());
    if square.width() > MAX_WIDTH || square.shares().len() != original * original * SHARE_BYTES {
        return None;
    }
    let width = 2 * original;
    let row_bytes = width * SHARE_BYTES;
    let mut extended = vec![0; width * row_bytes];
    let (top, bottom) = extended.split_at_mut(original * row_bytes);
    top.par_chunks_exact_mut(row_bytes)
        .zip(square.shares().par_chunks_exact(original * SHARE_BYTES))
        .try_for_each(|(row, data)| {
            row.get_mut(..data.len())?.copy_from_slice(data);
            encode(row, original)
        })?;
    // A column's parity, one column after the other.
    let columns: Vec<Vec<u8>> = (0..original)
        .into_par_iter()
        .map(|column| {
            let mut shards = Vec::with_capacity(row_bytes);
            for row in square.shares().chunks_exact(original * SHARE_BYTES) {
                shards
                    .extend_from_slice(row.get(column * SHARE_BYTES..(column + 1) * SHARE_BYTES)?);
            }
            shards.resize(row_bytes, 0);
            encode(&mut shards, original)?;
            Some(shards.split_off(original * SHARE_BYTES))
        })
        .collect::<Option<_>>()?;
    bottom
        .par_chunks_exact_mut(row_bytes)
        .enumerate()
        .try_for_each(|(at, row)| {
            for (place, column) in row.chunks_exact_mut(SHARE_BYTES).zip(&columns) {
                place.copy_from_slice(column.get(at * SHARE_BYTES..(at + 1) * SHARE_BYTES)?);
            }
            encode(row, original)
        })?;
    Some(extended)
}

/// Writes parity behind `data` shards.
fn encode(axis: &mut [u8], data: usize) -> Option<()> {
    let mut shards: Vec<&mut [u8]> = axis.chunks_exact_mut(SHARE_BYTES).collect();
    leopard_codec::encode(&mut shards, data).ok()
}

#[cfg(test)]
mod tests;
