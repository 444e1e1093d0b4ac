//! Nodes of a chain that goes over to another DA layer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use rollwright_core::{DaOrdinal, ErrorKind, LayerError, NodeApi, memory::MemoryExecution};
use rollwright_derive::{Amendment, AmendmentChange, Derivable};
use rollwright_node::{DaLayers, Node, NodeConfig, NodeError, NodeHandle, VerifyOptions, verify};

/// Ordinal of the second epoch's first block.
const SWITCH: u64 = 15;

struct TwoLayers {
    first: World,
    second: World,
    clock: TestClock,
}

impl TwoLayers {
    fn new() -> Self {
        let clock = TestClock::new();
        Self {
            first: World::new(clock.clone(), |_| {}),
            second: World::new(clock.clone(), |_| {}),
            clock,
        }
    }

    fn amendments(&self) -> Vec<Amendment> {
        let next = self.first.engine().rollup_config().da.clone();
        vec![Amendment {
            activation: DaOrdinal(SWITCH),
            change: AmendmentChange::DaEpoch(Box::new(next)),
        }]
    }

    async fn start(
        &self,
        engine: &MemoryExecution,
        mut config: NodeConfig,
        layers: usize,
    ) -> Result<NodeHandle, NodeError> {
        config.amendments = self.amendments();
        Node::new(self.first.layers(engine), config, self.clock.clone())
            .continue_on((layers > 1).then(|| self.second.da.clone()))
            .run()
            .await
    }

    async fn sequencer(&self, engine: &MemoryExecution) -> NodeHandle {
        let config = NodeConfig::sequencer(self.first.sequencer_config());
        self.start(engine, config, 2).await.unwrap()
    }

    fn layers(&self) -> DaLayers<TestDa> {
        DaLayers::new(self.first.da.clone(), [self.second.da.clone()])
    }
}

fn epoch(node: &NodeHandle) -> u32 {
    node.status().derived.map_or(0, |point| point.epoch)
}

#[tokio::test(start_paused = true)]
async fn a_chain_goes_over_to_another_layer_and_derives_again_from_both() {
    let two = TwoLayers::new();
    let engine = two.first.engine();
    let node = two.sequencer(&engine).await;
    let mut nonce = 0;
    // Work all the while, so that batches are in flight at the switch.
    while epoch(&node) == 0 || nonce < 60 {
        node.submit(transfer(1, nonce, 2)).await.unwrap();
        nonce += 1;
        let head = node.heads().latest.number;
        until("the next block", || node.heads().latest.number > head).await;
    }
    let goal = node.heads().latest.number;
    until_safe(&node, goal).await;
    assert!(!two.second.posted().await.is_empty());

    let copy = two.first.engine();
    let follower = two.start(&copy, NodeConfig::follower(), 2).await.unwrap();
    until_safe(&follower, goal).await;
    assert_eq!(hashes(&copy, goal), hashes(&engine, goal));
    assert_eq!(epoch(&follower), 1);

    // A restart goes on where it was.
    node.shutdown().await.unwrap();
    let node = two.sequencer(&engine).await;
    node.submit(transfer(1, nonce, 2)).await.unwrap();
    until_safe(&node, goal + 3).await;
    node.shutdown().await.unwrap();
    follower.shutdown().await.unwrap();

    let mut options = VerifyOptions::default();
    options.amendments = two.amendments();
    let mut heights = Vec::new();
    let verified = verify(
        &two.layers(),
        &two.first.engine(),
        &engine,
        options,
        |progress| heights.push(progress.height),
    )
    .await
    .unwrap();
    assert!(verified.blocks >= goal);
    assert!(heights.len() as u64 > SWITCH);
}

#[tokio::test(start_paused = true)]
async fn a_node_without_the_next_layer_stops_there_and_says_what_it_lacks() {
    let two = TwoLayers::new();
    let engine = two.first.engine();
    let node = two.sequencer(&engine).await;
    let copy = two.first.engine();
    let follower = two.start(&copy, NodeConfig::follower(), 1).await.unwrap();
    let error = follower.stopped().await.unwrap();
    assert!(matches!(
        error,
        NodeError::MissingLayer {
            epoch: 1,
            begins: SWITCH,
            ..
        }
    ));
    assert_eq!(
        (error.code(), error.kind()),
        ("RW-NODE-011", ErrorKind::Fatal)
    );
    let kept = follower.heads().safe.number;
    assert_eq!(hashes(&copy, kept), hashes(&engine, kept));
    let _ = follower.shutdown().await;

    // With the layer, it goes on from what it has.
    let follower = two.start(&copy, NodeConfig::follower(), 2).await.unwrap();
    let goal = node.heads().latest.number + 3;
    until_safe(&follower, goal).await;
    assert_eq!(hashes(&copy, goal), hashes(&engine, goal));
    node.shutdown().await.unwrap();
    follower.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_layer_without_an_epoch_is_refused_at_start() {
    let two = TwoLayers::new();
    let engine = two.first.engine();
    let node = Node::new(
        two.first.layers(&engine),
        NodeConfig::follower(),
        two.clock.clone(),
    );
    let error = node.continue_on([two.second.da.clone()]).run().await;
    assert!(matches!(error, Err(NodeError::Config { .. })));
}
