use super::guard::{ABORTED, TOO_LARGE};
use crate::{
    machine::{Facts, Refusal},
    rpc::error::EthError,
    store::StoreError,
};
use alloy_primitives::Address;
use revm::context_interface::result::{EVMError, InvalidTransaction};

/// What revm returns instead of a result.
pub(crate) type Failure = EVMError<StoreError, InvalidTransaction>;

/// The answer for an execution that could not be made; `from` is its sender.
pub(crate) fn failure(error: Failure, facts: &Facts, from: Address, room: usize) -> EthError {
    match error {
        EVMError::Transaction(invalid) => match Refusal::from_revm(invalid, facts) {
            Refusal::InsufficientFunds { have, want } => EthError::funds(from, have, want),
            refusal => EthError::Server(refusal.to_string()),
        },
        EVMError::Database(error) => error.into(),
        EVMError::Custom(reason) if reason == TOO_LARGE => EthError::server(format!(
            "the trace takes more than {room} bytes: trace with disableStack, disableStorage and without enableMemory, or with callTracer"
        )),
        EVMError::Custom(reason) if reason == ABORTED => EthError::server(ABORTED),
        error => EthError::Server(error.to_string()),
    }
}
