//! What the tests share: a clock that stands still until it is moved, and
//! devnets on free ports.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test includes this module and uses a part"
)]

use rollwright_core::{Clock, DaHeight};
use rollwright_da_celestia::{
    CelestiaConfig, CelestiaDa, Checkpoint,
    devnet::{BlockProduction, CelestiaDevnet, DevnetConfig, DevnetHandle},
    parse_namespace,
};
use std::{future::Future, path::Path, pin::Pin, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch};

/// A clock whose time passes only with [`advance`](Self::advance).
#[derive(Debug)]
pub struct TestClock(watch::Sender<u64>);

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(1_700_000_000_000)))
    }

    pub fn advance(&self, duration: Duration) {
        let ms = u64::try_from(duration.as_millis()).unwrap();
        self.0.send_modify(|now| *now += ms);
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

/// Blocks by hand, and squares and commits that a debug build makes at once.
pub fn manual(path: Option<&Path>) -> DevnetConfig {
    DevnetConfig {
        path: path.map(Path::to_owned),
        blocks: BlockProduction::Manual,
        max_width: 32,
        validators: 2,
        ..DevnetConfig::new("private")
    }
}

pub async fn start(config: DevnetConfig, clock: Arc<dyn Clock>) -> DevnetHandle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    CelestiaDevnet::start(config, clock, listener)
        .await
        .unwrap()
}

/// An adapter's settings for a devnet, with its first header as checkpoint.
pub async fn adapter_config(devnet: &DevnetHandle, urls: Vec<String>) -> CelestiaConfig {
    let namespace = parse_namespace("gizmo").unwrap();
    let first = devnet.hash(1).await.unwrap().unwrap();
    CelestiaConfig {
        checkpoint: Some(Checkpoint {
            height: DaHeight(1),
            hash: first,
        }),
        trusting_period: None,
        max_blob_bytes: 200_000,
        request_timeout: Duration::from_secs(60),
        block_time: Duration::from_secs(60),
        ..CelestiaConfig::new(urls, "private", namespace)
    }
}

/// Returns once every submission that was handed to the node waits in its
/// mempool, or was answered.
pub async fn settle(da: &CelestiaDa, devnet: &DevnetHandle) {
    let (mut outstanding, mut mempool) = (da.outstanding(), devnet.mempool());
    loop {
        let left = *outstanding.borrow_and_update();
        let waiting = *mempool.borrow_and_update();
        if left <= waiting {
            return;
        }
        tokio::select! {
            changed = outstanding.changed() => if changed.is_err() { return },
            changed = mempool.changed() => if changed.is_err() { return },
        }
    }
}
