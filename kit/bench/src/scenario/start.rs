use super::Bench;
use crate::{
    node::{BlockTime, Kind, Node},
    report::{Report, Table},
    stats::Spread,
    watch::Heads,
};
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;

const FIRST_BLOCK: Duration = Duration::from_secs(30);

#[derive(Clone, Debug, Serialize)]
struct Round {
    node: Kind,
    again: bool,
    first_answer_ms: f64,
    first_block_ms: f64,
    cpu_ms: f64,
}

/// A new chain, and for Rollwright the same chain started again.
pub(super) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut rounds = Vec::new();
    for _ in 0..bench.rounds {
        for kind in bench.programs.kinds() {
            let folder = tempfile::tempdir()?;
            let starts: &[bool] = match kind {
                Kind::Rollwright => &[false, true],
                Kind::Anvil => &[false],
            };
            for again in starts {
                let every = BlockTime::Every(1_000);
                let node = Node::start(&bench.programs, kind, every, 10, folder.path()).await?;
                let round = first_block(&node, *again).await?;
                node.stop().await?;
                report.record(&round)?;
                rounds.push(round);
            }
        }
    }
    let mut table = Table::new(
        "Start: ten accounts, one-second blocks; from the start of the process, median (least–most)",
        &[
            "node",
            "first answer ms",
            "first new block ms",
            "CPU ms to it",
        ],
    );
    for (kind, again, name) in [
        (Kind::Rollwright, false, "rollwright, new chain"),
        (Kind::Rollwright, true, "rollwright, same chain again"),
        (Kind::Anvil, false, "anvil"),
    ] {
        let of = || {
            rounds
                .iter()
                .filter(move |round| round.node == kind && round.again == again)
        };
        let text = |spread: Option<Spread>| {
            spread.map_or(String::new(), |spread| {
                format!(
                    "{:.0} ({:.0}–{:.0})",
                    spread.median, spread.least, spread.most
                )
            })
        };
        if of().next().is_some() {
            table.row([
                name.to_owned(),
                text(Spread::of(of().map(|round| round.first_answer_ms))),
                text(Spread::of(of().map(|round| round.first_block_ms))),
                text(Spread::of(of().map(|round| round.cpu_ms))),
            ]);
        }
    }
    report.tables.push(table);
    Ok(())
}

async fn first_block(node: &Node, again: bool) -> Result<Round> {
    let mut heads = Heads::open(node.address()).await?;
    let mut connection = node.connect().await?;
    let known = connection.quantity("eth_blockNumber", json!([])).await?;
    if known == 0 || again {
        let block = heads.next(FIRST_BLOCK).await?;
        let (number, _) = block.context("no block came")?;
        ensure!(number > known || again, "block {number} was announced late");
    }
    let first_block = node.age();
    Ok(Round {
        node: node.kind(),
        again,
        first_answer_ms: node.first_answer().as_secs_f64() * 1e3,
        first_block_ms: first_block.as_secs_f64() * 1e3,
        cpu_ms: node.usage()?.cpu.as_secs_f64() * 1e3,
    })
}
