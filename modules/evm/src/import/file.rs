use super::ImportError;
use crate::ethereum::EthereumBlock;
use std::io::{self, Read};

/// Longest encoded block that is read, in bytes: four times what EIP-7934
/// allows.
pub const MAX_BLOCK_BYTES: u64 = 32 << 20;

/// Blocks in RLP, one behind the other, from a stream: one at a time in memory.
///
/// An iterator that ends with the file, or with the first error.
#[derive(Debug)]
pub struct ChainFile<R> {
    input: R,
    offset: u64,
    ended: bool,
}

impl<R: Read> ChainFile<R> {
    /// Blocks of `input`, which should be buffered.
    pub const fn new(input: R) -> Self {
        Self {
            input,
            offset: 0,
            ended: false,
        }
    }

    /// Bytes of the blocks that were read.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    fn read(&mut self) -> Result<Option<EthereumBlock>, ImportError> {
        let offset = self.offset;
        let mut bytes = Vec::with_capacity(1 << 12);
        if self.take(&mut bytes, 1)? == 0 {
            return Ok(None);
        }
        let length = self.payload(&mut bytes)?;
        let encoded = bytes.len() as u64 + length;
        if encoded > MAX_BLOCK_BYTES {
            return Err(self.no_block(&format!(
                "a list of {encoded} bytes, and blocks of more than {MAX_BLOCK_BYTES} are not read"
            )));
        }
        self.exactly(&mut bytes, length)?;
        let block = EthereumBlock::decode(&bytes).map_err(|error| self.no_block(&error))?;
        self.offset = offset + encoded;
        Ok(Some(block))
    }

    /// Reads the rest of a list's header; returns its payload's length.
    fn payload(&mut self, bytes: &mut Vec<u8>) -> Result<u64, ImportError> {
        match bytes.first().copied().unwrap_or_default() {
            short @ 0xc0..=0xf7 => Ok(u64::from(short - 0xc0)),
            long @ 0xf8.. => {
                self.exactly(bytes, u64::from(long - 0xf7))?;
                let mut digits = bytes.iter().skip(1);
                digits
                    .try_fold(0_u64, |sum, digit| {
                        Some(sum.checked_mul(256)? + u64::from(*digit))
                    })
                    .filter(|length| *length <= MAX_BLOCK_BYTES)
                    .ok_or_else(|| {
                        self.no_block(&"the length of its list is larger than any block")
                    })
            }
            other => Err(self.no_block(&format!("a list was expected, not the byte {other:#04x}"))),
        }
    }

    fn exactly(&mut self, bytes: &mut Vec<u8>, more: u64) -> Result<(), ImportError> {
        match self.take(bytes, more)? {
            got if got == more => Ok(()),
            _ => Err(ImportError::CutOff {
                offset: self.offset,
            }),
        }
    }

    /// Reads up to `more` bytes behind `bytes`; memory grows with what is
    /// there, not with what was announced.
    fn take(&mut self, bytes: &mut Vec<u8>, more: u64) -> Result<u64, ImportError> {
        let read = io::copy(&mut (&mut self.input).take(more), bytes);
        read.map_err(|source| ImportError::File {
            offset: self.offset,
            source,
        })
    }

    fn no_block(&self, reason: &impl ToString) -> ImportError {
        ImportError::NotABlock {
            offset: self.offset,
            reason: reason.to_string(),
        }
    }
}

impl<R: Read> Iterator for ChainFile<R> {
    type Item = Result<EthereumBlock, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}
