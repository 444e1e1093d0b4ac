//! A header that is believed, and what of it others need.

use crate::{MAX_EXTENDED_WIDTH, ProofError};
use alloy_primitives::B256;
use celestia_types::{
    DataAvailabilityHeader, ExtendedHeader, ValidateBasic,
    nmt::{NAMESPACED_HASH_SIZE, NamespacedHash, NamespacedHashExt},
};
use rollwright_core::{DaHeader, DaHeight};
use tendermint::{Hash, block::Header};
use tendermint_proto::{Protobuf, v0_38::types::Header as RawHeader};

/// Longest encoding of a block header that is read; a real one has some 500
/// bytes.
const MAX_HEADER_BYTES: usize = 4_096;

/// A root of a row or a column: least namespace, greatest namespace, hash.
pub(crate) type AxisRoot = [u8; NAMESPACED_HASH_SIZE];

/// A Celestia header that somebody has validated, with the roots of its
/// square.
///
/// What is verified against it is as true as the header. It is made from a
/// header that a chain of headers led to (see
/// `HeaderChain`), or from the facts of a `DaHeader` that
/// is believed and bytes that hash to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedHeader {
    header: Header,
    facts: DaHeader,
    dah: DataAvailabilityHeader,
}

impl TrustedHeader {
    /// Takes a header as it is. The caller has validated it, signatures and
    /// all; here only that the square's roots belong to it is checked.
    pub fn from_validated(extended: &ExtendedHeader) -> Result<Self, ProofError> {
        Self::from_parts(extended.header.clone(), extended.dah.clone())
    }

    pub(crate) fn from_parts(
        header: Header,
        dah: DataAvailabilityHeader,
    ) -> Result<Self, ProofError> {
        check_shape(&dah)?;
        let facts = facts(&header)?;
        if dah.hash() != Hash::Sha256(facts.data_root.0) {
            return Err(ProofError::DataRoot);
        }
        Ok(Self { header, facts, dah })
    }

    /// From encoded header and roots that must hash to facts which are
    /// believed.
    pub(crate) fn decode(
        expected: &DaHeader,
        bytes: &[u8],
        rows: &[AxisRoot],
        columns: &[AxisRoot],
    ) -> Result<Self, ProofError> {
        if bytes.len() > MAX_HEADER_BYTES {
            return Err(ProofError::Malformed("the header is too long"));
        }
        let header = <Header as Protobuf<RawHeader>>::decode(bytes)
            .map_err(|_| ProofError::Malformed("the header does not read"))?;
        if Protobuf::<RawHeader>::encode_vec(header.clone()) != bytes {
            return Err(ProofError::Malformed("the header has another encoding"));
        }
        if rows.len().max(columns.len()) > MAX_EXTENDED_WIDTH {
            return Err(ProofError::Malformed("the square is too wide"));
        }
        let roots = |roots: &[AxisRoot]| {
            roots
                .iter()
                .map(|root| NamespacedHash::from_raw(root))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|_| ProofError::Malformed("a root does not read"))
        };
        let dah = DataAvailabilityHeader::new_unchecked(roots(rows)?, roots(columns)?);
        let this = Self::from_parts(header, dah)?;
        if this.facts != *expected {
            return Err(ProofError::OtherHeader {
                expected: expected.hash,
                found: this.facts.hash,
            });
        }
        Ok(this)
    }

    /// The header as Celestia hashes it.
    pub(crate) fn encode(&self) -> Vec<u8> {
        Protobuf::<RawHeader>::encode_vec(self.header.clone())
    }

    /// What every DA layer says of a block.
    pub const fn facts(&self) -> DaHeader {
        self.facts
    }

    /// The block's header.
    pub(crate) const fn header(&self) -> &Header {
        &self.header
    }

    /// The roots of the square's rows and columns.
    pub const fn dah(&self) -> &DataAvailabilityHeader {
        &self.dah
    }

    /// The block's height.
    pub const fn height(&self) -> u64 {
        self.facts.height.0
    }

    /// Width of the extended square, a power of two from 2 to
    /// [`MAX_EXTENDED_WIDTH`].
    pub fn extended_width(&self) -> u16 {
        self.dah.square_width()
    }
}

/// Refuses roots of what can be no square, before anything else looks at them.
pub(crate) fn check_shape(dah: &DataAvailabilityHeader) -> Result<(), ProofError> {
    let width = dah.row_roots().len();
    if width > MAX_EXTENDED_WIDTH || !width.is_power_of_two() || dah.validate_basic().is_err() {
        return Err(ProofError::Malformed("the roots are those of no square"));
    }
    Ok(())
}

/// The facts of a header, floored to whole seconds.
pub(crate) fn facts(header: &Header) -> Result<DaHeader, ProofError> {
    let Some(Hash::Sha256(data_root)) = header.data_hash else {
        return Err(ProofError::Malformed("the header has no data root"));
    };
    let Hash::Sha256(hash) = header.hash() else {
        return Err(ProofError::Malformed("the header has no hash"));
    };
    let parent_hash = match header.last_block_id.map(|id| id.hash) {
        Some(Hash::Sha256(hash)) => hash.into(),
        Some(Hash::None) | None => B256::ZERO,
    };
    Ok(DaHeader {
        height: DaHeight(header.height.value()),
        hash: hash.into(),
        parent_hash,
        time: u64::try_from(header.time.unix_timestamp()).unwrap_or(0),
        data_root: data_root.into(),
    })
}
