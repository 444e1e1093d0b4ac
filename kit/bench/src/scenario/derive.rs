use super::{
    Bench, Plan,
    join::{Role, join},
    run::under_load,
};
use crate::{
    accounts::{Payload, Senders},
    node::{BlockTime, Kind, Node},
    report::{Report, Table},
    usage::Usage,
};
use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::json;
use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::process::Command;

#[derive(Clone, Debug, Serialize)]
struct Round {
    how: &'static str,
    transfers: usize,
    blocks: u64,
    seconds: f64,
    per_second: f64,
    cpu_us: f64,
    peak_mib: f64,
}

/// One history of transfers, derived again by a follower over HTTP and by
/// `verify` from the file.
pub(super) async fn run(bench: &Bench, transactions: usize, report: &mut Report) -> Result<()> {
    let plan = Plan {
        transactions,
        connections: bench.connections,
        batch: 100,
        erc20: false,
        block_time: BlockTime::Every(1_000),
        rate: None,
    };
    let chain = tempfile::tempdir()?;
    let accounts = u32::try_from(plan.accounts())?;
    let start = || {
        Node::start(
            &bench.programs,
            Kind::Rollwright,
            plan.block_time,
            accounts,
            chain.path(),
        )
    };
    let node = start().await?;
    let signed = Senders::new(accounts)?.sign(transactions, Payload::Transfer)?;
    let made = under_load(&node, &signed, &plan).await?;
    ensure!(
        made.included == transactions,
        "only {} included",
        made.included
    );

    let mut rounds = Vec::new();
    for _ in 0..bench.rounds {
        let own = tempfile::tempdir()?;
        let mut connection = node.connect().await?;
        let heads = connection.call("rollwright_heads", json!([])).await?;
        let to = heads["safe"]["number"].as_u64().unwrap_or(0);
        let role = Role::Follower;
        let caught = join(&bench.programs, role, &node, chain.path(), own.path(), to).await?;
        let round = round(
            "follower over HTTP",
            transactions,
            to,
            caught.took,
            &caught.usage,
        );
        report.record(&round)?;
        rounds.push(round);
    }
    let mut connection = node.connect().await?;
    let head = connection.quantity("eth_blockNumber", json!([])).await?;
    node.stop().await?;
    for _ in 0..bench.rounds {
        let (took, usage) = verify(bench, chain.path()).await?;
        let round = round("verify from the file", transactions, head, took, &usage);
        report.record(&round)?;
        rounds.push(round);
    }
    let mut table = Table::new(
        format!("Re-derivation of {transactions} transfers from the DA layer alone"),
        &[
            "how",
            "transfers/s",
            "seconds",
            "CPU µs/transfer",
            "blocks",
            "peak MiB",
        ],
    );
    for round in &rounds {
        table.row([
            round.how.to_owned(),
            format!("{:.0}", round.per_second),
            format!("{:.2}", round.seconds),
            format!("{:.1}", round.cpu_us),
            round.blocks.to_string(),
            format!("{:.0}", round.peak_mib),
        ]);
    }
    report.tables.push(table);
    Ok(())
}

fn round(how: &'static str, transfers: usize, blocks: u64, took: Duration, usage: &Usage) -> Round {
    let count = transfers.max(1) as f64;
    Round {
        how,
        transfers,
        blocks,
        seconds: took.as_secs_f64(),
        per_second: count / took.as_secs_f64(),
        cpu_us: usage.cpu.as_secs_f64() * 1e6 / count,
        peak_mib: usage.peak as f64 / (1 << 20) as f64,
    }
}

/// `rollwright verify`; its CPU is what was last read before it ended.
async fn verify(bench: &Bench, chain: &Path) -> Result<(Duration, Usage)> {
    let begin = Instant::now();
    let mut child = Command::new(bench.programs.rollwright())
        .args(["verify", "--quiet", "--datadir"])
        .arg(chain)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let pid = child.id().unwrap_or_default();
    let mut usage = Usage {
        cpu: Duration::ZERO,
        rss: 0,
        peak: 0,
    };
    let mut look = tokio::time::interval(Duration::from_millis(20));
    loop {
        tokio::select! {
            status = child.wait() => {
                ensure!(status?.success(), "`rollwright verify` failed");
                return Ok((begin.elapsed(), usage));
            }
            _ = look.tick() => {
                // Between its end and our notice there is nothing to read.
                if let Ok(now) = Usage::of(pid) && now.cpu >= usage.cpu && now.rss > 0 {
                    usage = now;
                }
            }
        }
    }
}
