use super::*;
use crate::{
    boxed::BoxDa,
    conformance::hasty::{self, HastyClock},
    decorators::{CallCounts, Faulty, Metered, Recorded, Retrying, TimeLimit},
    memory::{MemoryDa, MemoryDaConfig, Mining},
};
use futures_util::FutureExt as _;
use std::{sync::Arc, time::Duration};

struct Harness<D>(MemoryDa, fn(MemoryDa) -> D);

impl<D: DataAvailability> DaHarness for Harness<D> {
    type Da = D;

    async fn open(&self) -> D {
        (self.1)(self.0.clone())
    }

    async fn advance(&self, blocks: u64) {
        self.0.make_blocks(blocks);
    }

    async fn reorganise(&self, depth: u64) -> bool {
        self.0.reorganise_and_forget(depth).is_ok()
    }

    async fn prune(&self) -> Option<DaHeight> {
        self.0.make_blocks(4);
        self.0.prune_below(DaHeight(3));
        Some(DaHeight(2))
    }
}

/// The in-memory layer never waits, so its futures are ready at once.
fn run(config: &MemoryDaConfig) -> Report {
    wrapped(config, |layer| layer)
}

fn wrapped<D: DataAvailability>(config: &MemoryDaConfig, wrap: fn(MemoryDa) -> D) -> Report {
    da(async || Harness(MemoryDa::new(config.clone()), wrap))
        .now_or_never()
        .expect("ready at once")
}

const SKIPPED: [&str; 1] = ["a_lane_without_address_is_rejected"];

#[test]
fn memory_layer_conforms() {
    run(&MemoryDaConfig::default()).assert_skipping(&SKIPPED);
}

#[test]
fn memory_layer_with_small_blocks_conforms() {
    let config = MemoryDaConfig {
        max_blob_bytes: 300,
        max_block_bytes: 100,
        ..MemoryDaConfig::default()
    };
    run(&config).assert_skipping(&SKIPPED);
}

#[test]
fn memory_layer_that_mines_on_submit_conforms() {
    let config = MemoryDaConfig {
        mining: Mining::OnSubmit,
        ..MemoryDaConfig::default()
    };
    run(&config).assert_skipping(&SKIPPED);
}

#[test]
fn memory_layer_without_forced_lane_conforms() {
    let config = MemoryDaConfig {
        lanes: vec![DaLane::Batch],
        ..MemoryDaConfig::default()
    };
    run(&config).assert_skipping(&["the_forced_lane_is_read_back"]);
}

#[test]
fn boxed_layer_conforms() {
    wrapped(&MemoryDaConfig::default(), BoxDa::new).assert_skipping(&SKIPPED);
}

#[test]
fn metered_and_recorded_layer_conforms() {
    let wrap = |layer| {
        let clock = Arc::new(HastyClock::default());
        Recorded::new(Metered::new(layer, clock, CallCounts::default()))
    };
    wrapped(&MemoryDaConfig::default(), wrap).assert_skipping(&SKIPPED);
}

#[test]
fn faulty_layer_conforms_when_retried() {
    let wrap = |layer| {
        let clock = Arc::new(HastyClock::default());
        let faulty = Faulty::new(layer, clock.clone(), hasty::faults());
        Retrying::new(faulty, clock, hasty::patient())
    };
    wrapped(&MemoryDaConfig::default(), wrap).assert_skipping(&SKIPPED);
}

#[test]
fn layer_with_a_time_limit_conforms() {
    let wrap = |layer| {
        let clock = Arc::new(HastyClock::default());
        TimeLimit::new(layer, clock, Duration::from_secs(30))
    };
    wrapped(&MemoryDaConfig::default(), wrap).assert_skipping(&SKIPPED);
}

#[test]
fn faulty_layer_fails_the_suite_when_not_retried() {
    let wrap = |layer| Faulty::new(layer, Arc::new(HastyClock::default()), hasty::faults());
    assert!(
        !wrapped(&MemoryDaConfig::default(), wrap)
            .failed()
            .is_empty()
    );
}
