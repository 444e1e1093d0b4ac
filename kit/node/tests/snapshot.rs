//! A node that starts from another's final state instead of genesis.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use common::*;
use rollwright_core::{
    BlockId, BlockInput, ChainStore, DaOrdinal, ExecuteOutcome, Execution, Heads, NodeApi,
    RecordChange, memory::MemoryExecution,
};
use rollwright_derive::{Derivable, Rules};
use rollwright_node::{NodeError, check_snapshot, take_snapshot};

/// Does what an engine's import does: the state of `block` and nothing else.
async fn import(world: &World, from: &MemoryExecution, number: u64) -> MemoryExecution {
    let engine = world.engine();
    let genesis = engine.genesis().await.unwrap();
    let config = engine.rollup_config().as_ref().clone();
    let rules = Rules::new(genesis.hash, engine.config_digest(), config, Vec::new()).unwrap();
    let mut head = genesis;
    for number in 1..=number {
        let record = from.block(BlockId::Number(number)).unwrap().unwrap();
        let anchor = record.anchor.unwrap();
        let set = rules.at(anchor.ordinal);
        let input = BlockInput {
            parent: record.parent,
            timestamp: record.timestamp,
            fee_recipient: record.fee_recipient,
            gas_limit: set.gas_limit,
            anchor,
            forced: Vec::new(),
            forced_budget: set.forced_budget(),
            transactions: record.transactions,
            ticks: Vec::new(),
            inbox: Vec::new(),
        };
        match engine.execute(&input).await.unwrap() {
            ExecuteOutcome::Valid(executed) => head = executed.block,
            ExecuteOutcome::Invalid(invalid) => panic!("{}", invalid.reason),
        }
    }
    engine.set_heads(&Heads::all(head), &[]).await.unwrap();
    engine
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_of_a_final_block_and_a_node_goes_on_from_it() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    node.submit(transfer(1, 0, 2)).await.unwrap();
    until("some blocks are final", || {
        node.heads().finalized.number > 10
    })
    .await;
    node.shutdown().await.unwrap();
    let heads = engine.heads().unwrap();
    let snapshot = take_snapshot(&engine, Vec::new()).await.unwrap();
    assert_eq!(snapshot.block, heads.finalized);
    assert_eq!(engine.heads().unwrap(), heads);
    let da = check_snapshot(snapshot.block, &snapshot.records).unwrap();
    assert_eq!(da, snapshot.da);

    let copy = import(&world, &engine, snapshot.block.number).await;
    assert_eq!(copy.heads().unwrap().latest, snapshot.block);
    copy.put_records(&snapshot.records).unwrap();
    // What was read for the snapshot is gone from the layer.
    world.da.inner.prune_below(da.unwrap().height);
    let follower = world.follower(&copy, &clock).await;
    assert!(follower.status().derived_ordinal > Some(DaOrdinal(0)));
    let goal = heads.safe.number;
    until_safe(&follower, goal).await;
    assert_eq!(hashes(&copy, goal), hashes(&engine, goal));
}

#[tokio::test(start_paused = true)]
async fn records_that_do_not_belong_to_the_block_are_refused() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let engine = world.engine();
    let node = world.sequencer(&engine, &clock).await;
    until("some blocks are final", || {
        node.heads().finalized.number > 3
    })
    .await;
    node.shutdown().await.unwrap();
    let snapshot = take_snapshot(&engine, Vec::new()).await.unwrap();
    let other = engine.heads().unwrap().latest;
    for (block, records) in [
        (other, snapshot.records.clone()),
        (snapshot.block, Vec::new()),
        (
            snapshot.block,
            vec![RecordChange::put(b"derive/s\x00".to_vec(), b"?".to_vec())],
        ),
    ] {
        let result = check_snapshot(block, &records);
        assert!(
            matches!(result, Err(NodeError::Snapshot { .. })),
            "{result:?}"
        );
    }
}
