//! Blocks that a node no longer keeps, read from one that does.
#![cfg(feature = "devnet")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use celestia_rpc::{BlobClient, Client, TxConfig};
use celestia_types::Blob;
use common::{TestClock, adapter_config, manual, start};
use rollwright_core::{DaHeight, DataAvailability, ErrorKind, LayerError};
use rollwright_da_celestia::{
    CelestiaConfig, CelestiaDa, CelestiaError, Checkpoint,
    devnet::{DevnetHandle, Fault, Lie},
    parse_namespace,
};
use std::sync::Arc;

/// Two nodes of one network: the same keys, times and transactions.
async fn twins(clock: &Arc<TestClock>) -> (DevnetHandle, DevnetHandle, u64) {
    let (one, other) = (
        start(manual(None), clock.clone()).await,
        start(manual(None), clock.clone()).await,
    );
    let blob = Blob::new(parse_namespace("gizmo").unwrap(), vec![7; 3_000], None).unwrap();
    let mut height = 0;
    for devnet in [&one, &other] {
        let client = Client::new(&devnet.url(), None, None, None).await.unwrap();
        let blobs = [blob.clone()];
        let submitted = client.blob_submit(&blobs, TxConfig::default());
        let mined = async {
            let mut mempool = devnet.mempool();
            mempool.wait_for(|waiting| *waiting > 0).await.unwrap();
            devnet.mine(1).await.unwrap();
        };
        (height, _) = (tokio::join!(submitted, mined).0.unwrap(), ());
        devnet.mine(5).await.unwrap();
    }
    assert_eq!(one.hash(7).await.unwrap(), other.hash(7).await.unwrap());
    (one, other, height)
}

async fn config(node: &DevnetHandle, archive: &DevnetHandle) -> CelestiaConfig {
    let mut config = adapter_config(archive, vec![node.url()]).await;
    config.checkpoint = Some(Checkpoint {
        height: DaHeight(1),
        hash: archive.hash(1).await.unwrap().unwrap(),
    });
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_has_pruned_is_read_from_an_archive_and_verified() {
    let clock = TestClock::new();
    let (node, archive, height) = twins(&clock).await;
    node.prune(node.head()).unwrap();
    let alone = CelestiaDa::open(config(&node, &archive).await, clock.clone()).unwrap();
    let error = alone.fetch(DaHeight(height), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Pruned, "{error}");

    let mut with = config(&node, &archive).await;
    with.archive = vec![archive.url()];
    let da = CelestiaDa::open(with.clone(), clock.clone()).unwrap();
    let block = da.fetch(DaHeight(height), None).await.unwrap();
    assert_eq!(block.blobs.len(), 1);
    assert_eq!(Some(block.header.hash), archive.hash(height).await.unwrap());

    // An archive is believed no more than others.
    let da = CelestiaDa::open(with.clone(), clock.clone()).unwrap();
    archive.lie(Some(Lie::CorruptShare));
    let error = da.fetch(DaHeight(height), None).await.unwrap_err();
    assert!(matches!(error, CelestiaError::BadProof { .. }), "{error}");

    // It is not asked for what the node has.
    archive.lie(None);
    archive.fault("header.GetByHeight", Fault::Error("asked".to_owned()), 100);
    archive.fault("header.NetworkHead", Fault::Error("asked".to_owned()), 100);
    let mut young = with;
    young.checkpoint = Some(Checkpoint {
        height: DaHeight(node.head()),
        hash: node.hash(node.head()).await.unwrap().unwrap(),
    });
    let da = CelestiaDa::open(young, clock.clone()).unwrap();
    assert!(da.fetch(DaHeight(node.head()), None).await.is_ok());
}

#[tokio::test]
async fn an_archive_that_is_no_address_is_refused() {
    let clock = TestClock::new();
    let node = start(manual(None), clock.clone()).await;
    let mut config = config(&node, &node).await;
    config.archive = vec!["archive.example".to_owned()];
    let error = CelestiaDa::open(config, clock).unwrap_err();
    assert!(
        matches!(error, CelestiaError::Config { key: "archive", .. }),
        "{error}"
    );
}
