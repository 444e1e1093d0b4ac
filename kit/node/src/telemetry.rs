use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Gives the process's metrics recorder the help text of every metric that a
/// node exports. To be called once, after the recorder is installed.
pub fn describe_metrics() {
    describe_gauge!(
        "rollwright_block_height",
        "Number of the latest, safe and finalized block."
    );
    describe_histogram!(
        "rollwright_block_seconds",
        Unit::Seconds,
        "Time to build and commit a block."
    );
    describe_counter!(
        "rollwright_txs_total",
        "Transactions in blocks that this sequencer made."
    );
    describe_counter!(
        "rollwright_da_batches_total",
        "Batches by result: applied by derivation, or refused by the DA layer when posted."
    );
    describe_counter!(
        "rollwright_da_bytes_total",
        Unit::Bytes,
        "Bytes of the batches that derivation applied."
    );
    describe_histogram!(
        "rollwright_da_latency_seconds",
        Unit::Seconds,
        "Time from closing a batch until derivation has read it from the DA layer."
    );
    describe_gauge!(
        "rollwright_da_lag_blocks",
        "Blocks of the DA layer that this node has not read yet."
    );
    describe_counter!(
        "rollwright_da_cost_total",
        "What posting has cost, in the unit that the DA layer charges."
    );
    describe_gauge!(
        "rollwright_da_epoch",
        "Epoch of the newest DA block that was read: how often the chain has changed its DA layer."
    );
    describe_gauge!(
        "rollwright_amendments_lacking",
        "1 where the sequencer announces an amendment that this node lacks."
    );
    describe_counter!(
        "rollwright_da_reorgs_total",
        "Reorganisations of the DA layer that undid blocks this node had read."
    );
    describe_counter!(
        "rollwright_derive_dropped_total",
        "Blobs of the rollup that derivation passed over, by reason."
    );
    describe_counter!(
        "rollwright_pool_dropped_total",
        "Waiting transactions that left the pool because they became invalid."
    );
    describe_counter!(
        "rollwright_feed_contradictions_total",
        "Signed blocks of the feed that the DA layer contradicts."
    );
}
