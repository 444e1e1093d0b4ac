//! Original squares, laid out as Celestia's proposers do.
//!
//! Source: celestia-app specification, "Data Square Layout", and go-square's
//! builder.

use super::compact::{Stream, shares_for, unit_bytes};
use crate::{SHARE_BYTES, gas};
use celestia_proto::proto::blob::v4::IndexWrapper;
use celestia_types::{Blob, nmt::Namespace};
use prost::Message;

/// What an index in a wrapped transaction is reckoned as before it is known:
/// the last one of the widest square.
const WORST_INDEX: u32 = 512 * 512;

/// A signed transaction that pays for blobs, with the blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobUnit {
    /// The signed transaction without its blobs.
    pub tx: Vec<u8>,
    /// The blobs, in the transaction's order; none is empty.
    pub blobs: Vec<Blob>,
}

impl BlobUnit {
    fn wrapped(&self, share_indexes: Vec<u32>) -> Vec<u8> {
        IndexWrapper {
            tx: self.tx.clone(),
            share_indexes,
            type_id: "INDX".to_owned(),
        }
        .encode_to_vec()
    }
}

/// An original square.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Square {
    width: u16,
    shares: Vec<u8>,
    starts: Vec<Vec<u32>>,
}

impl Square {
    /// The square of a block without transactions: one share of tail padding.
    pub fn empty() -> Self {
        let mut shares = Vec::new();
        pad(&mut shares, Namespace::TAIL_PADDING, 0, 1);
        Self {
            width: 1,
            shares,
            starts: Vec::new(),
        }
    }

    /// A square from what [`content`](Self::content) gave; `None` where that
    /// does not fit the width.
    pub fn from_content(width: u16, content: &[u8]) -> Option<Self> {
        let total = usize::from(width).pow(2);
        if !width.is_power_of_two() || !content.len().is_multiple_of(SHARE_BYTES) {
            return None;
        }
        let missing = total.checked_sub(content.len() / SHARE_BYTES)?;
        let mut shares = content.to_vec();
        pad(&mut shares, Namespace::TAIL_PADDING, 0, missing);
        Some(Self {
            width,
            shares,
            starts: Vec::new(),
        })
    }

    /// Width in shares, a power of two.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// All shares, row after row.
    pub fn shares(&self) -> &[u8] {
        &self.shares
    }

    /// The shares before the tail padding.
    pub fn content(&self) -> &[u8] {
        let tail = Namespace::TAIL_PADDING;
        let count = self
            .shares
            .chunks_exact(SHARE_BYTES)
            .take_while(|share| !share.starts_with(tail.as_bytes()))
            .count();
        self.shares.get(..count * SHARE_BYTES).unwrap_or_default()
    }

    /// Where each blob of each unit begins, counted in shares of this square.
    pub fn starts(&self) -> &[Vec<u32>] {
        &self.starts
    }
}

/// Collects what goes into a square.
#[derive(Clone, Debug)]
pub struct SquareBuilder {
    max_width: u16,
    txs: Vec<Vec<u8>>,
    units: Vec<BlobUnit>,
    tx_bytes: usize,
    unit_bytes: usize,
    blob_shares: usize,
}

impl SquareBuilder {
    /// For a square of at most `max_width` by `max_width` shares.
    pub const fn new(max_width: u16) -> Self {
        Self {
            max_width,
            txs: Vec::new(),
            units: Vec::new(),
            tx_bytes: 0,
            unit_bytes: 0,
            blob_shares: 0,
        }
    }

    /// Adds an ordinary transaction. `false`, and nothing is added, where it
    /// does not fit.
    pub fn push_tx(&mut self, tx: Vec<u8>) -> bool {
        let tx_bytes = self.tx_bytes + unit_bytes(tx.len());
        let fits = self.fits(tx_bytes, self.unit_bytes, self.blob_shares);
        if fits {
            self.tx_bytes = tx_bytes;
            self.txs.push(tx);
        }
        fits
    }

    /// Adds a transaction with blobs. `false`, and nothing is added, where it
    /// does not fit.
    pub fn push(&mut self, unit: BlobUnit) -> bool {
        let worst = unit.wrapped(vec![WORST_INDEX; unit.blobs.len()]).len();
        let bytes = self.unit_bytes + unit_bytes(worst);
        let blobs: usize = unit.blobs.iter().map(estimate).sum();
        let fits = self.fits(self.tx_bytes, bytes, self.blob_shares + blobs);
        if fits {
            self.unit_bytes = bytes;
            self.blob_shares += blobs;
            self.units.push(unit);
        }
        fits
    }

    /// The units added, in order.
    pub fn units(&self) -> &[BlobUnit] {
        &self.units
    }

    fn fits(&self, tx_bytes: usize, unit_bytes: usize, blob_shares: usize) -> bool {
        shares_for(tx_bytes) + shares_for(unit_bytes) + blob_shares
            <= usize::from(self.max_width).pow(2)
    }

    /// Lays the square out. Its width follows from an estimate that reckons
    /// with the longest indexes and the most padding, not from what is needed
    /// in the end: other proposers reckon the same way.
    pub fn build(self) -> Square {
        if self.txs.is_empty() && self.units.is_empty() {
            return Square::empty();
        }
        let tx_shares = shares_for(self.tx_bytes);
        let reserved = tx_shares + shares_for(self.unit_bytes);
        let width = width_for(reserved + self.blob_shares);

        let mut order: Vec<(usize, usize, &Blob)> = Vec::new();
        for (unit, blobs) in self.units.iter().map(|unit| &unit.blobs).enumerate() {
            order.extend(blobs.iter().enumerate().map(|(blob, b)| (unit, blob, b)));
        }
        // Stable: within a namespace the order of the transactions holds.
        order.sort_by_key(|(_, _, blob)| blob.namespace);

        let mut starts: Vec<Vec<u32>> = self
            .units
            .iter()
            .map(|unit| vec![0; unit.blobs.len()])
            .collect();
        let mut blobs = Vec::new();
        let mut cursor = reserved;
        let mut first = reserved;
        let mut previous: Option<&Blob> = None;
        for (unit, index, blob) in order {
            let start = cursor.next_multiple_of(alignment(blob));
            if let Some(previous) = previous {
                pad(
                    &mut blobs,
                    previous.namespace,
                    previous.share_version,
                    start - cursor,
                );
            } else {
                first = start;
            }
            if let Some(place) = starts.get_mut(unit).and_then(|unit| unit.get_mut(index)) {
                *place = start as u32;
            }
            write_blob(&mut blobs, blob);
            cursor = reserved_after(first, &blobs);
            previous = Some(blob);
        }

        let mut shares = Vec::with_capacity(usize::from(width).pow(2) * SHARE_BYTES);
        let mut stream = Stream::default();
        self.txs.iter().for_each(|tx| stream.push(tx));
        let mut written = stream.write(Namespace::TRANSACTION, &mut shares);
        let mut stream = Stream::default();
        for (unit, starts) in self.units.iter().zip(&starts) {
            stream.push(&unit.wrapped(starts.clone()));
        }
        written += stream.write(Namespace::PAY_FOR_BLOB, &mut shares);
        // Only where blobs follow: else the rest is tail padding.
        if !blobs.is_empty() {
            pad(
                &mut shares,
                Namespace::PRIMARY_RESERVED_PADDING,
                0,
                first.saturating_sub(written),
            );
        }
        shares.append(&mut blobs);
        let total = usize::from(width).pow(2);
        let missing = total.saturating_sub(shares.len() / SHARE_BYTES);
        pad(&mut shares, Namespace::TAIL_PADDING, 0, missing);
        Square {
            width,
            shares,
            starts,
        }
    }
}

/// The index behind the blobs written so far.
fn reserved_after(first: usize, blobs: &[u8]) -> usize {
    first + blobs.len() / SHARE_BYTES
}

fn alignment(blob: &Blob) -> usize {
    gas::subtree_width(shares_of(blob)) as usize
}

fn shares_of(blob: &Blob) -> u64 {
    gas::shares_needed(blob.data.len() as u64, blob.signer.is_some())
}

/// Shares of a blob with the most padding that can come before it.
fn estimate(blob: &Blob) -> usize {
    shares_of(blob) as usize + alignment(blob) - 1
}

/// The smallest power of two whose square holds so many shares.
fn width_for(shares: usize) -> u16 {
    let floor = shares.isqrt();
    let side = if floor * floor < shares {
        floor + 1
    } else {
        floor
    };
    // What fits `max_width` is at most 512 wide.
    side.next_power_of_two() as u16
}

/// Appends padding: namespace, version and start bit, length 0, zeros.
fn pad(square: &mut Vec<u8>, namespace: Namespace, version: u8, count: usize) {
    for _ in 0..count {
        let end = square.len() + SHARE_BYTES;
        square.extend_from_slice(namespace.as_bytes());
        square.push(version << 1 | 1);
        square.resize(end, 0);
    }
}

/// Appends a blob's sparse shares.
fn write_blob(square: &mut Vec<u8>, blob: &Blob) {
    use celestia_types::state::AddressTrait;
    let mut rest = blob.data.as_slice();
    let mut first = true;
    while first || !rest.is_empty() {
        let end = square.len() + SHARE_BYTES;
        square.extend_from_slice(blob.namespace.as_bytes());
        square.push(blob.share_version << 1 | u8::from(first));
        if first {
            square.extend_from_slice(&(blob.data.len() as u32).to_be_bytes());
            if let Some(signer) = &blob.signer {
                square.extend_from_slice(signer.as_bytes());
            }
        }
        let (now, later) = rest.split_at((end - square.len()).min(rest.len()));
        square.extend_from_slice(now);
        square.resize(end, 0);
        rest = later;
        first = false;
    }
}

#[cfg(test)]
mod tests;
