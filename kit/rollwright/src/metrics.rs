//! The process's metrics.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

/// Upper bounds of the buckets of every histogram. All are of seconds: from a
/// block of a few transactions to a DA layer that makes one wait for minutes.
const SECONDS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0,
];

/// The recorder of this process, installed at the first call; `None` where
/// the process has one of its own.
pub(crate) fn recorder() -> Option<PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER
        .get_or_init(|| {
            let handle = PrometheusBuilder::new()
                .set_buckets(&SECONDS)
                .ok()?
                .install_recorder()
                .ok()?;
            rollwright_node::describe_metrics();
            rollwright_rpc::describe_metrics();
            metrics::describe_gauge!("rollwright_build_info", "1, with the version that runs.");
            metrics::gauge!("rollwright_build_info", "version" => env!("CARGO_PKG_VERSION"))
                .set(1.0);
            Some(handle)
        })
        .clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_have_buckets() {
        let handle = recorder().unwrap();
        metrics::histogram!("rollwright_block_seconds").record(0.003);
        let text = handle.render();
        assert!(
            text.contains("# TYPE rollwright_block_seconds histogram"),
            "{text}"
        );
        assert!(
            text.contains("rollwright_block_seconds_bucket{le=\"0.0025\"} 0"),
            "{text}"
        );
        assert!(
            text.contains("rollwright_block_seconds_bucket{le=\"0.005\"} 1"),
            "{text}"
        );
        assert!(!text.contains("quantile"), "{text}");
    }
}
