//! The process's metrics.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

/// The recorder of this process, installed at the first call; `None` where
/// the process has one of its own.
pub(crate) fn recorder() -> Option<PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER
        .get_or_init(|| {
            let handle = PrometheusBuilder::new().install_recorder().ok()?;
            rollwright_node::describe_metrics();
            rollwright_rpc::describe_metrics();
            metrics::describe_gauge!("rollwright_build_info", "1, with the version that runs.");
            metrics::gauge!("rollwright_build_info", "version" => env!("CARGO_PKG_VERSION"))
                .set(1.0);
            Some(handle)
        })
        .clone()
}
