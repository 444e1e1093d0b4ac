use alloy_rpc_types_eth::TransactionReceipt;
use alloy_rpc_types_trace::otterscan::{OtsReceipt, OtsTransactionReceipt};

/// A receipt without logs and bloom.
pub(super) fn bare(receipt: TransactionReceipt, timestamp: u64) -> OtsTransactionReceipt {
    let inner = OtsReceipt {
        status: receipt.inner.status(),
        cumulative_gas_used: receipt.inner.cumulative_gas_used(),
        logs: None,
        logs_bloom: None,
        r#type: receipt.inner.tx_type().into(),
    };
    OtsTransactionReceipt {
        receipt: receipt.map_inner(|_| inner),
        timestamp: Some(timestamp),
    }
}
