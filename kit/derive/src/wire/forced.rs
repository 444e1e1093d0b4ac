use super::{BlobKind, WireError, blob::header, reader::Reader};
use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes};

/// Transactions that somebody posts for inclusion, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForcedBlob {
    count: u32,
    /// Borsh of the list without its length: checked to be well formed.
    body: Bytes,
}

impl ForcedBlob {
    /// The blob that carries `transactions` (EIP-2718 bytes) to the forced
    /// lane of the rollup. Empty transactions are left out, because the format
    /// does not have them.
    pub fn encode(rollup_id: &B256, transactions: &[Bytes]) -> Vec<u8> {
        let present = || transactions.iter().filter(|bytes| !bytes.is_empty());
        let body: usize = present().map(|bytes| bytes.len() + 4).sum();
        let mut out = header(BlobKind::Forced, rollup_id, body + 4);
        out.extend_from_slice(&(present().count() as u32).to_le_bytes());
        for bytes in present() {
            out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            out.extend_from_slice(bytes);
        }
        out
    }

    /// Number of transactions.
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// True without any transaction.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The transactions in order; each shares the blob's buffer.
    pub fn transactions(&self) -> impl Iterator<Item = Bytes> + '_ {
        let mut reader = Reader::new(&self.body);
        core::iter::from_fn(move || reader.bytes().ok())
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = reader.u32()?;
        // Each takes five bytes at least.
        if u64::from(count) * 5 > reader.remaining() as u64 {
            return Err(WireError::Truncated);
        }
        let body = reader.rest();
        let mut check = Reader::new(&body);
        for _ in 0..count {
            let len = check.u32()? as usize;
            if len == 0 {
                return Err(WireError::Field("transaction"));
            }
            check.take(len)?;
        }
        check.finish()?;
        Ok(Self { count, body })
    }
}
