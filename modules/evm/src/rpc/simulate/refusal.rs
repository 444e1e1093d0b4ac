use crate::{machine::Refusal, rpc::error::EthError};
use alloy_primitives::Address;
use revm::context::TxEnv;

/// A call that cannot be executed, with the code that execution-apis gives the
/// reason.
pub(super) fn refused(refusal: &Refusal, tx: &TxEnv) -> EthError {
    use Refusal as R;
    let from: Address = tx.caller;
    let (code, reason) = match refusal {
        R::NonceTooLow { tx, state } => (
            -38010,
            format!("nonce too low: address {from}, tx: {tx} state: {state}"),
        ),
        R::NonceTooHigh { tx, state } => (
            -38011,
            format!("nonce too high: address {from}, tx: {tx} state: {state}"),
        ),
        R::FeeCapTooLow { base_fee } => (
            -38012,
            format!(
                "max fee per gas less than block base fee: address {from}, maxFeePerGas: {}, baseFee: {base_fee}",
                tx.gas_price
            ),
        ),
        R::IntrinsicGas { .. } | R::FloorGas { .. } => (-38013, refusal.to_string()),
        R::InsufficientFunds { have, want } => (
            -38014,
            format!(
                "insufficient funds for gas * price + value: address {from} have {have} want {want}"
            ),
        ),
        R::GasAboveBlock { .. } | R::NoGasLeft { .. } => (-38015, refusal.to_string()),
        R::SenderHasCode => (-38024, refusal.to_string()),
        R::InitCodeTooLarge => (-38025, refusal.to_string()),
        R::TipAboveFeeCap => (-32602, refusal.to_string()),
        // execution-apis has no code for the rest; it is the request's fault.
        _ => (-32000, refusal.to_string()),
    };
    EthError::Coded {
        code,
        message: format!("err: {reason} (supplied gas {})", tx.gas_limit),
    }
}
