//! The gRPC interface of consensus nodes.

use super::{
    consensus::{AccountState, Call, Consensus, NotTaken},
    policy::TxStatus,
};
use crate::{CelestiaError, GasPrice, classify_text, config::redact};
use celestia_grpc::{
    Error, GrpcClient,
    grpc::{BroadcastMode, TxPriority, TxStatus as NodeStatus},
};
use celestia_types::{
    hash::Hash,
    state::{AccAddress, Address, ErrorCode, auth::BaseAccount},
};
use std::time::Duration;

/// gRPC: the answer or the request is larger than allowed.
const RESOURCE_EXHAUSTED: i32 = 8;
/// celestia-app: the transaction is larger than any may be.
const TX_EXCEEDS_MAX_SIZE: &str = "11142";
/// gRPC: there is no such thing.
const NOT_FOUND: i32 = 5;

/// Consensus nodes over gRPC; the client goes to the next where one fails.
#[derive(Debug)]
pub(super) struct Grpc {
    client: GrpcClient,
    shown: String,
}

impl Grpc {
    /// Names the nodes; nothing is asked yet.
    pub(super) fn new(urls: &[String], timeout: Duration) -> Result<Self, CelestiaError> {
        let refuse = |reason: String| CelestiaError::Config {
            key: "grpc",
            reason,
        };
        let Some(first) = urls.first() else {
            return Err(refuse(
                "name at least one consensus node, such as \"http://127.0.0.1:9090\"".to_owned(),
            ));
        };
        for url in urls {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(refuse(format!(
                    "`{}` does not begin with http:// or https://",
                    redact(url)
                )));
            }
        }
        let client = GrpcClient::builder()
            .urls(urls.iter().cloned())
            .timeout(timeout)
            .connect_timeout(timeout)
            .build()
            .map_err(|error| refuse(error.to_string()))?;
        Ok(Self {
            client,
            shown: redact(first),
        })
    }

    fn fail(&self, error: &Error) -> CelestiaError {
        let text = match error {
            Error::TonicError(status) => status.message().to_owned(),
            other => other.to_string(),
        };
        match classify_text(&text) {
            CelestiaError::Unknown { text, .. } => CelestiaError::Transport {
                endpoint: self.shown.clone(),
                text,
            },
            known => known,
        }
    }
}

/// A refusal whose code the client does not know, which loses its words;
/// `None` for what is no refusal.
fn unknown_code(error: &Error) -> Option<CelestiaError> {
    let text = error.to_string();
    let (_, rest) = text.split_once("error code (")?;
    let (code, _) = rest.split_once(") unknown")?;
    if code == TX_EXCEEDS_MAX_SIZE {
        return Some(CelestiaError::TooLarge {
            bytes: 0,
            max_bytes: 0,
        });
    }
    Some(CelestiaError::Unknown {
        text: format!("code {code}"),
        times: 1,
    })
}

/// What a refusal means: its words where they are known, else its code.
fn refusal(code: ErrorCode, text: &str) -> CelestiaError {
    match classify_text(text) {
        CelestiaError::Unknown { text, times } => match code {
            ErrorCode::InsufficientFunds => CelestiaError::OutOfFunds {
                address: String::new(),
            },
            ErrorCode::InsufficientFee => CelestiaError::FeeTooLow { required_utia: 0 },
            ErrorCode::TxInMempoolCache => CelestiaError::AlreadyPending,
            ErrorCode::MempoolIsFull => CelestiaError::MempoolFull,
            ErrorCode::TxTooLarge | ErrorCode::TotalBlobSizeTooLarge | ErrorCode::BlobsTooLarge => {
                CelestiaError::TooLarge {
                    bytes: 0,
                    max_bytes: 0,
                }
            }
            ErrorCode::WrongSequence | ErrorCode::InvalidSequence => {
                CelestiaError::SequenceMismatch {
                    expected: 0,
                    got: 0,
                }
            }
            ErrorCode::Unauthorized => CelestiaError::Config {
                key: "grpc",
                reason: format!("the consensus node does not accept the signature: {text}"),
            },
            _ => CelestiaError::Unknown { text, times },
        },
        known => known,
    }
}

impl Consensus for Grpc {
    fn account<'a>(
        &'a self,
        address: &'a AccAddress,
    ) -> Call<'a, Result<AccountState, CelestiaError>> {
        Box::pin(async move {
            match self.client.get_account(address).await {
                Ok(account) => {
                    let account = BaseAccount::from(account);
                    Ok(AccountState {
                        number: account.account_number,
                        sequence: account.sequence,
                    })
                }
                Err(Error::TonicError(status)) if status.code() as i32 == NOT_FOUND => {
                    Err(CelestiaError::OutOfFunds {
                        address: address.to_string(),
                    })
                }
                Err(error) => Err(self.fail(&error)),
            }
        })
    }

    fn broadcast(&self, tx: Vec<u8>) -> Call<'_, Result<(), NotTaken>> {
        Box::pin(async move {
            match self.client.broadcast_tx(tx, BroadcastMode::Sync).await {
                Ok(answer) if answer.code == ErrorCode::Success => Ok(()),
                Ok(answer) => Err(NotTaken::Refused(refusal(answer.code, &answer.raw_log))),
                Err(Error::TonicError(status)) if status.code() as i32 == RESOURCE_EXHAUSTED => {
                    Err(NotTaken::Refused(CelestiaError::TooLarge {
                        bytes: 0,
                        max_bytes: 0,
                    }))
                }
                Err(error) => Err(match (unknown_code(&error), self.fail(&error)) {
                    (Some(refused), _) => NotTaken::Refused(refused),
                    // The node reports these beside its answer, not in it.
                    (
                        None,
                        known @ (CelestiaError::AlreadyPending
                        | CelestiaError::MempoolFull
                        | CelestiaError::PreviouslyRejected
                        | CelestiaError::TooLarge { .. }),
                    ) => NotTaken::Refused(known),
                    (None, open) => NotTaken::Open(open),
                }),
            }
        })
    }

    fn status(&self, hash: [u8; 32]) -> Call<'_, Result<TxStatus, CelestiaError>> {
        Box::pin(async move {
            let answer = match self.client.tx_status(Hash::Sha256(hash)).await {
                Ok(answer) => answer,
                // Only what is refused or failed has a code; a block's word is
                // the account's sequence.
                Err(error) => {
                    return match unknown_code(&error) {
                        Some(refused) => Ok(TxStatus::Rejected(refused)),
                        None => Err(self.fail(&error)),
                    };
                }
            };
            let height = answer.height.value();
            Ok(match answer.status {
                NodeStatus::Pending => TxStatus::Pending,
                NodeStatus::Evicted => TxStatus::Evicted,
                NodeStatus::Unknown => TxStatus::Unknown,
                NodeStatus::Rejected => {
                    TxStatus::Rejected(refusal(answer.execution_code, &answer.error))
                }
                NodeStatus::Committed if answer.execution_code == ErrorCode::Success => {
                    TxStatus::Committed { height }
                }
                NodeStatus::Committed => TxStatus::Failed {
                    height,
                    code: answer.execution_code as u32,
                    text: answer.error,
                },
            })
        })
    }

    fn estimate(&self) -> Call<'_, Result<GasPrice, CelestiaError>> {
        Box::pin(async move {
            let price = self
                .client
                .estimate_gas_price(TxPriority::Medium)
                .await
                .map_err(|error| self.fail(&error))?;
            GasPrice::from_f64(price).ok_or_else(|| CelestiaError::Unknown {
                text: format!("{price} is no gas price"),
                times: 1,
            })
        })
    }

    fn balance<'a>(&'a self, address: &'a AccAddress) -> Call<'a, Result<u64, CelestiaError>> {
        Box::pin(async move {
            let coin = self
                .client
                .get_balance(&Address::AccAddress(*address), "utia")
                .await
                .map_err(|error| self.fail(&error))?;
            Ok(coin.amount())
        })
    }
}
