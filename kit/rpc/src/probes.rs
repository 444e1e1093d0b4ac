//! What operators' machinery asks: alive, ready, metrics.

use crate::server::Shared;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use rollwright_core::{NodeStatus, Role};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// 200 as long as the process answers.
pub(crate) async fn health() -> &'static str {
    "alive\n"
}

/// 200 once the node serves a current chain, otherwise 503 with the reason.
pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let reason = not_ready(&shared.node.status());
    let status = match reason {
        None => StatusCode::OK,
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let ready = reason.is_none();
    (status, Json(Readiness { ready, reason })).into_response()
}

/// Why a load balancer should send requests elsewhere.
pub(crate) fn not_ready(status: &NodeStatus) -> Option<String> {
    if let Some(blocked) = &status.blocked {
        return Some(format!("blocked: {blocked}"));
    }
    let da_fault = status.last_errors.iter().find(|(layer, _)| layer == "da");
    if let Some((_, fault)) = da_fault {
        return Some(format!("the DA layer cannot be read: {fault}"));
    }
    if !status.synced {
        let derived = status.derived.map(|point| point.height.0);
        let observed = status.da_head.map(|head| head.observed.height.0);
        return Some(match (derived, observed) {
            (Some(derived), Some(observed)) => {
                format!("syncing: derived up to DA height {derived}, its head is {observed}")
            }
            _ => "syncing: the DA layer's head is not reached yet".to_owned(),
        });
    }
    if status.lapsed {
        return Some("the sequencer has lapsed: only forced transactions are included".to_owned());
    }
    // A node without a sequencer's pool serves reads alone.
    if status.role == Role::Sequencer && !status.admitting {
        return Some("no transactions are admitted".to_owned());
    }
    None
}

/// Prometheus text.
pub(crate) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    match &shared.config.metrics {
        Some(handle) => (
            [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
            handle.render(),
        )
            .into_response(),
        None => (StatusCode::NOT_FOUND, "no metrics on this port\n").into_response(),
    }
}
