//! Nodes of a chain that goes over to another DA layer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use rollwright_core::{DaOrdinal, ErrorKind, LayerError, NodeApi, memory::MemoryExecution};
use rollwright_derive::{Amendment, AmendmentChange, Derivable};
use rollwright_node::{
    DaLayers, Node, NodeConfig, NodeError, NodeHandle, OnAnnouncement, VerifyOptions, verify,
};

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

    /// Digest of the configuration with the amendment.
    fn digest(&self) -> String {
        let before = self.first.engine().config_digest();
        self.amendments()[0].extend_digest(before).to_string()
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

fn alarm(node: &NodeHandle) -> Option<String> {
    let errors = node.status().last_errors;
    let found = errors.into_iter().find(|(layer, _)| layer == "amendments");
    found.map(|(_, text)| text)
}

async fn work(node: &NodeHandle, nonces: std::ops::Range<u64>) {
    for nonce in nonces {
        node.submit(transfer(1, nonce, 2)).await.unwrap();
        let head = node.heads().latest.number;
        until("the next block", || node.heads().latest.number > head).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_follower_without_an_announced_amendment_alarms_and_waits_for_it() {
    let two = TwoLayers::new();
    let engine = two.first.engine();
    let node = two.sequencer(&engine).await;
    assert_eq!(alarm(&node), None);
    let copy = two.first.engine();
    let layers = two.first.layers(&copy);
    let follower = Node::start(layers, NodeConfig::follower(), two.clock.clone());
    let follower = follower.await.unwrap();
    work(&node, 0..20).await;
    until("the alarm", || alarm(&follower).is_some()).await;
    let text = alarm(&follower).unwrap();
    let digest = two.digest();
    for said in ["ordinal 15", "the DA layer", &digest] {
        assert!(text.contains(said), "{text}");
    }
    let kept = follower.heads();
    assert!(kept.safe.number > 0, "what announces it is agreed by all");
    while epoch(&node) == 0 {
        let head = node.heads().latest.number;
        until("the next block", || node.heads().latest.number > head).await;
    }
    assert_eq!(follower.heads().safe, kept.safe);
    follower.shutdown().await.unwrap();

    // It remembers, and alarms before it has read anything new.
    let layers = two.first.layers(&copy);
    let follower = Node::start(layers, NodeConfig::follower(), two.clock.clone());
    let follower = follower.await.unwrap();
    until("the alarm", || alarm(&follower).is_some()).await;
    assert_eq!(follower.heads().safe, kept.safe);
    follower.shutdown().await.unwrap();

    // Given the amendment, it goes on from what it has, though the switch was
    // long ago.
    let follower = two.start(&copy, NodeConfig::follower(), 2).await.unwrap();
    let goal = node.heads().latest.number + 3;
    until_safe(&follower, goal).await;
    assert_eq!(hashes(&copy, goal), hashes(&engine, goal));
    assert_eq!(alarm(&follower), None);
    node.shutdown().await.unwrap();
    follower.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_operator_may_choose_to_go_on_without_an_amendment() {
    let two = TwoLayers::new();
    let engine = two.first.engine();
    let node = two.sequencer(&engine).await;
    let copy = two.first.engine();
    let mut config = NodeConfig::follower();
    config.derivation.on_announcement = OnAnnouncement::GoOn;
    let layers = two.first.layers(&copy);
    let follower = Node::start(layers, config, two.clock.clone());
    let follower = follower.await.unwrap();
    work(&node, 0..20).await;
    until("the alarm", || alarm(&follower).is_some()).await;
    // It reads on, past where the others have changed over.
    let past = |node: &NodeHandle| {
        let derived = node.status().derived_ordinal;
        derived.is_some_and(|ordinal| ordinal.0 > SWITCH)
    };
    until("the first layer's later blocks", || past(&follower)).await;
    assert!(alarm(&follower).is_some());
    node.shutdown().await.unwrap();
    follower.shutdown().await.unwrap();
}
