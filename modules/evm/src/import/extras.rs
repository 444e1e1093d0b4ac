//! What a block of Ethereum has that a rollup's has not. It is kept as a
//! record of the store, by block hash.

use crate::store::{Store, StoreError};
use alloy_consensus::Header;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{B256, U256};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use rollwright_core::RecordChange;

/// Keys: this prefix, then the block's hash.
const PREFIX: &[u8] = b"ethereum/block/";

/// Total difficulty, ommers and withdrawals of one block.
#[derive(Clone, Debug, Default, PartialEq, Eq, RlpEncodable, RlpDecodable)]
#[rlp(trailing)]
pub struct BodyExtras {
    /// Sum of all difficulties up to and including the block.
    pub total_difficulty: U256,
    /// Headers of its ommers.
    pub ommers: Vec<Header>,
    /// EIP-4895, from Shanghai on.
    pub withdrawals: Option<Vec<Withdrawal>>,
}

/// The extras of a block that was imported; `None` for any other, and for
/// genesis.
pub fn extras(store: &Store, block: &B256) -> Result<Option<BodyExtras>, StoreError> {
    let Some(bytes) = store.record(&key(block))? else {
        return Ok(None);
    };
    BodyExtras::decode(&mut bytes.as_ref())
        .map(Some)
        .map_err(|_| StoreError::corrupt(format!("the extras of block {block}")))
}

pub(super) fn record(block: &B256, extras: &BodyExtras) -> RecordChange {
    RecordChange {
        key: key(block).into(),
        value: Some(alloy_rlp::encode(extras).into()),
    }
}

fn key(block: &B256) -> Vec<u8> {
    [PREFIX, block.as_slice()].concat()
}
