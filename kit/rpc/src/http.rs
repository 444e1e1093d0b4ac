//! JSON-RPC by `POST`.

use crate::server::Shared;
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jsonrpsee::{
    MethodResponse,
    types::{Id, error::reject_too_big_request},
};
use std::sync::Arc;

/// Answers one JSON-RPC message. JSON-RPC errors travel with status 200.
pub(crate) async fn post(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if !is_json(request.headers()) {
        return (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "invalid content type, only application/json is supported\n",
        )
            .into_response();
    }
    let limit = shared.config.max_request_bytes;
    let body = axum::body::to_bytes(request.into_body(), limit);
    match tokio::time::timeout(shared.config.io_timeout, body).await {
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the body took too long\n").into_response(),
        Ok(Err(_)) => too_large(limit),
        Ok(Ok(body)) => match shared.dispatcher.handle(&body, None).await {
            Some(answer) => json(StatusCode::OK, String::from(Box::<str>::from(answer))),
            None => StatusCode::OK.into_response(),
        },
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
