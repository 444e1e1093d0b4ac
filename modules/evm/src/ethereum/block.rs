use super::Violation;
use crate::machine::TxEnvelope;
use alloc::{string::ToString, vec::Vec};
use alloy_consensus::{Block, Header, transaction::SignerRecoverable};
use alloy_primitives::{Address, B256};
use alloy_rlp::{Decodable, Encodable};

/// A block of Ethereum with its hash and the length of its encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EthereumBlock {
    pub(super) block: Block<TxEnvelope>,
    pub(super) hash: B256,
    pub(super) length: usize,
    /// Who signed each transaction, by signatures alone; empty while nobody
    /// has asked.
    senders: Vec<Option<Address>>,
}

impl EthereumBlock {
    /// Decodes one block that fills `bytes`. What decodes but is not the
    /// canonical encoding is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, Violation> {
        let mut rest = bytes;
        let block = Self::decode_next(&mut rest)?;
        match rest.len() {
            0 => Ok(block),
            left => Err(Violation::malformed(alloc::format!(
                "{left} bytes are left over behind the block"
            ))),
        }
    }

    /// Decodes the block at the front of `bytes` and moves behind it: a chain
    /// file is blocks one behind the other. After an error the place is
    /// undefined.
    pub fn decode_next(bytes: &mut &[u8]) -> Result<Self, Violation> {
        let before = *bytes;
        let block = Block::<TxEnvelope>::decode(bytes)
            .map_err(|error| Violation::malformed(error.to_string()))?;
        let length = before.len().saturating_sub(bytes.len());
        let mut again = Vec::with_capacity(length);
        block.encode(&mut again);
        if before.get(..length) != Some(again.as_slice()) {
            return Err(Violation::malformed("the encoding is not canonical RLP"));
        }
        Ok(Self {
            hash: block.header.hash_slow(),
            block,
            length,
            senders: Vec::new(),
        })
    }

    /// Recovers who signed the transactions, on all cores, so that
    /// [`verify`](super::verify()) need not. Changes nothing about its verdict.
    #[cfg(feature = "std")]
    pub fn recover_senders(&mut self) {
        use rayon::prelude::*;
        let transactions = &self.block.body.transactions;
        self.senders = transactions
            .par_iter()
            .with_min_len(4)
            .map(|tx| tx.recover_signer_unchecked().ok())
            .collect();
    }

    /// Who signed the transaction at `index`, whatever the range of s.
    pub(super) fn sender(&self, index: usize) -> Option<Address> {
        match self.senders.get(index) {
            Some(known) => *known,
            None => {
                let tx = self.block.body.transactions.get(index)?;
                tx.recover_signer_unchecked().ok()
            }
        }
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.block.header
    }

    /// Hash of the header.
    pub const fn hash(&self) -> B256 {
        self.hash
    }

    /// Bytes of its encoding.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Header, transactions, ommers and withdrawals.
    pub const fn block(&self) -> &Block<TxEnvelope> {
        &self.block
    }
}
