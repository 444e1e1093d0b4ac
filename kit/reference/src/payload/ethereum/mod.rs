//! Batches of Ethereum transactions, read from FORMAT.md alone: column by
//! column, into lists, with nothing shared with the nodes' codec.

mod build;
mod columns;
mod compression;
mod cursor;
mod forced;
mod words;

use super::{Bounds, Facts, PayloadBlock, Payloads, Refusal};
use alloy_primitives::Bytes;
use columns::Columns;
use cursor::Cursor;

/// Reads batches of a chain of Ethereum transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EthereumPayloads {
    /// Chain id that transactions carry.
    pub chain_id: u64,
}

/// The signatures, which stand outside of the columns.
struct Raw<'a> {
    transactions: &'a [u8],
    authorisations: &'a [u8],
    parities: &'a [u8],
}

impl Payloads for EthereumPayloads {
    fn decode(
        &self,
        facts: &Facts,
        payload: &[u8],
        bounds: &Bounds,
    ) -> Result<Vec<PayloadBlock>, Refusal> {
        let mut cursor = Cursor::new(payload);
        let authorisations = cursor.varint()?;
        let transactions = facts.transactions as usize;
        let in_all = usize::try_from(authorisations).map_err(|_| Refusal::Ends)?;
        let signatures = in_all.checked_mul(64).ok_or(Refusal::Ends)?;
        let raw = Raw {
            transactions: cursor.take(transactions * 64)?,
            authorisations: cursor.take(signatures)?,
            parities: cursor.take(transactions.div_ceil(8))?,
        };
        unused_bits_are_zero(raw.parities, transactions)?;
        let before = payload.len() - cursor.left();
        let wanted = (facts.decompressed_len as usize)
            .checked_sub(before)
            .ok_or(Refusal::LengthShort)?;
        let bytes = compression::decompress(facts.codec, cursor.rest(), wanted)?;
        let columns = Columns::read(&bytes, facts, bounds, in_all, self.chain_id)?;
        let built = build::transactions(&columns, &raw, self.chain_id)?;
        columns.one_sender_per_slot(&built.senders)?;
        blocks(&columns, built.encoded, bounds)
    }

    fn check_forced(&self, transaction: &[u8]) -> Result<u64, Refusal> {
        forced::check(transaction, self.chain_id)
    }
}

fn unused_bits_are_zero(parities: &[u8], transactions: usize) -> Result<(), Refusal> {
    let used = transactions % 8;
    match parities.last() {
        Some(last) if used > 0 && last >> used != 0 => Err(Refusal::ParityBits),
        _ => Ok(()),
    }
}

/// Deals the transactions out to their blocks.
fn blocks(
    columns: &Columns,
    encoded: Vec<Bytes>,
    bounds: &Bounds,
) -> Result<Vec<PayloadBlock>, Refusal> {
    let bytes: usize = encoded.iter().map(|bytes| bytes.len()).sum();
    if bytes as u64 > bounds.batch_bytes {
        return Err(Refusal::BatchBytes);
    }
    let mut rest = encoded.into_iter();
    let mut blocks = Vec::new();
    for head in &columns.blocks {
        let transactions: Vec<Bytes> = rest.by_ref().take(head.transactions).collect();
        let bytes: usize = transactions.iter().map(|bytes| bytes.len()).sum();
        if bytes as u64 > bounds.block_bytes {
            return Err(Refusal::BlockBytes);
        }
        blocks.push(PayloadBlock {
            timestamp: head.timestamp,
            origin: head.origin,
            fee_recipient: head.fee_recipient,
            transactions,
        });
    }
    Ok(blocks)
}
