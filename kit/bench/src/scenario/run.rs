//! One node under one load, from its start to its stop.

use crate::{
    accounts::{Payload, Presigned, Senders},
    load::{Load, Pace},
    node::{BlockTime, Kind, Node, Programs},
    stats::percentile,
    usage::Usage,
    watch,
};
use anyhow::{Result, ensure};
use serde::Serialize;
use std::{path::Path, time::Duration};

/// How long nothing may be included before the rest counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long posting and deriving may take once everything is included.
const POSTING: Duration = Duration::from_secs(300);
/// Accounts that send, at least.
const ACCOUNTS: usize = 1_000;

/// A load, and the chain that takes it.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Transactions in all.
    pub transactions: usize,
    /// Connections of the load generator.
    pub connections: usize,
    /// Transactions in a request.
    pub batch: usize,
    /// Token transfers instead of plain ones.
    pub erc20: bool,
    /// When blocks are made.
    pub block_time: BlockTime,
    /// Transactions a second; `None` in a closed loop.
    pub rate: Option<u32>,
}

impl Plan {
    /// Accounts that send: as many from each connection.
    pub fn accounts(&self) -> usize {
        ACCOUNTS.next_multiple_of(self.connections.max(1))
    }
}

/// What one round gave.
#[derive(Clone, Debug, Serialize)]
pub struct Round {
    /// Whose node.
    pub node: Kind,
    /// Connections.
    pub connections: usize,
    /// Transactions in a request.
    pub batch: usize,
    /// Transactions sent.
    pub sent: usize,
    /// Of them refused.
    pub refused: usize,
    /// Of them seen in a block.
    pub included: usize,
    /// Blocks that they are in.
    pub blocks: u64,
    /// From the first request to the last block that holds one.
    pub seconds: f64,
    /// Included in that time, a second.
    pub per_second: f64,
    /// Answered while they were sent, a second.
    pub accepted_per_second: f64,
    /// CPU of the node for each included one, in microseconds, until all are
    /// posted to the DA layer and derived from it.
    pub cpu_us: f64,
    /// CPU of the load generator for each one sent, in microseconds.
    pub generator_us: f64,
    /// Time to inclusion in milliseconds.
    pub p50_ms: f64,
    /// Time to inclusion in milliseconds.
    pub p99_ms: f64,
    /// Resident memory at the end, in MiB.
    pub rss_mib: f64,
    /// The most resident memory, in MiB.
    pub peak_mib: f64,
    /// An answer with an error in it.
    pub example: Option<String>,
}

/// Starts a node, sends the load, waits for inclusion and posting, stops it.
/// Rollwright's data stays in `folder`.
pub async fn measure(programs: &Programs, kind: Kind, plan: &Plan, folder: &Path) -> Result<Round> {
    let accounts = plan.accounts();
    let count = u32::try_from(accounts)?;
    let node = Node::start(programs, kind, plan.block_time, count, folder).await?;
    let mut senders = Senders::new(count)?;
    let payload = match plan.erc20 {
        false => Payload::Transfer,
        true => Payload::Token(create_token(&node, &mut senders).await?),
    };
    // Signing is not part of what is measured. A token's creation has moved
    // the first nonce, so lanes are counted from the first account again.
    let transactions = senders.sign(plan.transactions, payload)?;
    let round = under_load(&node, &transactions, plan).await;
    node.stop().await?;
    round
}

/// Creates the token and gives every account some.
pub(super) async fn create_token(
    node: &Node,
    senders: &mut Senders,
) -> Result<alloy_primitives::Address> {
    let (creation, token) = senders.create_token()?;
    let mut transactions = vec![creation];
    transactions.extend(senders.mint(token)?);
    let watching = watch::start(node, &transactions, PATIENCE).await?;
    let pace = Pace {
        connections: 1,
        batch: 1,
        rate: None,
    };
    let sent = Load::new(&transactions, 1, pace)
        .send(node.address())
        .await?;
    let seen = watching.await??;
    ensure!(
        sent.errors == 0 && seen.included() == transactions.len(),
        "the token could not be created: {:?}",
        sent.example
    );
    Ok(token)
}

/// Sends the transactions to a running node and measures it.
pub(super) async fn under_load(
    node: &Node,
    transactions: &[Presigned],
    plan: &Plan,
) -> Result<Round> {
    let pace = Pace {
        connections: plan.connections,
        batch: plan.batch,
        rate: plan.rate,
    };
    let load = Load::new(transactions, plan.accounts(), pace);
    let watching = watch::start(node, transactions, PATIENCE).await?;
    let (before, own_before) = (node.usage()?, Usage::own()?);
    let sent = load.send(node.address()).await?;
    let seen = watching.await??;
    let own = Usage::own()?;
    node.posted(seen.last_block, POSTING).await?;
    let after = node.usage()?;

    let begin = sent.at.iter().min().copied();
    let last = seen.last();
    let seconds = match (begin, last) {
        (Some(begin), Some(last)) => last.duration_since(begin).as_secs_f64(),
        _ => 0.0,
    };
    let included = seen.included();
    let mut waits: Vec<Duration> = sent
        .at
        .iter()
        .zip(&seen.at)
        .filter_map(|(sent, seen)| Some(seen.as_ref()?.duration_since(*sent)))
        .collect();
    waits.sort();
    let ms = |share| percentile(&waits, share).map_or(0.0, |wait| wait.as_secs_f64() * 1e3);
    let each_us = |cpu: Duration, count: usize| cpu.as_secs_f64() * 1e6 / count.max(1) as f64;
    let mib = |bytes: u64| bytes as f64 / (1 << 20) as f64;
    Ok(Round {
        node: node.kind(),
        connections: plan.connections,
        batch: plan.batch,
        sent: transactions.len(),
        refused: sent.errors,
        included,
        blocks: seen.blocks,
        seconds,
        per_second: included as f64 / seconds.max(f64::MIN_POSITIVE),
        accepted_per_second: transactions.len() as f64 / sent.took.as_secs_f64(),
        cpu_us: each_us(after.cpu.saturating_sub(before.cpu), included),
        generator_us: each_us(own.cpu.saturating_sub(own_before.cpu), transactions.len()),
        p50_ms: ms(0.5),
        p99_ms: ms(0.99),
        rss_mib: mib(after.rss),
        peak_mib: mib(after.peak),
        example: sent.example,
    })
}
