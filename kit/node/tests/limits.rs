//! Layers that are too small for the chain's blocks, and blocks that an
//! amendment made too large.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{mortal::Mortal, *};
use futures_util::{FutureExt, StreamExt, stream::BoxStream};
use rollwright_core::{
    BlockId, ChainStore, DaOrdinal, Fee, LayerError, NodeApi, NodeEvent,
    memory::{MemoryDa, MemoryDaConfig, MemoryExecution},
};
use rollwright_derive::{Amendment, AmendmentChange, Derivable};
use rollwright_node::{NodeConfig, NodeHandle};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_sequencer_does_not_start_over_a_layer_that_cannot_carry_its_largest_block() {
    let clock = TestClock::new();
    let mut world = World::new(clock.clone(), |_| {});
    // 256 parts of not quite 8 KiB, and blocks of 4 MiB.
    world.da.inner = MemoryDa::new(MemoryDaConfig {
        max_blob_bytes: 8 << 10,
        ..MemoryDaConfig::default()
    });
    let engine = world.engine();
    let config = NodeConfig::sequencer(world.sequencer_config());
    let refused = world.start(&engine, &clock, config).await.unwrap_err();
    assert_eq!(refused.code(), "RW-NODE-249");
    let text = refused.to_string();
    assert!(text.contains("limits.blockBytes"), "{text}");
    // Whoever only reads has no part in it.
    let follower = world.follower(&world.engine(), &clock).await;
    assert!(follower.stopped_by_now().is_none());
}

/// What blocks may hold once the amendment is in force: about 18 transfers.
const SMALL: u64 = 2_000;
/// From here on.
const AMENDED: u64 = 25;
const TRANSFERS: u64 = 60;

/// A sequencer that does not know of the amendment makes a large block, which
/// the layer does not take. Returns its store and its number.
async fn large_block(world: &World, clock: &TestClock) -> (MemoryExecution, u64) {
    let engine = world.engine();
    let node = world.sequencer(&engine, clock).await;
    until_safe(&node, 2).await;
    world.refuse(true);
    for nonce in 0..TRANSFERS {
        node.submit(transfer(1, nonce, 2)).await.unwrap();
    }
    until("they are included", || {
        all_transactions(&engine).len() as u64 == TRANSFERS
    })
    .await;
    let number = (1..=latest(&node).number).find(|number| size(&engine, *number) > SMALL);
    node.shutdown().await.unwrap();
    (engine.restart(), number.unwrap())
}

/// Bytes of a block's transactions.
fn size(engine: &MemoryExecution, number: u64) -> u64 {
    let block = engine.block(BlockId::Number(number)).unwrap().unwrap();
    block.transactions.iter().map(|tx| tx.len() as u64).sum()
}

fn amended(world: &World) -> NodeConfig {
    let mut limits = world.engine().rollup_config().limits;
    limits.block_bytes = SMALL;
    let mut config = NodeConfig::sequencer(world.sequencer_config());
    config.amendments = vec![Amendment {
        activation: DaOrdinal(AMENDED),
        change: AmendmentChange::Limits(limits),
    }];
    config
}

async fn until_amended(node: &NodeHandle) {
    until("the amendment is in force", || {
        node.status().derived_ordinal > Some(DaOrdinal(AMENDED))
    })
    .await;
}

/// How often blocks were taken back since the last call.
fn removals(events: &mut BoxStream<'static, NodeEvent>) -> usize {
    let mut removals = 0;
    while let Some(Some(event)) = events.next().now_or_never() {
        removals += usize::from(matches!(event, NodeEvent::Removed(_)));
    }
    removals
}

#[tokio::test(start_paused = true)]
async fn a_block_that_an_amendment_made_too_large_is_made_again_in_pieces_that_fit() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let (engine, large) = large_block(&world, &clock).await;
    let node = world.start(&engine, &clock, amended(&world)).await.unwrap();
    let mut events = node.events();
    until_amended(&node).await;
    world.refuse(false);
    until_safe(&node, large + 10).await;
    assert_eq!(removals(&mut events), 1);
    let whole: Vec<_> = (0..TRANSFERS).map(|nonce| transfer(1, nonce, 2)).collect();
    assert_eq!(all_transactions(&engine), whole);
    let safe = node.heads().safe.number;
    assert!((1..=safe).all(|number| size(&engine, number) <= SMALL));
    assert_eq!(node.status().blocked, None);
    // Whoever derives with the amendment gets the same chain.
    let copy = world.engine();
    let mut config = NodeConfig::follower();
    config.amendments = amended(&world).amendments;
    let follower = world.start(&copy, &clock, config).await.unwrap();
    until_safe(&follower, safe).await;
    assert_eq!(hashes(&copy, safe), hashes(&engine, safe));
}

#[tokio::test(start_paused = true)]
async fn where_the_block_made_in_its_place_is_too_large_again_posting_halts_and_the_node_stays() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    let (inner, large) = large_block(&world, &clock).await;
    let engine = Mortal::boundless(&inner);
    let node = world
        .start_mortal(&engine, &clock, amended(&world))
        .await
        .unwrap();
    let mut events = node.events();
    until_amended(&node).await;
    world.refuse(false);
    until("posting halts", || {
        node.status().blocked.is_some_and(|text| {
            text.contains("is too large for a batch") && text.contains("limits.blockBytes")
        })
    })
    .await;
    assert!(!node.status().admitting);
    assert_eq!(removals(&mut events), 1);
    // It neither ends nor goes on trying, and says the same a minute later.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(removals(&mut events), 0);
    assert!(node.stopped_by_now().is_none());
    let text = node.status().blocked.unwrap();
    assert!(text.contains("is too large for a batch"), "{text}");
    assert_eq!(node.heads().safe.number, large - 1);
    assert!(node.status().synced, "derivation goes on");
    node.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_old_batches_and_their_cost_a_bounded_number_of_rows_is_kept() {
    let clock = TestClock::new();
    let world = World::new(clock.clone(), |_| {});
    world.da.switches.lock().unwrap().fee = Some(Fee {
        amount: 7,
        unit: "gwei".into(),
    });
    let engine = world.engine();
    let mut config = NodeConfig::sequencer(world.sequencer_config());
    config.derivation.keep_batches = 10;
    let node = world.start(&engine, &clock, config).await.unwrap();
    until_safe(&node, 150).await;
    let safe = node.heads().safe.number;
    let newest = node.batch_of(safe).unwrap().number;
    assert!(newest > 40, "{newest}");
    assert_eq!(node.batch_of(1), None);
    let rows = |prefix: &[u8]| engine.records(prefix, prefix, 1_000).unwrap().len() as u64;
    // Ten final ones and those that are not final.
    let (batches, fees) = (rows(b"node/batch/"), rows(b"node/fee/"));
    assert!((10..=20).contains(&batches), "{batches}");
    assert!((10..=20).contains(&fees), "{fees}");
    let kept = node.batch_of(safe - 15).unwrap();
    assert!(kept.fee.is_some());
    // A reorganisation undoes what is not final, and nothing is missing then.
    world.da.inner.reorganise(5).unwrap();
    until_safe(&node, safe + 10).await;
    assert!(node.batch_of(safe).is_some());
}
