//! Replicas under bad feeds, far behind, and in trees; feeds under bad readers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use alloy_primitives::B256;
use common::{wire::*, *};
use rollwright_core::{BlockId, NodeApi, memory::MemoryExecution};
use rollwright_derive::Rules;
use rollwright_node::{
    EvidenceError, FeedEvidence, FeedFrame, FeedGoodbye, FeedHello, Node, NodeConfig, NodeHandle,
    SignedBlock, feed_evidence,
};
use std::{sync::Arc, time::Duration};
use tokio_tungstenite::tungstenite::Message;

struct Stage {
    clock: TestClock,
    world: World,
    wires: Wires,
}

impl Stage {
    fn new() -> Self {
        let clock = TestClock::new();
        let world = World::new(clock.clone(), |config| config.timing.block_time_ms = 250);
        Self {
            clock,
            world,
            wires: Wires::default(),
        }
    }

    async fn start(&self, world: &World, config: NodeConfig) -> (MemoryExecution, NodeHandle) {
        let engine = world.engine().with_pending_blocks(200);
        let node = self.start_over(world, &engine, config).await;
        (engine, node)
    }

    async fn start_over(
        &self,
        world: &World,
        engine: &MemoryExecution,
        config: NodeConfig,
    ) -> NodeHandle {
        Node::new(world.layers(engine), config, self.clock.clone())
            .connect_with(Arc::new(self.wires.clone()))
            .run()
            .await
            .unwrap()
    }

    /// A sequencer under the name `top`, on demand.
    async fn sequencer(
        &self,
        change: impl FnOnce(&mut NodeConfig),
    ) -> (MemoryExecution, NodeHandle) {
        let config = on_demand(self.world.sequencer_config());
        let mut config = NodeConfig::sequencer(config);
        change(&mut config);
        let (engine, node) = self.start(&self.world, config).await;
        self.wires.serve("top", &node);
        until("it has read DA", || node.status().synced).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        (engine, node)
    }

    /// A sequencer with the same key under the name `liar`, whose blocks are
    /// others and never reach DA.
    async fn liar(&self) -> NodeHandle {
        let world = self.world.twin();
        world.refuse(true);
        let mut config = on_demand(world.sequencer_config());
        config.fee_recipient = account(0xaa);
        let (_, liar) = self.start(&world, NodeConfig::sequencer(config)).await;
        self.wires.serve("liar", &liar);
        liar
    }

    async fn replica(&self, of: &str) -> (MemoryExecution, NodeHandle) {
        self.start(&self.world, NodeConfig::replica(url(of))).await
    }
}

fn signed(frame: FeedFrame) -> SignedBlock {
    match frame {
        FeedFrame::Block(block) => *block,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_survives_every_bad_feed_and_follows_once_it_is_good() {
    let stage = Stage::new();
    let (engine, node) = stage.sequencer(|_| {}).await;
    // The feed alone brings the blocks.
    stage.world.refuse(true);
    mine_to(&node, 12).await;
    let mut honest = stage.wires.subscribe("top", 1).await.unwrap();
    let hello = frame(&mut honest).await.unwrap();
    let FeedFrame::Hello(facts) = hello.clone() else {
        panic!("no greeting");
    };
    let mut blocks = Vec::new();
    for _ in 0..12 {
        blocks.push(signed(frame(&mut honest).await.unwrap()));
    }
    let block = |at: usize| binary(&FeedFrame::Block(Box::new(blocks[at].clone())));
    let changed = |change: &dyn Fn(&mut SignedBlock)| {
        let mut block = blocks[0].clone();
        change(&mut block);
        binary(&FeedFrame::Block(Box::new(block)))
    };
    let chain = (facts.chain_id, facts.rollup_id);
    let stranger = {
        let first = &blocks[0];
        let block = SignedBlock::sign(&key(9), chain, 0, first.hash, first.input.clone());
        binary(&FeedFrame::Block(Box::new(block.unwrap())))
    };
    let lie = {
        let block = SignedBlock::sign(
            &stage.world.key,
            chain,
            0,
            B256::repeat_byte(5),
            blocks[0].input.clone(),
        );
        binary(&FeedFrame::Block(Box::new(block.unwrap())))
    };
    let other = FeedHello {
        rollup_id: B256::repeat_byte(1),
        ..facts
    };
    let hello = binary(&hello);
    let greeted = |messages: Vec<Message>| {
        let mut all = vec![hello.clone()];
        all.extend(messages);
        Act::Say(all)
    };
    let acts = vec![
        Act::Drop,
        Act::Hang,
        Act::Noise,
        Act::Say(vec![]),
        Act::Say(vec![Message::Text("hello".into())]),
        Act::Say(vec![Message::Binary(vec![0xff; 700].into())]),
        Act::Say(vec![binary(&FeedFrame::Hello(other))]),
        Act::Say(vec![block(0)]),
        greeted(vec![hello.clone()]),
        greeted(vec![stranger]),
        greeted(vec![lie]),
        greeted(vec![changed(&|block| block.signature = [0; 65])]),
        greeted(vec![changed(&|block| block.input.timestamp += 1)]),
        // Longer than the longest message.
        greeted(vec![Message::Binary(vec![1; 200_000].into())]),
        // A gap.
        greeted(vec![block(0), block(5)]),
        // Old blocks again, and then silence.
        greeted(vec![block(0), block(0), block(1), block(0), block(2)]),
        Act::Say(vec![binary(&FeedFrame::Goodbye(FeedGoodbye::Stopping))]),
        greeted(vec![binary(&FeedFrame::Goodbye(FeedGoodbye::TooSlow))]),
        greeted(vec![binary(&FeedFrame::Goodbye(FeedGoodbye::TooOld {
            first: u64::MAX,
        }))]),
        greeted((0..12).map(block).collect()),
    ];
    let all = acts.len();
    let met = act(&stage.wires, "stage", acts);
    let mut config = NodeConfig::replica(url("stage"));
    config.feed.max_frame_bytes = 100_000;
    let (copy, replica) = stage.start(&stage.world, config).await;
    until("it has met them all", || *met.lock().unwrap() == all).await;
    until("it follows", || latest(&replica).number == 12).await;
    assert_eq!(hashes(&copy, 12), hashes(&engine, 12));
    assert!(replica.stopped_by_now().is_none());
    assert!(feed_evidence(&copy).unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_replica_a_thousand_blocks_behind_the_feed_catches_up_from_it_alone() {
    let stage = Stage::new();
    let (engine, node) = stage.sequencer(|_| {}).await;
    stage.world.refuse(true);
    mine_to(&node, 1_500).await;
    let (first, near) = stage.replica("top").await;
    stage.wires.serve("middle", &near);
    let (second, far) = stage.replica("middle").await;
    until("both have it", || {
        latest(&near).number >= 1_500 && latest(&far).number >= 1_500
    })
    .await;
    assert_eq!(far.heads().safe.number, 0);
    assert_eq!(hashes(&first, 1_500), hashes(&engine, 1_500));
    assert_eq!(hashes(&second, 1_500), hashes(&engine, 1_500));
    // Away for a while, it resumes where it was.
    far.shutdown().await.unwrap();
    drop(far);
    mine_to(&node, 1_700).await;
    let second = second.restart();
    let replica = NodeConfig::replica(url("middle"));
    let far = stage.start_over(&stage.world, &second, replica).await;
    assert_eq!(latest(&far).number, 1_500);
    until("it has the rest", || latest(&far).number == 1_700).await;
    assert_eq!(hashes(&second, 1_700), hashes(&engine, 1_700));
}

#[tokio::test(start_paused = true)]
async fn what_the_feed_keeps_no_more_comes_from_da_while_reads_are_answered() {
    let stage = Stage::new();
    let (engine, node) = stage.sequencer(|config| config.feed.keep_blocks = 20).await;
    mine_to(&node, 1_200).await;
    until("old blocks are final", || {
        node.heads().finalized.number >= 1_200
    })
    .await;
    // Rows go a few at a time, with new blocks.
    mine_to(&node, 1_300).await;
    let mut early = stage.wires.subscribe("top", 1).await.unwrap();
    assert!(matches!(frame(&mut early).await, Some(FeedFrame::Hello(_))));
    let Some(FeedFrame::Goodbye(FeedGoodbye::TooOld { first })) = frame(&mut early).await else {
        panic!("block 1 is kept");
    };
    assert!(first > 1_000, "{first}");
    // The rest reaches DA much later: only the feed has it.
    stage.world.refuse(true);
    mine_to(&node, 1_320).await;
    let (copy, replica) = stage.replica("top").await;
    let mut seen = 0;
    let mut answers = 0;
    until("it is level", || {
        let head = latest(&replica).number;
        assert!(head >= seen, "the head goes back");
        seen = head;
        let block = replica.block(BlockId::Number(head)).unwrap();
        assert_eq!(block.block.number, head);
        answers += 1;
        head >= 1_320
    })
    .await;
    assert!(answers > 0);
    assert!(replica.heads().safe.number >= 1_200);
    assert!(replica.heads().safe.number < 1_320);
    assert_eq!(hashes(&copy, 1_320), hashes(&engine, 1_320));
}

#[tokio::test(start_paused = true)]
async fn evidence_convinces_whoever_has_the_rules_and_outlives_a_restart() {
    let stage = Stage::new();
    let (_, node) = stage.sequencer(|_| {}).await;
    let liar = stage.liar().await;
    until("it has read DA", || liar.status().synced).await;
    stage.world.refuse(true);
    mine_to(&node, 200).await;
    mine_to(&liar, 200).await;
    let (copy, replica) = stage.replica("liar").await;
    until("it believes the liar", || latest(&replica).number == 200).await;
    // More blocks than the engine holds beside its chain: the evidence is kept
    // before the first of them is canonical.
    stage.world.refuse(false);
    until_safe(&replica, 200).await;
    let evidence = feed_evidence(&copy.restart()).unwrap();
    assert_eq!(evidence.len(), 1);
    let evidence = FeedEvidence::from_bytes(&evidence[0].to_bytes()).unwrap();
    assert_eq!(evidence.derived.number, 1);
    assert!(replica.status().blocked.unwrap().contains("contradicts DA"));
    let status = replica.status();
    let chain = (status.chain_id, status.rollup_id);
    let config = {
        use rollwright_derive::Derivable;
        (copy.rollup_config().as_ref().clone(), copy.config_digest())
    };
    let rules = Rules::new(chain.1, config.1, config.0, Vec::new()).unwrap();
    assert_eq!(
        evidence.verify(chain, &rules),
        Ok(stage.world.key.address())
    );
    let mut forged = evidence.clone();
    forged.signed.hash = B256::repeat_byte(1);
    assert!(matches!(
        forged.verify(chain, &rules),
        Err(EvidenceError::Signer { .. })
    ));
    let mut agreeing = evidence.clone();
    agreeing.derived = agreeing.signed.block();
    assert!(matches!(
        agreeing.verify(chain, &rules),
        Err(EvidenceError::Agrees { .. })
    ));
    let mut elsewhere = evidence.clone();
    elsewhere.derived.number += 1;
    assert!(matches!(
        elsewhere.verify(chain, &rules),
        Err(EvidenceError::OtherNumber { .. })
    ));
    let mut long = evidence.to_bytes().to_vec();
    long.push(0);
    assert_eq!(FeedEvidence::from_bytes(&long), Err(EvidenceError::Format));
    assert!(replica.stopped_by_now().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_block_that_is_signed_after_da_has_spoken_is_evidence_too() {
    let stage = Stage::new();
    let (engine, node) = stage.sequencer(|_| {}).await;
    let liar = stage.liar().await;
    mine_to(&liar, 5).await;
    let mut feed = stage.wires.subscribe("liar", 1).await.unwrap();
    let hello = frame(&mut feed).await.unwrap();
    let first = frame(&mut feed).await.unwrap();
    liar.shutdown().await.unwrap();
    mine_to(&node, 5).await;
    until_safe(&node, 5).await;
    let says = Act::Say(vec![binary(&hello), binary(&first)]);
    act(
        &stage.wires,
        "late",
        vec![Act::Drop, Act::Drop, Act::Drop, says],
    );
    let (copy, replica) = stage.replica("late").await;
    until_safe(&replica, 5).await;
    until("it has evidence", || {
        !feed_evidence(&copy).unwrap().is_empty()
    })
    .await;
    let evidence = feed_evidence(&copy).unwrap().remove(0);
    assert_eq!(evidence.signed, signed(first));
    assert_eq!(Some(evidence.at), node.batch_of(1).unwrap().applied);
    assert_eq!(hashes(&copy, 5), hashes(&engine, 5));
}

#[tokio::test(start_paused = true)]
async fn a_feed_drops_who_reads_too_slowly_says_why_and_serves_the_others() {
    let stage = Stage::new();
    let (_, node) = stage
        .sequencer(|config| {
            config.feed.buffer_blocks = 16;
            config.feed.max_subscribers = 40;
        })
        .await;
    let mut readers = Vec::new();
    for _ in 0..39 {
        readers.push(stage.wires.subscribe("top", 1).await.unwrap());
    }
    let mut slow = stage.wires.subscribe("top", 1).await.unwrap();
    let refused = stage.wires.subscribe("top", 1).await.unwrap_err();
    assert!(refused.to_string().contains("503"), "{refused}");
    let reading: Vec<_> = readers
        .into_iter()
        .map(|mut reader| {
            tokio::spawn(async move {
                assert!(matches!(
                    frame(&mut reader).await,
                    Some(FeedFrame::Hello(_))
                ));
                for number in 1..=300 {
                    let block = signed(frame(&mut reader).await.unwrap());
                    assert_eq!(block.block().number, number);
                }
                reader
            })
        })
        .collect();
    for number in 1..=300 {
        mine_to(&node, number).await;
        // Whoever reads has read by then.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut readers = Vec::new();
    for reading in reading {
        readers.push(reading.await.unwrap());
    }
    // The slow one finds what the pipe held, and then the reason.
    let mut got = 0;
    let reason = loop {
        match frame(&mut slow).await {
            Some(FeedFrame::Goodbye(goodbye)) => break Some(goodbye),
            Some(_) => got += 1,
            None => break None,
        }
    };
    assert!(got < 300, "it cannot have all of them");
    assert!(
        matches!(reason, None | Some(FeedGoodbye::TooSlow)),
        "{reason:?}"
    );
    // Its place is free again.
    let freed = stage.wires.subscribe("top", 290).await;
    assert!(freed.is_ok());
    drop(readers);
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_runs_far_ahead_of_da_is_not_followed_beyond_the_bound() {
    let stage = Stage::new();
    let (_, node) = stage.sequencer(|_| {}).await;
    stage.world.refuse(true);
    mine_to(&node, 100).await;
    let mut config = NodeConfig::replica(url("top"));
    config.feed.max_ahead_blocks = 30;
    let (_, replica) = stage.start(&stage.world, config).await;
    until("it is at the bound", || latest(&replica).number == 30).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(latest(&replica).number, 30);
    stage.world.refuse(false);
    until("DA has brought the rest", || latest(&replica).number >= 100).await;
}

#[tokio::test(start_paused = true)]
async fn a_replica_goes_on_by_either_source_while_the_other_is_gone() {
    let stage = Stage::new();
    let (engine, node) = stage.sequencer(|_| {}).await;
    let (_, middle) = stage.replica("top").await;
    stage.wires.serve("middle", &middle);
    let own = stage.world.twin();
    let (copy, replica) = stage.start(&own, NodeConfig::replica(url("middle"))).await;
    mine_to(&node, 10).await;
    until("it follows", || latest(&replica).number == 10).await;
    // Without DA: the feed goes on, and nothing more becomes safe.
    own.hang(&["head", "fetch", "is_canonical"]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let safe = replica.heads().safe;
    mine_to(&node, 20).await;
    until("the feed brings it", || latest(&replica).number == 20).await;
    until_safe(&node, 20).await;
    assert_eq!(replica.heads().safe, safe);
    own.hang(&[]);
    until_safe(&replica, 20).await;
    // Without the feed: DA goes on.
    middle.shutdown().await.unwrap();
    mine_to(&node, 30).await;
    until_safe(&replica, 30).await;
    assert_eq!(latest(&replica).number, 30);
    let lost = |node: &NodeHandle| {
        let errors = node.status().last_errors;
        errors.iter().any(|(layer, _)| layer == "feed")
    };
    until("it misses the feed", || lost(&replica)).await;
    // Both are back.
    stage.wires.serve("middle", &node);
    stage.world.refuse(true);
    mine_to(&node, 35).await;
    until("the feed brings it", || latest(&replica).number == 35).await;
    assert!(!lost(&replica), "what is over is not shown as an error");
    assert_eq!(hashes(&copy, 35), hashes(&engine, 35));
}
