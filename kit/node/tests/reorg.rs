//! What a reorganisation of the DA layer undoes, and what it does not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use common::*;
use futures_util::{FutureExt, StreamExt};
use rollwright_core::{
    BlockId, ChainStore, DaBlockId, DaHeight, DataAvailability, NodeApi, NodeEvent,
};
use std::{sync::atomic::Ordering, time::Duration};

#[tokio::test(start_paused = true)]
async fn a_da_reorganisation_moves_safe_back_and_every_transaction_returns_in_order() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    let copy = world.engine();
    let follower = world.follower(&copy, &clock).await;
    let mut sent = Vec::new();
    for nonce in 0..12 {
        for sender in 1..=3 {
            let tx = transfer(sender, nonce, 9);
            node.submit(tx.clone()).await.unwrap();
            sent.push(tx);
        }
        let number = latest(&node).number;
        until("the next block is made", || latest(&node).number > number).await;
    }
    until("some of it is safe", || node.heads().safe.number > 5).await;
    let order = all_transactions(&engine);
    let safe = node.heads().safe;
    let old = latest(&node);
    let mut events = node.events();
    world.da.inner.reorganise(5).unwrap();
    until("blocks were taken back", || {
        std::iter::from_fn(|| events.next().now_or_never().flatten())
            .any(|event| matches!(event, NodeEvent::Removed(_)))
    })
    .await;
    until("it is safe again", || {
        node.heads().safe.number > old.number + 3
    })
    .await;
    // Same transactions, same order, each once.
    let again = all_transactions(&engine);
    assert_eq!(
        again.iter().filter(|tx| order.contains(tx)).count(),
        order.len()
    );
    let replayed: Vec<_> = again.into_iter().take(order.len()).collect();
    assert_eq!(replayed, order);
    for tx in &sent {
        assert_eq!(containing(&engine, tx).len(), 1);
    }
    let _ = safe;
    let number = node.heads().safe.number;
    until_safe(&follower, number).await;
    assert_eq!(hashes(&copy, number), hashes(&engine, number));
    assert!(engine.heads().unwrap().latest.number >= number);
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_forgets_units_gets_them_again() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    for nonce in 0..6 {
        node.submit(transfer(1, nonce, 2)).await.unwrap();
    }
    until_safe(&node, 8).await;
    let order = all_transactions(&engine);
    world.da.inner.reorganise_and_forget(4).unwrap();
    let goal = latest(&node).number + 5;
    until_safe(&node, goal).await;
    let again: Vec<_> = all_transactions(&engine)
        .into_iter()
        .take(order.len())
        .collect();
    assert_eq!(again, order);
    let copy = world.engine();
    let follower = world.follower(&copy, &clock).await;
    until_safe(&follower, goal).await;
    assert_eq!(hashes(&copy, goal), hashes(&engine, goal));
}

#[tokio::test(start_paused = true)]
async fn a_reorganisation_of_the_first_da_block_leaves_no_block_on_a_vanished_origin() {
    let clock = TestClock::new();
    let five = Duration::from_secs(5);
    let world = World::with_blocks(clock.clone(), five, |config| {
        config.da.start_height = DaHeight(2);
    });
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    until("there are blocks", || latest(&node).number >= 2).await;
    let old = latest(&node);
    let depth = node.status().da_head.unwrap().observed.height.0 - 1;
    // Derivation is not to replace the blocks before we look.
    world.da.refuses.store(true, Ordering::SeqCst);
    world.da.inner.reorganise(depth).unwrap();
    until("blocks go on", || latest(&node).number >= old.number + 20).await;
    for number in 1..=latest(&node).number {
        let block = engine.block(BlockId::Number(number)).unwrap().unwrap();
        let origin = block.anchor.unwrap().origin;
        let block = DaBlockId {
            height: origin.height,
            hash: origin.hash,
        };
        assert!(world.da.inner.is_canonical(block).await.unwrap());
    }
    world.da.refuses.store(false, Ordering::SeqCst);
    until_safe(&node, old.number + 20).await;
}
