//! The calls of a consensus node's gRPC that posting with a key of one's own
//! needs, on the port of the JSON-RPC.
//!
//! Source: "gRPC over HTTP2"; messages of the Cosmos SDK and celestia-core.

use crate::devnet::{
    accounts::{AccountState, code},
    faults::Fault,
    node::{Node, TxPlace},
};
use alloy_primitives::hex;
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use celestia_proto::{
    celestia::core::v1::{
        gas_estimation::{EstimateGasPriceRequest, EstimateGasPriceResponse},
        tx::{TxStatusRequest, TxStatusResponse},
    },
    cosmos::{
        auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse},
        bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse},
        base::{abci::v1beta1::TxResponse, v1beta1::Coin},
        tx::v1beta1::{BroadcastTxRequest, BroadcastTxResponse},
    },
};
use celestia_types::state::AccAddress;
use http_body_util::{BodyExt, Full};
use prost::Message;
use sha2::{Digest, Sha256};
use std::{convert::Infallible, future::pending, sync::Arc};
use tendermint_proto::google::protobuf::Any;

/// What an answer's end says.
#[derive(Clone, Debug)]
struct Status {
    code: u32,
    message: String,
}

fn status(code: u32, message: impl Into<String>) -> Status {
    Status {
        code,
        message: message.into(),
    }
}

const UNKNOWN: u32 = 2;
const INVALID: u32 = 3;
const NOT_FOUND: u32 = 5;
const UNIMPLEMENTED: u32 = 12;
const UNAVAILABLE: u32 = 14;

/// The code that a refusal on command has: an invalid request.
const REFUSED: u32 = 18;

/// True for a request of this interface.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Answers a call; its faults go by the names of [`name_of`].
pub(super) async fn answer(node: &Arc<Node>, path: &str, body: &Bytes) -> Response {
    let outcome = match name_of(path) {
        None => Err(status(UNIMPLEMENTED, format!("unknown method {path}"))),
        Some(name) => call(node, name, body).await,
    };
    respond(outcome)
}

/// What faults call a method.
fn name_of(path: &str) -> Option<&'static str> {
    Some(match path {
        "/cosmos.auth.v1beta1.Query/Account" => "auth.Account",
        "/cosmos.bank.v1beta1.Query/Balance" => "bank.Balance",
        "/cosmos.tx.v1beta1.Service/BroadcastTx" => "tx.Broadcast",
        "/celestia.core.v1.tx.Tx/TxStatus" => "tx.Status",
        "/celestia.core.v1.gas_estimation.GasEstimator/EstimateGasPrice" => "gas.Estimate",
        _ => return None,
    })
}

async fn call(node: &Arc<Node>, name: &'static str, body: &Bytes) -> Result<Vec<u8>, Status> {
    let fault = node.faults.take(name);
    match &fault {
        Some(Fault::Latency(time)) => node.clock.sleep(*time).await,
        Some(Fault::Status(_)) => return Err(status(UNAVAILABLE, "the node is away")),
        Some(Fault::Garbage(text)) => return Ok(text.clone().into_bytes()),
        Some(Fault::Hang | Fault::LostBeforeMempool) => pending::<()>().await,
        Some(Fault::Error(text)) if name == "tx.Broadcast" => {
            let request: BroadcastTxRequest = read(body)?;
            return Ok(broadcast_answer(&request.tx_bytes, None, REFUSED, text));
        }
        Some(Fault::Error(text)) => return Err(status(UNKNOWN, text)),
        Some(Fault::Unknown) => return Ok(tx_status(TxPlace::Unknown).encode_to_vec()),
        _ => {}
    }
    let (node, body) = (Arc::clone(node), body.clone());
    let done = tokio::task::spawn_blocking(move || carry_out(&node, name, &body)).await;
    let answer = done.map_err(|error| status(UNKNOWN, error.to_string()))??;
    match fault {
        Some(Fault::Cut | Fault::LostAfterMempool) => {
            Err(status(UNAVAILABLE, "the connection is cut"))
        }
        _ => Ok(answer),
    }
}

fn carry_out(node: &Node, name: &str, body: &Bytes) -> Result<Vec<u8>, Status> {
    Ok(match name {
        "auth.Account" => {
            let request: QueryAccountRequest = read(body)?;
            let account = account(node, &request.address)?;
            let base = BaseAccount {
                address: request.address,
                pub_key: None,
                account_number: account.number,
                sequence: account.sequence,
            };
            QueryAccountResponse {
                account: Some(Any {
                    type_url: "/cosmos.auth.v1beta1.BaseAccount".to_owned(),
                    value: base.encode_to_vec(),
                }),
            }
            .encode_to_vec()
        }
        "bank.Balance" => {
            let request: QueryBalanceRequest = read(body)?;
            let balance = account(node, &request.address).map_or(0, |account| account.balance);
            QueryBalanceResponse {
                balance: Some(Coin {
                    denom: request.denom,
                    amount: balance.to_string(),
                }),
            }
            .encode_to_vec()
        }
        "tx.Broadcast" => {
            let request: BroadcastTxRequest = read(body)?;
            match node.offer(&request.tx_bytes) {
                Ok(hash) => broadcast_answer(&request.tx_bytes, Some(hash), 0, ""),
                // The application's framework does not know these words.
                Err((_, error)) if error.code == code::CACHED => {
                    return Err(status(UNKNOWN, error.log));
                }
                Err((hash, error)) => {
                    broadcast_answer(&request.tx_bytes, hash, error.code, &error.log)
                }
            }
        }
        "tx.Status" => {
            let request: TxStatusRequest = read(body)?;
            let hash = hex::decode(&request.tx_id)
                .ok()
                .and_then(|hash| <[u8; 32]>::try_from(hash).ok())
                .ok_or_else(|| status(INVALID, "invalid transaction hash"))?;
            let place = node
                .tx(hash)
                .map_err(|error| status(UNKNOWN, error.to_string()))?;
            tx_status(place).encode_to_vec()
        }
        _ => {
            let _: EstimateGasPriceRequest = read(body)?;
            EstimateGasPriceResponse {
                estimated_gas_price: node.min_gas_price().as_f64(),
            }
            .encode_to_vec()
        }
    })
}

fn account(node: &Node, address: &str) -> Result<AccountState, Status> {
    let parsed: AccAddress = address
        .parse()
        .map_err(|_| status(INVALID, "invalid address"))?;
    node.account(&parsed)
        .ok_or_else(|| status(NOT_FOUND, format!("account {address} not found")))
}

fn broadcast_answer(tx: &[u8], hash: Option<[u8; 32]>, code: u32, log: &str) -> Vec<u8> {
    let hash = hash.unwrap_or_else(|| Sha256::digest(tx).into());
    BroadcastTxResponse {
        tx_response: Some(TxResponse {
            txhash: hex::encode_upper(hash),
            codespace: if code == 0 { "" } else { "sdk" }.to_owned(),
            code,
            raw_log: log.to_owned(),
            ..TxResponse::default()
        }),
    }
    .encode_to_vec()
}

fn tx_status(place: TxPlace) -> TxStatusResponse {
    let named = |status: &str| TxStatusResponse {
        status: status.to_owned(),
        ..TxStatusResponse::default()
    };
    match place {
        TxPlace::Unknown => named("UNKNOWN"),
        TxPlace::Pending => named("PENDING"),
        TxPlace::Evicted => named("EVICTED"),
        TxPlace::Rejected(error) => TxStatusResponse {
            execution_code: error.code,
            error: error.log,
            ..named("REJECTED")
        },
        TxPlace::Committed {
            height,
            index,
            code,
        } => TxStatusResponse {
            height: i64::try_from(height).unwrap_or(i64::MAX),
            index,
            execution_code: code,
            ..named("COMMITTED")
        },
    }
}

/// A message without its frame: one byte that says it is not compressed, four
/// of length.
fn read<T: Message + Default>(body: &Bytes) -> Result<T, Status> {
    let message = match body.split_first_chunk::<5>() {
        Some(([0, length @ ..], message))
            if u32::from_be_bytes(*length) as usize == message.len() =>
        {
            message
        }
        _ => return Err(status(INVALID, "not one uncompressed message")),
    };
    T::decode(message).map_err(|error| status(INVALID, error.to_string()))
}

fn respond(outcome: Result<Vec<u8>, Status>) -> Response {
    let (frame, end) = match outcome {
        Ok(message) => {
            let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
            let mut frame = vec![0];
            frame.extend_from_slice(&length.to_be_bytes());
            frame.extend_from_slice(&message);
            (frame, status(0, ""))
        }
        Err(end) => (Vec::new(), end),
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(end.code));
    // Words beyond what a header holds are left out.
    let words: String = end
        .message
        .chars()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .collect();
    if let Ok(message) = HeaderValue::from_str(&words) {
        trailers.insert("grpc-message", message);
    }
    let body = Full::new(Bytes::from(frame))
        .with_trailers(async move { Some(Ok::<_, Infallible>(trailers)) });
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    response
}
