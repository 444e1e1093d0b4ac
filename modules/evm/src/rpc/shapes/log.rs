use crate::store::LogHit;
use alloy_rpc_types_eth::Log;

/// A log with its place in the chain; `removed` where a reorganisation took
/// its block out of it.
pub(crate) fn log(hit: LogHit, removed: bool) -> Log {
    Log {
        inner: hit.log,
        block_hash: Some(hit.block.hash),
        block_number: Some(hit.block.number),
        block_timestamp: Some(hit.timestamp),
        transaction_hash: Some(hit.transaction_hash),
        transaction_index: Some(hit.transaction_index),
        log_index: Some(hit.log_index),
        removed,
    }
}
