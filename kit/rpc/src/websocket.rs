//! JSON-RPC over WebSocket: one task a connection, everything in it bounded.

use crate::{
    dispatch::Session,
    server::{Shared, stopped},
};
use axum::{
    extract::{
        State,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{
    SinkExt, StreamExt,
    stream::{FuturesUnordered, SplitSink, SplitStream},
};
use jsonrpsee::{
    BoundedSubscriptions, ConnectionId, MethodResponse, MethodSink,
    types::{Id, error::reject_too_big_request},
};
use serde_json::value::RawValue;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{sync::mpsc, time::MissedTickBehavior};

/// Silent ping periods after which a client counts as gone.
const SILENT_PERIODS: u32 = 3;

/// How long a client may take to answer a close frame.
const FAREWELL: Duration = Duration::from_secs(2);

/// Upgrades a connection whose origin is allowed.
pub(crate) fn upgrade(
    State(shared): State<Arc<Shared>>,
    headers: &HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !origin_allowed(&shared, headers) {
        return (
            StatusCode::FORBIDDEN,
            "origin not allowed; add it to `rpc.cors`\n",
        )
            .into_response();
    }
    // Between the two limits a client is told; above the second it is cut off.
    let hard_limit = shared.config.max_request_bytes.saturating_mul(2);
    upgrade
        .max_message_size(hard_limit)
        .max_frame_size(hard_limit)
        .on_upgrade(move |socket| serve(shared, socket))
}

/// Browsers send `Origin` and open WebSockets without asking first.
fn origin_allowed(shared: &Shared, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let own = host.is_some_and(|host| {
        ["http://", "https://"]
            .iter()
            .any(|scheme| origin.strip_prefix(scheme) == Some(host))
    });
    own || shared.config.allows_origin(origin)
}

async fn serve(shared: Arc<Shared>, socket: WebSocket) {
    let config = &shared.config;
    let (mut writer, mut reader) = socket.split();
    // Subscriptions write here; they wait while it is full.
    let (sender, mut outgoing) = mpsc::channel::<Box<RawValue>>(config.message_buffer.max(1));
    let limit = u32::try_from(config.max_response_bytes).unwrap_or(u32::MAX);
    let session = Session {
        id: ConnectionId(shared.next_connection.fetch_add(1, Ordering::Relaxed)),
        sink: MethodSink::new_with_limit(sender, limit),
        subscriptions: BoundedSubscriptions::new(config.max_subscriptions_per_connection),
    };
    let mut running = FuturesUnordered::new();
    let mut ping = tokio::time::interval(config.ping_interval);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent = 0;
    let mut stop = shared.stop.clone();
    let goodbye = loop {
        tokio::select! {
            // Answers before questions, so that a busy client is answered.
            biased;
            () = stopped(&mut stop) => break Some((close_code::AWAY, "the node stops")),
            Some(message) = outgoing.recv() => {
                if let Err(end) = send(&shared, &mut writer, message).await {
                    break end.goodbye();
                }
            }
            Some(answer) = running.next(), if !running.is_empty() => {
                if let Some(answer) = answer
                    && let Err(end) = send(&shared, &mut writer, answer).await
                {
                    break end.goodbye();
                }
            }
            message = reader.next(), if running.len() < config.max_calls_per_connection => {
                silent = 0;
                let body = match message {
                    Some(Ok(Message::Text(text))) => text.into(),
                    Some(Ok(Message::Binary(bytes))) => bytes,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    // The answer to it is queued already, and sent below.
                    Some(Ok(Message::Close(_))) => break None,
                    None => return,
                    Some(Err(error)) => {
                        tracing::debug!(target: "rpc", %error, "a WebSocket failed");
                        break Some(violation(error));
                    }
                };
                if body.len() > config.max_request_bytes {
                    let answer = too_large(config.max_request_bytes);
                    if let Err(end) = send(&shared, &mut writer, answer).await {
                        break end.goodbye();
                    }
                    continue;
                }
                let (shared, session) = (Arc::clone(&shared), session.clone());
                running.push(async move { shared.dispatcher.handle(&body, Some(&session)).await });
            }
            _ = ping.tick() => {
                silent += 1;
                if silent > SILENT_PERIODS || writer.send(Message::Ping(Default::default())).await.is_err() {
                    return;
                }
            }
        }
    };
    let patience = config.io_timeout.min(FAREWELL);
    let _ = tokio::time::timeout(patience, close(&mut writer, &mut reader, goodbye)).await;
}

/// Says why the connection ends, or answers the client's close frame, and
/// waits until the client has hung up: what it still sends must be taken off
/// the socket, or the operating system drops the close frame.
async fn close(
    writer: &mut SplitSink<WebSocket, Message>,
    reader: &mut SplitStream<WebSocket>,
    goodbye: Option<(u16, &'static str)>,
) {
    if let Some((code, reason)) = goodbye {
        let frame = CloseFrame {
            code,
            reason: Utf8Bytes::from_static(reason),
        };
        if writer.send(Message::Close(Some(frame))).await.is_err() {
            return;
        }
    } else if writer.close().await.is_err() {
        return;
    }
    while let Some(Ok(_)) = reader.next().await {}
}

/// The close code for what a client did wrong.
fn violation(error: axum::Error) -> (u16, &'static str) {
    match error.into_inner().downcast_ref() {
        Some(tungstenite::Error::Capacity(_)) => (
            close_code::SIZE,
            "a message is larger than the server's limit",
        ),
        Some(tungstenite::Error::Utf8(_)) => (close_code::INVALID, "a text message is not UTF-8"),
        _ => (close_code::PROTOCOL, "not a valid WebSocket frame"),
    }
}

fn too_large(limit: usize) -> Box<RawValue> {
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    MethodResponse::error(Id::Null, reject_too_big_request(limit)).into_json()
}

/// Why nothing more can be sent.
enum End {
    /// The client is gone.
    Gone,
    /// The client takes nothing.
    TooSlow,
}

impl End {
    fn goodbye(&self) -> Option<(u16, &'static str)> {
        match self {
            Self::Gone => None,
            Self::TooSlow => {
                metrics::counter!("rollwright_rpc_slow_clients_total").increment(1);
                tracing::info!(target: "rpc", "a WebSocket client does not read and is cut off");
                Some((close_code::POLICY, "messages are not read in time"))
            }
        }
    }
}

/// Sends one message; a client that does not take it in time is given up.
async fn send(
    shared: &Shared,
    writer: &mut SplitSink<WebSocket, Message>,
    message: Box<RawValue>,
) -> Result<(), End> {
    let text = Utf8Bytes::from(String::from(Box::<str>::from(message)));
    let sent = writer.send(Message::Text(text));
    match tokio::time::timeout(shared.config.io_timeout, sent).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::TooSlow),
    }
}
