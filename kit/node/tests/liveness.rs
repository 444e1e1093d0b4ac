//! Forced transactions, a sequencer that falls silent, a layer that refuses.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use alloy_primitives::Bytes;
use common::*;
use rollwright_core::{BlockId, ChainStore, DaLane, NodeApi, SubmitError};
use rollwright_derive::ForcedBlob;
use rollwright_node::{NodeConfig, VerifyOptions, verify};
use std::{sync::atomic::Ordering, time::Duration};

async fn force(world: &World, engine: &rollwright_core::memory::MemoryExecution, tx: &Bytes) {
    let rollup_id = genesis(engine).await.hash;
    let blob = ForcedBlob::encode(&rollup_id, std::slice::from_ref(tx));
    world.da.inner.post(DaLane::Forced, blob).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_forced_transaction_stands_first_in_its_block_and_derives_equally() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    let tx = transfer(4, 0, 5);
    force(&world, &engine, &tx).await;
    until("it is included", || !containing(&engine, &tx).is_empty()).await;
    let number = containing(&engine, &tx)[0];
    let block = engine.block(BlockId::Number(number)).unwrap().unwrap();
    assert_eq!(block.forced_included, std::slice::from_ref(&tx));
    until_safe(&node, number + 3).await;
    assert_eq!(containing(&engine, &tx), [number]);
    let copy = world.engine();
    let follower = world.follower(&copy, &clock).await;
    until_safe(&follower, number + 3).await;
    assert_eq!(hashes(&copy, number + 3), hashes(&engine, number + 3));
}

#[tokio::test(start_paused = true)]
async fn a_forced_transaction_moves_the_pools_idea_of_its_sender() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    let behind = transfer(4, 1, 5);
    node.submit(behind.clone()).await.unwrap();
    force(&world, &engine, &transfer(4, 0, 5)).await;
    until("the one behind follows", || {
        !containing(&engine, &behind).is_empty()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_its_sequencer_the_chain_goes_on_and_takes_it_back() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |config| {
        config.timing.window = 60;
        config.timing.part_timeout = 30;
    });
    let mut engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    until_safe(&node, 3).await;
    // A preconfirmed transaction that never reaches DA.
    world.da.refuses.store(true, Ordering::SeqCst);
    let promised = transfer(1, 0, 2);
    node.submit(promised.clone()).await.unwrap();
    until("it is promised", || {
        !containing(&engine, &promised).is_empty()
    })
    .await;
    node.shutdown().await.unwrap();
    drop(node);

    let copy = world.engine();
    let follower = world.follower(&copy, &clock).await;
    until("the sequencer has lapsed", || follower.status().lapsed).await;
    let lapsed = follower.heads().safe.number;
    let forced = transfer(4, 0, 5);
    force(&world, &copy, &forced).await;
    until("users are served", || {
        !containing(&copy, &forced).is_empty()
    })
    .await;
    assert!(follower.heads().safe.number > lapsed);

    world.da.refuses.store(false, Ordering::SeqCst);
    engine = engine.restart();
    let node = world.sequencer(&engine, &clock).await;
    until("the window is restored", || {
        !follower.status().lapsed && !containing(&copy, &promised).is_empty()
    })
    .await;
    assert_eq!(containing(&engine, &promised).len(), 1);
    let number = follower.heads().safe.number;
    until_safe(&node, number).await;
    assert_eq!(hashes(&copy, number), hashes(&engine, number));
}

#[tokio::test(start_paused = true)]
async fn a_follower_takes_more_blocks_of_one_da_block_than_its_engine_holds_beside_the_chain() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    until_safe(&node, 2).await;
    world.da.refuses.store(true, Ordering::SeqCst);
    let from = latest(&node).number;
    until("many blocks wait", || latest(&node).number > from + 400).await;
    world.da.refuses.store(false, Ordering::SeqCst);
    let goal = latest(&node).number;
    until_safe(&node, goal).await;
    let longest = (1..=goal)
        .map(|number| node.batch_of(number).unwrap())
        .map(|batch| batch.last_block - batch.first_block + 1)
        .max();
    assert!(longest > Some(200), "one batch holds most of them");
    let copy = world.engine().with_pending_blocks(100);
    let follower = world.follower(&copy, &clock).await;
    until("it has derived them", || {
        follower.heads().safe.number >= goal || follower.status().blocked.is_some()
    })
    .await;
    assert_eq!(hashes(&copy, goal), hashes(&engine, goal));
    let fresh = world.engine().with_pending_blocks(100);
    let layers = world.da.clone().into();
    let verified = verify(&layers, &fresh, &engine, VerifyOptions::default(), |_| {});
    assert!(verified.await.unwrap().blocks >= goal);
}

#[tokio::test(start_paused = true)]
async fn an_idle_sequencer_on_demand_returns_though_da_blocks_are_fast() {
    let clock = TestClock::new();
    let world = World::with_blocks(clock.clone(), Duration::from_millis(200), |config| {
        config.timing.window = 200;
        config.timing.part_timeout = 60;
    });
    let mut config = on_demand(world.sequencer_config());
    // Longer than the deriver waits between two blocks of its own.
    config.post.interval = Duration::from_secs(4);
    let engine = world.engine();
    let copy = world.engine();
    let follower = world.follower(&copy, &clock).await;
    until("the sequencer has lapsed", || follower.status().lapsed).await;
    let node = world
        .start(&engine, &clock, NodeConfig::sequencer(config))
        .await
        .unwrap();
    until("it has returned", || !follower.status().lapsed).await;
    assert!(!node.status().lapsed);
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_refuses_stops_admission_and_nothing_else() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let mut config = world.sequencer_config();
    config.max_unposted_blocks = 10;
    let node = world
        .start(&engine, &clock, NodeConfig::sequencer(config))
        .await
        .unwrap();
    until_safe(&node, 2).await;
    world.da.refuses.store(true, Ordering::SeqCst);
    until("admission stops", || !node.status().admitting).await;
    assert!(node.status().blocked.is_some());
    assert!(matches!(
        node.submit(transfer(1, 0, 2)).await,
        Err(SubmitError::NotAdmitting(_))
    ));
    until("blocks stop, too", || {
        node.status()
            .blocked
            .is_some_and(|text| text.contains("no blocks are made"))
    })
    .await;
    let stuck = latest(&node).number;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(latest(&node).number, stuck);
    assert!(!node.status().last_errors.is_empty());

    world.da.refuses.store(false, Ordering::SeqCst);
    until("it goes on", || node.status().admitting).await;
    node.submit(transfer(1, 0, 2)).await.unwrap();
    until("blocks go on", || latest(&node).number > stuck).await;
    until("the error is forgotten", || {
        node.status().last_errors.is_empty()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn when_da_stands_still_blocks_stop_at_the_drift_bound() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    // A layer whose blocks come only when told.
    let da = rollwright_core::memory::MemoryDa::default();
    let world = World {
        da: TestDa {
            inner: da,
            ..world.da.clone()
        },
        ..world
    };
    world.da.inner.make_blocks(2);
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    until("blocks have stopped", || node.status().blocked.is_some()).await;
    let head = latest(&node).number;
    assert!(head > 50);
    world.da.inner.make_blocks(150);
    until("they go on", || latest(&node).number > head).await;
}

#[tokio::test(start_paused = true)]
async fn a_layer_whose_last_block_is_old_is_given_time_before_it_is_said_to_stand_still() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let world = World {
        da: TestDa {
            inner: rollwright_core::memory::MemoryDa::default(),
            ..world.da.clone()
        },
        ..world
    };
    world.da.inner.make_blocks(2);
    // Far more than the drift.
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    until("derivation has caught up", || node.status().synced).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(node.status().blocked, None);
    until("it is said", || node.status().blocked.is_some()).await;
    world.da.inner.make_blocks(3_600);
    until("blocks are made", || latest(&node).number > 200).await;
    assert_eq!(node.status().blocked, None);
}
