use super::*;
use crate::memory::{MemoryDa, MemoryDaConfig, Mining};
use futures_util::FutureExt as _;

struct Harness(MemoryDa);

impl DaHarness for Harness {
    type Da = MemoryDa;

    async fn open(&self) -> MemoryDa {
        self.0.clone()
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
fn run(config: MemoryDaConfig) -> Report {
    da(async || Harness(MemoryDa::new(config.clone())))
        .now_or_never()
        .expect("ready at once")
}

const SKIPPED: [&str; 1] = ["a_lane_without_address_is_rejected"];

#[test]
fn memory_layer_conforms() {
    run(MemoryDaConfig::default()).assert_skipping(&SKIPPED);
}

#[test]
fn memory_layer_with_small_blocks_conforms() {
    let config = MemoryDaConfig {
        max_blob_bytes: 300,
        max_block_bytes: 100,
        ..MemoryDaConfig::default()
    };
    run(config).assert_skipping(&SKIPPED);
}

#[test]
fn memory_layer_that_mines_on_submit_conforms() {
    let config = MemoryDaConfig {
        mining: Mining::OnSubmit,
        ..MemoryDaConfig::default()
    };
    run(config).assert_skipping(&SKIPPED);
}

#[test]
fn memory_layer_without_forced_lane_conforms() {
    let config = MemoryDaConfig {
        lanes: vec![DaLane::Batch],
        ..MemoryDaConfig::default()
    };
    run(config).assert_skipping(&["the_forced_lane_is_read_back"]);
}
