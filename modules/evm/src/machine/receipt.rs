use alloy_consensus::{Eip658Value, Receipt, ReceiptEnvelope, ReceiptWithBloom, TxType};
use alloy_primitives::logs_bloom;
use revm::context_interface::result::ExecutionResult;

/// The receipt of an executed transaction, EIP-658.
pub(crate) fn receipt(
    tx_type: TxType,
    result: ExecutionResult,
    cumulative: u64,
) -> ReceiptEnvelope {
    let success = result.is_success();
    // Logs of what was undone are undone with it.
    let logs = match success {
        true => result.into_logs(),
        false => Default::default(),
    };
    let bloom = logs_bloom(logs.iter());
    let receipt = Receipt {
        status: Eip658Value::Eip658(success),
        cumulative_gas_used: cumulative,
        logs,
    };
    ReceiptEnvelope::from_typed(tx_type, ReceiptWithBloom::new(receipt, bloom))
}
