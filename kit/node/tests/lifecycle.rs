//! From a submitted transaction to a final block, and a second node that has
//! nothing but DA.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use common::*;
use rollwright_core::{BlockId, ChainStore, Clock, NodeApi, SubmitError};
use rollwright_node::{NodeConfig, NodeError};
use std::{sync::atomic::Ordering, time::Duration};

#[tokio::test(start_paused = true)]
async fn a_transfer_is_included_then_safe_then_final_and_a_follower_agrees() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    let tx = transfer(1, 0, 2);
    let hash = node.submit(tx.clone()).await.unwrap();
    until("it is included", || !containing(&engine, &tx).is_empty()).await;
    let number = containing(&engine, &tx)[0];
    assert_eq!(node.pool_transaction(&hash), None);

    until_safe(&node, number).await;
    let batch = node.batch_of(number).unwrap();
    assert!(batch.first_block <= number && number <= batch.last_block);
    assert!(batch.applied.is_some() && !batch.blobs.is_empty());
    until("it is final", || node.heads().finalized.number >= number).await;
    assert!(node.batch_of(number).unwrap().finalized);
    assert!(node.batch_of(node.heads().latest.number + 1).is_none());

    let copy = world.engine();
    let follower = world.follower(&copy, &clock).await;
    until_safe(&follower, number).await;
    assert_eq!(hashes(&copy, number), hashes(&engine, number));
    assert_eq!(follower.batch_of(number).unwrap().id, batch.id);
    assert!(matches!(
        follower.submit(transfer(1, 1, 2)).await,
        Err(SubmitError::NotAdmitting(_))
    ));
    assert!(!follower.mine().await);
    follower.shutdown().await.unwrap();
    node.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn on_demand_a_block_comes_with_the_transaction_and_an_idle_chain_stays_alive() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let config = NodeConfig::sequencer(on_demand(world.sequencer_config()));
    let node = world.start(&engine, &clock, config).await.unwrap();
    until("derivation has caught up", || node.status().synced).await;
    let before = latest(&node).number;
    for nonce in 0..5 {
        let tx = transfer(1, nonce, 2);
        node.submit(tx.clone()).await.unwrap();
        until("it is included", || !containing(&engine, &tx).is_empty()).await;
    }
    assert!(latest(&node).number - before >= 5);
    assert!(node.mine().await);

    // Nothing happens for many windows' worth of DA blocks.
    let origin = |number| {
        engine
            .block(BlockId::Number(number))
            .unwrap()
            .unwrap()
            .anchor
            .unwrap()
            .ordinal
    };
    let from = origin(latest(&node).number);
    until("the chain lives on", || {
        origin(latest(&node).number).since(from) > 60
    })
    .await;
    assert!(!node.status().lapsed);
    node.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn where_timestamps_must_rise_blocks_never_run_ahead_of_time() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let config = NodeConfig::sequencer(every(world.sequencer_config(), 250));
    let node = world.start(&engine, &clock, config).await.unwrap();
    let stamp = |number| {
        engine
            .block(BlockId::Number(number))
            .unwrap()
            .unwrap()
            .timestamp
    };
    for _ in 0..40 {
        let number = latest(&node).number;
        until("the next block", || latest(&node).number > number).await;
        let number = latest(&node).number;
        assert!(stamp(number) <= clock.now_ms() / 1_000 + 1);
        assert!(stamp(number) > stamp(number - 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_does_not_fit_its_chain_does_not_start() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let mut wrong_key = world.sequencer_config();
    wrong_key.key = key(9);
    let mut deep = world.sequencer_config();
    deep.confirmation_depth = 1_000;
    for config in [wrong_key, deep] {
        let result = world
            .start(&world.engine(), &clock, NodeConfig::sequencer(config))
            .await;
        assert!(
            matches!(result, Err(NodeError::Config { .. })),
            "{result:?}"
        );
    }
    let other = World::new(clock.clone(), |config| {
        config.da.network = "elsewhere".into()
    });
    let result = other
        .start(&other.engine(), &clock, NodeConfig::follower())
        .await;
    assert!(
        matches!(result, Err(NodeError::Config { .. })),
        "{result:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_orderly_stop_posts_the_open_batch() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let mut config = world.sequencer_config();
    // Not within this test.
    config.post.interval = Duration::from_secs(100_000);
    let node = world
        .start(&engine, &clock, NodeConfig::sequencer(config))
        .await
        .unwrap();
    let tx = transfer(1, 0, 2);
    node.submit(tx.clone()).await.unwrap();
    until("it is included", || !containing(&engine, &tx).is_empty()).await;
    assert!(world.posted().await.is_empty());
    node.shutdown().await.unwrap();
    drop(node);

    let copy = world.engine();
    let follower = world.follower(&copy, &clock).await;
    until_safe(&follower, containing(&engine, &tx)[0]).await;
    let last = engine.heads().unwrap().latest.number;
    until_safe(&follower, last).await;
    assert_eq!(hashes(&copy, last), hashes(&engine, last));
    follower.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_an_unwilling_layer_and_the_next_start_posts() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    world.da.refuses.store(true, Ordering::SeqCst);
    let tx = transfer(1, 0, 2);
    node.submit(tx.clone()).await.unwrap();
    until("it is included", || !containing(&engine, &tx).is_empty()).await;
    let number = containing(&engine, &tx)[0];
    let before = clock.now_ms();
    node.shutdown().await.unwrap();
    assert!(clock.now_ms() - before < 10_000);
    drop(node);

    world.da.refuses.store(false, Ordering::SeqCst);
    let node = world.sequencer(&engine, &clock).await;
    until_safe(&node, number).await;
    assert_eq!(containing(&engine, &tx), [number]);
    node.shutdown().await.unwrap();
}
