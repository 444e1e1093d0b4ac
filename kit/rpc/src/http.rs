//! JSON-RPC by `POST`.

use crate::{error::busy, server::Shared};
use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::future::poll_immediate;
use http_body_util::BodyExt;
use jsonrpsee::{
    MethodResponse,
    types::{Id, error::reject_too_big_request},
};
use std::pin::pin;
use tokio::sync::{Semaphore, SemaphorePermit};

/// What a body may hold without asking for room: nearly every request.
const SMALL_BODY: usize = 64 << 10;

/// Answers one JSON-RPC message. JSON-RPC errors travel with status 200.
pub(crate) async fn post<B>(shared: &Shared, request: Request<B>) -> Response
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    if !is_json(request.headers()) {
        return (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "invalid content type, only application/json is supported\n",
        )
            .into_response();
    }
    let limit = shared.config.max_request_bytes;
    let mut reading = pin!(read(request.into_body(), limit, &shared.bodies));
    // Nearly always it is there already, and no timer is needed.
    let read = match poll_immediate(reading.as_mut()).await {
        Some(read) => Ok(read),
        None => tokio::time::timeout(shared.config.io_timeout, reading).await,
    };
    match read {
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the body took too long\n").into_response(),
        Ok(Err(BodyError::Broken)) => {
            (StatusCode::BAD_REQUEST, "the body ended too early\n").into_response()
        }
        Ok(Err(BodyError::TooLarge)) => too_large(limit),
        Ok(Err(BodyError::NoRoom)) => {
            let error = busy("too much is being received at the moment; try again");
            let answer = MethodResponse::error(Id::Null, error).into_json();
            let text = String::from(Box::<str>::from(answer));
            json(StatusCode::SERVICE_UNAVAILABLE, text)
        }
        // The room is kept until the answer is made.
        Ok(Ok((body, _room))) => match shared.dispatcher.handle(&body, None).await {
            Some(answer) => json(StatusCode::OK, String::from(Box::<str>::from(answer))),
            None => StatusCode::OK.into_response(),
        },
    }
}

enum BodyError {
    Broken,
    TooLarge,
    NoRoom,
}

/// Reads a body of at most `limit` bytes. Beyond a small one, what all clients
/// send at once has to fit into the room there is.
async fn read<B>(
    mut body: B,
    limit: usize,
    room: &Semaphore,
) -> Result<(Bytes, Option<SemaphorePermit<'_>>), BodyError>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut first = Bytes::new();
    let mut whole = Vec::new();
    let mut permit: Option<SemaphorePermit<'_>> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else {
            continue;
        };
        if whole.is_empty() && first.is_empty() && body.is_end_stream() && data.len() <= limit {
            // One piece, as nearly always: it is not copied.
            first = data;
            continue;
        }
        if !first.is_empty() {
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        if whole.len() + data.len() > limit {
            return Err(BodyError::TooLarge);
        }
        let held = permit.as_ref().map_or(0, SemaphorePermit::num_permits);
        let needed = whole.len() + data.len();
        if needed > SMALL_BODY && needed > held {
            let more = u32::try_from(needed - held).map_err(|_| BodyError::TooLarge)?;
            let taken = room.try_acquire_many(more).map_err(|_| BodyError::NoRoom)?;
            match &mut permit {
                Some(permit) => permit.merge(taken),
                None => permit = Some(taken),
            }
        }
        whole.extend_from_slice(&data);
    }
    match first.is_empty() {
        true => Ok((whole.into(), permit)),
        false => Ok((first, permit)),
    }
}

/// Tells a browser or a lost client what is here.
pub(crate) fn hint() -> Response {
    const TEXT: &str = "JSON-RPC: POST / with application/json, or WebSocket on /\n\
                        GET /health /ready /metrics\n";
    (
        StatusCode::METHOD_NOT_ALLOWED,
        [(header::ALLOW, "POST")],
        TEXT,
    )
        .into_response()
}

fn too_large(limit: usize) -> Response {
    let error = reject_too_big_request(u32::try_from(limit).unwrap_or(u32::MAX));
    let answer = MethodResponse::error(Id::Null, error).into_json();
    json(
        StatusCode::PAYLOAD_TOO_LARGE,
        String::from(Box::<str>::from(answer)),
    )
}

fn json(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| {
            let kind = kind.trim();
            [
                "application/json",
                "application/json-rpc",
                "application/jsonrequest",
            ]
            .iter()
            .any(|accepted| kind.eq_ignore_ascii_case(accepted))
        })
}
