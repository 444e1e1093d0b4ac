//! The suite of every DA layer, over the embedded devnet.
#![cfg(feature = "devnet")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{TestClock, adapter_config, manual, settle, start};
use rollwright_core::{
    DaHeight, DataAvailability,
    conformance::{self, DaHarness},
};
use rollwright_da_celestia::{CelestiaDa, devnet::DevnetHandle};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Every lane has an address, and Celestia does not reorganise.
const SKIPPED: &[&str] = &[
    "a_lane_without_address_is_rejected",
    "a_reorganised_block_is_not_canonical",
    "a_unit_in_an_orphaned_block_is_posted_again_once",
    "an_orphaned_reference_is_not_proved",
    "a_final_block_survives_a_reorganisation",
];

struct OverDevnet {
    folder: TempDir,
    clock: Arc<TestClock>,
    devnet: DevnetHandle,
    websocket: bool,
    running: Mutex<Option<CelestiaDa>>,
}

impl OverDevnet {
    async fn new(websocket: bool) -> Self {
        let clock = TestClock::new();
        let devnet = start(manual(None), clock.clone()).await;
        Self {
            folder: TempDir::new().unwrap(),
            clock,
            devnet,
            websocket,
            running: Mutex::default(),
        }
    }
}

impl DaHarness for OverDevnet {
    type Da = CelestiaDa;

    async fn open(&self) -> CelestiaDa {
        // The journal is one process's: the former one's is released first.
        if let Some(running) = self.running.lock().unwrap().take() {
            running.close();
        }
        let url = if self.websocket {
            self.devnet.ws_url()
        } else {
            self.devnet.url()
        };
        let mut config = adapter_config(&self.devnet, vec![url]).await;
        config.path = Some(self.folder.path().join("journal.redb"));
        let da = CelestiaDa::open(config, self.clock.clone()).unwrap();
        *self.running.lock().unwrap() = Some(da.clone());
        da
    }

    async fn advance(&self, blocks: u64) {
        let running = self.running.lock().unwrap().clone();
        for _ in 0..blocks {
            if let Some(da) = &running {
                settle(da, &self.devnet).await;
            }
            self.devnet.mine(1).await.unwrap();
        }
    }

    async fn prune(&self) -> Option<DaHeight> {
        self.advance(12).await;
        // A reader that followed the chain keeps the headers that it verified.
        let running = self.running.lock().unwrap().clone();
        running.unwrap().head().await.unwrap();
        self.devnet.prune(self.devnet.head() - 1).unwrap();
        Some(DaHeight(2))
    }

    fn patience(&self) -> u64 {
        64
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn celestia_over_http_conforms() {
    conformance::da(async || OverDevnet::new(false).await)
        .await
        .assert_skipping(SKIPPED);
}
