//! The suite of every DA layer, on the embedded one and on a served one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{manual, open};
use rollwright_core::{
    DaHeight, DataAvailability,
    conformance::{self, DaHarness},
};
use rollwright_da_local::LocalDa;
use std::sync::Mutex;
use tempfile::TempDir;

/// Every lane has an address here.
const SKIPPED: &[&str] = &["a_lane_without_address_is_rejected"];

/// The layer's file in a directory of its own.
struct Embedded {
    directory: TempDir,
    running: Mutex<Option<LocalDa>>,
}

impl Embedded {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            running: Mutex::new(None),
        }
    }

    fn handle(&self) -> LocalDa {
        self.running.lock().unwrap().clone().unwrap()
    }

    async fn restart(&self) -> LocalDa {
        let running = self.running.lock().unwrap().take();
        if let Some(running) = running {
            running.close().await;
        }
        let da = open(manual(Some(&self.directory.path().join("da.redb"))));
        *self.running.lock().unwrap() = Some(da.clone());
        da
    }
}

impl DaHarness for Embedded {
    type Da = LocalDa;

    async fn open(&self) -> LocalDa {
        self.restart().await
    }

    async fn advance(&self, blocks: u64) {
        for _ in 0..blocks {
            self.handle().seal().await.unwrap();
        }
    }

    async fn reorganise(&self, depth: u64) -> bool {
        self.handle().reorg(depth).await.unwrap();
        true
    }

    async fn prune(&self) -> Option<DaHeight> {
        self.advance(8).await;
        let head = self.handle().head().await.unwrap();
        self.handle().prune(head.finalized?.height).await.unwrap();
        Some(DaHeight(2))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_layer_conforms() {
    conformance::da(async || Embedded::new())
        .await
        .assert_skipping(SKIPPED);
}

#[cfg(feature = "http")]
mod served {
    use super::*;
    use rollwright_da_local::{RemoteConfig, ServeConfig, serve};
    use tokio::{net::TcpListener, task::JoinHandle};

    /// A server in front of the file; server and client restart together.
    struct Served {
        layer: Embedded,
        server: Mutex<Option<JoinHandle<()>>>,
    }

    impl DaHarness for Served {
        type Da = LocalDa;

        async fn open(&self) -> LocalDa {
            if let Some(server) = self.server.lock().unwrap().take() {
                server.abort();
            }
            let da = self.layer.restart().await;
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let server = tokio::spawn(async move {
                let never = std::future::pending();
                serve(&da, listener, ServeConfig::default(), never)
                    .await
                    .unwrap();
            });
            *self.server.lock().unwrap() = Some(server);
            LocalDa::connect(RemoteConfig::new(url, common::namespace()))
                .await
                .unwrap()
        }

        async fn advance(&self, blocks: u64) {
            self.layer.advance(blocks).await;
        }

        async fn reorganise(&self, depth: u64) -> bool {
            self.layer.reorganise(depth).await
        }

        async fn prune(&self) -> Option<DaHeight> {
            self.layer.prune().await
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_served_layer_conforms() {
        let new = async || Served {
            layer: Embedded::new(),
            server: Mutex::new(None),
        };
        conformance::da(new).await.assert_skipping(SKIPPED);
    }
}
