//! Layers that hang, are slow, lose answers, or cannot be reached for long.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use futures_util::{FutureExt, StreamExt};
use rollwright_core::{
    Layers, NodeApi, NodeEvent, Rollup,
    decorators::{FaultPlan, Faulty},
    memory::{MemoryExecution, NoMessaging, Sovereign},
};
use rollwright_node::{Node, NodeConfig, NodeHandle, PoolConfig};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

fn complains(node: &NodeHandle, of: &str) -> bool {
    let errors = node.status().last_errors;
    errors.iter().any(|(_, text)| text.contains(of))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_is_given_up_said_and_made_again() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    for method in ["head", "fetch", "submit", "is_canonical"] {
        let goal = node.heads().safe.number + 4;
        until_safe(&node, goal).await;
        world.hang(&[method]);
        if method == "is_canonical" {
            world.da.inner.reorganise(3).unwrap();
        }
        until("it is said", || {
            complains(&node, &format!("no answer to `{method}` within 30s"))
        })
        .await;
        let before = world.calls(method);
        tokio::time::sleep(Duration::from_secs(600)).await;
        let calls = world.calls(method) - before;
        // One each 30 s and more, and up to eight fetches at the same time.
        assert!((8..=168).contains(&calls), "{calls} calls of {method}");
        world.hang(&[]);
        let goal = latest(&node).number + 3;
        until_safe(&node, goal).await;
        until("it is forgotten", || node.status().last_errors.is_empty()).await;
        assert_eq!(node.status().blocked, None);
    }
    assert!(node.stopped_by_now().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_was_submitted_without_an_answer_stands_on_the_layer_once() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    until_safe(&node, 3).await;
    world.da.switches.lock().unwrap().hang_after_submit = true;
    let mut sent = Vec::new();
    for nonce in 0..20 {
        let tx = transfer(1, nonce, 2);
        node.submit(tx.clone()).await.unwrap();
        sent.push(tx);
        tokio::time::sleep(Duration::from_secs(7)).await;
    }
    until("it is said", || complains(&node, "no answer to `submit`")).await;
    world.da.switches.lock().unwrap().hang_after_submit = false;
    let goal = latest(&node).number;
    until_safe(&node, goal).await;
    let posted = world.posted().await;
    let distinct: BTreeSet<_> = posted.iter().collect();
    assert_eq!(posted.len(), distinct.len());
    assert_eq!(posted.len(), world.da.submitted.lock().unwrap().len());
    assert!(sent.iter().all(|tx| containing(&engine, tx).len() == 1));
}

#[derive(Debug)]
struct FaultyRollup;

impl Rollup for FaultyRollup {
    type Execution = MemoryExecution;
    type Da = Faulty<TestDa>;
    type Settlement = Sovereign;
    type Messaging = NoMessaging;
}

#[tokio::test(start_paused = true)]
async fn over_a_slow_layer_that_refuses_and_loses_answers_everything_is_derived_once() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let plan = FaultPlan {
        seed: 11,
        refused_per_mille: 100,
        lost_per_mille: 100,
        // A sixth of the calls takes too long.
        max_latency: Duration::from_millis(2_400),
    };
    let layers: Layers<FaultyRollup> = Layers {
        execution: engine.clone(),
        da: Faulty::new(world.da.clone(), Arc::new(clock.clone()), plan),
        settlement: Sovereign::new(),
        messaging: NoMessaging,
    };
    let mut config = NodeConfig::sequencer(world.sequencer_config());
    config.da_timeout = Duration::from_secs(2);
    let node = Node::start(layers, config, clock.clone()).await.unwrap();
    let mut sent = Vec::new();
    for nonce in 0..30 {
        let tx = transfer(1, nonce, 2);
        until("it is admitted", || node.status().admitting).await;
        node.submit(tx.clone()).await.unwrap();
        sent.push(tx);
        tokio::time::sleep(Duration::from_secs(11)).await;
    }
    until("all of it is included", || {
        all_transactions(&engine).len() == sent.len()
    })
    .await;
    let goal = latest(&node).number;
    until_safe(&node, goal).await;
    // Somebody with a better connection sees the same chain.
    let copy = world.engine();
    let follower = world.follower(&copy, &clock).await;
    until_safe(&follower, goal).await;
    assert_eq!(hashes(&copy, goal), hashes(&engine, goal));
    assert_eq!(all_transactions(&copy), sent);
}

#[tokio::test(start_paused = true)]
async fn a_block_that_could_not_be_posted_in_time_is_not_made_and_taken_back_for_ever() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |config| {
        config.timing.window = 60;
        config.timing.part_timeout = 30;
    });
    let engine = world.engine();
    let mut config = NodeConfig::sequencer(on_demand(world.sequencer_config()));
    config.da_timeout = Duration::from_secs(5);
    let node = world.start(&engine, &clock, config).await.unwrap();
    until("it has read DA", || node.status().synced).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    // The head is seen, and nothing of it can be read.
    world.hang(&["fetch"]);
    tokio::time::sleep(Duration::from_secs(80)).await;
    let mut events = node.events();
    let tx = transfer(1, 0, 2);
    node.submit(tx.clone()).await.unwrap();
    until("it is said", || {
        let blocked = node.status().blocked;
        blocked.is_some_and(|text| text.contains("could not be posted in time"))
    })
    .await;
    assert!(!node.mine().await);
    tokio::time::sleep(Duration::from_secs(60)).await;
    while let Some(Some(event)) = events.next().now_or_never() {
        assert!(!matches!(event, NodeEvent::Removed(_)));
    }
    world.hang(&[]);
    until("it is included", || !containing(&engine, &tx).is_empty()).await;
    let number = containing(&engine, &tx)[0];
    until_safe(&node, number).await;
    assert_eq!(containing(&engine, &tx), [number]);
    assert_eq!(node.status().blocked, None);
}

/// An hour without the layer, which goes on without the node or stands still
/// with it.
async fn an_hour_without_the_layer(goes_on: bool) {
    let clock = TestClock::new();
    let mut world = World::new(clock.clone(), |_| {});
    if !goes_on {
        // A layer whose blocks come only when told.
        world.da.inner = rollwright_core::memory::MemoryDa::default();
        world.da.inner.make_blocks(5);
    }
    let step = |seconds: u64| {
        let (world, goes_on) = (world.da.inner.clone(), goes_on);
        async move {
            for _ in 0..seconds {
                if !goes_on {
                    world.make_block();
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    };
    let engine = world.engine();
    let mut config = NodeConfig::sequencer(world.sequencer_config());
    config.pool = PoolConfig::default();
    config.pool.max_transactions = 40;
    let node = world.start(&engine, &clock, config).await.unwrap();
    step(10).await;
    assert!(node.heads().safe.number > 0);
    let before = (world.calls("head"), world.calls("submit"));
    world.hang(&["head", "fetch", "submit", "is_canonical"]);
    let (mut sent, mut refused) = (Vec::new(), Vec::new());
    for minute in 0..60 {
        for sender in 1..=10 {
            let nonce = sent.iter().filter(|(from, _)| *from == sender).count() as u64;
            let tx = transfer(sender, nonce, 9);
            match node.submit(tx.clone()).await {
                Ok(_) => sent.push((sender, tx)),
                Err(error) => refused.push(error.to_string()),
            }
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        // It answers, whatever the layer does.
        let status = node.status();
        if minute > 10 {
            assert!(status.blocked.is_some());
            assert!(complains(&node, "no answer to `head`"));
        }
        assert!(status.pool.pending + status.pool.queued <= 40);
    }
    assert!(!refused.is_empty(), "more is taken than the pool holds");
    let is_clear = |text: &String| text.contains("the pool is full") || text.contains("no blocks");
    assert!(refused.iter().all(is_clear), "{refused:?}");
    assert!(latest(&node).number < 400, "blocks stop at the drift bound");
    let heads = world.calls("head") - before.0;
    let submits = world.calls("submit") - before.1;
    assert!(heads <= 90 && submits <= 90, "{heads} {submits}");
    assert!(node.stopped_by_now().is_none());

    world.hang(&[]);
    step(120).await;
    until("it has recovered by itself", || {
        let status = node.status();
        status.synced && status.admitting && status.last_errors.is_empty()
    })
    .await;
    let after = transfer(
        1,
        sent.iter().filter(|(from, _)| *from == 1).count() as u64,
        9,
    );
    node.submit(after.clone()).await.unwrap();
    sent.push((1, after));
    for _ in 0..30 {
        step(10).await;
        if sent
            .iter()
            .all(|(_, tx)| !containing(&engine, tx).is_empty())
        {
            break;
        }
    }
    let lost: Vec<_> = (sent.iter())
        .filter(|(_, tx)| containing(&engine, tx).len() != 1)
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
    step(30).await;
    assert_eq!(node.status().blocked, None);
    let last = containing(&engine, &sent.last().unwrap().1)[0];
    assert!(node.heads().safe.number >= last);
    let copy = world.engine();
    let follower = world.follower(&copy, &clock).await;
    until_safe(&follower, last).await;
    assert_eq!(hashes(&copy, last), hashes(&engine, last));
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_stands_still_for_an_hour_costs_time_and_nothing_else() {
    an_hour_without_the_layer(false).await;
}

#[tokio::test(start_paused = true)]
async fn a_sequencer_cut_off_from_its_layer_for_an_hour_rejoins_the_chain_that_went_on() {
    an_hour_without_the_layer(true).await;
}
