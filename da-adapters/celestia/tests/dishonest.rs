//! Nodes that lie, hide or fall silent, and what the adapter says of them.
#![cfg(feature = "devnet")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use alloy_primitives::{B256, keccak256};
use common::{TestClock, adapter_config, manual, settle, start};
use rollwright_core::{
    Blob, DaHeight, DaLane, DataAvailability, ErrorKind, LayerError, PostingUnit, SubmissionStatus,
};
use rollwright_da_celestia::{
    CelestiaDa, CelestiaError, Checkpoint, GasPrice,
    devnet::{DevnetHandle, Fault, Forgery, Lie},
};
use std::{sync::Arc, time::Duration};

fn unit(seed: &str, blobs: usize, bytes: usize) -> PostingUnit {
    let blob = |index: usize| Blob {
        lane: DaLane::Batch,
        data: format!("{seed}/{index}").into_bytes().repeat(bytes).into(),
    };
    PostingUnit::new(keccak256(seed), (0..blobs).map(blob).collect())
}

async fn open(devnet: &DevnetHandle, clock: &Arc<TestClock>) -> CelestiaDa {
    let config = adapter_config(devnet, vec![devnet.url()]).await;
    CelestiaDa::open(config, clock.clone()).unwrap()
}

/// Submits and makes blocks until the unit is included; its height.
async fn include(da: &CelestiaDa, devnet: &DevnetHandle, unit: &PostingUnit) -> DaHeight {
    for _ in 0..80 {
        if let SubmissionStatus::Included { blobs } = da.submit(unit).await.unwrap().status {
            return blobs[0].block.height;
        }
        settle(da, devnet).await;
        devnet.mine(1).await.unwrap();
    }
    panic!("not included");
}

/// Copies of the unit's first blob in all blocks.
async fn copies(da: &CelestiaDa, unit: &PostingUnit) -> usize {
    let head = da.head().await.unwrap().observed.height.0;
    let mut found = 0;
    for height in 1..=head {
        let block = da.fetch(DaHeight(height), None).await.unwrap();
        found += block
            .blobs
            .iter()
            .filter(|blob| blob.data == unit.blobs[0].data)
            .count();
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_lie_is_caught_and_named() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    let poster = open(&devnet, &clock).await;
    let height = include(&poster, &devnet, &unit("truth", 2, 1_000)).await;
    devnet.mine(3).await.unwrap();
    for (lie, named) in [
        (Lie::OmitRow, "rows of the square"),
        (Lie::OmitShare, "row"),
        (Lie::Absent, "row"),
        (Lie::AddShare, "number of shares"),
        (Lie::CorruptShare, "row"),
        (Lie::CorruptProof, "row"),
        (Lie::OtherHeight, "height"),
        (Lie::Header(Forgery::FewSignatures), ""),
        (Lie::Header(Forgery::OtherRoots), ""),
        (Lie::Header(Forgery::TimeBack), ""),
    ] {
        // A reader that has followed the headers, and then is lied to.
        let reader = open(&devnet, &clock).await;
        reader.head().await.unwrap();
        devnet.mine(1).await.unwrap();
        devnet.lie(Some(lie.clone()));
        let head = reader.head().await.map(drop);
        let read = match head {
            Ok(()) => reader.fetch(height, None).await.map(drop),
            refused => refused,
        };
        let error = read.expect_err(&format!("{lie:?} was believed"));
        assert!(
            matches!(error, CelestiaError::NoHonestEndpoint { .. }),
            "{lie:?}: {error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::Fatal);
        assert!(error.to_string().contains(named), "{lie:?}: {error}");
        devnet.lie(None);
        // It is asked again an hour later.
        assert!(reader.fetch(height, None).await.is_err());
        clock.advance(Duration::from_secs(3_601));
        assert_eq!(
            reader.fetch(height, None).await.unwrap().blobs.len(),
            2,
            "{lie:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_set_of_validators_is_not_followed() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    let reader = open(&devnet, &clock).await;
    reader.head().await.unwrap();
    devnet.mine(2).await.unwrap();
    devnet.lie(Some(Lie::Header(Forgery::OtherValidators)));
    let error = reader.head().await.unwrap_err();
    assert!(
        matches!(error, CelestiaError::NoHonestEndpoint { .. }),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_stops_the_reader() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    devnet.mine(3).await.unwrap();
    let reader = open(&devnet, &clock).await;
    let known = reader.head().await.unwrap().observed;
    devnet.lie(Some(Lie::Fork));
    let error = reader.head().await.unwrap_err();
    assert!(
        matches!(error, CelestiaError::Fork { height, known: hash, .. } if height == known.height.0 && hash == known.hash),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::Fatal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_honest_node_of_three_suffices() {
    let clock = TestClock::new();
    let honest = start(manual(None), clock.clone()).await;
    let liar = start(manual(None), clock.clone()).await;
    // The same keys and the same times: the same chain, as long as it is empty.
    for devnet in [&honest, &liar] {
        devnet.mine(3).await.unwrap();
    }
    assert_eq!(honest.hash(4).await.unwrap(), liar.hash(4).await.unwrap());
    liar.lie(Some(Lie::Header(Forgery::FewSignatures)));
    let nobody = "http://127.0.0.1:1".to_owned();
    let urls = vec![liar.url(), nobody, honest.url()];
    let config = adapter_config(&honest, urls).await;
    let da = CelestiaDa::open(config, clock.clone()).unwrap();
    for height in 1..=4 {
        da.fetch(DaHeight(height), None).await.unwrap();
    }
    assert_eq!(da.head().await.unwrap().observed.height.0, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_head_does_not_move_ours_back() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    devnet.mine(5).await.unwrap();
    let da = open(&devnet, &clock).await;
    let before = da.head().await.unwrap();
    devnet.lie(Some(Lie::StaleHead(2)));
    assert_eq!(da.head().await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_between_are_followed_in_any_order() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    devnet.mine(150).await.unwrap();
    // From the first header on, over several pages.
    let da = open(&devnet, &clock).await;
    assert_eq!(da.head().await.unwrap().observed.height.0, 151);
    for height in [100, 3, 151, 64] {
        let header = da.header(DaHeight(height)).await.unwrap();
        assert_eq!(Some(header.hash), devnet.hash(height).await.unwrap());
    }
    // From a header in the middle, backwards and forwards.
    let mut config = adapter_config(&devnet, vec![devnet.url()]).await;
    config.checkpoint = Some(Checkpoint {
        height: DaHeight(40),
        hash: devnet.hash(40).await.unwrap().unwrap(),
    });
    let da = CelestiaDa::open(config, clock.clone()).unwrap();
    da.head().await.unwrap();
    for height in [30, 35, 140] {
        let header = da.header(DaHeight(height)).await.unwrap();
        assert_eq!(Some(header.hash), devnet.hash(height).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trust_begins_where_it_was_told_to_and_expires() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    devnet.mine(2).await.unwrap();
    let mut config = adapter_config(&devnet, vec![devnet.url()]).await;
    config.checkpoint = Some(Checkpoint {
        height: DaHeight(1),
        hash: B256::repeat_byte(1),
    });
    let da = CelestiaDa::open(config, clock.clone()).unwrap();
    let error = da.head().await.unwrap_err();
    assert!(
        matches!(error, CelestiaError::CheckpointMismatch { height: 1, .. }),
        "{error:?}"
    );

    let mut config = adapter_config(&devnet, vec![devnet.url()]).await;
    config.trusting_period = Some(Duration::from_secs(9 * 86_400));
    let da = CelestiaDa::open(config, clock.clone()).unwrap();
    da.head().await.unwrap();
    clock.advance(Duration::from_secs(10 * 86_400));
    devnet.mine(1).await.unwrap();
    let error = da.head().await.unwrap_err();
    assert!(
        matches!(error, CelestiaError::CheckpointExpired { age_days: 9, .. }),
        "{error:?}"
    );

    let mut config = adapter_config(&devnet, vec![devnet.url()]).await;
    config.network = "mocha-4".to_owned();
    let da = CelestiaDa::open(config, clock.clone()).unwrap();
    let error = da.head().await.unwrap_err();
    assert!(
        matches!(error, CelestiaError::WrongNetwork { .. }),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::Fatal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_of_open_outcome_is_posted_once_in_effect() {
    for (fault, wanted) in [
        (Fault::LostAfterMempool, 1),
        (Fault::LostAfterInclusion, 1),
        (Fault::Cut, 1),
        (Fault::Duplicate, 2),
        (
            Fault::Error("timed out waiting for tx to be included in a block".into()),
            1,
        ),
        (Fault::Error("something nobody has seen".into()), 1),
    ] {
        let clock = TestClock::new();
        let devnet = start(manual(None), clock.clone()).await;
        let da = open(&devnet, &clock).await;
        devnet.fault("blob.Submit", fault.clone(), 1);
        let unit = unit("open", 2, 50);
        da.submit(&unit).await.unwrap();
        if fault == Fault::LostAfterMempool {
            // It is never answered.
            let mut mempool = devnet.mempool();
            mempool.wait_for(|waiting| *waiting == 1).await.unwrap();
        }
        for _ in 0..60 {
            devnet.mine(1).await.unwrap();
            if matches!(
                da.submit(&unit).await.unwrap().status,
                SubmissionStatus::Included { .. }
            ) {
                break;
            }
            if fault != Fault::LostAfterMempool {
                settle(&da, &devnet).await;
            }
        }
        assert_eq!(copies(&da, &unit).await, wanted, "{fault:?}");
        let SubmissionStatus::Included { blobs } = da.submit(&unit).await.unwrap().status else {
            panic!("{fault:?}: not included");
        };
        assert_eq!(blobs.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_follow_the_network_up_to_the_cap() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    let da = open(&devnet, &clock).await;
    devnet.set_min_gas_price(GasPrice::from_micro(7_000));
    include(&da, &devnet, &unit("dearer", 1, 10)).await;

    devnet.set_min_gas_price(GasPrice::from_micro(50_000));
    let capped = unit("capped", 1, 10);
    let mut held = None;
    for _ in 0..8 {
        match da.submit(&capped).await {
            Ok(_) => {
                settle(&da, &devnet).await;
                devnet.mine(1).await.unwrap();
            }
            Err(error) => {
                held = Some(error);
                break;
            }
        }
    }
    let held = held.unwrap();
    assert!(
        matches!(&held, CelestiaError::Held(cause) if matches!(**cause, CelestiaError::FeeCapReached { .. })),
        "{held:?}"
    );
    assert_eq!(held.kind(), ErrorKind::Temporary);
    // Nothing was dropped: it goes on once the network is cheaper.
    devnet.set_min_gas_price(GasPrice::NODE_DEFAULT);
    devnet.mine(1).await.unwrap();
    include(&da, &devnet, &capped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_wallet_holds_posting_until_it_is_filled() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    let da = open(&devnet, &clock).await;
    devnet.set_balance(1).unwrap();
    let unit = unit("poor", 1, 10);
    da.submit(&unit).await.unwrap();
    settle(&da, &devnet).await;
    let held = da.submit(&unit).await.unwrap_err();
    assert!(held.to_string().contains(&devnet.address()), "{held}");
    assert_eq!(held.kind(), ErrorKind::Temporary);
    devnet.set_balance(1_000_000_000).unwrap();
    devnet.mine(1).await.unwrap();
    include(&da, &devnet, &unit).await;
    assert_eq!(da.balance().await.unwrap(), devnet.balance());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_takes_less_is_obeyed() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    let da = open(&devnet, &clock).await;
    // Four blobs of 8,000 bytes: two of them fit, and then one.
    devnet.set_max_tx_bytes(17_000);
    let pairs = unit("paired", 4, 1_000);
    include(&da, &devnet, &pairs).await;
    assert_eq!(copies(&da, &pairs).await, 1);
    devnet.set_max_tx_bytes(9_000);
    let halved = unit("halved", 4, 1_000);
    include(&da, &devnet, &halved).await;
    assert_eq!(copies(&da, &halved).await, 1);

    devnet.set_max_tx_bytes(4_000);
    let single = unit("single", 1, 1_000);
    let mut refused = None;
    for _ in 0..4 {
        match da.submit(&single).await {
            Ok(_) => settle(&da, &devnet).await,
            Err(error) => refused = Some(error),
        }
        devnet.mine(1).await.unwrap();
    }
    let refused = refused.unwrap();
    assert!(
        matches!(refused, CelestiaError::TooLarge { max_bytes, .. } if max_bytes <= 4_000 && max_bytes > 3_000),
        "{refused:?}"
    );
    assert_eq!(refused.kind(), ErrorKind::Rejected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_the_middle_of_a_submission_posts_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    let reopen = || async {
        let mut config = adapter_config(&devnet, vec![devnet.url()]).await;
        config.path = Some(folder.path().join("journal.redb"));
        CelestiaDa::open(config, clock.clone()).unwrap()
    };
    let unit = unit("restart", 2, 10);
    let da = reopen().await;
    da.submit(&unit).await.unwrap();
    let mut mempool = devnet.mempool();
    mempool.wait_for(|waiting| *waiting == 1).await.unwrap();
    drop(da);
    let da = reopen().await;
    // It waits in the mempool; whoever posted again would post twice.
    da.submit(&unit).await.unwrap();
    assert_eq!(*mempool.borrow_and_update(), 1);
    devnet.mine(1).await.unwrap();
    assert!(matches!(
        da.submit(&unit).await.unwrap().status,
        SubmissionStatus::Included { .. }
    ));
    devnet.mine(50).await.unwrap();
    da.submit(&unit).await.unwrap();
    assert_eq!(copies(&da, &unit).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_node_is_named() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    let da = open(&devnet, &clock).await;
    for fault in [
        Fault::Garbage("<html>".into()),
        Fault::Status(502),
        Fault::Cut,
    ] {
        devnet.fault("header.NetworkHead", fault.clone(), 1);
        let error = da.head().await.unwrap_err();
        assert!(
            matches!(error, CelestiaError::Transport { .. }),
            "{fault:?}: {error:?}"
        );
        assert!(error.to_string().contains("http://127.0.0.1"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Temporary);
    }
    da.head().await.unwrap();
}
