//! Posting with a key of one's own, over the devnet's gRPC.
#![cfg(all(feature = "devnet", feature = "grpc"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{TestClock, adapter_config, manual, start};
use rollwright_core::{
    Blob, DaHeight, DaLane, DataAvailability, LayerError, PostingUnit, SubmissionStatus,
    conformance::{self, DaHarness},
};
use rollwright_da_celestia::{
    CelestiaDa, CelestiaError, OwnKeyConfig,
    devnet::{DevnetHandle, Fault},
};
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

struct OverGrpc {
    folder: TempDir,
    clock: Arc<TestClock>,
    devnet: DevnetHandle,
    running: Mutex<Option<CelestiaDa>>,
}

impl OverGrpc {
    async fn new() -> Self {
        let clock = TestClock::new();
        let devnet = start(manual(None), clock.clone()).await;
        let harness = Self {
            folder: TempDir::new().unwrap(),
            clock,
            devnet,
            running: Mutex::default(),
        };
        let da = harness.open().await;
        let address = da.address().await.unwrap();
        harness.devnet.fund(&address, 1_000_000_000_000).unwrap();
        harness
    }
}

impl DaHarness for OverGrpc {
    type Da = CelestiaDa;

    async fn open(&self) -> CelestiaDa {
        if let Some(running) = self.running.lock().unwrap().take() {
            running.close();
        }
        let mut config = adapter_config(&self.devnet, vec![self.devnet.url()]).await;
        config.path = Some(self.folder.path().join("journal.redb"));
        config.own_key = Some(OwnKeyConfig {
            grpc: vec![self.devnet.url()],
            keys: vec!["07".repeat(32)],
            estimate: true,
            ..OwnKeyConfig::default()
        });
        let da = CelestiaDa::open(config, self.clock.clone()).unwrap();
        *self.running.lock().unwrap() = Some(da.clone());
        da
    }

    async fn advance(&self, blocks: u64) {
        self.devnet.mine(blocks).await.unwrap();
    }

    async fn prune(&self) -> Option<DaHeight> {
        self.advance(12).await;
        let running = self.running.lock().unwrap().clone();
        running.unwrap().head().await.unwrap();
        self.devnet.prune(self.devnet.head() - 1).unwrap();
        Some(DaHeight(2))
    }

    fn patience(&self) -> u64 {
        64
    }
}

fn unit(mark: u8, bytes: usize) -> PostingUnit {
    let blob = Blob {
        lane: DaLane::Batch,
        data: vec![mark; bytes].into(),
    };
    PostingUnit::new([mark; 32].into(), vec![blob])
}

async fn include(harness: &OverGrpc, da: &CelestiaDa, unit: &PostingUnit) {
    for _ in 0..4 {
        let submission = da.submit(unit).await.unwrap();
        if matches!(submission.status, SubmissionStatus::Included { .. }) {
            return;
        }
        harness.advance(1).await;
    }
    panic!("not included");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posting_with_a_key_of_ones_own_conforms() {
    conformance::da(async || OverGrpc::new().await)
        .await
        .assert_skipping(SKIPPED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_network_and_lost_answers_leave_one_copy() {
    let harness = OverGrpc::new().await;
    let da = harness.open().await;
    let address = da.address().await.unwrap();
    harness.devnet.fault("tx.Broadcast", Fault::Cut, 1);
    let error = da.submit(&unit(1, 5_000)).await.unwrap_err();
    assert!(matches!(error, CelestiaError::Transport { .. }), "{error}");
    // It was taken all the same, and then the mempool is lost.
    assert_eq!(*harness.devnet.mempool().borrow(), 1);
    harness.devnet.forget_mempool();
    harness.devnet.fault("tx.Status", Fault::Status(503), 1);
    assert!(da.submit(&unit(1, 5_000)).await.unwrap_err().is_retryable());
    for _ in 0..3 {
        da.submit(&unit(1, 5_000)).await.unwrap();
        harness.advance(1).await;
    }
    let submission = da.submit(&unit(1, 5_000)).await.unwrap();
    let SubmissionStatus::Included { blobs } = submission.status else {
        panic!("not included");
    };
    assert_eq!(blobs.len(), 1);
    let (sequence, balance) = harness.devnet.account(&address).unwrap();
    assert_eq!(sequence, 1);
    let fee = u64::try_from(submission.fee.unwrap().amount).unwrap();
    assert_eq!(balance, 1_000_000_000_000 - fee);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_execution_whose_blobs_stand_in_the_block_is_not_posted_again() {
    let harness = OverGrpc::new().await;
    let da = harness.open().await;
    harness.devnet.fail_next(11);
    da.submit(&unit(1, 500)).await.unwrap();
    harness.advance(1).await;
    let submission = da.submit(&unit(1, 500)).await.unwrap();
    assert!(matches!(
        submission.status,
        SubmissionStatus::Included { .. }
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_node_refuses_over_grpc_is_understood() {
    let harness = OverGrpc::new().await;
    let da = harness.open().await;
    for (words, code) in [
        ("mempool is full: number of txs 5000", "RW-DA-435"),
        (
            "insufficient fees; got: 1utia required: 9999999999utia: insufficient fee",
            "RW-DA-435",
        ),
        ("something new", "RW-DA-420"),
    ] {
        harness
            .devnet
            .fault("tx.Broadcast", Fault::Error(words.to_owned()), 1);
        let mark = words.len() as u8;
        let error = da.submit(&unit(mark, 300)).await.unwrap_err();
        assert_eq!(error.code(), code, "{words}: {error}");
        harness.advance(1).await;
        include(&harness, &da, &unit(mark, 300)).await;
    }
    // The client does not know the code of what is too large for any block.
    harness.devnet.set_max_tx_bytes(2_000);
    let error = da.submit(&unit(99, 5_000)).await.unwrap_err();
    assert!(matches!(error, CelestiaError::TooLarge { .. }), "{error}");
    harness.devnet.set_max_tx_bytes(8 << 20);
    // An account that never received anything does not exist.
    let mut config = adapter_config(&harness.devnet, vec![harness.devnet.url()]).await;
    config.own_key = Some(OwnKeyConfig {
        grpc: vec![harness.devnet.url()],
        keys: vec!["08".repeat(32)],
        ..OwnKeyConfig::default()
    });
    let poor = CelestiaDa::open(config, harness.clock.clone()).unwrap();
    let error = poor.submit(&unit(1, 300)).await.unwrap_err();
    let address = poor.address().await.unwrap();
    assert!(error.to_string().contains(&address), "{error}");
    assert!(error.is_retryable());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_wait_already_are_not_sent_again() {
    let harness = OverGrpc::new().await;
    let da = harness.open().await;
    harness
        .devnet
        .fault("tx.Broadcast", Fault::LostAfterMempool, 1);
    da.submit(&unit(1, 500)).await.unwrap_err();
    harness.devnet.fault("tx.Status", Fault::Unknown, 1);
    harness.advance(0).await;
    harness.devnet.withhold(true);
    harness.advance(1).await;
    // The node denies it once, and its mempool says what it has.
    let submission = da.submit(&unit(1, 500)).await.unwrap();
    assert_eq!(submission.status, SubmissionStatus::Accepted);
    assert_eq!(*harness.devnet.mempool().borrow(), 1);
    harness.devnet.withhold(false);
    harness.advance(1).await;
    let submission = da.submit(&unit(1, 500)).await.unwrap();
    assert!(matches!(
        submission.status,
        SubmissionStatus::Included { .. }
    ));
}

#[tokio::test]
async fn keys_and_nodes_that_are_none_are_refused_before_anything_is_asked() {
    let harness = OverGrpc::new().await;
    let open = async |own: OwnKeyConfig| {
        let mut config = adapter_config(&harness.devnet, vec![harness.devnet.url()]).await;
        config.own_key = Some(own);
        CelestiaDa::open(config, harness.clock.clone()).map(drop)
    };
    let good = OwnKeyConfig {
        grpc: vec!["http://127.0.0.1:9".to_owned()],
        keys: vec!["07".repeat(32)],
        ..OwnKeyConfig::default()
    };
    open(good.clone()).await.unwrap();
    for (own, key) in [
        (
            OwnKeyConfig {
                grpc: vec![],
                ..good.clone()
            },
            "grpc",
        ),
        (
            OwnKeyConfig {
                grpc: vec!["node:9090".into()],
                ..good.clone()
            },
            "grpc",
        ),
        (
            OwnKeyConfig {
                keys: vec![],
                ..good.clone()
            },
            "signer",
        ),
        (
            OwnKeyConfig {
                keys: vec!["zz".into()],
                ..good.clone()
            },
            "signer",
        ),
        (
            OwnKeyConfig {
                keys: vec!["07".repeat(32); 2],
                ..good.clone()
            },
            "accounts",
        ),
        (
            OwnKeyConfig {
                fee_granter: Some("cosmos1".into()),
                ..good.clone()
            },
            "fee-granter",
        ),
    ] {
        let shown = format!("{own:?}");
        assert!(!shown.contains("0707"), "{shown}");
        let error = open(own).await.unwrap_err();
        assert!(
            matches!(&error, CelestiaError::Config { key: found, .. } if *found == key),
            "{key}: {error}"
        );
        assert!(!error.to_string().contains("0707"), "{error}");
    }
}
