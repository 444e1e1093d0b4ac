//! One DA block that brings thousands of blocks of another line than the
//! node's own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use alloy_primitives::Bytes;
use common::{mortal::*, *};
use rollwright_core::{BlockId, ChainStore, NodeApi, memory::MemoryExecution};
use rollwright_node::{NodeConfig, NodeHandle};
use std::time::Duration;

/// Blocks that the engine may hold beside its chain: far fewer than the line.
const BESIDE: usize = 150;

/// Two lines of one chain above the same safe head, neither of them posted.
struct Fork {
    clock: TestClock,
    /// Where the line is posted that wins.
    winner: World,
    winning: NodeHandle,
    won: MemoryExecution,
    /// Where the other one would be.
    loser: World,
    lost: MemoryExecution,
    /// Transactions of the losing line alone, and of both.
    promised: Vec<Bytes>,
}

fn demand(world: &World, recipient: u8) -> NodeConfig {
    let mut config = on_demand(world.sequencer_config());
    config.fee_recipient = account(recipient);
    config.post.max_batch_bytes = 1 << 20;
    NodeConfig::sequencer(config)
}

impl Fork {
    /// The losing line has `lost` blocks, and its node goes on if `keep`.
    async fn new(won: u64, lost: u64) -> (Self, NodeHandle) {
        let clock = TestClock::new();
        let winner = World::new(clock.clone(), |config| config.timing.block_time_ms = 250);
        let loser = winner.twin();
        let winning = winner.engine();
        let losing = loser.engine().with_pending_blocks(BESIDE);
        let node = winner
            .start(&winning, &clock, demand(&winner, 0xaa))
            .await
            .unwrap();
        winner.refuse(true);
        loser.refuse(true);
        let other = loser
            .start(&losing, &clock, demand(&loser, 0xbb))
            .await
            .unwrap();
        until("both are ready", || {
            node.status().admitting && node.status().synced && other.status().synced
        })
        .await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let mut promised = Vec::new();
        for nonce in 0..20 {
            let both = transfer(1, nonce, 9);
            let one = transfer(2, nonce, 9);
            node.submit(both.clone()).await.unwrap();
            other.submit(both.clone()).await.unwrap();
            other.submit(one.clone()).await.unwrap();
            promised.extend([both, one]);
            let number = latest(&other).number;
            mine_to(&other, number + 3).await;
            let number = latest(&node).number;
            mine_to(&node, number + 5).await;
        }
        mine_to(&node, won).await;
        mine_to(&other, lost).await;
        let fork = Self {
            clock,
            winner,
            winning: node,
            won: winning,
            loser,
            lost: losing,
            promised,
        };
        (fork, other)
    }

    /// Posts the winning line, all of it in one DA block, and ends its node.
    async fn post(&self) -> u64 {
        let number = latest(&self.winning).number;
        // The open batch is closed.
        tokio::time::sleep(Duration::from_secs(5)).await;
        self.winner.refuse(false);
        until_safe(&self.winning, number).await;
        let first = self.winning.batch_of(1).unwrap().applied;
        let last = self.winning.batch_of(number).unwrap().applied;
        assert_eq!(first, last, "one DA block holds the whole line");
        self.winning.shutdown().await.unwrap();
        number
    }

    fn same_up_to(&self, number: u64) {
        assert_eq!(hashes(&self.lost, number), hashes(&self.won, number));
    }

    /// Everything that was promised stands in the chain, once, and what only
    /// the losing line had stands in its old order.
    fn nothing_is_lost(&self) {
        for tx in &self.promised {
            assert_eq!(containing(&self.lost, tx).len(), 1);
        }
        let again: Vec<_> = all_transactions(&self.lost)
            .into_iter()
            .filter(|tx| self.promised.contains(tx))
            .collect();
        let alone = |txs: &[Bytes]| -> Vec<Bytes> {
            let sender = account(2);
            let of = |tx: &&Bytes| tx.windows(20).any(|part| part == sender.as_slice());
            txs.iter().filter(of).cloned().collect()
        };
        assert_eq!(alone(&again), alone(&self.promised));
    }
}

#[tokio::test(start_paused = true)]
async fn a_synced_sequencer_goes_over_to_a_foreign_line_of_5000_blocks_and_loses_nothing() {
    let (fork, node) = Fork::new(5_000, 4_600).await;
    let number = fork.post().await;
    until("it has gone over", || {
        node.heads().safe.number >= number || node.stopped_by_now().is_some()
    })
    .await;
    assert!(node.stopped_by_now().is_none());
    fork.same_up_to(number);
    fork.loser.refuse(false);
    until("what it had promised is included", || {
        !containing(&fork.lost, fork.promised.last().unwrap()).is_empty()
    })
    .await;
    fork.nothing_is_lost();
    // It posts its own blocks alone, none of the other line's.
    let goal = latest(&node).number;
    until_safe(&node, goal).await;
    let first = node.batch_of(goal).unwrap();
    assert!(first.first_block > number);
    let copy = fork.winner.engine().with_pending_blocks(BESIDE);
    let follower = fork.winner.follower(&copy, &fork.clock).await;
    until_safe(&follower, goal).await;
    assert_eq!(hashes(&copy, goal), hashes(&fork.lost, goal));
}

#[tokio::test(start_paused = true)]
async fn a_follower_over_another_line_goes_over_to_a_line_of_5000_blocks() {
    let (mut fork, node) = Fork::new(5_000, 4_600).await;
    drop(node);
    tokio::task::yield_now().await;
    let number = fork.post().await;
    fork.lost = fork.lost.restart().with_pending_blocks(BESIDE);
    let node = fork.loser.follower(&fork.lost, &fork.clock).await;
    until("it has gone over", || {
        node.heads().safe.number >= number || node.stopped_by_now().is_some()
    })
    .await;
    assert!(node.stopped_by_now().is_none());
    fork.same_up_to(number);
    assert_eq!(latest(&node).number, number);
}

/// Dies at a write while it goes over, lives again, and ends with the chain
/// that DA says.
async fn dies_while_going_over(write: i64, after: bool, sequencer: bool) -> bool {
    let (mut fork, node) = Fork::new(400, 330).await;
    drop(node);
    tokio::task::yield_now().await;
    let number = fork.post().await;
    fork.lost = fork.lost.restart().with_pending_blocks(BESIDE);
    let engine = Mortal::at(&fork.lost, write, after);
    let config = |world: &World| match sequencer {
        true => demand(world, 0xbb),
        false => NodeConfig::follower(),
    };
    fork.loser.refuse(false);
    let died = match fork
        .loser
        .start_mortal(&engine, &fork.clock, config(&fork.loser))
        .await
    {
        Err(_) => true,
        Ok(node) => {
            until("it is dead or has gone over", || {
                node.stopped_by_now().is_some() || node.heads().safe.number >= number
            })
            .await;
            node.stopped_by_now().is_some()
        }
    };
    tokio::task::yield_now().await;
    fork.lost = fork.lost.restart().with_pending_blocks(BESIDE);
    let node = fork
        .loser
        .start(&fork.lost, &fork.clock, config(&fork.loser))
        .await
        .unwrap();
    until_safe(&node, number).await;
    fork.same_up_to(number);
    if sequencer {
        until("what it had promised is included", || {
            !containing(&fork.lost, fork.promised.last().unwrap()).is_empty()
        })
        .await;
        fork.nothing_is_lost();
        let goal = latest(&node).number;
        until_safe(&node, goal).await;
    } else {
        assert_eq!(latest(&node).number, number);
    }
    let row = fork.lost.record(b"node/led").unwrap();
    assert_eq!(row, None, "nothing is in the works any more");
    died
}

#[tokio::test(start_paused = true)]
async fn a_death_at_any_write_while_a_follower_goes_over_leads_to_the_same_chain() {
    let mut write = 1;
    while dies_while_going_over(write, write % 2 == 0, false).await {
        write += 1;
    }
    assert!(write > 5, "it died in the middle, too: {write}");
}

#[tokio::test(start_paused = true)]
async fn a_death_at_any_write_while_a_sequencer_goes_over_leads_to_the_same_chain() {
    for after in [false, true] {
        let mut write = 1;
        while dies_while_going_over(write, after, true).await {
            write += 1;
        }
        assert!(write > 5, "it died in the middle, too: {write}");
    }
}

/// Two lines, of which the winning one is half taken by the loser's store.
async fn half_taken() -> Fork {
    for write in 1..40 {
        let (mut fork, node) = Fork::new(400, 330).await;
        drop(node);
        tokio::task::yield_now().await;
        fork.post().await;
        fork.lost = fork.lost.restart().with_pending_blocks(BESIDE);
        let engine = Mortal::at(&fork.lost, write, true);
        let config = demand(&fork.loser, 0xbb);
        let started = fork.loser.start_mortal(&engine, &fork.clock, config);
        if let Ok(node) = started.await {
            until("it is dead", || node.stopped_by_now().is_some()).await;
        }
        tokio::task::yield_now().await;
        if fork.lost.record(b"node/led").unwrap().is_some() {
            return fork;
        }
    }
    panic!("it never died in the middle");
}

#[tokio::test(start_paused = true)]
async fn a_half_taken_line_that_da_takes_back_leaves_the_sequencer_its_own() {
    let mut fork = half_taken().await;
    let half = fork.lost.heads().unwrap().latest;
    assert!(half.number > 0 && half.number < 330);
    // DA forgets the batches that it died over.
    fork.winner.da.inner.reorganise_and_forget(3).unwrap();
    fork.lost = fork.lost.restart().with_pending_blocks(BESIDE);
    fork.loser.refuse(false);
    let config = demand(&fork.loser, 0xbb);
    let node = fork
        .loser
        .start(&fork.lost, &fork.clock, config)
        .await
        .unwrap();
    until("what it had promised is included again", || {
        !containing(&fork.lost, fork.promised.last().unwrap()).is_empty()
    })
    .await;
    fork.nothing_is_lost();
    let goal = latest(&node).number;
    until_safe(&node, goal).await;
    // Nothing of the other line is left.
    for number in 1..=goal {
        let block = fork.lost.block(BlockId::Number(number)).unwrap().unwrap();
        assert_eq!(block.fee_recipient, account(0xbb));
    }
}
