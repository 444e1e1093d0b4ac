//! Blob gas of a block: a rollup has none, imported chains of Ethereum's do.

use crate::{ethereum::Rules, genesis::ChainConfig};
use alloy_consensus::Header;
use alloy_eips::eip7840::BlobParams;
use alloy_primitives::U256;

/// EIP-7840: the parameters for the block with this header.
fn params(chain: &ChainConfig, header: &Header) -> BlobParams {
    Rules::at(chain, header.number, header.timestamp, U256::MAX).blobs()
}

/// Price of blob gas in that block; `None` before Cancun.
pub(crate) fn price(chain: &ChainConfig, header: &Header) -> Option<u128> {
    let excess = header.excess_blob_gas?;
    Some(params(chain, header).calc_blob_fee(excess))
}

/// Price of blob gas in the block after that, by the same parameters; `None`
/// before Cancun.
pub(crate) fn next_price(chain: &ChainConfig, header: &Header) -> Option<u128> {
    let params = params(chain, header);
    let excess = header.next_block_excess_blob_gas(params)?;
    Some(params.calc_blob_fee(excess))
}

/// Blob gas that the block uses, and the most that it may use.
pub(crate) fn used(chain: &ChainConfig, header: &Header) -> (u64, u64) {
    let most = params(chain, header).max_blob_gas_per_block();
    (header.blob_gas_used.unwrap_or(0), most)
}
