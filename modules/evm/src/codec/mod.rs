#![doc = include_str!("FORMAT.md")]

mod columns;
mod compress;
mod dictionary;
mod number;
mod read;
mod reader;
mod shape;
mod transaction;
mod write;

#[cfg(test)]
pub(crate) mod tests;

use crate::{
    machine::{RecoveredTx, TxEnvelope},
    senders::recover,
};
use alloc::{format, string::ToString, vec::Vec};
use alloy_consensus::Transaction;
use alloy_primitives::{Address, Bytes};
use columns::{Columns, Plan};
use compress::Split;
use rollwright_core::DaOrdinal;
use rollwright_derive::{
    BatchBlock, BatchCodec, CodecError, CodecId, CodecLimits, EncodedBlocks, EncodedFacts,
    ForcedFacts,
};
use shape::Shape;
use write::Item;

#[cfg(feature = "std")]
use {crate::senders::SenderCache, alloc::sync::Arc};

/// Writes batches of Ethereum blocks as columns, and reads them back.
///
/// Cheap to clone. With a sender cache, a signature that was recovered before
/// is not recovered again, and one that decoding recovers is known to whoever
/// executes the block; results never depend on it.
#[derive(Clone, Debug)]
pub struct EvmCodec {
    chain_id: u64,
    #[cfg(feature = "std")]
    senders: Option<Arc<SenderCache>>,
}

impl EvmCodec {
    /// The codec of the chain with this id.
    pub const fn new(chain_id: u64) -> Self {
        Self {
            chain_id,
            #[cfg(feature = "std")]
            senders: None,
        }
    }

    /// Shares recovered senders through `cache`.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn with_senders(mut self, cache: Arc<SenderCache>) -> Self {
        self.senders = Some(cache);
        self
    }

    /// The chain id that no transaction repeats.
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The item that a transaction is written from.
    fn item(&self, index: u32, bytes: &Bytes) -> Result<Item, CodecError> {
        let refuse = |reason: &str| CodecError::Transaction {
            index,
            reason: reason.to_string(),
        };
        let transaction =
            RecoveredTx::envelope_of(bytes).map_err(|error| refuse(&error.to_string()))?;
        if transaction.chain_id().is_some_and(|id| id != self.chain_id) {
            return Err(refuse("it is of another chain"));
        }
        let shape = Shape::of(&transaction).ok_or_else(|| refuse("its type is not admitted"))?;
        if transaction
            .authorization_list()
            .is_some_and(<[_]>::is_empty)
        {
            return Err(refuse("its authorisation list is empty"));
        }
        let sender = self
            .sender_of(&transaction)
            .ok_or_else(|| refuse("its signature does not recover to a sender"))?;
        Ok(Item {
            transaction,
            shape,
            sender,
        })
    }

    #[cfg(feature = "std")]
    fn sender_of(&self, transaction: &TxEnvelope) -> Option<Address> {
        match &self.senders {
            Some(cache) => cache.sender_of(transaction).ok(),
            None => recover(transaction.signature(), transaction.signature_hash()).ok(),
        }
    }

    #[cfg(not(feature = "std"))]
    fn sender_of(&self, transaction: &TxEnvelope) -> Option<Address> {
        recover(transaction.signature(), transaction.signature_hash()).ok()
    }

    /// Rebuilds one transaction and recovers its sender.
    fn rebuild(
        &self,
        index: usize,
        columns: &Columns<'_>,
        split: &Split<'_>,
        scratch: &mut Vec<u8>,
    ) -> Result<(Bytes, Address), CodecError> {
        let plan: &Plan<'_> = &columns.plans[index];
        let signature = split.signature(index);
        let parts = (signature.r(), signature.s(), signature.v());
        let rebuilt = transaction::rebuild(columns, plan, self.chain_id, parts, scratch);
        #[cfg(feature = "std")]
        if let Some(sender) = self
            .senders
            .as_ref()
            .and_then(|cache| cache.get(&rebuilt.hash))
        {
            return Ok((rebuilt.bytes.into(), sender));
        }
        let sender =
            recover(&signature, rebuilt.signed_hash).map_err(|_| CodecError::Transaction {
                index: index as u32,
                reason: "its signature does not recover to a sender".to_string(),
            })?;
        #[cfg(feature = "std")]
        if let Some(cache) = &self.senders {
            cache.insert(rebuilt.hash, sender);
        }
        Ok((rebuilt.bytes.into(), sender))
    }

    /// All transactions in batch order, on all cores where there is `std`.
    /// Of several that fail, the first is reported.
    fn rebuild_all(
        &self,
        columns: &Columns<'_>,
        split: &Split<'_>,
    ) -> Result<Vec<(Bytes, Address)>, CodecError> {
        let each = |scratch: &mut Vec<u8>, index| self.rebuild(index, columns, split, scratch);
        each_index(columns.plans.len(), each)
    }
}

/// Runs `each` for `0..count` in parallel; the first failure by index wins.
#[cfg(feature = "std")]
fn each_index<T: Send>(
    count: usize,
    each: impl Fn(&mut Vec<u8>, usize) -> Result<T, CodecError> + Sync + Send,
) -> Result<Vec<T>, CodecError> {
    use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
    let results: Vec<_> = (0..count)
        .into_par_iter()
        .with_min_len(8)
        .map_init(Vec::new, each)
        .collect();
    results.into_iter().collect()
}

#[cfg(not(feature = "std"))]
fn each_index<T>(
    count: usize,
    each: impl Fn(&mut Vec<u8>, usize) -> Result<T, CodecError>,
) -> Result<Vec<T>, CodecError> {
    let mut scratch = Vec::new();
    (0..count).map(|index| each(&mut scratch, index)).collect()
}

impl BatchCodec for EvmCodec {
    fn encode(&self, codec: CodecId, blocks: &[BatchBlock]) -> Result<EncodedBlocks, CodecError> {
        if blocks.is_empty() {
            return Err(malformed("a batch holds no block"));
        }
        let transactions: Vec<&Bytes> = blocks.iter().flat_map(|b| &b.transactions).collect();
        let count = u32::try_from(transactions.len())
            .map_err(|_| CodecError::TooLarge("too many transactions".to_string()))?;
        let items = each_index(transactions.len(), |_, index| {
            self.item(index as u32, transactions[index])
        })?;
        let written = write::write(blocks, &items, self.chain_id);
        let decompressed_len = u32::try_from(written.raw.len() + written.columns.len())
            .map_err(|_| CodecError::TooLarge("the columns exceed 4 GiB".to_string()))?;
        let mut payload = written.raw;
        payload.append(&mut compress::compress(codec, written.columns)?);
        Ok(EncodedBlocks {
            payload: payload.into(),
            decompressed_len,
            transactions: count,
        })
    }

    fn decode(
        &self,
        facts: &EncodedFacts,
        payload: &[u8],
        limits: &CodecLimits,
    ) -> Result<Vec<BatchBlock>, CodecError> {
        check_facts(facts, limits)?;
        let split = Split::of(payload, facts.transactions as usize)?;
        let len = (facts.decompressed_len as usize)
            .checked_sub(split.raw_len)
            .ok_or_else(|| malformed("the stated length is too short"))?;
        let columns = compress::decompress(facts.codec, split.compressed, len)?;
        let columns = read::read(
            &columns,
            split.authorisation_signatures,
            self.chain_id,
            facts,
            limits,
        )?;
        let rebuilt = self.rebuild_all(&columns, &split)?;
        check_slots(&columns, &rebuilt)?;
        assemble(&columns, rebuilt, limits)
    }

    fn check_forced(&self, transaction: &[u8]) -> Result<ForcedFacts, CodecError> {
        let item = self.item(0, &Bytes::copy_from_slice(transaction))?;
        if item.transaction.chain_id().is_none() {
            return Err(CodecError::Transaction {
                index: 0,
                reason: "it has no chain id".to_string(),
            });
        }
        Ok(ForcedFacts {
            gas_limit: item.transaction.gas_limit(),
        })
    }
}

fn malformed(reason: &str) -> CodecError {
    CodecError::Malformed(reason.to_string())
}

fn check_facts(facts: &EncodedFacts, limits: &CodecLimits) -> Result<(), CodecError> {
    if !matches!(facts.codec, CodecId::NONE | CodecId::ZSTD | CodecId::BROTLI) {
        return Err(CodecError::UnknownCodec(facts.codec));
    }
    if facts.blocks == 0 {
        return Err(malformed("a batch holds no block"));
    }
    if facts.blocks > limits.max_blocks {
        return Err(CodecError::TooLarge(format!(
            "{} blocks, {} are allowed",
            facts.blocks, limits.max_blocks
        )));
    }
    let most = u64::from(facts.blocks) * u64::from(limits.max_block_transactions);
    if u64::from(facts.transactions) > most {
        return Err(CodecError::TooLarge(format!(
            "{} transactions, {most} are allowed",
            facts.transactions
        )));
    }
    if facts.decompressed_len > limits.max_decompressed_bytes {
        return Err(CodecError::TooLarge(format!(
            "{} bytes decompressed, {} are allowed",
            facts.decompressed_len, limits.max_decompressed_bytes
        )));
    }
    Ok(())
}

/// One slot, one sender; two slots, two senders.
fn check_slots(columns: &Columns<'_>, rebuilt: &[(Bytes, Address)]) -> Result<(), CodecError> {
    let mut senders: Vec<Address> = Vec::with_capacity(columns.slots);
    for (plan, (_, sender)) in columns.plans.iter().zip(rebuilt) {
        match senders.get(plan.slot as usize) {
            Some(known) if known == sender => {}
            Some(_) => return Err(malformed("a sender slot holds two senders")),
            None => senders.push(*sender),
        }
    }
    match dictionary::all_differ(&senders) {
        true => Ok(()),
        false => Err(malformed("a sender has two slots")),
    }
}

fn assemble(
    columns: &Columns<'_>,
    rebuilt: Vec<(Bytes, Address)>,
    limits: &CodecLimits,
) -> Result<Vec<BatchBlock>, CodecError> {
    let mut rebuilt = rebuilt.into_iter().map(|(bytes, _)| bytes);
    let mut blocks = Vec::with_capacity(columns.blocks.len());
    let mut batch = 0u64;
    for (index, block) in columns.blocks.iter().enumerate() {
        let transactions: Vec<Bytes> = rebuilt.by_ref().take(block.transactions).collect();
        let bytes: u64 = transactions.iter().map(|bytes| bytes.len() as u64).sum();
        batch += bytes;
        read::check_bytes(index, bytes, batch, limits)?;
        blocks.push(BatchBlock {
            timestamp: block.timestamp,
            origin: DaOrdinal(block.origin),
            fee_recipient: block.fee_recipient,
            transactions,
        });
    }
    Ok(blocks)
}
