//! The newest header that the endpoints know between them.

use crate::{
    CelestiaError, Checkpoint,
    endpoints::{Endpoints, Refusal},
    follow::{HeaderChain, millis},
};
use alloy_primitives::B256;
use celestia_rpc::HeaderClient;
use celestia_types::ExtendedHeader;
use rollwright_core::{DaHeader, ErrorKind, LayerError};
use std::sync::Arc;
use tokio::task::JoinSet;

/// What the endpoints say of the newest block.
#[derive(Debug)]
pub(super) struct Heads {
    /// The newest header that is believed.
    pub(super) newest: DaHeader,
    /// Endpoints, with the height that they call the newest and its time.
    pub(super) offered: Vec<(usize, u64, u64)>,
    /// Endpoints whose answer is not believed, or missing.
    pub(super) troubles: Vec<(usize, CelestiaError)>,
}

/// Asks every endpoint for its newest header and goes on to the highest one
/// that the chain of headers leads to. One endpoint alone can so hold nobody
/// back who also asks others.
///
/// Fails where none answers with a header that holds, and where the network
/// forked.
pub(super) async fn look(
    endpoints: &Arc<Endpoints>,
    chain: &Arc<HeaderChain>,
) -> Result<Heads, CelestiaError> {
    let mut flights = JoinSet::new();
    for number in endpoints.usable() {
        let (endpoints, chain) = (Arc::clone(endpoints), Arc::clone(chain));
        flights.spawn(async move {
            let header = endpoints
                .ask_one(
                    number,
                    0,
                    |client| Box::pin(client.header_network_head()),
                    |header: ExtendedHeader| chain.check(&header).map(|()| header),
                )
                .await;
            (number, header)
        });
    }
    let (mut candidates, mut troubles) = (Vec::new(), Vec::new());
    while let Some(joined) = flights.join_next().await {
        match joined {
            Ok((number, Ok(header))) => candidates.push((number, header)),
            Ok((number, Err(error))) => troubles.push((number, error)),
            // A task that was cancelled belongs to a runtime that ends.
            Err(_) => {}
        }
    }
    candidates.sort_by_key(|(number, header)| (std::cmp::Reverse(header.height()), *number));
    troubles.sort_by_key(|(number, _)| *number);
    let offered = candidates
        .iter()
        .map(|(number, header)| (*number, header.height(), millis(header)))
        .collect();
    for (number, header) in candidates {
        match chain.follow(endpoints, header).await {
            Ok(newest) => {
                return Ok(Heads {
                    newest,
                    offered,
                    troubles,
                });
            }
            // No endpoint can help against these.
            Err(
                error @ (CelestiaError::Fork { .. }
                | CelestiaError::CheckpointExpired { .. }
                | CelestiaError::CheckpointMismatch { .. }
                | CelestiaError::Storage { .. }),
            ) => return Err(error),
            Err(error) => troubles.push((number, error)),
        }
    }
    // What may pass is told before what is final: another endpoint may answer.
    let passing = troubles
        .iter()
        .position(|(_, error)| error.kind() != ErrorKind::Fatal)
        .unwrap_or(0);
    if troubles.is_empty() {
        let (height, what) = endpoints.all_aside().unwrap_or_default();
        return Err(CelestiaError::NoHonestEndpoint { height, what });
    }
    Err(troubles.swap_remove(passing).1)
}

/// The chain id that the trusted header names; without one, the network of the
/// first endpoint that answers.
pub(super) async fn network(
    endpoints: &Endpoints,
    checkpoint: Option<Checkpoint>,
) -> Result<String, CelestiaError> {
    let Some(Checkpoint {
        height,
        hash: expected,
    }) = checkpoint
    else {
        return endpoints
            .ask(
                0,
                |client| Box::pin(client.header_network_head()),
                |header: ExtendedHeader| Ok(header.chain_id().to_string()),
            )
            .await;
    };
    let height = height.0;
    endpoints
        .ask(
            height,
            |client| Box::pin(client.header_get_by_height(height)),
            |header: ExtendedHeader| match header.hash() {
                tendermint::Hash::Sha256(found) if B256::from(found) == expected => {
                    Ok(header.chain_id().to_string())
                }
                found => Err(Refusal::Other(CelestiaError::CheckpointMismatch {
                    height,
                    expected,
                    found: match found {
                        tendermint::Hash::Sha256(found) => found.into(),
                        tendermint::Hash::None => B256::ZERO,
                    },
                })),
            },
        )
        .await
}
