//! What a person and the metrics hear of one DA block.

use rollwright_core::DaCaps;
use rollwright_derive::{DaStep, DeriveEvent};

/// How many DA blocks are not read yet.
pub(super) fn lag(blocks: u64) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge for people")]
    metrics::gauge!("rollwright_da_lag_blocks").set(blocks as f64);
}

/// Logs what happened in a step. `say_batches` where nobody else does, and the
/// node follows the head, so that catching up does not fill the log.
pub(super) fn step(step: &DaStep, caps: Option<&DaCaps>, say_batches: bool) {
    let layer = caps.map_or_else(String::new, |caps| caps.layer.clone());
    metrics::gauge!("rollwright_da_epoch").set(step.point.epoch as f64);
    for event in &step.events {
        match event {
            DeriveEvent::Batch(batch) => {
                let last = batch.first_block + u64::from(batch.blocks).saturating_sub(1);
                metrics::counter!("rollwright_da_batches_total", "layer" => layer.clone(), "result" => "applied").increment(1);
                metrics::counter!("rollwright_da_bytes_total", "layer" => layer.clone())
                    .increment(batch.bytes);
                macro_rules! say {
                    ($level:ident) => {
                        tracing::$level!(
                            target: "da",
                            blocks = %format_args!("{}-{last}", batch.first_block),
                            size = batch.bytes,
                            observed = %format_args!("{layer}:{}", batch.point.height),
                            "batch {}",
                            batch.number
                        )
                    };
                }
                if say_batches {
                    say!(info);
                } else {
                    say!(debug);
                }
                if let Some(ended) = &batch.ended {
                    tracing::warn!(
                        target: "da",
                        batch = batch.number,
                        kept = batch.blocks,
                        reason = %ended.reason,
                        "a batch ends at an invalid block"
                    );
                }
            }
            DeriveEvent::Lapsed => {
                tracing::warn!(target: "da", ordinal = %step.ordinal, "the sequencer has lapsed: blocks are derived without it");
            }
            DeriveEvent::Returned => {
                tracing::info!(target: "da", ordinal = %step.ordinal, "the sequencer is back");
            }
            DeriveEvent::Dropped(dropped) => {
                metrics::counter!("rollwright_derive_dropped_total", "reason" => dropped.reason.code()).increment(1);
                tracing::debug!(target: "da", height = %step.point.height, ?dropped, "dropped");
            }
            DeriveEvent::Untraced(count) => {
                metrics::counter!("rollwright_derive_dropped_total", "reason" => "untraced")
                    .increment(*count);
            }
            DeriveEvent::Discarded { batches } => {
                tracing::warn!(target: "da", batches, ordinal = %step.ordinal, "posting rules changed: parts are discarded");
            }
            _ => {}
        }
    }
}
