//! Blocks that are built while the block below them is being committed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use alloy_primitives::Bytes;
use common::{
    mortal::{Call, Mortal},
    *,
};
use futures_util::{FutureExt, StreamExt};
use rollwright_core::{BlockId, ChainStore, NodeApi, NodeEvent, memory::MemoryExecution};
use rollwright_derive::RollupConfig;
use rollwright_node::{NodeConfig, NodeHandle};
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::Semaphore;

/// Transactions that a block has room for.
const ROOM: u32 = 3;

fn full_blocks(engine: &MemoryExecution, write: i64, after: bool) -> Mortal {
    let mut engine = Mortal::at(engine, write, after);
    engine.most = ROOM;
    engine
}

fn demanding(world: &World) -> NodeConfig {
    NodeConfig::sequencer(on_demand(world.sequencer_config()))
}

/// Several blocks may have one timestamp.
fn at_once(config: &mut RollupConfig) {
    config.timing.block_time_ms = 250;
}

/// Hands in transactions at the same time; those that were acknowledged.
async fn submit_all(node: &NodeHandle, transfers: Vec<Bytes>) -> Vec<Bytes> {
    let answers = transfers.into_iter().map(|tx| async {
        let taken = node.submit(tx.clone()).await.is_ok();
        taken.then_some(tx)
    });
    let answers = futures_util::future::join_all(answers).await;
    answers.into_iter().flatten().collect()
}

/// How often a block was built on one whose commit had begun and not ended.
fn ahead(log: &[Call]) -> usize {
    let mut running = None;
    let mut ahead = 0;
    for call in log {
        match *call {
            Call::Commits(number) => running = Some(number),
            Call::Committed(_) => running = None,
            Call::Built(parent) => ahead += usize::from(running == Some(parent)),
        }
    }
    ahead
}

/// A node whose commits wait from now on, with ten transactions in it, of which
/// one block is being committed and the next is built on it.
struct Held {
    clock: TestClock,
    world: World,
    inner: MemoryExecution,
    engine: Mortal,
    commits: Arc<Semaphore>,
    node: NodeHandle,
    sent: Vec<Bytes>,
}

const MANY: usize = 1_000_000;

impl Held {
    async fn new() -> Self {
        let clock = TestClock::new();
        let world = World::new(clock.clone(), at_once);
        let inner = world.engine();
        let mut engine = full_blocks(&inner, i64::MAX, false);
        let commits = Arc::new(Semaphore::new(MANY));
        engine.commits = Some(commits.clone());
        let config = demanding(&world);
        let node = world.start_mortal(&engine, &clock, config).await.unwrap();
        until("it has read DA", || node.status().synced).await;
        commits.forget_permits(MANY);
        let sent: Vec<_> = (0..10).map(|nonce| transfer(1, nonce, 2)).collect();
        assert_eq!(submit_all(&node, sent.clone()).await, sent);
        // Derivation may commit something first.
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if ahead(&engine.log.lock().unwrap()) > 0 {
                break;
            }
            commits.add_permits(1);
        }
        Self {
            clock,
            world,
            inner,
            engine,
            commits,
            node,
            sent,
        }
    }

    fn log(&self) -> Vec<Call> {
        self.engine.log.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_block_is_built_while_one_is_committed_and_nobody_hears_of_either() {
    let held = Held::new().await;
    let (node, inner, sent) = (&held.node, &held.inner, &held.sent);
    let before = node.heads().latest;
    let mut events = node.events();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let log = held.log();
    let committing = before.number + 1;
    assert!(log.contains(&Call::Built(committing)), "{log:?}");
    // At most one ahead, however long the commit takes.
    assert!(!log.contains(&Call::Built(committing + 1)), "{log:?}");
    // Neither is shown, and the pool still has what they hold.
    assert_eq!(node.heads().latest, before);
    assert_eq!(inner.heads().unwrap().latest, before);
    assert!(node.block(BlockId::Number(committing)).is_none());
    let included = all_transactions(inner).len();
    assert_eq!(node.pool_status().pending, sent.len() - included);
    let news = events.next().now_or_never();
    assert!(news.is_none(), "{news:?}");
    held.commits.add_permits(MANY);
    until("all is included", || {
        all_transactions(inner).len() == sent.len()
    })
    .await;
    assert_eq!(&all_transactions(inner), sent);
    until("the pool is empty", || node.pool_status().pending == 0).await;
    // Announced in their order.
    let mut announced = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        if let NodeEvent::Block(block) = event {
            announced.push(block.block.number);
        }
    }
    assert!(announced.is_sorted(), "{announced:?}");
    assert!(announced.len() >= 3, "{announced:?}");
    node.shutdown().await.unwrap();
    assert_eq!(inner.heads().unwrap().latest, node.heads().latest);
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_what_is_being_committed_and_keeps_the_rest() {
    let held = Held::new().await;
    let before = held.inner.heads().unwrap().latest.number;
    let ((), stopped) = futures_util::join!(
        async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            held.commits.add_permits(MANY);
        },
        held.node.shutdown()
    );
    stopped.unwrap();
    // The block that was committed and the one on it, no others.
    let inner = held.inner.restart();
    assert_eq!(inner.heads().unwrap().latest.number, before + 2);
    let node = held.world.sequencer(&inner, &held.clock).await;
    until("all is included", || all_transactions(&inner) == held.sent).await;
    node.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_stops_the_node_and_takes_the_next_block_away() {
    let held = Held::new().await;
    let before = held.inner.heads().unwrap().latest;
    // The next write does not take effect, and none after it.
    held.engine.left.store(1, Ordering::SeqCst);
    held.commits.add_permits(MANY);
    until("it stops", || held.node.stopped_by_now().is_some()).await;
    assert!(held.node.submit(transfer(3, 0, 2)).await.is_err());
    assert_eq!(held.node.heads().latest, before);
    drop(held.node);
    let inner = held.inner.restart();
    assert_eq!(inner.heads().unwrap().latest, before);
    let node = held.world.sequencer(&inner, &held.clock).await;
    until("all is included", || all_transactions(&inner) == held.sent).await;
    node.shutdown().await.unwrap();
}

/// Bursts that fill several blocks; the process ends at the write of that
/// number.
async fn dies_at(write: i64, after: bool, reorganise: bool) -> usize {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), at_once);
    let mut inner = world.engine();
    let mut acknowledged = BTreeSet::new();
    let mut built_ahead = 0;
    for life in 0..3u8 {
        let engine = full_blocks(&inner, write + i64::from(life), after);
        if let Ok(node) = world.start_mortal(&engine, &clock, demanding(&world)).await {
            for burst in 0..4 {
                // Senders of this life alone: what was not acknowledged leaves
                // no gap for others.
                let sender = 1 + life * 4 + burst;
                let sent = (0..7).map(|nonce| transfer(sender, nonce, 99)).collect();
                acknowledged.extend(submit_all(&node, sent).await);
                if reorganise && burst == 1 {
                    // Refused while the layer has hardly any blocks.
                    let _ = world.da.inner.reorganise(2);
                }
                let announced = node.heads().latest.number;
                assert!(reorganise || inner.heads().unwrap().latest.number >= announced);
                tokio::time::sleep(Duration::from_millis(900)).await;
            }
            drop(node);
            tokio::task::yield_now().await;
        }
        built_ahead += ahead(&engine.log.lock().unwrap());
        inner = inner.restart();
    }
    let node = world.sequencer(&inner, &clock).await;
    until("all is included", || {
        let included: BTreeSet<_> = all_transactions(&inner).into_iter().collect();
        acknowledged.is_subset(&included)
    })
    .await;
    let included = all_transactions(&inner);
    let distinct: BTreeSet<_> = included.iter().collect();
    assert_eq!(
        included.len(),
        distinct.len(),
        "write {write}, after {after}"
    );
    let number = node.heads().latest.number + 2;
    until_safe(&node, number).await;
    let posted = world.posted().await;
    let distinct: BTreeSet<_> = posted.iter().collect();
    assert_eq!(posted.len(), distinct.len(), "a blob was posted twice");
    let copy = world.engine();
    let follower = world.follower(&copy, &clock).await;
    until_safe(&follower, number).await;
    assert_eq!(hashes(&copy, number), hashes(&inner, number));
    built_ahead
}

#[tokio::test(start_paused = true)]
async fn a_death_at_any_write_among_blocks_built_ahead_loses_nothing() {
    let mut built_ahead = 0;
    for write in 1..28 {
        for after in [false, true] {
            built_ahead += dies_at(write, after, write % 3 == 0).await;
        }
    }
    assert!(built_ahead > 50, "{built_ahead}");
}
