//! Everything of one namespace in one block, and nothing else.

use crate::{ProofError, TrustedHeader, candidate_rows, gas};
use celestia_types::{
    Blob, Share,
    consts::appconsts::SHARE_VERSION_TWO,
    namespace_data::NamespaceData,
    nmt::{Namespace, NamespaceProof},
    row_namespace_data::RowNamespaceData,
};
use std::fmt;

/// A blob and where its first share stands in the square.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedBlob {
    /// The blob; its commitment was computed from its bytes, its index is not
    /// set.
    pub blob: Blob,
    /// Row of its first share.
    pub row: u16,
    /// Column of its first share, below the width of the original square.
    pub column: u16,
    /// Shares that it takes.
    pub shares: u32,
}

/// Shares of the namespace that are no blob.
///
/// They are facts about Celestia, not about the endpoint: the proof holds for
/// them. Every node skips the same ones, by the rules of
/// [`verify_namespace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Row of the first of them.
    pub row: u16,
    /// Column of the first of them.
    pub column: u16,
    /// Why.
    pub reason: SkipReason,
}

/// Why shares are no blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// They continue a sequence that does not begin in the namespace.
    NoStart,
    /// The sequence ends with the namespace, or where another one begins,
    /// before it has the length that it names.
    CutShort,
    /// Shares of different versions, or of a version that is not known.
    Version,
    /// The blob's bytes do not lie in the square (share version 2).
    NotInSquare,
    /// The shares read, and still are no blob.
    Unreadable,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoStart => "shares that continue nothing",
            Self::CutShort => "a sequence that is cut short",
            Self::Version => "shares of different or unknown versions",
            Self::NotInSquare => "a blob whose bytes do not lie in the square",
            Self::Unreadable => "a sequence that is no blob",
        })
    }
}

/// What a namespace holds in one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceContent {
    /// Its blobs in the order of the square: rows ascending, in a row columns
    /// ascending. Complete.
    pub blobs: Vec<PlacedBlob>,
    /// What else it holds, in the same order.
    pub skipped: Vec<Skipped>,
}

/// The complete and ordered content of `namespace` in a block. Pure, and free
/// of panics whatever `data` is.
///
/// `Ok` means that the header commits to exactly this content: for every row
/// whose range includes the namespace there is a proof that its shares are all
/// of that namespace in the row, or that there are none.
///
/// Sequences of shares that are no blob are skipped: from a share that begins
/// no sequence to the next share; from a sequence that is cut short, of mixed
/// or unknown version, or otherwise unreadable, from its first share to the
/// next one; from a blob of share version 2 past its end. Padding is skipped
/// without a trace.
///
/// Source: celestia-node, shwap `NamespaceData`; the completeness of a
/// namespaced Merkle proof, celestia nmt specification.
pub fn verify_namespace(
    header: &TrustedHeader,
    namespace: Namespace,
    data: &NamespaceData,
) -> Result<NamespaceContent, ProofError> {
    let rows = candidate_rows(header.dah(), namespace);
    if rows.len() != data.rows().len() {
        return Err(ProofError::RowCount {
            expected: rows.len(),
            found: data.rows().len(),
        });
    }
    verify_rows(header, namespace, &rows, data.rows())
}

/// As [`verify_namespace`] for the first candidate rows only.
pub(crate) fn verify_rows(
    header: &TrustedHeader,
    namespace: Namespace,
    rows: &[u16],
    data: &[RowNamespaceData],
) -> Result<NamespaceContent, ProofError> {
    let width = u32::from(header.extended_width());
    let mut shares = Vec::new();
    for (&row, part) in rows.iter().zip(data) {
        let fail = |what: &'static str| ProofError::Row { row, what };
        let root = header.dah().row_root(row).ok_or(fail("no such row"))?;
        check_structure(&part.proof, width).map_err(fail)?;
        if part.shares.is_empty() != part.proof.is_of_absence() {
            return Err(fail("the proof is of the other kind"));
        }
        if part.proof.is_of_presence() {
            let len = part.proof.end_idx() - part.proof.start_idx();
            if usize::try_from(len) != Ok(part.shares.len()) {
                return Err(fail("the number of shares is not the proof's"));
            }
            if part.proof.end_idx() > width / 2 {
                return Err(fail("shares stand beyond the original square"));
            }
        }
        if part
            .shares
            .iter()
            .any(|share| share.namespace() != namespace)
        {
            return Err(fail("a share is of another namespace"));
        }
        part.proof
            .verify_complete_namespace(&root, &part.shares, *namespace)
            .map_err(|_| fail("the shares are not what the row's root commits to"))?;
        // At most 1,024: checked against the width.
        let first = part.proof.start_idx() as u16;
        shares.extend(
            (first..)
                .zip(&part.shares)
                .map(|(column, share)| (row, column, share)),
        );
    }
    Ok(read(&shares))
}

/// Refuses what is no proof for a range of leaves of a tree of `width` leaves.
///
/// The number of siblings that a range has is fixed by its ends, so that
/// whoever walks the tree finds each node that it asks for.
pub(crate) fn check_structure(proof: &NamespaceProof, width: u32) -> Result<(), &'static str> {
    let (start, end) = (proof.start_idx(), proof.end_idx());
    if start >= end || end > width {
        return Err("the proof's range is not one of the row");
    }
    if !proof.max_ns_ignored() {
        return Err("the proof is for another kind of tree");
    }
    if proof.siblings().len() != (start.count_ones() + (width - end).count_ones()) as usize {
        return Err("the proof has too few or too many nodes");
    }
    if proof.is_of_absence() && (end - start != 1 || proof.leaf().is_none()) {
        return Err("the proof of absence names no leaf");
    }
    Ok(())
}

/// Cuts shares of one namespace into blobs.
fn read(shares: &[(u16, u16, &Share)]) -> NamespaceContent {
    let mut content = NamespaceContent::default();
    let mut at = 0;
    let mut orphans = false;
    while let Some(&(row, column, share)) = shares.get(at) {
        let Some(length) = share.sequence_length() else {
            if !orphans {
                let reason = SkipReason::NoStart;
                content.skipped.push(Skipped {
                    row,
                    column,
                    reason,
                });
            }
            orphans = true;
            at += 1;
            continue;
        };
        orphans = false;
        if length == 0 {
            at += 1;
            continue;
        }
        match sequence(shares.get(at..).unwrap_or_default(), length) {
            Ok((blob, count)) => {
                content.blobs.push(PlacedBlob {
                    blob,
                    row,
                    column,
                    // A row has at most 512 shares of it, and 512 rows exist.
                    shares: count as u32,
                });
                at += count;
            }
            Err((reason, skip)) => {
                content.skipped.push(Skipped {
                    row,
                    column,
                    reason,
                });
                // What follows a sequence that is refused was named with it.
                orphans = true;
                at += skip;
            }
        }
    }
    content
}

/// The blob that begins at the first share and says that it has `length`
/// bytes, with the number of its shares; or why not, and how many to skip.
fn sequence(
    shares: &[(u16, u16, &Share)],
    length: u32,
) -> Result<(Blob, usize), (SkipReason, usize)> {
    let Some((_, _, first)) = shares.first() else {
        return Err((SkipReason::CutShort, 1));
    };
    let version = first.info_byte().map(|info| info.version());
    let needed = gas::shares_needed(u64::from(length), first.signer().is_some());
    let own = usize::try_from(needed)
        .ok()
        .and_then(|needed| shares.get(..needed))
        .ok_or((SkipReason::CutShort, 1))?;
    for (_, _, share) in own.iter().skip(1) {
        if share.sequence_length().is_some() {
            return Err((SkipReason::CutShort, 1));
        }
        if share.info_byte().map(|info| info.version()) != version {
            return Err((SkipReason::Version, 1));
        }
    }
    if version.is_none_or(|version| version > SHARE_VERSION_TWO) {
        return Err((SkipReason::Version, 1));
    }
    let blob = Blob::reconstruct(own.iter().map(|(_, _, share)| *share))
        .map_err(|_| (SkipReason::Unreadable, 1))?;
    if version == Some(SHARE_VERSION_TWO) {
        return Err((SkipReason::NotInSquare, own.len()));
    }
    Ok((blob, own.len()))
}

#[cfg(all(test, feature = "devnet"))]
mod tests;
