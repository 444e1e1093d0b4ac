//! HTTP and WebSocket on one port.

use super::{
    RpcError, grpc, is_write,
    subscriptions::{Topic, feed},
};
use crate::devnet::{faults::Fault, node::Node};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{
        DefaultBodyLimit, FromRequestParts, Request, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};

/// Longest request: an 8 MiB blob in base64 several times over.
const MAX_REQUEST: usize = 64 << 20;

/// Messages that wait for a subscriber.
const BUFFERED: usize = 256;

/// Calls of one WebSocket that are answered at the same time.
const MAX_RUNNING: usize = 256;

#[derive(Clone, Debug)]
struct Shared {
    node: Arc<Node>,
    stop: watch::Receiver<bool>,
}

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Read,
    Write,
}

#[derive(Debug)]
pub(crate) struct Server;

impl Server {
    /// Serves until `stop` says so.
    pub(crate) fn spawn(
        node: Arc<Node>,
        listener: TcpListener,
        stop: watch::Receiver<bool>,
    ) -> JoinHandle<()> {
        let mut ended = stop.clone();
        let router = Router::new()
            .fallback(handle)
            .layer(DefaultBodyLimit::max(MAX_REQUEST))
            .with_state(Shared { node, stop });
        tokio::spawn(async move {
            let until = async move { stopped(&mut ended).await };
            let served = axum::serve(listener, router).with_graceful_shutdown(until);
            if let Err(error) = served.await {
                tracing::error!(target: "celestia-devnet", %error, "the port is no longer served");
            }
        })
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which ends the node as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn handle(State(shared): State<Shared>, request: Request) -> Response {
    let Some(scope) = scope(&shared.node, request.headers()) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    if request.method() == Method::GET {
        let (mut parts, _) = request.into_parts();
        return match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Ok(upgrade) => upgrade
                .max_message_size(MAX_REQUEST)
                .max_frame_size(MAX_REQUEST)
                .on_upgrade(move |socket| websocket(shared, socket, scope)),
            Err(refusal) => refusal.into_response(),
        };
    }
    let is_grpc = grpc::is_grpc(request.headers());
    let (parts, body) = request.into_parts();
    let body = match axum::body::to_bytes(body, MAX_REQUEST).await {
        Ok(body) => body,
        Err(_) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    };
    let mut stop = shared.stop.clone();
    tokio::select! {
        answer = grpc::answer(&shared.node, parts.uri.path(), &body), if is_grpc => answer,
        answer = http(&shared, &body, scope), if !is_grpc => answer,
        () = stopped(&mut stop) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// What the request's token allows; `None` where it is none of ours.
fn scope(node: &Node, headers: &HeaderMap) -> Option<Scope> {
    let config = &node.config;
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let is = |token: &Option<String>| token.as_deref() == given && given.is_some();
    if config.write_token.is_none() || is(&config.write_token) {
        Some(Scope::Write)
    } else if config.read_token.is_none() || is(&config.read_token) {
        // A token that is not known is refused even where none is needed.
        (given.is_none() || is(&config.read_token)).then_some(Scope::Read)
    } else {
        None
    }
}

async fn http(shared: &Shared, body: &Bytes, scope: Scope) -> Response {
    let answer = match serde_json::from_slice::<Value>(body) {
        Err(_) => failure(&Value::Null, -32700, "Parse error"),
        Ok(Value::Array(calls)) => {
            let mut answers = Vec::new();
            for call in calls {
                match one(shared, call, scope).await {
                    Ok(answer) => answers.push(answer),
                    Err(response) => return response,
                }
            }
            Value::Array(answers)
        }
        Ok(call) => match one(shared, call, scope).await {
            Ok(answer) => answer,
            Err(response) => return response,
        },
    };
    (
        [(header::CONTENT_TYPE, "application/json")],
        answer.to_string(),
    )
        .into_response()
}

/// One call's answer, or what a fault sends in its place.
async fn one(shared: &Shared, call: Value, scope: Scope) -> Result<Value, Response> {
    let Some((id, method, params)) = parse(call) else {
        return Ok(failure(&Value::Null, -32600, "Invalid request"));
    };
    if Topic::of(&method, &params).is_some() {
        return Ok(failure(&id, -32601, "subscriptions need a WebSocket"));
    }
    let fault = shared.node.faults.take(&method);
    match &fault {
        Some(Fault::Status(status)) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Err(status.into_response());
        }
        Some(Fault::Garbage(text)) => return Err(text.clone().into_response()),
        _ => {}
    }
    let cut = fault == Some(Fault::Cut);
    let answer = answer(shared, id, &method, params, scope, fault).await;
    if cut {
        // A body that ends before its length: the connection breaks.
        let half = answer.to_string().into_bytes();
        let half = half.get(..half.len() / 2).unwrap_or_default().to_vec();
        let parts = futures_util::stream::iter([
            Ok(Bytes::from(half)),
            Err(std::io::Error::other("the connection is cut")),
        ]);
        return Err(Body::from_stream(parts).into_response());
    }
    Ok(answer)
}

fn parse(call: Value) -> Option<(Value, String, Value)> {
    let Value::Object(mut call) = call else {
        return None;
    };
    let Some(Value::String(method)) = call.remove("method") else {
        return None;
    };
    let id = call.remove("id").unwrap_or_default();
    Some((id, method, call.remove("params").unwrap_or_default()))
}

async fn answer(
    shared: &Shared,
    id: Value,
    method: &str,
    params: Value,
    scope: Scope,
    fault: Option<Fault>,
) -> Value {
    if is_write(method) && scope == Scope::Read {
        let name = method.rsplit('.').next().unwrap_or_default();
        return failure(
            &id,
            1,
            &format!("missing permission to invoke '{name}' (need 'write')"),
        );
    }
    match shared.node.call(method, params, fault).await {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(RpcError { code, message }) => failure(&id, code, &message),
    }
}

fn failure(id: &Value, code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

async fn websocket(shared: Shared, socket: WebSocket, scope: Scope) {
    let (mut writer, mut reader) = socket.split();
    let (sender, mut outgoing) = mpsc::channel::<String>(BUFFERED);
    let mut running = JoinSet::new();
    let mut feeds = HashMap::new();
    let mut next_feed = 1u64;
    let mut stop = shared.stop.clone();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            Some(message) = outgoing.recv() => {
                if writer.send(Message::text(message)).await.is_err() {
                    return;
                }
            }
            Some(_) = running.join_next(), if !running.is_empty() => {}
            message = reader.next(), if running.len() < MAX_RUNNING => {
                let body = match message {
                    Some(Ok(Message::Text(text))) => Bytes::from(text),
                    Some(Ok(Message::Binary(bytes))) => bytes,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                };
                let call = serde_json::from_slice(&body).ok().and_then(parse);
                let Some((id, method, params)) = call else {
                    let answer = failure(&Value::Null, -32600, "Invalid request");
                    if writer.send(Message::text(answer.to_string())).await.is_err() {
                        return;
                    }
                    continue;
                };
                let fault = shared.node.faults.take(&method);
                if matches!(fault, Some(Fault::Status(_) | Fault::Garbage(_) | Fault::Cut)) {
                    return;
                }
                let reply = match Topic::of(&method, &params) {
                    Some(Ok(topic)) => {
                        let number = next_feed;
                        next_feed += 1;
                        let feed = feed(Arc::clone(&shared.node), topic, number, sender.clone());
                        feeds.insert(number, running.spawn(feed));
                        Some(json!({ "jsonrpc": "2.0", "id": id, "result": number }))
                    }
                    Some(Err(error)) => Some(failure(&id, error.code, &error.message)),
                    None if method.ends_with(".Unsubscribe") => {
                        let number = params.get(0).and_then(Value::as_u64).unwrap_or(0);
                        let feed = feeds.remove(&number);
                        let known = feed.map(|feed| feed.abort()).is_some();
                        Some(json!({ "jsonrpc": "2.0", "id": id, "result": known }))
                    }
                    None => {
                        let (shared, sender) = (shared.clone(), sender.clone());
                        running.spawn(async move {
                            let answer = answer(&shared, id, &method, params, scope, fault).await;
                            let _ = sender.send(answer.to_string()).await;
                        });
                        None
                    }
                };
                if let Some(reply) = reply
                    && writer.send(Message::text(reply.to_string())).await.is_err()
                {
                    return;
                }
            }
        }
    }
}
