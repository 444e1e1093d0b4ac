//! Blobs from sources that fail, lie or hang.
#![cfg(feature = "rpc")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{FixedClock, clock, l1, l1::L1, mock_config, unit};
use rollwright_core::{DaHeight, DataAvailability, ErrorKind, LayerError as _, SubmissionStatus};
use rollwright_da_ethereum::{Error, EthereumDa};
use std::{sync::Arc, time::Duration};

/// An L1 whose block 1 holds two blobs of ours.
async fn posted() -> L1 {
    let l1 = L1::start().await;
    let da = EthereumDa::connect(mock_config(&l1, &["good"]), clock())
        .await
        .unwrap();
    let unit = unit("sourced", 2);
    da.submit(&unit).await.unwrap();
    l1.world().miss(2);
    l1.world().mine();
    let status = da.submit(&unit).await.unwrap().status;
    assert!(matches!(status, SubmissionStatus::Included { .. }));
    l1
}

/// A reader without blobs of its own.
async fn reader(l1: &L1, beacons: &[&str], now: Arc<FixedClock>) -> EthereumDa {
    let mut config = mock_config(l1, beacons);
    config.signer = None;
    config.timeout = Duration::from_secs(1);
    EthereumDa::connect(config, now).await.unwrap()
}

async fn read(l1: &L1, beacons: &[&str]) -> Result<Vec<String>, Error> {
    let da = reader(l1, beacons, clock()).await;
    let block = da.fetch(DaHeight(1), None).await?;
    let text = |blob: &rollwright_core::PostedBlob| String::from_utf8(blob.data.to_vec()).unwrap();
    Ok(block.blobs.iter().map(text).collect())
}

#[tokio::test]
async fn every_honest_kind_of_source_serves() {
    let l1 = posted().await;
    for mode in ["good", "json", "all", "older"] {
        assert_eq!(
            read(&l1, &[mode]).await.unwrap(),
            ["sourced 0", "sourced 1"],
            "{mode}"
        );
    }
}

#[tokio::test]
async fn a_bad_source_is_passed_over() {
    let l1 = posted().await;
    let modes = [
        "wrong", "missing", "ordinary", "html", "half", "flood", "hang",
    ];
    for mode in modes {
        let error = read(&l1, &[mode]).await.unwrap_err();
        assert_eq!(error.code(), "RW-DA-610", "{mode}: {error}");
        assert_eq!(error.kind(), ErrorKind::Temporary);
    }
    let all: Vec<&str> = modes.into_iter().chain(["good"]).collect();
    assert_eq!(read(&l1, &all).await.unwrap(), ["sourced 0", "sourced 1"]);
}

#[tokio::test]
async fn an_ordinary_beacon_node_is_told_by_its_own_words() {
    let l1 = posted().await;
    let error = read(&l1, &["ordinary"]).await.unwrap_err().to_string();
    assert!(
        error.contains("insufficient data columns") && error.contains("supernode"),
        "{error}"
    );
}

#[tokio::test]
async fn an_old_blob_has_expired_and_is_never_empty() {
    let l1 = posted().await;
    let later = Arc::new(FixedClock((l1::GENESIS_TIME + 30 * 86_400) * 1_000));
    let da = reader(&l1, &["missing"], later).await;
    let error = da.fetch(DaHeight(1), None).await.unwrap_err();
    assert_eq!(
        (error.code(), error.kind()),
        ("RW-DA-611", ErrorKind::Pruned)
    );
    let text = error.to_string();
    // Three slots: genesis, and two that were missed.
    assert!(
        text.contains("slot 3") && text.contains("archive"),
        "{text}"
    );
}

#[tokio::test]
async fn a_beacon_node_that_lags_is_waited_for() {
    let l1 = posted().await;
    l1.world().beacon_head = Some(2);
    let error = read(&l1, &["good"]).await.unwrap_err();
    assert_eq!(
        (error.code(), error.kind()),
        ("RW-DA-607", ErrorKind::NotYet)
    );
    l1.world().beacon_head = None;
    read(&l1, &["good"]).await.unwrap();
}

#[tokio::test]
async fn an_execution_node_that_is_gone_is_passed_over() {
    let l1 = posted().await;
    let mut config = mock_config(&l1, &["good"]);
    config.signer = None;
    config.rpc.insert(0, "http://127.0.0.1:1".into());
    let da = EthereumDa::connect(config.clone(), clock()).await.unwrap();
    assert_eq!(da.head().await.unwrap().observed.height, DaHeight(1));
    // One that speaks HTML is no execution node either.
    config.rpc = vec![format!("{}/eth/v1/beacon/blobs/3", l1.beacon("html"))];
    let error = EthereumDa::connect(config, clock()).await.unwrap_err();
    assert_eq!(error.code(), "RW-DA-602", "{error}");
}

#[tokio::test]
async fn final_blocks_that_change_are_a_dishonest_node() {
    let l1 = posted().await;
    let da = reader(&l1, &["good"], clock()).await;
    for _ in 0..6 {
        l1.world().mine();
    }
    assert_eq!(
        da.head().await.unwrap().finalized.unwrap().height,
        DaHeight(3)
    );
    l1.world().reorganise(6);
    let error = da.head().await.unwrap_err();
    assert_eq!(
        (error.code(), error.kind()),
        ("RW-DA-604", ErrorKind::Fatal)
    );
}
