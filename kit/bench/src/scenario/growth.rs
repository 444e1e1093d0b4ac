use super::{
    Bench, Plan,
    join::{Role, join},
    sustained,
};
use crate::{
    node::{BlockTime, Kind, Node},
    report::{Report, Table},
};
use anyhow::Result;
use serde::Serialize;
use serde_json::json;
use std::time::Duration;

const TRANSACTIONS: usize = 10_000;
const POSTING: Duration = Duration::from_secs(300);

#[derive(Clone, Debug, Serialize)]
struct Behind {
    role: &'static str,
    blocks: u64,
    seconds: f64,
    cpu_seconds: f64,
    peak_mib: f64,
}

/// The same load over more connections; joining nodes further behind.
pub(super) async fn run(
    bench: &Bench,
    behind: &[u64],
    over: &[u32],
    report: &mut Report,
) -> Result<()> {
    for connections in over {
        let plan = Plan {
            transactions: TRANSACTIONS,
            connections: *connections as usize,
            batch: 1,
            erc20: false,
            block_time: BlockTime::Every(1_000),
            rate: None,
        };
        sustained::run(bench, &plan, report).await?;
    }
    let mut table = Table::new(
        "Catching up: from the start of the process until the block is there",
        &[
            "role",
            "blocks behind",
            "seconds",
            "CPU seconds",
            "blocks/s",
            "peak MiB",
        ],
    );
    for blocks in behind {
        for row in catch_up(bench, *blocks).await? {
            report.record(&row)?;
            table.row([
                row.role.to_owned(),
                row.blocks.to_string(),
                format!("{:.2}", row.seconds),
                format!("{:.2}", row.cpu_seconds),
                format!("{:.0}", row.blocks as f64 / row.seconds),
                format!("{:.0}", row.peak_mib),
            ]);
        }
    }
    report.tables.push(table);
    Ok(())
}

/// A chain of so many blocks, and nodes that join it.
async fn catch_up(bench: &Bench, blocks: u64) -> Result<Vec<Behind>> {
    let chain = tempfile::tempdir()?;
    let on_demand = BlockTime::OnDemand;
    let node = Node::start(
        &bench.programs,
        Kind::Rollwright,
        on_demand,
        10,
        chain.path(),
    )
    .await?;
    let mut connection = node.connect().await?;
    let mut head = connection.quantity("eth_blockNumber", json!([])).await?;
    while head < blocks {
        connection.call("evm_mine", json!([])).await?;
        head = connection.quantity("eth_blockNumber", json!([])).await?;
    }
    node.posted(head, POSTING).await?;
    let mut rows = Vec::new();
    for role in [Role::Follower, Role::Replica] {
        let own = tempfile::tempdir()?;
        let caught = join(&bench.programs, role, &node, chain.path(), own.path(), head).await?;
        rows.push(Behind {
            role: role.name(),
            blocks,
            seconds: caught.took.as_secs_f64(),
            cpu_seconds: caught.usage.cpu.as_secs_f64(),
            peak_mib: caught.usage.peak as f64 / (1 << 20) as f64,
        });
    }
    node.stop().await?;
    Ok(rows)
}
