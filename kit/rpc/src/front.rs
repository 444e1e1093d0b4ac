//! What a connection's requests meet first: nearly all are JSON-RPC calls of
//! programs, and need no router, no CORS and seldom compression.

use crate::{http, server::Shared};
use axum::{
    Router,
    body::{Body, HttpBody as _},
    http::{HeaderMap, HeaderValue, Method, Request, header},
    response::{IntoResponse as _, Response},
};
use hyper::body::Incoming;
use std::{convert::Infallible, sync::Arc};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::compression::{CompressionLayer, predicate::SizeAbove};

/// Answers shorter than this are not worth compressing.
const COMPRESS_ABOVE: u16 = 1_024;

/// Calls, answered here, and everything else, which the router answers.
pub(crate) struct Front {
    pub(crate) shared: Arc<Shared>,
    pub(crate) router: Router,
}

/// Compresses for clients that ask for it.
pub(crate) fn compression() -> CompressionLayer<SizeAbove> {
    CompressionLayer::new().compress_when(SizeAbove::new(COMPRESS_ABOVE))
}

impl Front {
    /// Answers a request.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        if !is_call(&request) {
            return self.router.clone().oneshot(request.map(Body::new)).await;
        }
        let accepted = request.headers().get(header::ACCEPT_ENCODING).cloned();
        let response = http::post(&self.shared, request).await;
        let length = response.body().size_hint().lower();
        match accepted {
            Some(accepted) if length >= u64::from(COMPRESS_ABOVE) => {
                Ok(compressed(accepted, response).await)
            }
            _ => Ok(response),
        }
    }
}

/// A POST of a program to where calls go: browsers say where they come from,
/// and a WebSocket begins with an upgrade.
fn is_call(request: &Request<Incoming>) -> bool {
    let headers: &HeaderMap = request.headers();
    request.method() == Method::POST
        && matches!(request.uri().path(), "/" | "/ws")
        && !headers.contains_key(header::ORIGIN)
        && !headers.contains_key(header::UPGRADE)
}

/// The response as the compressing layer makes it.
async fn compressed(accepted: HeaderValue, response: Response) -> Response {
    let mut request = Request::new(Body::empty());
    request
        .headers_mut()
        .insert(header::ACCEPT_ENCODING, accepted);
    let mut response = Some(response);
    let ready = service_fn(move |_: Request<Body>| {
        let response = response.take().unwrap_or_default();
        async move { Ok::<_, Infallible>(response) }
    });
    let Ok(response) = compression().layer(ready).oneshot(request).await;
    response.into_response()
}
