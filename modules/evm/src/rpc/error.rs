use crate::store::StoreError;
use alloy_primitives::{Address, B256, Bytes, U256, hex};
use jsonrpsee::types::{ErrorObject, ErrorObjectOwned, error::INVALID_PARAMS_CODE};
use rollwright_core::{LayerError, SubmitError};
use std::fmt;

/// What a method answers.
pub(crate) type Answer<T> = Result<T, EthError>;

/// A refusal, in the words and codes that Ethereum's clients know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EthError {
    /// −32602.
    Params(String),
    /// −32000: no such block.
    HeaderNotFound,
    /// −32000: another reason of the server.
    Server(String),
    /// 3: the call reverted with this data.
    Revert(Bytes),
    /// 4 (EIP-7966): in the pool, and not in a block in time.
    NotIncluded {
        /// The transaction.
        hash: B256,
        /// Milliseconds that were waited.
        waited_ms: u64,
    },
    /// −32005, "limit exceeded" (EIP-1474): there is no room for it now.
    Busy {
        /// Calls that may run at once.
        running: usize,
        /// Calls that may wait.
        waiting: usize,
    },
    /// −32005: a transaction that the node does not take at present.
    Full(String),
    /// −32603.
    Internal(String),
    /// A code of its own, as those of `eth_simulateV1`.
    Coded {
        /// The code.
        code: i32,
        /// What is wrong.
        message: String,
    },
}

impl EthError {
    pub(crate) fn params(message: impl Into<String>) -> Self {
        Self::Params(message.into())
    }

    pub(crate) fn server(message: impl Into<String>) -> Self {
        Self::Server(message.into())
    }

    /// The words of geth for an account that cannot pay.
    pub(crate) fn funds(address: Address, have: U256, want: U256) -> Self {
        Self::Server(format!(
            "insufficient funds for gas * price + value: address {address} have {have} want {want}"
        ))
    }
}

impl From<EthError> for ErrorObjectOwned {
    fn from(error: EthError) -> Self {
        match error {
            EthError::Params(message) => plain(INVALID_PARAMS_CODE, message),
            EthError::HeaderNotFound => plain(-32000, "header not found"),
            EthError::Server(message) => plain(-32000, message),
            EthError::Revert(data) => ErrorObject::owned(3, revert_message(&data), Some(data)),
            EthError::NotIncluded { hash, waited_ms } => ErrorObject::owned(
                4,
                format!(
                    "The transaction was added to the mempool but wasn't processed within {waited_ms}ms"
                ),
                Some(hash),
            ),
            EthError::Busy { running, waiting } => plain(
                -32005,
                format!(
                    "the node is busy: {running} calls run at once and up to {waiting} wait; try again later"
                ),
            ),
            EthError::Full(message) => plain(-32005, message),
            EthError::Internal(message) => plain(-32603, message),
            EthError::Coded { code, message } => plain(code, message),
        }
    }
}

impl fmt::Display for EthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ErrorObjectOwned::from(self.clone()).message())
    }
}

impl jsonrpsee::IntoResponse for EthError {
    type Output = ();

    fn into_response(self) -> jsonrpsee::ResponsePayload<'static, ()> {
        jsonrpsee::ResponsePayload::error(ErrorObjectOwned::from(self))
    }
}

impl From<ErrorObjectOwned> for EthError {
    /// jsonrpsee's own errors are about parameters.
    fn from(error: ErrorObjectOwned) -> Self {
        let detail = error.data().map(|data| data.get().trim_matches('"'));
        Self::Params(match detail {
            Some(detail) => format!("invalid argument: {detail}"),
            None => error.message().to_owned(),
        })
    }
}

impl From<StoreError> for EthError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::UnknownBlock { .. } | StoreError::Empty => Self::HeaderNotFound,
            StoreError::StatePruned { .. } => Self::Server(error.to_string()),
            _ => {
                tracing::error!(target: "rpc", code = error.code(), %error, "a read failed");
                Self::Internal(format!("{} ({})", error, error.code()))
            }
        }
    }
}

impl From<SubmitError> for EthError {
    fn from(error: SubmitError) -> Self {
        Self::Server(match error {
            SubmitError::Underpriced { .. } => "replacement transaction underpriced".to_owned(),
            SubmitError::InsufficientFunds(detail) => {
                let words = "insufficient funds for gas * price + value";
                match detail.strip_prefix(words) {
                    Some(_) => detail,
                    None => format!("{words}: {detail}"),
                }
            }
            SubmitError::Internal(reason) => return Self::Internal(reason),
            full @ (SubmitError::PoolFull(_) | SubmitError::NotAdmitting(_)) => {
                return Self::Full(full.to_string());
            }
            other => other.to_string(),
        })
    }
}

/// What is said of a call that reverted with this data.
pub(crate) fn revert_message(data: &[u8]) -> String {
    match revert_reason(data) {
        Some(reason) => format!("execution reverted: {reason}"),
        None => "execution reverted".to_owned(),
    }
}

fn plain(code: i32, message: impl Into<String>) -> ErrorObjectOwned {
    ErrorObject::owned(code, message, None::<()>)
}

/// The string in `Error(string)`, the name of the case in `Panic(uint256)`.
///
/// Solidity ABI: selectors `08c379a0` and `4e487b71`.
fn revert_reason(data: &[u8]) -> Option<String> {
    let (selector, arguments) = data.split_first_chunk::<4>()?;
    match *selector {
        [0x08, 0xc3, 0x79, 0xa0] => {
            let offset = word(arguments, 0)?;
            let length = word(arguments, offset)?;
            let start = offset.checked_add(32)?;
            let text = arguments.get(start..start.checked_add(length)?)?;
            Some(String::from_utf8_lossy(text).into_owned())
        }
        [0x4e, 0x48, 0x7b, 0x71] => Some(match word(arguments, 0)? {
            0x00 => "generic panic".to_owned(),
            0x01 => "assert(false)".to_owned(),
            0x11 => "arithmetic underflow or overflow".to_owned(),
            0x12 => "division or modulo by zero".to_owned(),
            0x21 => "enum overflow".to_owned(),
            0x22 => "invalid encoded storage byte array accessed".to_owned(),
            0x31 => "out-of-bounds array access; popping on an empty array".to_owned(),
            0x32 => "out-of-bounds access of an array or bytesN".to_owned(),
            0x41 => "out of memory".to_owned(),
            0x51 => "uninitialized function".to_owned(),
            code => format!(
                "unknown panic code: {}",
                hex::encode_prefixed([u8::try_from(code).unwrap_or(u8::MAX)])
            ),
        }),
        _ => None,
    }
}

/// A 32-byte word that fits a `usize`.
fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at.checked_add(32)?)?;
    usize::try_from(U256::from_be_slice(word)).ok()
}
