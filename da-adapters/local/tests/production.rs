//! Blocks by time and by hand, reorganisations, pruning, and seeded faults.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{START, TestClock, hashes, manual, namespace, open, unit};
use rollwright_core::{
    DaHeight, DataAvailability, ErrorKind, LayerError,
    SubmissionStatus::{Accepted, Included},
};
use rollwright_da_local::{BlockProduction, Error, LocalDa, LocalDaConfig, Namespace, NetworkId};
use std::{sync::Arc, time::Duration};

fn every_two_seconds(clock: &Arc<TestClock>) -> LocalDa {
    let config = LocalDaConfig {
        blocks: BlockProduction::Every(Duration::from_secs(2)),
        ..manual(None)
    };
    LocalDa::open(config, clock.clone()).unwrap()
}

/// Lets one interval pass and waits for its block.
async fn tick(da: &LocalDa, clock: &TestClock, pass: Duration) -> u64 {
    let known = da.status().await.unwrap().head.hash;
    clock.advance(pass);
    da.next_head(known).await.unwrap().observed.height.0
}

#[tokio::test]
async fn blocks_are_made_by_time_also_when_nobody_posts() {
    let clock = TestClock::at(START);
    let da = every_two_seconds(&clock);
    assert_eq!(da.header(DaHeight(1)).await.unwrap().time, START);
    for height in 2..=6 {
        assert_eq!(tick(&da, &clock, Duration::from_secs(2)).await, height);
        let header = da.header(DaHeight(height)).await.unwrap();
        assert_eq!(header.time, START + 2 * (height - 1));
    }
}

#[tokio::test]
async fn a_gap_in_time_is_one_long_interval() {
    let clock = TestClock::at(START);
    let da = every_two_seconds(&clock);
    let day = Duration::from_secs(86_400);
    assert_eq!(tick(&da, &clock, day).await, 2);
    assert_eq!(da.header(DaHeight(2)).await.unwrap().time, START + 86_400);
    assert_eq!(tick(&da, &clock, Duration::from_secs(2)).await, 3);
    assert_eq!(da.header(DaHeight(3)).await.unwrap().time, START + 86_402);
}

#[tokio::test]
async fn while_the_clock_lies_behind_the_last_block_time_goes_on_from_that_block() {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("da.redb");
    drop(open(manual(Some(&path))));
    // An hour was taken back meanwhile.
    let clock = TestClock::at(START - 3_600);
    let config = LocalDaConfig {
        blocks: BlockProduction::Every(Duration::from_secs(2)),
        ..manual(Some(&path))
    };
    let da = LocalDa::open(config, clock.clone()).unwrap();
    for height in 2..=4 {
        assert_eq!(tick(&da, &clock, Duration::from_secs(2)).await, height);
        let header = da.header(DaHeight(height)).await.unwrap();
        assert_eq!(header.time, START + 2 * (height - 1));
    }
    // Once the clock is right again, its time counts.
    assert_eq!(tick(&da, &clock, Duration::from_secs(3_700)).await, 5);
    let header = da.header(DaHeight(5)).await.unwrap();
    assert_eq!(header.time, START - 3_600 + 6 + 3_700);
}

#[tokio::test]
async fn a_reorganisation_returns_units_to_the_queue_in_their_order() {
    let da = open(manual(None));
    let units: Vec<_> = (0..3).map(|i| unit(&format!("u{i}"), 2)).collect();
    for unit in &units {
        da.submit(unit).await.unwrap();
        da.seal().await.unwrap();
    }
    da.submit(&unit("later", 1)).await.unwrap();
    let old = hashes(&da).await;
    let head = da.reorg(3).await.unwrap();
    assert_eq!(head.observed.height, DaHeight(old.len() as u64 + 1));
    let new = hashes(&da).await;
    assert_eq!(new[0], old[0]);
    assert!(old[1..].iter().all(|hash| !new.contains(hash)));
    for unit in &units {
        assert_eq!(da.submit(unit).await.unwrap().status, Accepted);
    }
    let sealed = da.seal().await.unwrap();
    let block = da.fetch(sealed.height, Some(sealed.hash)).await.unwrap();
    let contents: Vec<_> = block
        .blobs
        .iter()
        .map(|b| String::from_utf8_lossy(&b.data).into_owned())
        .collect();
    assert_eq!(
        contents,
        ["u0/0", "u0/1", "u1/0", "u1/1", "u2/0", "u2/1", "later/0"]
    );
}

#[tokio::test]
async fn what_is_final_is_never_reorganised_nor_blocks_pruned_that_are_not() {
    let da = open(manual(None));
    for _ in 0..9 {
        da.seal().await.unwrap();
    }
    assert!(matches!(
        da.reorg(5).await,
        Err(Error::ReorgTooDeep { depth: 5, max: 4 })
    ));
    let head = da.head().await.unwrap();
    assert_eq!(
        (head.observed.height, head.finalized.unwrap().height),
        (DaHeight(10), DaHeight(6))
    );
    assert!(matches!(
        da.prune(DaHeight(7)).await,
        Err(Error::PruneTooHigh { .. })
    ));
    da.prune(DaHeight(6)).await.unwrap();
    let error = da.fetch(DaHeight(5), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Pruned);
    da.fetch(DaHeight(6), None).await.unwrap();
}

#[tokio::test]
async fn a_pruned_block_is_still_known_to_be_canonical_and_its_units_posted() {
    let da = open(LocalDaConfig {
        retention_blocks: Some(6),
        ..manual(None)
    });
    let posted = unit("old", 1);
    da.submit(&posted).await.unwrap();
    let old = da.seal().await.unwrap();
    for _ in 0..10 {
        da.seal().await.unwrap();
    }
    assert_eq!(
        da.fetch(old.height, None).await.unwrap_err().kind(),
        ErrorKind::Pruned
    );
    assert_eq!(
        da.header(old.height).await.unwrap_err().kind(),
        ErrorKind::Pruned
    );
    assert!(da.is_canonical(old.id()).await.unwrap());
    assert!(matches!(
        da.submit(&posted).await.unwrap().status,
        Included { .. }
    ));
    assert_eq!(da.status().await.unwrap().pending_units, 0);
}

#[tokio::test]
async fn rollups_share_a_layer_and_see_their_own_blobs_alone() {
    let da = open(manual(None));
    let other = da.for_namespace(Namespace::new("other").unwrap());
    da.submit(&unit("ours", 2)).await.unwrap();
    other.submit(&unit("theirs", 3)).await.unwrap();
    // The same unit in two namespaces is two units.
    other.submit(&unit("ours", 2)).await.unwrap();
    let header = da.seal().await.unwrap();
    let ours = da.fetch(header.height, None).await.unwrap();
    let theirs = other.fetch(header.height, None).await.unwrap();
    assert_eq!((ours.blobs.len(), theirs.blobs.len()), (2, 5));
    assert_eq!(ours.header, theirs.header);
    let claim = rollwright_core::DaClaim::Complete { blobs: ours.blobs };
    da.verify(&header, &claim, &ours.completeness).unwrap();
    assert_eq!(
        other
            .verify(&header, &claim, &ours.completeness)
            .unwrap_err()
            .kind(),
        ErrorKind::Rejected
    );
}

#[tokio::test]
async fn a_full_queue_refuses_for_the_time_being() {
    let da = open(LocalDaConfig {
        max_blob_bytes: 100,
        max_block_bytes: 100,
        max_pending_bytes: 100,
        ..manual(None)
    });
    let large = |seed: &str| {
        let data = format!("{seed:x<80}").into_bytes().into();
        let blob = rollwright_core::Blob {
            lane: rollwright_core::DaLane::Forced,
            data,
        };
        rollwright_core::PostingUnit::new(alloy_primitives::B256::ZERO, vec![blob])
    };
    da.submit(&large("a")).await.unwrap();
    let error = da.submit(&large("b")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Temporary);
    da.seal().await.unwrap();
    da.submit(&large("b")).await.unwrap();
}

/// A chain under faults: hashes of all blocks, and what became of the calls.
async fn under_faults(seed: u64) -> (Vec<alloy_primitives::B256>, Vec<bool>) {
    let faults = "refuse=20%,reorg=3@30%,lose=30%,shuffle";
    let da = open(LocalDaConfig {
        network: Some(
            "00112233445566778899aabbccddeeff"
                .parse::<NetworkId>()
                .unwrap(),
        ),
        seed,
        faults: faults.parse().unwrap(),
        ..manual(None)
    });
    let mut taken = Vec::new();
    for round in 0..40 {
        taken.push(da.submit(&unit(&format!("{round}"), 2)).await.is_ok());
        da.seal().await.unwrap();
    }
    let clean = da.status().await.unwrap();
    let mut hashes = vec![clean.head.hash];
    for height in 1..clean.head.height.0 {
        // A refused call is asked again.
        loop {
            match da.header(DaHeight(height)).await {
                Ok(header) => break hashes.push(header.hash),
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
        }
    }
    (hashes, taken)
}

#[tokio::test]
async fn faults_are_the_same_for_one_seed_and_others_for_another() {
    let first = under_faults(7).await;
    assert_eq!(first, under_faults(7).await);
    assert_ne!(first, under_faults(8).await);
    assert!(first.1.contains(&true) && first.1.contains(&false));
}

#[tokio::test]
async fn seeded_reorganisations_happen_and_spare_what_is_final() {
    let da = open(LocalDaConfig {
        faults: "reorg=4@50%".parse().unwrap(),
        seed: 3,
        ..manual(None)
    });
    let (mut undone, mut before) = (0, Vec::new());
    for _ in 0..60 {
        let finalized = da.head().await.unwrap().finalized;
        da.seal().await.unwrap();
        let after = hashes(&da).await;
        undone += before.iter().filter(|hash| !after.contains(hash)).count();
        if let Some(block) = finalized {
            assert!(da.is_canonical(block).await.unwrap());
        }
        before = after;
    }
    assert!(undone > 10, "{undone}");
}

#[tokio::test]
async fn a_forgotten_unit_is_posted_anew_when_it_is_submitted_again() {
    let da = open(LocalDaConfig {
        faults: "lose=100%".parse().unwrap(),
        ..manual(None)
    });
    let posted = unit("lost", 1);
    da.submit(&posted).await.unwrap();
    da.seal().await.unwrap();
    da.reorg(1).await.unwrap();
    da.seal().await.unwrap();
    assert_eq!(da.status().await.unwrap().pending_units, 0);
    assert_eq!(da.submit(&posted).await.unwrap().status, Accepted);
    da.seal().await.unwrap();
    assert!(matches!(
        da.submit(&posted).await.unwrap().status,
        Included { .. }
    ));
}

#[tokio::test]
async fn a_refused_submission_may_have_been_taken_and_is_confirmed_once() {
    let da = open(LocalDaConfig {
        faults: "refuse=60%".parse().unwrap(),
        seed: 5,
        ..manual(None)
    });
    let mut refused = 0;
    for round in 0..20 {
        let posted = unit(&format!("{round}"), 1);
        while da.submit(&posted).await.is_err() {
            refused += 1;
        }
    }
    assert!(refused > 5);
    assert_eq!(da.status().await.unwrap().pending_units, 20);
}

#[tokio::test]
async fn latency_passes_on_the_clock() {
    let clock = TestClock::at(START);
    let config = LocalDaConfig {
        faults: "latency=3s".parse().unwrap(),
        ..manual(None)
    };
    let da = LocalDa::open(config, clock.clone()).unwrap();
    let call = tokio::spawn({
        let da = da.clone();
        async move { da.head().await }
    });
    tokio::task::yield_now().await;
    assert!(!call.is_finished());
    clock.advance(Duration::from_secs(3));
    call.await.unwrap().unwrap();
}

#[test]
fn namespaces_are_names_or_ids() {
    assert_eq!(
        namespace().to_string().parse::<Namespace>().unwrap(),
        namespace()
    );
    for wrong in ["", "Gizmo", "a b", "0x12", &"x".repeat(65), "ü"] {
        assert!(Namespace::new(wrong).is_err(), "{wrong}");
    }
    for wrong in ["", "12", &"g".repeat(32), &"0".repeat(33)] {
        assert!(wrong.parse::<NetworkId>().is_err(), "{wrong}");
    }
}
