use super::{Bench, Plan, Round, measure};
use crate::{
    node::Kind,
    report::{Report, Table},
    stats::Spread,
};
use anyhow::{Result, ensure};

/// Nodes take turns; every transaction must be included.
pub(super) async fn run(bench: &Bench, plan: &Plan, report: &mut Report) -> Result<()> {
    let rounds = alternate(bench, plan, report).await?;
    let what = if plan.erc20 {
        "token transfers"
    } else {
        "transfers"
    };
    let pace = match plan.rate {
        Some(rate) => format!("{rate} a second"),
        None => "as fast as they are taken".to_owned(),
    };
    let title = format!(
        "{} {what}, {pace}, {} a request, {} connections",
        plan.transactions, plan.batch, plan.connections
    );
    report.tables.push(table(title, &rounds));
    report.tables.extend(ratios(&rounds));
    for round in &rounds {
        ensure!(
            round.node == Kind::Anvil || round.included == round.sent,
            "{} of {} transactions are not included: {:?}",
            round.sent - round.included,
            round.sent,
            round.example
        );
    }
    Ok(())
}

/// All rounds of all nodes, each on a fresh chain.
pub(super) async fn alternate(
    bench: &Bench,
    plan: &Plan,
    report: &mut Report,
) -> Result<Vec<Round>> {
    let mut rounds = Vec::new();
    for turn in 0..bench.rounds {
        let mut kinds = bench.programs.kinds();
        // Whoever goes first in one round goes last in the next.
        if turn % 2 == 1 {
            kinds.reverse();
        }
        for kind in kinds {
            let folder = tempfile::tempdir()?;
            let round = measure(&bench.programs, kind, plan, folder.path()).await?;
            report.record(&round)?;
            rounds.push(round);
        }
    }
    Ok(rounds)
}

/// One row a round.
pub(super) fn table(title: String, rounds: &[Round]) -> Table {
    let mut table = Table::new(
        title,
        &[
            "node",
            "CPU µs/tx",
            "tx/s",
            "accepted/s",
            "inclusion p50 ms",
            "p99 ms",
            "included",
            "refused",
            "blocks",
            "RSS MiB",
            "peak MiB",
            "generator µs/tx",
        ],
    );
    for round in rounds {
        table.row([
            round.node.to_string(),
            format!("{:.1}", round.cpu_us),
            format!("{:.0}", round.per_second),
            format!("{:.0}", round.accepted_per_second),
            format!("{:.1}", round.p50_ms),
            format!("{:.1}", round.p99_ms),
            format!("{}/{}", round.included, round.sent),
            round.refused.to_string(),
            round.blocks.to_string(),
            format!("{:.0}", round.rss_mib),
            format!("{:.0}", round.peak_mib),
            format!("{:.1}", round.generator_us),
        ]);
    }
    table
}

/// Medians, and the ratio to the peer's round of the same turn.
pub(super) fn ratios(rounds: &[Round]) -> Option<Table> {
    let of = |kind| rounds.iter().filter(move |round| round.node == kind);
    let mut table = Table::new(
        "Medians over the rounds, and the ratio to anvil by turn",
        &["figure", "rollwright", "anvil", "ratio", "least", "most"],
    );
    type Figure = fn(&Round) -> f64;
    let figures: [(&str, Figure); 5] = [
        ("CPU µs/tx", |round| round.cpu_us),
        ("tx/s", |round| round.per_second),
        ("inclusion p50 ms", |round| round.p50_ms),
        ("inclusion p99 ms", |round| round.p99_ms),
        ("peak MiB", |round| round.peak_mib),
    ];
    for (name, figure) in figures {
        let own = Spread::of(of(Kind::Rollwright).map(figure))?;
        let peer = Spread::of(of(Kind::Anvil).map(figure))?;
        let turns = of(Kind::Rollwright).zip(of(Kind::Anvil));
        let ratio = Spread::of(turns.map(|(own, peer)| figure(own) / figure(peer)))?;
        table.row([
            name.to_owned(),
            format!("{:.1}", own.median),
            format!("{:.1}", peer.median),
            format!("{:.2}", ratio.median),
            format!("{:.2}", ratio.least),
            format!("{:.2}", ratio.most),
        ]);
    }
    Some(table)
}
