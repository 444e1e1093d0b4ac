//! Whether a layer does what a chain needs: `rollwright da check`.

use super::Candidate;
use crate::Project;
use rollwright_core::{
    B256, Blob, DaLane, DataAvailability, Fee, LayerError, PostingUnit, SubmissionStatus,
    boxed::BoxDa, decorators::TimeLimit,
};
use serde::Serialize;
use std::time::Duration;

/// Longest wait for the probe, in blocks of the layer.
const PATIENCE_BLOCKS: u32 = 30;

/// What the probe begins with: nothing that a rollup's blobs begin with, so
/// that every deriver drops it.
const PROBE: &[u8] = b"a probe of `rollwright da check` ";

/// What one step of a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// Works, but a person should look.
    Warn,
    /// The chain could not live on this layer.
    Fail,
    /// Not tried.
    Skipped,
}

/// One step of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What was looked at.
    pub name: &'static str,
    /// What was found.
    pub outcome: Outcome,
    /// In words, with the values.
    pub text: String,
    /// Code of the error that made it fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
}

impl Step {
    fn new(name: &'static str, outcome: Outcome, text: impl Into<String>) -> Self {
        Self {
            name,
            outcome,
            text: text.into(),
            code: None,
        }
    }

    fn failed(name: &'static str, error: &dyn LayerError) -> Self {
        Self {
            code: Some(error.code()),
            ..Self::new(name, Outcome::Fail, error.to_string())
        }
    }
}

/// What the probe would cost.
#[derive(Clone, Debug)]
pub struct Probe {
    unit: PostingUnit,
    /// By the layer's own formula and present prices; `None` where it is free.
    pub fee: Option<Fee>,
}

impl Project {
    /// Everything that can be looked at without spending: reach, network,
    /// address, account, and what the probe would cost. Every failure is a step.
    pub async fn check_layer(&self, candidate: &Candidate) -> (Vec<Step>, Probe) {
        let layer = candidate.layer(self);
        let config = &candidate.config;
        let caps = layer.caps();
        let mut steps = Vec::new();
        steps.push(match layer.head().await {
            Ok(head) => Step::new(
                "reach",
                Outcome::Ok,
                format!("head {} {}", head.observed.height, head.observed.hash),
            ),
            Err(error) => Step::failed("reach", &error),
        });
        steps.push(if caps.network == config.network {
            Step::new("network", Outcome::Ok, caps.network.clone())
        } else {
            let text = format!("it is {}, and should be {}", caps.network, config.network);
            Step::new("network", Outcome::Fail, text)
        });
        steps.push(Step::new("address", Outcome::Ok, config.address.clone()));
        let data = [PROBE, B256::random().as_slice()].concat();
        let blob = Blob {
            lane: DaLane::Batch,
            data: data.into(),
        };
        let unit = PostingUnit::new(B256::random(), vec![blob]);
        let fee = match layer.estimate_fee(&unit).await {
            Ok(fee) => fee,
            Err(error) => {
                steps.push(Step::failed("fee", &error));
                None
            }
        };
        match candidate.account().await {
            Ok(None) => {}
            Ok(Some(account)) => {
                let needed = fee.as_ref().map_or(0, |fee| fee.amount);
                let text = format!(
                    "{} has {} {}",
                    account.address, account.balance, account.unit
                );
                steps.push(if account.balance > needed {
                    Step::new("account", Outcome::Ok, text)
                } else {
                    let text = format!("{text}; the probe alone costs {needed}");
                    Step::new("account", Outcome::Fail, text)
                });
            }
            Err(error) => steps.push(Step::failed("account", &error)),
        }
        (steps, Probe { unit, fee })
    }

    /// Posts the probe, waits until it is in a block, reads that block and
    /// checks both proofs. Spends what the probe costs. One step for each.
    pub async fn round_trip(&self, candidate: &Candidate, probe: &Probe) -> Vec<Step> {
        let layer = candidate.layer(self);
        let mut steps = Vec::new();
        let reference = match included(&layer, &probe.unit).await {
            Ok(Some(reference)) => reference,
            Ok(None) => {
                let text = format!("in no block after {PATIENCE_BLOCKS} blocks' time");
                steps.push(Step::new("post", Outcome::Fail, text));
                return steps;
            }
            Err(step) => {
                steps.push(step);
                return steps;
            }
        };
        let place = format!("in block {} at {}", reference.block.height, reference.index);
        steps.push(Step::new("post", Outcome::Ok, place));
        let data = probe.unit.blobs.first().map(|blob| &blob.data);
        steps.push(
            match layer
                .fetch(reference.block.height, Some(reference.block.hash))
                .await
            {
                Ok(block) => match block.blobs.iter().find(|blob| blob.reference == reference) {
                    Some(found) if Some(&found.data) == data => {
                        Step::new("read", Outcome::Ok, "complete, and as it was posted")
                    }
                    _ => Step::new("read", Outcome::Fail, "the block lacks what was posted"),
                },
                Err(error) => Step::failed("read", &error),
            },
        );
        steps.push(match layer.prove(&reference).await {
            Ok(proof) => Step::new(
                "prove",
                Outcome::Ok,
                format!("inclusion in {} bytes", proof.bytes.len()),
            ),
            Err(error) => Step::failed("prove", &error),
        });
        steps
    }
}

/// Submits until the unit is in a block, or time is up.
async fn included(
    layer: &TimeLimit<BoxDa>,
    unit: &PostingUnit,
) -> Result<Option<rollwright_core::BlobRef>, Step> {
    let block_time = layer.caps().block_time.max(Duration::from_millis(100));
    let deadline = tokio::time::Instant::now() + block_time * PATIENCE_BLOCKS;
    loop {
        match layer.submit(unit).await {
            Ok(submission) => {
                if let SubmissionStatus::Included { blobs } = submission.status {
                    return Ok(blobs.first().copied());
                }
            }
            Err(error) if error.is_retryable() && tokio::time::Instant::now() < deadline => {}
            Err(error) => return Err(Step::failed("post", &error)),
        }
        if tokio::time::Instant::now() >= deadline {
            return Ok(None);
        }
        tokio::time::sleep(
            (block_time / 4).clamp(Duration::from_millis(20), Duration::from_secs(2)),
        )
        .await;
    }
}
