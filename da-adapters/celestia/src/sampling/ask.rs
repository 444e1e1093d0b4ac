//! Asks endpoints for samples, and hears what they say.

use super::{BlockSampling, Failure, Place, Question};
use crate::{
    CelestiaError,
    endpoints::{Endpoints, Refusal},
};
use celestia_rpc::{ShareClient, share::SampleCoordinates};
use std::{collections::BTreeMap, sync::Arc};
use tokio::task::JoinSet;

/// Questions that wait for an answer at the same time.
const IN_FLIGHT: usize = 64;

/// What came of the questions of one turn.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Heights that were asked about.
    pub(super) asked: Vec<u64>,
    /// Endpoints that did not answer, or not rightly.
    pub(super) troubles: Vec<(usize, CelestiaError)>,
}

/// Asks what is due of these blocks, and tells them what came. Samples count
/// only once they were verified.
///
/// Cancelled, open questions are forgotten and asked again later.
pub(super) async fn ask(
    endpoints: &Arc<Endpoints>,
    blocks: &mut BTreeMap<u64, BlockSampling>,
    now_ms: u64,
) -> Turn {
    let usable = endpoints.usable();
    let mut turn = Turn::default();
    let mut flights = JoinSet::new();
    for (&height, block) in blocks.iter() {
        let questions = block.questions(&usable, now_ms);
        if questions.is_empty() {
            continue;
        }
        turn.asked.push(height);
        for question in questions {
            if flights.len() >= IN_FLIGHT {
                break;
            }
            let (endpoints, block) = (Arc::clone(endpoints), block.clone());
            flights.spawn(async move {
                let result = one(&endpoints, &block, &question).await;
                (height, question, result)
            });
        }
    }
    while let Some(joined) = flights.join_next().await {
        // A task that was cancelled belongs to a runtime that ends.
        let Ok((height, question, result)) = joined else {
            continue;
        };
        let Some(block) = blocks.get_mut(&height) else {
            continue;
        };
        match result {
            Ok(()) => block.given(&question),
            Err(error) => {
                block.failed(&question, failure(&error));
                turn.troubles.push((question.endpoint, error));
            }
        }
    }
    turn
}

async fn one(
    endpoints: &Endpoints,
    block: &BlockSampling,
    question: &Question,
) -> Result<(), CelestiaError> {
    let height = block.height();
    let places = || -> Vec<SampleCoordinates> {
        let place = |place: &Place| SampleCoordinates::new(place.row, place.column);
        question.places.iter().map(place).collect()
    };
    endpoints
        .ask_one(
            question.endpoint,
            height,
            |client| Box::pin(client.share_get_samples(height, places())),
            |samples| block.check(question, &samples).map_err(Refusal::Proof),
        )
        .await
}

const fn failure(error: &CelestiaError) -> Failure {
    match error {
        CelestiaError::BadProof { .. } => Failure::Lied,
        CelestiaError::HeightPruned { .. } | CelestiaError::OutsideWindow => Failure::Pruned,
        CelestiaError::Transport { .. } | CelestiaError::HeightAhead { .. } => Failure::Unreachable,
        _ => Failure::Refused,
    }
}
