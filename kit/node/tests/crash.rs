//! Crashes at every write of the store and every submission to DA, before and
//! after the effect.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use common::{mortal::*, *};
use rollwright_core::{ChainStore, NodeApi};
use rollwright_node::NodeConfig;
use std::collections::BTreeSet;

/// Lives `lives` times, each ending at the write of that number.
async fn dies_at(write: i64, after: bool, lives: u64, reorganise: bool) {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let mut inner = world.engine();
    let mut acknowledged = Vec::new();
    let mut nonce = 0;
    for life in 0..lives {
        let engine = Mortal::at(&inner, write + (life as i64 % 3), after);
        let config = NodeConfig::sequencer(world.sequencer_config());
        if let Ok(node) = world.start_mortal(&engine, &clock, config).await {
            let mut announced = node.heads().latest;
            while node.stopped_by_now().is_none() {
                let tx = transfer(1, nonce, 2);
                match node.submit(tx.clone()).await {
                    Ok(_) => {
                        acknowledged.push(tx);
                        nonce += 1;
                    }
                    // It may have reached the pool all the same.
                    Err(_) => break,
                }
                if reorganise && nonce % 7 == 3 {
                    // Refused while the layer has hardly any blocks.
                    let _ = world.da.inner.reorganise(2);
                }
                announced = node.heads().latest;
                tokio::time::sleep(std::time::Duration::from_millis(700)).await;
            }
            drop(node);
            tokio::task::yield_now().await;
            let heads = inner.heads().unwrap();
            assert!(reorganise || heads.latest.number >= announced.number);
        }
        inner = inner.restart();
        // What was not acknowledged may be in a block all the same.
        let included = all_transactions(&inner).len() as u64;
        nonce = included.max(acknowledged.len() as u64);
    }
    let node = world.sequencer(&inner, &clock).await;
    let last = acknowledged.last().cloned();
    if let Some(last) = &last {
        until("all is included", || !containing(&inner, last).is_empty()).await;
    }
    for tx in &acknowledged {
        assert_eq!(
            containing(&inner, tx).len(),
            1,
            "write {write}, after {after}"
        );
    }
    let number = node.heads().latest.number + 2;
    until_safe(&node, number).await;
    let posted = world.posted().await;
    let distinct: BTreeSet<_> = posted.iter().collect();
    assert_eq!(posted.len(), distinct.len(), "a blob was posted twice");
    let copy = world.engine();
    let follower = world.follower(&copy, &clock).await;
    until_safe(&follower, number).await;
    assert_eq!(hashes(&copy, number), hashes(&inner, number));
}

#[tokio::test(start_paused = true)]
async fn a_death_before_any_write_loses_nothing() {
    for write in 1..40 {
        dies_at(write, false, 4, false).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_death_after_any_write_loses_nothing() {
    for write in 1..40 {
        dies_at(write, true, 4, false).await;
    }
}

#[tokio::test(start_paused = true)]
async fn deaths_among_reorganisations_lose_nothing() {
    for write in 1..24 {
        dies_at(write, write % 2 == 0, 4, true).await;
    }
}
