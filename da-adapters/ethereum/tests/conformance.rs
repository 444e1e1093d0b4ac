//! The suite of every DA layer, over an L1 in this process whose pool is as
//! strict as geth's.
#![cfg(feature = "rpc")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::l1::L1;
use rollwright_core::{
    DaHeight,
    conformance::{self, DaHarness},
};
use rollwright_da_ethereum::EthereumDa;
use std::sync::Mutex;
use tempfile::TempDir;

/// Every lane has an address here.
const SKIPPED: &[&str] = &["a_lane_without_address_is_rejected"];

struct Harness {
    l1: L1,
    folder: TempDir,
    running: Mutex<Option<EthereumDa>>,
}

impl DaHarness for Harness {
    type Da = EthereumDa;

    async fn open(&self) -> EthereumDa {
        if let Some(running) = self.running.lock().unwrap().take() {
            running.close();
        }
        let mut config = common::mock_config(&self.l1, &["good"]);
        config.path = Some(self.folder.path().join("journal.redb"));
        let da = EthereumDa::connect(config, common::clock()).await.unwrap();
        *self.running.lock().unwrap() = Some(da.clone());
        da
    }

    async fn advance(&self, blocks: u64) {
        for _ in 0..blocks {
            self.l1.world().mine();
            // Slots without a block cost nothing.
            self.l1.world().miss(1);
        }
    }

    async fn reorganise(&self, depth: u64) -> bool {
        self.l1.world().reorganise(depth);
        true
    }

    async fn prune(&self) -> Option<DaHeight> {
        self.l1.world().oldest = 3;
        Some(DaHeight(2))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_layer_conforms() {
    let new = async || Harness {
        l1: L1::start().await,
        folder: TempDir::new().unwrap(),
        running: Mutex::new(None),
    };
    conformance::da(new).await.assert_skipping(SKIPPED);
}
