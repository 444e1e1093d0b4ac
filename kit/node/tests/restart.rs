//! Nodes that end without warning.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use common::*;
use rollwright_core::{ChainStore, NodeApi};
use std::{collections::BTreeSet, time::Duration};

/// Kills the node after so much time, again and again, and checks that what
/// was acknowledged is there and that DA holds nothing twice.
async fn killed_every(pause: Duration, rounds: u64) {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let mut engine = world.engine();
    let mut nonce = 0;
    let mut acknowledged = Vec::new();
    let mut announced = Vec::new();
    for _ in 0..rounds {
        let node = world.sequencer(&engine, &clock).await;
        for _ in 0..3 {
            let tx = transfer(1, nonce, 2);
            node.submit(tx.clone()).await.unwrap();
            acknowledged.push(tx);
            nonce += 1;
        }
        tokio::time::sleep(pause).await;
        announced.push(latest(&node));
        // No farewell: the tasks are gone, and so is what was not stored.
        drop(node);
        tokio::task::yield_now().await;
        engine = engine.restart();
        let heads = engine.heads().unwrap();
        assert!(heads.latest.number >= announced.last().unwrap().number);
    }
    let node = world.sequencer(&engine, &clock).await;
    let last = acknowledged.last().unwrap();
    until("all is included", || !containing(&engine, last).is_empty()).await;
    let number = containing(&engine, last)[0];
    until_safe(&node, number).await;
    for tx in &acknowledged {
        assert_eq!(containing(&engine, tx).len(), 1);
    }
    for block in announced {
        assert_eq!(
            hashes(&engine, block.number)[block.number as usize],
            block.hash
        );
    }
    let posted = world.posted().await;
    let distinct: BTreeSet<_> = posted.iter().collect();
    assert_eq!(posted.len(), distinct.len(), "a blob was posted twice");
    assert_eq!(posted.len(), world.da.submitted.lock().unwrap().len());
    // Each block stands in one batch, so nothing was posted twice in effect.
    let mut next = 1;
    while next <= number {
        let batch = node.batch_of(next).unwrap();
        assert_eq!(batch.first_block, next);
        next = batch.last_block + 1;
    }
    let copy = world.engine();
    let follower = world.follower(&copy, &clock).await;
    until_safe(&follower, number).await;
    assert_eq!(hashes(&copy, number), hashes(&engine, number));
}

#[tokio::test(start_paused = true)]
async fn a_node_killed_at_once_keeps_what_it_acknowledged() {
    killed_every(Duration::ZERO, 6).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_killed_between_block_and_batch_loses_no_block() {
    killed_every(Duration::from_millis(1_100), 8).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_killed_while_a_batch_is_in_flight_posts_it_once() {
    killed_every(Duration::from_millis(2_300), 8).await;
    killed_every(Duration::from_millis(3_050), 8).await;
}

#[tokio::test(start_paused = true)]
async fn the_pool_survives_both_kinds_of_end() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let mut engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    // Behind a gap, so it stays in the pool.
    let waiting = transfer(3, 5, 2);
    let hash = node.submit(waiting.clone()).await.unwrap();
    drop(node);
    tokio::task::yield_now().await;
    engine = engine.restart();
    let node = world.sequencer(&engine, &clock).await;
    assert_eq!(node.pool_transaction(&hash), Some(waiting.clone()));
    node.shutdown().await.unwrap();
    assert!(node.submit(transfer(3, 0, 2)).await.is_err());
    engine = engine.restart();
    let node = world.sequencer(&engine, &clock).await;
    assert_eq!(node.pool_transaction(&hash), Some(waiting.clone()));
    for nonce in 0..5 {
        node.submit(transfer(3, nonce, 2)).await.unwrap();
    }
    until("the gap is filled", || {
        !containing(&engine, &waiting).is_empty()
    })
    .await;
}
