//! The in-memory engine as a chain that can be derived: for tests,
//! simulations, and as the smallest complete example of [`Derivable`].

use crate::{
    BatchBlock, BatchCodec, CodecError, CodecId, CodecLimits, Derivable, DevChain, EncodedBlocks,
    EncodedFacts, ForcedFacts, RollupConfig, WireError, wire::Reader,
};
use alloy_primitives::{B256, Bytes, keccak256};
use rollwright_core::{
    DaOrdinal,
    memory::{MemoryExecution, MemoryGenesis, MemoryTx},
};
use std::{format, string::ToString, sync::Arc, vec::Vec};

/// Bytes of a block without transactions: timestamp, origin, fee recipient,
/// number of transactions.
const BLOCK_BYTES: usize = 8 + 8 + 20 + 4;

/// Writes blocks of the in-memory engine as plain borsh.
///
/// [`CodecId::NONE`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryCodec {
    /// Chain id that transactions must carry.
    pub chain_id: u64,
}

impl MemoryCodec {
    fn transaction(&self, index: u32, bytes: &[u8]) -> Result<MemoryTx, CodecError> {
        let refuse = |reason: &str| CodecError::Transaction {
            index,
            reason: reason.to_string(),
        };
        let transaction: MemoryTx =
            borsh::from_slice(bytes).map_err(|_| refuse("it does not decode"))?;
        if transaction.chain_id == self.chain_id {
            Ok(transaction)
        } else {
            Err(refuse("it is for another chain"))
        }
    }
}

impl BatchCodec for MemoryCodec {
    fn encode(&self, codec: CodecId, blocks: &[BatchBlock]) -> Result<EncodedBlocks, CodecError> {
        if codec != CodecId::NONE {
            return Err(CodecError::UnknownCodec(codec));
        }
        let transactions = blocks.iter().flat_map(|block| &block.transactions);
        for (index, bytes) in transactions.clone().enumerate() {
            self.transaction(u32::try_from(index).unwrap_or(u32::MAX), bytes)?;
        }
        let payload =
            borsh::to_vec(&blocks).map_err(|error| CodecError::TooLarge(error.to_string()))?;
        let too_large = |_| CodecError::TooLarge("lengths are 32-bit numbers".into());
        Ok(EncodedBlocks {
            decompressed_len: u32::try_from(payload.len()).map_err(too_large)?,
            transactions: u32::try_from(transactions.count()).map_err(too_large)?,
            payload: payload.into(),
        })
    }

    fn decode(
        &self,
        facts: &EncodedFacts,
        payload: &[u8],
        limits: &CodecLimits,
    ) -> Result<Vec<BatchBlock>, CodecError> {
        if facts.codec != CodecId::NONE {
            return Err(CodecError::UnknownCodec(facts.codec));
        }
        if payload.len() != facts.decompressed_len as usize {
            return Err(CodecError::Compression(
                "the length is not as stated".into(),
            ));
        }
        if facts.decompressed_len > limits.max_decompressed_bytes
            || facts.blocks > limits.max_blocks
        {
            return Err(CodecError::TooLarge(format!("{facts:?}")));
        }
        let source = Bytes::copy_from_slice(payload);
        let mut reader = Reader::new(&source);
        let count = reader.u32().map_err(malformed)?;
        if count != facts.blocks || count as usize > reader.remaining() / BLOCK_BYTES {
            return Err(CodecError::Malformed("the number of blocks".into()));
        }
        let mut blocks = Vec::with_capacity(count as usize);
        let mut transactions = 0;
        // Nothing expands here: the payload's own bound holds for what is in it.
        for _ in 0..count {
            blocks.push(self.block(&mut reader, &mut transactions, limits)?);
        }
        reader.finish().map_err(malformed)?;
        if transactions != facts.transactions {
            return Err(CodecError::Malformed("the number of transactions".into()));
        }
        Ok(blocks)
    }

    fn check_forced(&self, transaction: &[u8]) -> Result<ForcedFacts, CodecError> {
        let transaction = self.transaction(0, transaction)?;
        Ok(ForcedFacts {
            gas_limit: transaction.gas_limit,
        })
    }
}

impl MemoryCodec {
    fn block(
        &self,
        reader: &mut Reader<'_>,
        before: &mut u32,
        limits: &CodecLimits,
    ) -> Result<BatchBlock, CodecError> {
        let mut block = BatchBlock {
            timestamp: reader.u64().map_err(malformed)?,
            origin: DaOrdinal(reader.u64().map_err(malformed)?),
            fee_recipient: reader.address().map_err(malformed)?,
            transactions: Vec::new(),
        };
        let count = reader.u32().map_err(malformed)?;
        if count > limits.max_block_transactions || count as usize > reader.remaining() / 4 {
            return Err(CodecError::TooLarge("transactions of a block".into()));
        }
        let mut bytes: u64 = 0;
        for _ in 0..count {
            let transaction = reader.bytes().map_err(malformed)?;
            bytes = bytes.saturating_add(transaction.len() as u64);
            if bytes > limits.max_block_bytes {
                return Err(CodecError::TooLarge("bytes of a block".into()));
            }
            self.transaction(*before, &transaction)?;
            *before = before.saturating_add(1);
            block.transactions.push(transaction);
        }
        Ok(block)
    }
}

fn malformed(error: WireError) -> CodecError {
    CodecError::Malformed(error.to_string())
}

/// Genesis of an in-memory chain with the given consensus configuration, which
/// stands in the genesis block's `extra_data` as it is, so that the engine can
/// tell it again.
pub fn memory_genesis(config: &RollupConfig) -> MemoryGenesis {
    let gas_limit = config.gas_limit.first().map(|entry| entry.gas);
    let default = MemoryGenesis::default();
    MemoryGenesis {
        gas_limit: gas_limit.unwrap_or(default.gas_limit),
        repeats_timestamps: config.timing.block_time_ms < 1_000,
        // A configuration always encodes: its lists are bounded by memory.
        extra_data: borsh::to_vec(config).unwrap_or_default().into(),
        ..default
    }
}

impl Derivable for MemoryExecution {
    type Codec = MemoryCodec;

    fn codec(&self) -> MemoryCodec {
        MemoryCodec {
            chain_id: self.config().chain_id,
        }
    }

    /// The configuration of [`memory_genesis`]; for another genesis one
    /// without keys, which [`Rules`](crate::Rules) refuse.
    fn rollup_config(&self) -> Arc<RollupConfig> {
        let config = borsh::from_slice(&self.config().extra_data);
        Arc::new(config.unwrap_or_else(|_| RollupConfig::dev(DevChain::default())))
    }

    fn config_digest(&self) -> B256 {
        keccak256(&self.config().extra_data)
    }

    fn genesis_time(&self) -> u64 {
        self.config().timestamp
    }
}
