//! Replicas on real sockets, over a clock that runs twenty times as fast.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use axum::Router;
use common::*;
use rollwright_core::{ChainStore, Clock, NodeApi, memory::MemoryExecution};
use rollwright_node::{Node, NodeConfig, NodeHandle, feed_evidence};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

const SPEED: u32 = 20;

#[derive(Clone, Debug)]
struct FastClock(tokio::time::Instant);

impl Clock for FastClock {
    fn now_ms(&self) -> u64 {
        START_MS + (self.0.elapsed() * SPEED).as_millis() as u64
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration / SPEED))
    }
}

async fn start(
    world: &World,
    clock: &FastClock,
    config: NodeConfig,
) -> (MemoryExecution, NodeHandle) {
    let engine = world.engine();
    let node = Node::start(world.layers(&engine), config, clock.clone())
        .await
        .unwrap();
    (engine, node)
}

async fn serve(node: &NodeHandle) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().nest("/feed", node.feed_router());
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("ws://{address}/feed")
}

fn world() -> (World, FastClock) {
    let clock = FastClock(tokio::time::Instant::now());
    (World::new(clock.clone(), |_| {}), clock)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_follow_each_other_ahead_of_da_and_agree_with_it() {
    let (world, clock) = world();
    let mut config = world.sequencer_config();
    config.post.interval = Duration::from_secs(8);
    let (engine, node) = start(&world, &clock, NodeConfig::sequencer(config)).await;
    // Older blocks are not in the feed any more: they come from DA.
    until("some blocks are final", || {
        node.heads().finalized.number > 2
    })
    .await;
    let (first, near) = start(&world, &clock, NodeConfig::replica(serve(&node).await)).await;
    let (second, far) = start(&world, &clock, NodeConfig::replica(serve(&near).await)).await;
    let tx = transfer(1, 0, 2);
    node.submit(tx.clone()).await.unwrap();
    until("the far replica has it", || {
        !containing(&second, &tx).is_empty()
    })
    .await;
    let number = containing(&second, &tx)[0];
    until("a replica is ahead of DA", || {
        let heads = far.heads();
        heads.latest.number > heads.safe.number + 1
    })
    .await;
    until_safe(&far, number).await;
    until_safe(&near, number).await;
    assert_eq!(hashes(&first, number), hashes(&engine, number));
    assert_eq!(hashes(&second, number), hashes(&engine, number));
    assert!(feed_evidence(&second).unwrap().is_empty());
    // The sequencer restarts: its replicas find it again from where they are.
    for handle in [far, near, node] {
        handle.shutdown().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_da_contradicts_leaves_evidence_and_da_wins() {
    let (world, clock) = world();
    let (engine, honest) = start(
        &world,
        &clock,
        NodeConfig::sequencer(world.sequencer_config()),
    )
    .await;
    // The same key in a process that posts nothing and makes other blocks.
    let lying_world = World {
        da: TestDa {
            refuses: Arc::new(AtomicBool::new(true)),
            ..world.da.clone()
        },
        genesis: world.genesis.clone(),
        key: world.key.clone(),
    };
    let mut config = lying_world.sequencer_config();
    config.fee_recipient = account(0xaa);
    let (_, liar) = start(&lying_world, &clock, NodeConfig::sequencer(config)).await;
    let (replica, node) = start(&world, &clock, NodeConfig::replica(serve(&liar).await)).await;
    until("DA has spoken", || {
        !feed_evidence(&replica).unwrap().is_empty()
    })
    .await;
    let evidence = feed_evidence(&replica).unwrap().remove(0);
    let chain = (node.status().chain_id, node.status().rollup_id);
    assert_eq!(evidence.signed.signer(chain), Some(world.key.address()));
    assert_eq!(evidence.signed.block().number, evidence.derived.number);
    assert_ne!(evidence.signed.block(), evidence.derived);
    let number = evidence.derived.number + 5;
    until_safe(&node, number).await;
    assert_eq!(hashes(&replica, number), hashes(&engine, number));
    assert!(replica.heads().unwrap().latest.number >= number);
    drop(honest);
}
