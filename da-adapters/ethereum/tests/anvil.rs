//! The layer over a real execution client: anvil from npm. Run
//! `npm install --ignore-scripts` in `kit/cli/tests/clients` first, or set
//! `ROLLWRIGHT_ANVIL`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use alloy_primitives::{B256, Bytes, keccak256};
use common::FixedClock;
use reqwest::Client;
use rollwright_core::{
    Blob, DaHeight, DaLane, DataAvailability, LayerError as _, PostingUnit, SubmissionStatus,
    conformance::{self, DaHarness},
};
use rollwright_da_ethereum::{
    Anvil, AnvilConfig, EthereumDa, EthereumDaConfig, Signer, kzg::SidecarForm,
};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;

/// Not possible on command: anvil does not drop blocks; every lane has an
/// address.
const SKIPPED: &[&str] = &[
    "a_lane_without_address_is_rejected",
    "a_pruned_block_is_told_from_one_to_come",
];

/// anvil with blocks on command, an account and an inbox of our own on it, and
/// our journal in a folder.
struct L1 {
    anvil: Arc<Anvil>,
    account: B256,
    folder: TempDir,
    running: Mutex<Option<EthereumDa>>,
    change: fn(&mut EthereumDaConfig),
}

impl L1 {
    async fn new(anvil: &Arc<Anvil>, change: fn(&mut EthereumDaConfig)) -> Self {
        let folder = TempDir::new().unwrap();
        let account = keccak256(folder.path().to_string_lossy().as_bytes());
        let l1 = Self {
            anvil: Arc::clone(anvil),
            account,
            folder,
            running: Mutex::new(None),
            change,
        };
        let address = Signer::new(account).unwrap().address();
        let funds = json!([address, "0x56bc75e2d63100000"]);
        l1.call("anvil_setBalance", funds).await;
        l1
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = Client::new().post(self.anvil.url()).body(body.to_string());
        let request = request.header("content-type", "application/json");
        let text = request.send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Submits until the unit is included.
    async fn include(&self, da: &EthereumDa, unit: &PostingUnit) -> rollwright_core::Submission {
        for _ in 0..8 {
            let submission = da.submit(unit).await.unwrap();
            if let SubmissionStatus::Included { .. } = submission.status {
                return submission;
            }
            self.advance(1).await;
        }
        panic!("not included");
    }
}

impl DaHarness for L1 {
    type Da = EthereumDa;

    async fn open(&self) -> EthereumDa {
        if let Some(running) = self.running.lock().unwrap().take() {
            running.close();
        }
        let mut config = common::config(&self.anvil.url(), self.account);
        config.path = Some(self.folder.path().join("journal.redb"));
        (self.change)(&mut config);
        let now = now_ms();
        let da = EthereumDa::connect(config, Arc::new(FixedClock(now)))
            .await
            .unwrap();
        *self.running.lock().unwrap() = Some(da.clone());
        da
    }

    async fn advance(&self, blocks: u64) {
        for _ in 0..blocks {
            self.call("evm_mine", json!([])).await;
        }
    }

    async fn reorganise(&self, depth: u64) -> bool {
        self.call("anvil_reorg", json!([depth, []])).await;
        self.advance(1).await;
        true
    }
}

async fn start() -> Arc<Anvil> {
    let installed = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../kit/cli/tests/clients/node_modules/.bin/anvil");
    let program = match Anvil::find() {
        Some(program) => program,
        None => installed,
    };
    let config = AnvilConfig {
        program: Some(program),
        ..AnvilConfig::default()
    };
    Arc::new(Anvil::start(&config).await.unwrap())
}

#[expect(
    clippy::disallowed_methods,
    reason = "anvil's blocks have the present time"
)]
fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_millis() as u64
}

/// With the older sidecars, whose proofs take a quarter of the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_layer_over_anvil_conforms() {
    let older = |config: &mut EthereumDaConfig| config.sidecar = SidecarForm::Eip4844;
    // One anvil for all: loading its trusted setup takes it many seconds.
    let anvil = start().await;
    let new = async || L1::new(&anvil, older).await;
    conformance::da(new).await.assert_skipping(SKIPPED);
}

/// Three blobs with cell proofs: two transactions, in order, and what they
/// cost; read back by somebody else who has no blobs of his own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_of_two_transactions_is_read_back_by_a_follower() {
    let l1 = L1::new(&start().await, |config| config.blobs_per_tx = 2).await;
    let da = l1.open().await;
    let blobs = (0..3_u8).map(|seed| Blob {
        lane: DaLane::Batch,
        data: Bytes::from(vec![seed; 1_000]),
    });
    let unit = PostingUnit::new(keccak256("two"), blobs.collect());
    assert!(da.estimate_fee(&unit).await.unwrap().unwrap().amount > 0);
    let submission = l1.include(&da, &unit).await;
    let fee = submission.fee.unwrap();
    assert!(fee.unit == "wei" && fee.amount > 2 * 21_000, "{fee:?}");
    let mut config = common::config(&l1.anvil.url(), l1.account);
    config.signer = None;
    let clock = Arc::new(FixedClock(now_ms()));
    let follower = EthereumDa::connect(config, clock).await.unwrap();
    let head = follower.head().await.unwrap().observed.height;
    let mut found = Vec::new();
    for height in 0..=head.0 {
        let block = follower.fetch(DaHeight(height), None).await.unwrap();
        found.extend(block.blobs.into_iter().map(|blob| blob.data));
    }
    let posted: Vec<Bytes> = unit.blobs.iter().map(|blob| blob.data.clone()).collect();
    assert_eq!(found, posted);
    assert!(follower.submit(&unit).await.is_err(), "it has no account");
    // A node that was started anew is another network.
    let other = start().await;
    let mut config = common::config(&other.url(), l1.account);
    config.network = Some(da.caps().network);
    let clock = Arc::new(FixedClock(now_ms()));
    let error = EthereumDa::connect(config, clock).await.unwrap_err();
    assert_eq!(error.code(), "RW-DA-605", "{error}");
}
