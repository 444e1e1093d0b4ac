//! The light client over devnets that withhold, lie, lag or fall silent.
#![cfg(feature = "devnet")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{TestClock, manual, start};
use rollwright_core::{DaHeight, ErrorKind, LayerError};
use rollwright_da_celestia::{
    CelestiaError, Checkpoint,
    devnet::{DevnetHandle, Fault, Forgery, Lie, Withheld},
    parse_namespace,
    sampling::{Failure, LightClient, LightConfig, LightEvent, SampleReport, SampleSecret},
};
use std::{path::Path, sync::Arc, time::Duration};

const BLOCK: Duration = Duration::from_secs(60);

/// A block with a blob of two thousand bytes.
async fn fill(devnets: &[&DevnetHandle]) {
    use celestia_rpc::{BlobClient, Client, TxConfig};
    for devnet in devnets {
        let mut mempool = devnet.mempool();
        let client = Client::new(&devnet.url(), None, None, None).await.unwrap();
        let namespace = parse_namespace("other").unwrap();
        let blob = celestia_types::Blob::new(namespace, vec![5; 2_000], None).unwrap();
        let posted = tokio::spawn(async move {
            client
                .blob_submit(&[blob], TxConfig::default())
                .await
                .unwrap()
        });
        mempool.wait_for(|waiting| *waiting == 1).await.unwrap();
        let height = devnet.mine(1).await.unwrap();
        assert_eq!(posted.await.unwrap(), height);
    }
}

async fn config(devnets: &[&DevnetHandle]) -> LightConfig {
    LightConfig {
        checkpoint: Some(Checkpoint {
            height: DaHeight(1),
            hash: devnets[0].hash(1).await.unwrap().unwrap(),
        }),
        trusting_period: None,
        block_time: BLOCK,
        request_timeout: Duration::from_secs(60),
        ..LightConfig::new(devnets.iter().map(|devnet| devnet.url()).collect())
    }
}

async fn light(config: LightConfig, clock: &Arc<TestClock>) -> LightClient {
    LightClient::open(config, clock.clone(), &SampleSecret::new([9; 32]))
        .await
        .unwrap()
}

/// Does what is due until only time can bring more.
async fn settle(light: &mut LightClient, clock: &TestClock) -> Vec<LightEvent> {
    let mut all = Vec::new();
    loop {
        all.extend(light.turn().await.unwrap());
        if light.due_ms() > rollwright_core::Clock::now_ms(clock) {
            return all;
        }
    }
}

fn available(events: &[LightEvent]) -> Vec<u64> {
    let mut heights: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            LightEvent::Available(report) => {
                assert!(report.is_available() && report.missing.is_empty());
                Some(report.height)
            }
            _ => None,
        })
        .collect();
    heights.sort_unstable();
    heights
}

fn open(events: &[LightEvent]) -> Vec<&SampleReport> {
    events
        .iter()
        .filter_map(|event| match event {
            LightEvent::Open(report) => Some(report),
            _ => None,
        })
        .collect()
}

fn with_folder(config: LightConfig, folder: &Path) -> LightConfig {
    LightConfig {
        folder: Some(folder.to_owned()),
        ..config
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_are_followed_sampled_and_remembered() {
    let clock = TestClock::new();
    let (one, two) = (
        start(manual(None), clock.clone()).await,
        start(manual(None), clock.clone()).await,
    );
    fill(&[&one, &two]).await;
    one.mine(9).await.unwrap();
    two.mine(9).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = with_folder(config(&[&one, &two]).await, folder.path());
    let mut client = light(config.clone(), &clock).await;
    assert_eq!(client.network(), "private");
    let events = settle(&mut client, &clock).await;
    assert_eq!(available(&events), (1..=11).collect::<Vec<_>>());
    let wide = events
        .iter()
        .find_map(|event| match event {
            LightEvent::Available(report) if report.height == 2 => Some(report.clone()),
            _ => None,
        })
        .unwrap();
    assert_eq!(
        (wide.width, wide.wanted, wide.verified, wide.endpoints),
        (8, 16, 16, 2)
    );
    assert!(wide.confidence > 0.99, "{}", wide.confidence);
    assert!(client.is_caught_up());
    // Empty blocks are of four shares.
    one.mine(2).await.unwrap();
    two.mine(2).await.unwrap();
    clock.advance(BLOCK);
    assert_eq!(available(&settle(&mut client, &clock).await), [12, 13]);
    drop(client);

    one.mine(1).await.unwrap();
    two.mine(1).await.unwrap();
    let mut client = light(config, &clock).await;
    assert_eq!(client.next_height(), 14);
    assert_eq!(available(&settle(&mut client, &clock).await), [14]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withheld_block_is_never_called_available_until_it_is_given() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    fill(&[&devnet]).await;
    devnet.mine(2).await.unwrap();
    devnet.withhold_shares(Some((2..=2, Withheld::Unrecoverable)));
    let folder = tempfile::tempdir().unwrap();
    let config = with_folder(config(&[&devnet]).await, folder.path());
    let mut client = light(config.clone(), &clock).await;
    let events = settle(&mut client, &clock).await;
    // The others go on.
    assert_eq!(available(&events), [1, 3, 4]);
    let [report] = open(&events)[..] else {
        panic!("{events:?}")
    };
    assert!(report.height == 2 && report.is_withheld() && !report.is_available());
    let missing: Vec<_> = report.missing.iter().map(|missing| missing.place).collect();
    assert!(!missing.is_empty() && report.verified + missing.len() == 16);
    for missing in &report.missing {
        assert_eq!(missing.failure, Some(Failure::Refused));
        assert!(missing.place.row <= 4 && missing.place.column <= 4);
    }
    assert!(!client.is_caught_up());
    // Asked again after a pause, and after a longer one.
    for pause in [1, 2, 4] {
        clock.advance(BLOCK * pause - Duration::from_millis(1));
        assert!(open(&settle(&mut client, &clock).await).is_empty());
        clock.advance(Duration::from_millis(1));
        let events = settle(&mut client, &clock).await;
        assert_eq!(open(&events).len(), 1);
        assert_eq!(
            open(&events)[0]
                .missing
                .iter()
                .map(|m| m.place)
                .collect::<Vec<_>>(),
            missing,
            "the same shares are asked for"
        );
    }
    drop(client);
    // A restart does not forget that it is open.
    let mut client = light(config.clone(), &clock).await;
    assert_eq!(client.next_height(), 2);
    let events = settle(&mut client, &clock).await;
    assert_eq!(available(&events), Vec::<u64>::new());
    assert_eq!(open(&events)[0].missing.len(), missing.len());
    devnet.withhold_shares(None);
    clock.advance(BLOCK);
    assert_eq!(available(&settle(&mut client, &clock).await), [2]);
    assert!(client.is_caught_up());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_endpoint_lacks_another_gives() {
    let clock = TestClock::new();
    let (part, whole) = (
        start(manual(None), clock.clone()).await,
        start(manual(None), clock.clone()).await,
    );
    fill(&[&part, &whole]).await;
    part.withhold_shares(Some((2..=2, Withheld::Unrecoverable)));
    let mut client = light(config(&[&part, &whole]).await, &clock).await;
    let events = settle(&mut client, &clock).await;
    assert_eq!(available(&events), [1, 2]);
    assert!(open(&events).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_lies_is_set_aside_and_named() {
    for lie in [Lie::OtherSample, Lie::CorruptShare, Lie::CorruptProof] {
        let clock = TestClock::new();
        let (liar, honest) = (
            start(manual(None), clock.clone()).await,
            start(manual(None), clock.clone()).await,
        );
        fill(&[&liar, &honest]).await;
        liar.lie(Some(lie.clone()));
        let mut client = light(config(&[&liar, &honest]).await, &clock).await;
        let events = settle(&mut client, &clock).await;
        assert_eq!(available(&events), [1, 2], "{lie:?}");
        let named = events.iter().any(|event| {
            matches!(event, LightEvent::Endpoint { endpoint, error: CelestiaError::BadProof { .. } }
                if *endpoint == liar.url())
        });
        assert!(named, "{lie:?}: {events:?}");

        // Alone it is believed nothing of a square whose shares differ; the four
        // of an empty one are the same bytes.
        let mut client = light(config(&[&liar]).await, &clock).await;
        let error = loop {
            match client.turn().await {
                Ok(events) => assert!(!available(&events).contains(&2), "{lie:?}"),
                Err(error) => break error,
            }
        };
        assert!(
            matches!(error, CelestiaError::NoHonestEndpoint { .. }),
            "{lie:?}: {error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_heads_are_noticed_and_hold_nobody_back() {
    let clock = TestClock::new();
    let (lags, leads) = (
        start(manual(None), clock.clone()).await,
        start(manual(None), clock.clone()).await,
    );
    lags.lie(Some(Lie::StaleHead(1)));
    let mut client = light(config(&[&lags, &leads]).await, &clock).await;
    settle(&mut client, &clock).await;
    clock.advance(BLOCK * 11);
    let events = settle(&mut client, &clock).await;
    assert!(
        events.iter().any(
            |event| matches!(event, LightEvent::Stale { height: 1, age_ms } if *age_ms >= 660_000)
        ),
        "{events:?}"
    );
    lags.mine(3).await.unwrap();
    leads.mine(3).await.unwrap();
    clock.advance(BLOCK);
    let events = settle(&mut client, &clock).await;
    assert_eq!(available(&events), [2, 3, 4]);
    let behind = events.iter().any(|event| {
        matches!(event, LightEvent::Behind { endpoint, height: 1 } if *endpoint == lags.url())
    });
    assert!(behind, "{events:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_do_not_hold_are_not_sampled() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    for forgery in [
        Forgery::FewSignatures,
        Forgery::OtherRoots,
        Forgery::OtherValidators,
        Forgery::TimeBack,
    ] {
        let mut client = light(config(&[&devnet]).await, &clock).await;
        settle(&mut client, &clock).await;
        let before = client.head();
        devnet.mine(1).await.unwrap();
        devnet.lie(Some(Lie::Header(forgery)));
        clock.advance(BLOCK);
        let error = client.turn().await.map(|events| available(&events));
        assert!(
            match &error {
                Err(error) => matches!(error, CelestiaError::NoHonestEndpoint { .. }),
                Ok(available) => available.is_empty(),
            },
            "{forgery:?}: {error:?}"
        );
        assert_eq!(client.head(), before, "{forgery:?}");
        devnet.lie(None);
    }
    // Another header that the validators signed too is a fork.
    let mut client = light(config(&[&devnet]).await, &clock).await;
    settle(&mut client, &clock).await;
    devnet.lie(Some(Lie::Fork));
    clock.advance(BLOCK);
    let error = client.turn().await.unwrap_err();
    assert!(matches!(error, CelestiaError::Fork { .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Fatal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_chain_or_trust_root_is_refused() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    let right = config(&[&devnet]).await;
    let open = async |config: LightConfig| {
        LightClient::open(config, clock.clone(), &SampleSecret::new([9; 32]))
            .await
            .map(drop)
            .unwrap_err()
    };
    let other = LightConfig {
        network: Some("celestia".to_owned()),
        ..right.clone()
    };
    let error = open(other).await;
    assert!(
        matches!(error, CelestiaError::WrongNetwork { .. }),
        "{error:?}"
    );
    let other = LightConfig {
        checkpoint: Some(Checkpoint {
            height: DaHeight(1),
            hash: alloy_primitives::B256::repeat_byte(1),
        }),
        ..right.clone()
    };
    let error = open(other).await;
    assert!(
        matches!(error, CelestiaError::CheckpointMismatch { height: 1, .. }),
        "{error:?}"
    );
    // A folder belongs to its network.
    let folder = tempfile::tempdir().unwrap();
    drop(light(with_folder(right.clone(), folder.path()), &clock).await);
    let mut other = with_folder(right.clone(), folder.path());
    other.network = Some("celestia".to_owned());
    let error = open(other).await;
    assert!(
        matches!(error, CelestiaError::WrongNetwork { .. }),
        "{error:?}"
    );
    let none = LightConfig {
        samples: 0,
        ..right
    };
    assert!(matches!(open(none).await, CelestiaError::Config { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_not_availability_and_passes() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    fill(&[&devnet]).await;
    let mut client = light(config(&[&devnet]).await, &clock).await;
    devnet.fault("share.GetSamples", Fault::Status(502), 2);
    let events = settle(&mut client, &clock).await;
    assert_eq!(available(&events), Vec::<u64>::new());
    let reports = open(&events);
    assert_eq!(reports.len(), 2);
    assert!(reports.iter().all(|report| !report.is_withheld()));
    clock.advance(BLOCK);
    assert_eq!(available(&settle(&mut client, &clock).await), [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pruned_is_skipped_and_said_so() {
    let clock = TestClock::new();
    let devnet = start(manual(None), clock.clone()).await;
    devnet.mine(5).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = with_folder(config(&[&devnet]).await, folder.path());
    let mut client = light(config.clone(), &clock).await;
    devnet.prune(4).unwrap();
    let events = settle(&mut client, &clock).await;
    let skipped = events
        .iter()
        .any(|event| matches!(event, LightEvent::Skipped { to: 3, .. }));
    assert!(skipped, "{events:?}");
    assert_eq!(available(&events), [4, 5, 6]);
    drop(client);
    devnet.mine(1).await.unwrap();
    let mut client = light(config, &clock).await;
    assert_eq!(client.next_height(), 7);
    assert_eq!(available(&settle(&mut client, &clock).await), [7]);
}
