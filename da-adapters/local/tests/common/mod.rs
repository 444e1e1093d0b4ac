//! What the tests share: a clock that stands still until it is moved, and
//! layers in temporary directories.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test includes this module and uses a part"
)]

use alloy_primitives::keccak256;
use rollwright_core::{Blob, Clock, DaLane, DataAvailability, PostingUnit};
use rollwright_da_local::{BlockProduction, LocalDa, LocalDaConfig, Namespace};
use std::{future::Future, path::Path, pin::Pin, sync::Arc, time::Duration};
use tokio::sync::watch;

/// A clock whose time passes only with [`advance`](Self::advance).
#[derive(Debug)]
pub struct TestClock(watch::Sender<u64>);

impl TestClock {
    pub fn at(seconds: u64) -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(seconds * 1000)))
    }

    pub fn advance(&self, duration: Duration) {
        let ms = u64::try_from(duration.as_millis()).unwrap();
        self.0.send_modify(|now| *now += ms);
    }

    /// Sets the clock, also back.
    pub fn set(&self, seconds: u64) {
        self.0.send_modify(|now| *now = seconds * 1000);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        *self.0.borrow()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut time = self.0.subscribe();
        let due = self.now_ms() + u64::try_from(duration.as_millis()).unwrap();
        Box::pin(async move {
            if time.wait_for(|now| *now >= due).await.is_err() {
                // The clock is gone: nothing is ever due.
                std::future::pending::<()>().await;
            }
        })
    }
}

pub const START: u64 = 1_700_000_000;

pub fn namespace() -> Namespace {
    Namespace::new("gizmo").unwrap()
}

/// Blocks by hand, small limits, finality after four blocks.
pub fn manual(path: Option<&Path>) -> LocalDaConfig {
    LocalDaConfig {
        path: path.map(Path::to_owned),
        blocks: BlockProduction::Manual(Duration::from_secs(2)),
        max_blob_bytes: 64 << 10,
        max_block_bytes: 256 << 10,
        ..LocalDaConfig::new(namespace())
    }
}

pub fn open(config: LocalDaConfig) -> LocalDa {
    LocalDa::open(config, TestClock::at(START)).unwrap()
}

pub fn unit(seed: &str, blobs: usize) -> PostingUnit {
    let blob = |index: usize| Blob {
        lane: DaLane::Batch,
        data: format!("{seed}/{index}").into_bytes().into(),
    };
    PostingUnit::new(keccak256(seed), (0..blobs).map(blob).collect())
}

/// Hashes of all canonical blocks.
pub async fn hashes(da: &LocalDa) -> Vec<alloy_primitives::B256> {
    let head = da.status().await.unwrap().head.height.0;
    let mut hashes = Vec::new();
    for height in 1..=head {
        let block = da
            .fetch(rollwright_core::DaHeight(height), None)
            .await
            .unwrap();
        hashes.push(block.header.hash);
    }
    hashes
}
