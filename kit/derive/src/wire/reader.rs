#[cfg(feature = "std")]
use alloy_primitives::Address;
use alloy_primitives::{B256, Bytes};

/// Why bytes are not one of our encodings. The same bytes give the same
/// reason everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The first bytes are not our magic.
    #[error("the blob does not begin with the magic")]
    NotOurs,
    /// The format version is unknown.
    #[error("format version {0} is unknown")]
    Version(u8),
    /// The kind is unknown or reserved.
    #[error("blob kind {0} is unknown or reserved")]
    Kind(u8),
    /// The blob is for another rollup.
    #[error("the blob names another rollup")]
    OtherRollup,
    /// The bytes end too early, or a length points past their end.
    #[error("the encoding is truncated")]
    Truncated,
    /// Bytes follow the encoding.
    #[error("bytes follow the encoding")]
    Trailing,
    /// A field has a value that the format does not have.
    #[error("field {0} has an impossible value")]
    Field(&'static str),
}

/// Reads borsh fields from the front of a buffer. Never allocates; byte
/// strings are slices of the buffer.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    source: &'a Bytes,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(source: &'a Bytes) -> Self {
        Self { source, at: 0 }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.source.len().saturating_sub(self.at)
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        let end = self.at.checked_add(len).ok_or(WireError::Truncated)?;
        let taken = self.source.get(self.at..end).ok_or(WireError::Truncated)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, WireError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn b256(&mut self) -> Result<B256, WireError> {
        self.array().map(B256::new)
    }

    #[cfg(feature = "std")]
    pub(crate) fn address(&mut self) -> Result<Address, WireError> {
        self.array().map(Address::new)
    }

    /// A byte string with a length in front; shares the buffer.
    pub(crate) fn bytes(&mut self) -> Result<Bytes, WireError> {
        let len = self.u32()? as usize;
        let start = self.at;
        self.take(len)?;
        Ok(self.source.slice(start..start + len))
    }

    /// Everything that is left; shares the buffer.
    pub(crate) fn rest(&mut self) -> Bytes {
        let rest = self.source.slice(self.at..);
        self.at = self.source.len();
        rest
    }

    pub(crate) fn finish(&self) -> Result<(), WireError> {
        if self.remaining() == 0 {
            Ok(())
        } else {
            Err(WireError::Trailing)
        }
    }
}
